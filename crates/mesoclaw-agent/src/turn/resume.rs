//! What a resumed turn takes up: calls that waited for a person when their turn broke off.

use mesoclaw_api::{CallId, Item, ItemBody};

use crate::turn::calls::answer_of;
use crate::turn::effect::Call;

/// A call a person decided about after its turn had broken off.
pub(super) struct Decided {
    pub call: Call,
    /// Run it, or what the model is told instead.
    pub answer: Result<(), String>,
}

/// The calls a resumed turn found open.
#[derive(Default)]
pub(super) struct TakenUp {
    /// Decided and never ran, in call order.
    pub decided: Vec<Decided>,
    /// Not decided so far.
    pub waiting: Vec<Call>,
}

/// A decision that came as an event, before the history was there.
pub(super) struct EarlyAnswer {
    pub call_id: CallId,
    pub answer: Result<(), String>,
}

struct OpenCall {
    call: Call,
    is_broken_off: bool,
    answer: Option<Result<(), String>>,
}

/// Looks for open calls in `history`.
///
/// A decision counts only when it came after its turn had ended and before another one took it up:
/// a call that was decided while its turn ran may have begun to work before the daemon was killed,
/// and running it twice is worse than saying that it was interrupted.
pub(super) fn take_up(history: &[Item], early: Vec<EarlyAnswer>) -> TakenUp {
    let mut open = open_calls(history);
    for EarlyAnswer { call_id, answer } in early {
        if let Some(call) = find(&mut open, &call_id) {
            call.answer.get_or_insert(answer);
        }
    }
    let mut taken_up = TakenUp::default();
    for OpenCall { call, answer, .. } in open {
        match answer {
            Some(answer) => taken_up.decided.push(Decided { call, answer }),
            None => taken_up.waiting.push(call),
        }
    }
    taken_up
}

fn open_calls(history: &[Item]) -> Vec<OpenCall> {
    let mut open: Vec<OpenCall> = Vec::new();
    for item in history {
        match &item.body {
            ItemBody::ToolCall {
                call_id,
                tool,
                args,
                ..
            } => {
                // Of two calls of one id the later is meant, as in the prompt.
                open.retain(|open| open.call.call_id != *call_id);
                open.push(OpenCall {
                    call: Call {
                        call_id: call_id.clone(),
                        tool: tool.clone(),
                        args: args.clone(),
                    },
                    is_broken_off: false,
                    answer: None,
                });
            }
            ItemBody::ToolResult { call_id, .. } => {
                open.retain(|open| open.call.call_id != *call_id);
            }
            ItemBody::Approval {
                call_id,
                decision,
                reason,
                ..
            } => match find(&mut open, call_id) {
                Some(call) if call.is_broken_off => {
                    call.answer
                        .get_or_insert(answer_of(*decision, reason.clone()));
                }
                Some(_) => open.retain(|open| open.call.call_id != *call_id),
                None => {}
            },
            ItemBody::Outcome { .. } => {
                open.retain(|open| open.answer.is_none());
                for call in &mut open {
                    call.is_broken_off = true;
                }
            }
            ItemBody::User { .. }
            | ItemBody::Assistant { .. }
            | ItemBody::Reasoning { .. }
            | ItemBody::Notice { .. }
            | ItemBody::System { .. } => {}
        }
    }
    open
}

fn find<'a>(open: &'a mut [OpenCall], call_id: &CallId) -> Option<&'a mut OpenCall> {
    open.iter_mut().find(|open| open.call.call_id == *call_id)
}
