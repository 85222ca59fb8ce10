//! The calls of one round, each walking through its states on its own.

use std::time::Duration;

use mesoclaw_api::item::{ApprovalDecision, CallSignature, Provenance};
use mesoclaw_api::{CallId, ItemBody};

use crate::prompt::hint;
use crate::tool::ToolOutput;
use crate::turn::effect::Effect;
use crate::turn::journal::{Journal, whole_ms};
use crate::turn::open_call::{CallState, OpenCall, Refusal, not_run};
use crate::turn::pieces::Received;
use crate::turn::repetition::{Ending, Repetition, Trace};
use crate::turn::resume::Decided;
use crate::turn::verdict::Verdict;

/// The calls of one round, in call order, and what is remembered of the rounds before.
pub(super) struct Round {
    calls: Vec<OpenCall>,
    repetition: Repetition,
}

/// What becomes of calls that wait for a person when the turn breaks off.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum OpenQuestions {
    /// Nobody needs to answer any more.
    Withdraw,
    /// They stay open: answering later continues the turn.
    Keep,
}

impl Round {
    /// A round without calls. `max_repeats` is the limit of the guard against loops.
    pub fn new(max_repeats: u32) -> Self {
        Self {
            calls: Vec::new(),
            repetition: Repetition::new(max_repeats),
        }
    }

    /// Begins a round without calls.
    pub fn begin(&mut self) {
        self.calls.clear();
    }

    /// Begins a round with the calls of an answer: stores all of them, then has the sound ones
    /// checked.
    ///
    /// `model` is who made them, `provider:model`.
    pub fn open(
        &mut self,
        received: Vec<Received>,
        model: &str,
        taint: Option<&String>,
        journal: &mut Journal,
    ) -> Vec<Effect> {
        let mut effects: Vec<Effect> = received
            .iter()
            .map(|received| {
                journal.append(ItemBody::ToolCall {
                    call_id: received.call.call_id.clone(),
                    tool: received.call.tool.clone(),
                    args: received.call.args.clone(),
                    signature: received.signature.clone().map(|data| CallSignature {
                        model: model.to_owned(),
                        data,
                    }),
                })
            })
            .collect();
        self.begin();
        let calls = received.iter().map(|received| received.call.clone());
        self.calls.extend(calls.map(OpenCall::new));
        for Received { call, fault, .. } in received {
            effects.extend(match fault {
                Some(refusal) => self.refuse(&call.call_id, refusal, journal),
                None => self.check(&call.call_id, taint),
            });
        }
        effects
    }

    /// Takes in calls of an earlier turn that a person decided about after it had broken off.
    pub fn adopt(
        &mut self,
        decided: Vec<Decided>,
        taint: Option<&String>,
        journal: &mut Journal,
    ) -> Vec<Effect> {
        let mut answers = Vec::with_capacity(decided.len());
        for Decided { call, answer } in decided {
            answers.push((call.call_id.clone(), answer));
            self.calls.push(OpenCall::new(call));
        }
        let mut effects = Vec::new();
        for (call_id, answer) in answers {
            effects.extend(self.answered(&call_id, answer, taint, journal));
        }
        effects
    }

    /// Whether no call is open.
    pub fn is_closed(&self) -> bool {
        self.calls
            .iter()
            .all(|open| open.state == CallState::Closed)
    }

    /// Whether this closed round is one repetition too many: the sentence for people. To be asked
    /// once a round.
    pub fn repeated(&mut self) -> Option<String> {
        self.repetition.take(&traces(&self.calls))
    }

    pub fn checked(
        &mut self,
        call_id: &CallId,
        verdict: Verdict,
        taint: Option<&String>,
        journal: &mut Journal,
    ) -> Vec<Effect> {
        let Some(open) = self.find(call_id, CallState::Checking) else {
            return Vec::new();
        };
        match verdict {
            // Something untrusted arrived while the policy thought: what was allowed before may
            // need a person now.
            Verdict::Allow if open.was_tainted != taint.is_some() => self.check(call_id, taint),
            Verdict::Allow => self.run(call_id, taint, journal),
            Verdict::Ask { reason } => {
                open.state = CallState::Awaiting;
                vec![Effect::RequestApproval {
                    call: open.call.clone(),
                    reason,
                }]
            }
            Verdict::Deny { reason } => {
                let refusal = Refusal::failure(format!("denied by policy: {reason}"));
                self.refuse(call_id, refusal, journal)
            }
        }
    }

    /// The call does not run after all.
    pub fn refused(
        &mut self,
        call_id: &CallId,
        reason: &str,
        journal: &mut Journal,
    ) -> Vec<Effect> {
        let Some(open) = self.find_open(call_id) else {
            return Vec::new();
        };
        let withdrawal = match open.state {
            CallState::Awaiting => open.stop(),
            // What runs was not begun, says who refuses it.
            CallState::Checking | CallState::Running | CallState::Closed => None,
        };
        let refusal = Refusal::failure(format!("denied: {reason}"));
        let mut effects: Vec<Effect> = withdrawal.into_iter().collect();
        effects.extend(self.refuse(call_id, refusal, journal));
        effects
    }

    /// Whether this call waits for a person.
    pub fn awaits(&mut self, call_id: &CallId) -> bool {
        self.find(call_id, CallState::Awaiting).is_some()
    }

