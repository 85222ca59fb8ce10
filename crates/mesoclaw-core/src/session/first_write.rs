//! What follows the first transaction of a turn: who is told that the message is stored.

use mesoclaw_api::ops::chat::Sent;
use mesoclaw_api::{ItemId, SessionId, TurnId};
use mesoclaw_store::repo::client_message::KnownMessage;

use crate::session::command::{Reply, answer};
use crate::session::teller::Step;
use crate::session::write::Write;

/// Steps that depend on the id of the turn.
pub(crate) type AfterFirstWrite = Box<dyn FnOnce(&TurnId) -> Vec<Step> + Send>;

/// The message is remembered by its name, and whoever sent it gets an answer.
pub(crate) fn acknowledge(
    session_id: &SessionId,
    client_message_id: Option<String>,
    reply: Reply<Sent>,
) -> AfterFirstWrite {
    let session_id = session_id.clone();
    Box::new(move |turn_id| {
        let item_id = ItemId::of_turn(turn_id, 0);
        let mut steps = Vec::new();
        if let Some(id) = client_message_id {
            let message = KnownMessage {
                session_id: session_id.clone(),
                turn_id: Some(turn_id.clone()),
                item_id: Some(item_id.clone()),
                queue_id: None,
            };
            steps.push(Step::from(Write::Remember { id, message }));
        }
        let sent = Sent {
            session_id,
            turn_id: Some(turn_id.clone()),
            queue_id: None,
            item_id: Some(item_id),
            is_duplicate: false,
        };
        steps.push(Step::then(move |stored| {
            answer(reply, stored.map(|()| sent));
        }));
        steps
    })
}

/// What follows the first transaction of a turn that began with a waiting message.
pub(crate) fn note_started(client_message_id: Option<String>) -> AfterFirstWrite {
    Box::new(move |turn_id| {
        client_message_id
            .map(|id| {
                Step::from(Write::Started {
                    id,
                    item_id: ItemId::of_turn(turn_id, 0),
                    turn_id: turn_id.clone(),
                })
            })
            .into_iter()
            .collect()
    })
}
