//! Calls of a turn: their verdicts, their permission to run, and what they leave in the audit.

use std::time::Duration;

use mesoclaw_agent::policy;
use mesoclaw_agent::tool::ToolOutput;
use mesoclaw_agent::turn::{Call, Event, Verdict};
use mesoclaw_store::repo::audit::NewEntry;
use tokio::sync::oneshot;

use crate::session::teller::Step;
use crate::session::tools::{JudgedCall, Permit, fence, refusal};
use crate::session::turn::RunningTurn;
use crate::session::write::CallWrite;
use crate::tools::audit;
use crate::tools::judge::{Asked, Refused};
use crate::tools::permit::Approved;

/// A judged call that neither runs nor is refused yet.
pub(super) struct KeptCall {
    pub asked: Asked,
    pub call: JudgedCall,
}

impl RunningTurn {
    /// The policy judged a call: that is written down, then the machine goes on with it.
    pub(super) fn judged(
        &mut self,
        asked: Asked,
        judged: Result<JudgedCall, Refused>,
        steps: &mut Vec<Step>,
    ) {
        let keys = &self.parts.calls.keys;
        let entry = audit::decided(&asked, judged.as_ref().map(|call| &call.judged), keys);
        steps.push(write_audit(entry));
        let verdict = match &judged {
            Ok(call) => verdict_of(&call.judged.decision.verdict),
            Err(refused) => Verdict::Deny {
                reason: refused.reason.clone(),
            },
        };
        let call_id = asked.call_id.clone();
        if let Ok(call) = judged {
            self.judged
                .insert(call_id.clone(), KeptCall { asked, call });
        }
        self.feed(Event::CallChecked { call_id, verdict }, steps);
    }

    /// Starts a call that may run.
    pub(super) fn run_call(&mut self, call: Call, taint: Option<String>, steps: &mut Vec<Step>) {
        let permit = match self.judged.remove(&call.call_id) {
            Some(KeptCall { call, .. }) => {
                let JudgedCall { judged, diff } = call;
                if judged.is_command {
                    steps.push(Step::from(CallWrite::Command {
                        session_id: self.session_id.clone(),
                        turn_id: self.turn_id.clone(),
                        command: self.parts.calls.keys.redact(judged.text()),
                    }));
                }
                match judged.decision.verdict {
                    policy::Verdict::Allow { .. } => Permit::Judged(Box::new(judged)),
                    policy::Verdict::Ask { .. } | policy::Verdict::Deny { .. } => {
                        Permit::Approved(Approved {
                            digest: judged.decision.digest,
                            diff,
                        })
                    }
                }
            }
            None => Permit::Stored,
        };
        // What a call does must be on record before it does it.
        self.tools.start(call, taint, permit, when_stored(steps));
    }

    /// Has a call judged.
    pub(super) fn check_call(&mut self, call: Call, taint: Option<String>, steps: &mut Vec<Step>) {
        self.tools.check(call, taint, when_stored(steps));
    }

    /// A call that might run may not after all.
    pub(super) fn call_refused(&mut self, asked: &Asked, refused: &Refused, steps: &mut Vec<Step>) {
        let keys = &self.parts.calls.keys;
        steps.push(write_audit(audit::decided(asked, Err(refused), keys)));
        let event = Event::CallRefused {
            call_id: asked.call_id.clone(),
            reason: refusal(refused).output,
        };
        self.feed(event, steps);
    }

    /// A tool ended.
    pub(super) fn tool_ended(
        &mut self,
        asked: &Asked,
        output: ToolOutput,
        duration: Duration,
        steps: &mut Vec<Step>,
    ) {
        if let Some(source) = output.source.as_ref().filter(|source| source.taints) {
            self.taint = Some(source.name.clone());
        }
        let keys = &self.parts.calls.keys;
        steps.push(write_audit(audit::ended(
            asked,
            &output,
            Some(duration),
            keys,
        )));
        let event = Event::ToolDone {
            call_id: asked.call_id.clone(),
            output,
            duration,
            fence: fence(),
        };
        self.feed(event, steps);
    }
}

/// Told whether everything before it was stored.
fn when_stored(steps: &mut Vec<Step>) -> oneshot::Receiver<bool> {
    let (tx, stored) = oneshot::channel();
    steps.push(Step::then(move |result| {
        // Whoever waited may be gone: the call was aborted.
        tx.send(result.is_ok()).ok();
    }));
    stored
}

/// The verdict as the machine needs it.
fn verdict_of(verdict: &policy::Verdict) -> Verdict {
    match verdict {
        policy::Verdict::Allow { .. } => Verdict::Allow,
        policy::Verdict::Ask { reason, .. } => Verdict::Ask {
            reason: reason.clone(),
        },
        policy::Verdict::Deny { reason, rule } => Verdict::Deny {
            reason: format!("{reason} (rule {rule})"),
        },
    }
}

fn write_audit(entry: NewEntry) -> Step {
    Step::from(CallWrite::Audit(Box::new(entry)))
}