    /// A person decided; `entry` is the decision to store.
    pub fn resolved(
        &mut self,
        call_id: &CallId,
        entry: ItemBody,
        answer: Result<(), String>,
        taint: Option<&String>,
        journal: &mut Journal,
    ) -> Vec<Effect> {
        if !self.awaits(call_id) {
            return Vec::new();
        }
        let mut effects = vec![journal.append(entry)];
        effects.extend(self.answered(call_id, answer, taint, journal));
        effects
    }

    pub fn progress(&mut self, call_id: CallId, text: String, journal: &Journal) -> Vec<Effect> {
        match self.find(&call_id, CallState::Running) {
            Some(_) => vec![journal.tool_progress(call_id, text)],
            None => Vec::new(),
        }
    }

    pub fn done(
        &mut self,
        call_id: &CallId,
        output: ToolOutput,
        duration: Duration,
        fence: String,
        journal: &mut Journal,
    ) -> Vec<Effect> {
        let Some(open) = self.find(call_id, CallState::Running) else {
            return Vec::new();
        };
        let ending = if output.success {
            Ending::Done
        } else {
            Ending::Failed
        };
        let tool = open.close(ending, &output.output);
        let output_text = self.with_hint(output.output);
        vec![journal.append(ItemBody::ToolResult {
            call_id: call_id.clone(),
            tool,
            output: output_text,
            success: output.success,
            duration_ms: Some(whole_ms(duration)),
            diff: output.diff,
            provenance: output.source.map(|source| Provenance {
                source: source.name,
                taints: source.taints,
                fence,
            }),
        })]
    }

    /// The turn breaks off: stops what runs, then closes the open calls with `output`.
    pub fn break_off(
        &mut self,
        output: &str,
        questions: OpenQuestions,
        journal: &mut Journal,
    ) -> Vec<Effect> {
        let is_kept =
            |open: &OpenCall| open.state == CallState::Awaiting && questions == OpenQuestions::Keep;
        let to_close: Vec<&mut OpenCall> = self
            .calls
            .iter_mut()
            .filter(|open| open.state != CallState::Closed && !is_kept(open))
            .collect();
        let mut effects: Vec<Effect> = to_close.iter().filter_map(|open| open.stop()).collect();
        for open in to_close {
            let tool = open.close(Ending::Refused, output);
            let call_id = open.call.call_id.clone();
            effects.push(journal.append(not_run(call_id, tool, output.to_owned())));
        }
        effects
    }

    fn check(&mut self, call_id: &CallId, taint: Option<&String>) -> Vec<Effect> {
        let Some(open) = self.find_open(call_id) else {
            return Vec::new();
        };
        open.state = CallState::Checking;
        open.was_tainted = taint.is_some();
        vec![Effect::CheckCall {
            call: open.call.clone(),
            taint: taint.cloned(),
        }]
    }

    fn run(&mut self, call_id: &CallId, taint: Option<&String>, journal: &Journal) -> Vec<Effect> {
        let Some(open) = self.find_open(call_id) else {
            return Vec::new();
        };
        open.state = CallState::Running;
        vec![
            journal.tool_started(&open.call),
            Effect::RunTool {
                call: open.call.clone(),
                taint: taint.cloned(),
            },
        ]
    }

    /// A person decided.
    fn answered(
        &mut self,
        call_id: &CallId,
        answer: Result<(), String>,
        taint: Option<&String>,
        journal: &mut Journal,
    ) -> Vec<Effect> {
        match answer {
            Ok(()) => self.run(call_id, taint, journal),
            Err(output) => {
                let ending = Ending::Refused;
                self.refuse(call_id, Refusal { ending, output }, journal)
            }
        }
    }

    /// Closes a call that does not run.
    fn refuse(&mut self, call_id: &CallId, refusal: Refusal, journal: &mut Journal) -> Vec<Effect> {
        let Some(open) = self.find_open(call_id) else {
            return Vec::new();
        };
        let tool = open.close(refusal.ending, &refusal.output);
        let output = self.with_hint(refusal.output);
        vec![journal.append(not_run(call_id.clone(), tool, output))]
    }

    /// The result of the call that was closed last; when it closes the round and the round repeats
    /// what was before, a hint stands behind it.
    fn with_hint(&self, output: String) -> String {
        let sentence = if self.is_closed() {
            self.repetition.hint(&traces(&self.calls))
        } else {
            None
        };
        match sentence {
            Some(sentence) => hint::appended(output, sentence),
            None => output,
        }
    }

    /// The call of this id, if it is in this state.
    fn find(&mut self, call_id: &CallId, state: CallState) -> Option<&mut OpenCall> {
        self.find_open(call_id).filter(|open| open.state == state)
    }

    fn find_open(&mut self, call_id: &CallId) -> Option<&mut OpenCall> {
        self.calls
            .iter_mut()
            .find(|open| open.call.call_id == *call_id && open.state != CallState::Closed)
    }
}

fn traces(calls: &[OpenCall]) -> Vec<&Trace> {
    calls
        .iter()
        .filter_map(|open| open.trace.as_ref())
        .collect()
}

/// What a decision means for a call: run it, or the sentence the model gets instead.
pub(super) fn answer_of(decision: ApprovalDecision, reason: Option<String>) -> Result<(), String> {
    match (decision, reason) {
        (ApprovalDecision::Approved, _) => Ok(()),
        (ApprovalDecision::Denied, Some(reason)) => Err(format!("denied by the user: {reason}")),
        (ApprovalDecision::Denied, None) => Err("denied by the user".to_owned()),
        (ApprovalDecision::TimedOut, _) => Err("denied: nobody answered in time".to_owned()),
    }
}
