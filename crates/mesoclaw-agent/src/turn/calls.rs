//! The calls of one round, each walking through its states on its own.

use std::time::Duration;

use mesoclaw_api::item::{ApprovalDecision, CallSignature};
use mesoclaw_api::{CallId, ItemBody};

use crate::policy::Verdict;
use crate::tool::ToolOutput;
use crate::turn::effect::{Call, Effect};
use crate::turn::journal::{Journal, whole_ms};
use crate::turn::pieces::Received;
use crate::turn::resume::Decided;

/// The calls of one round, in call order.
#[derive(Default)]
pub(super) struct Round(Vec<OpenCall>);

struct OpenCall {
    call: Call,
    state: CallState,
}

/// Where a call is; the diagram is in the module documentation of `turn`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CallState {
    Received,
    Checking,
    Awaiting,
    Running,
    Done,
    Denied,
    Failed,
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
    /// Takes the calls of an answer: stores all of them, then has the sound ones checked.
    ///
    /// `model` is who made them, `provider:model`.
    pub fn open(
        received: Vec<Received>,
        model: &str,
        journal: &mut Journal,
    ) -> (Self, Vec<Effect>) {
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
        let mut round = Self::default();
        for Received { call, fault, .. } in received {
            let mut open = OpenCall::new(call);
            effects.push(match fault {
                Some(fault) => open.refuse(CallState::Failed, fault, journal),
                None => open.check(),
            });
            round.0.push(open);
        }
        (round, effects)
    }

    /// Takes in calls of an earlier turn that a person decided about after it had broken off.
    pub fn adopt(&mut self, decided: Vec<Decided>, journal: &mut Journal) -> Vec<Effect> {
        let mut effects = Vec::new();
        for Decided { call, answer } in decided {
            let mut open = OpenCall::new(call);
            effects.extend(open.answered(answer, journal));
            self.0.push(open);
        }
        effects
    }

    /// Whether no call is open.
    pub fn is_closed(&self) -> bool {
        self.0.iter().all(|open| open.state.is_closed())
    }

    pub fn checked(
        &mut self,
        call_id: &CallId,
        verdict: Verdict,
        journal: &mut Journal,
    ) -> Vec<Effect> {
        let Some(open) = self.find(call_id, CallState::Checking) else {
            return Vec::new();
        };
        match verdict {
            Verdict::Allow => open.run(journal),
            Verdict::Ask { reason } => {
                open.state = CallState::Awaiting;
                vec![Effect::RequestApproval {
                    call: open.call.clone(),
                    reason,
                }]
            }
            Verdict::Deny { reason } => {
                let output = format!("denied by policy: {reason}");
                vec![open.refuse(CallState::Denied, output, journal)]
            }
        }
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
        journal: &mut Journal,
    ) -> Vec<Effect> {
        let Some(open) = self.find(call_id, CallState::Awaiting) else {
            return Vec::new();
        };
        let mut effects = vec![journal.append(entry)];
        effects.extend(open.answered(answer, journal));
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
        journal: &mut Journal,
    ) -> Vec<Effect> {
        let Some(open) = self.find(call_id, CallState::Running) else {
            return Vec::new();
        };
        open.state = if output.success {
            CallState::Done
        } else {
            CallState::Failed
        };
        vec![journal.append(ItemBody::ToolResult {
            call_id: open.call.call_id.clone(),
            tool: open.call.tool.clone(),
            output: output.output,
            success: output.success,
            duration_ms: Some(whole_ms(duration)),
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
            .0
            .iter_mut()
            .filter(|open| !open.state.is_closed() && !is_kept(open))
            .collect();
        let mut effects: Vec<Effect> = to_close.iter().filter_map(|open| open.stop()).collect();
        for open in to_close {
            effects.push(open.refuse(CallState::Failed, output.to_owned(), journal));
        }
        effects
    }

    /// The call of this id, if it is in this state.
    fn find(&mut self, call_id: &CallId, state: CallState) -> Option<&mut OpenCall> {
        self.0
            .iter_mut()
            .find(|open| open.call.call_id == *call_id && open.state == state)
    }
}

impl OpenCall {
    fn new(call: Call) -> Self {
        Self {
            call,
            state: CallState::Received,
        }
    }

    fn check(&mut self) -> Effect {
        self.state = CallState::Checking;
        Effect::CheckCall(self.call.clone())
    }

    fn run(&mut self, journal: &Journal) -> Vec<Effect> {
        self.state = CallState::Running;
        vec![
            journal.tool_started(&self.call),
            Effect::RunTool(self.call.clone()),
        ]
    }

    /// A person decided.
    fn answered(&mut self, answer: Result<(), String>, journal: &mut Journal) -> Vec<Effect> {
        match answer {
            Ok(()) => self.run(journal),
            Err(refusal) => vec![self.refuse(CallState::Denied, refusal, journal)],
        }
    }

    /// Closes a call that does not run, or not to its end.
    fn refuse(&mut self, state: CallState, output: String, journal: &mut Journal) -> Effect {
        self.state = state;
        journal.append(ItemBody::ToolResult {
            call_id: self.call.call_id.clone(),
            tool: self.call.tool.clone(),
            output,
            success: false,
            duration_ms: None,
        })
    }

    /// What ends the work that others do for this call.
    fn stop(&self) -> Option<Effect> {
        match self.state {
            CallState::Running => Some(Effect::AbortTool(self.call.call_id.clone())),
            CallState::Awaiting => Some(Effect::WithdrawApproval(self.call.call_id.clone())),
            CallState::Received
            | CallState::Checking
            | CallState::Done
            | CallState::Denied
            | CallState::Failed => None,
        }
    }
}

impl CallState {
    fn is_closed(self) -> bool {
        match self {
            Self::Received | Self::Checking | Self::Awaiting | Self::Running => false,
            Self::Done | Self::Denied | Self::Failed => true,
        }
    }
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
