//! Messages that wait in a session: `session queue`.

use mesoclaw_api::ops::chat::{ChatSend, QueuedMessage, SendParams};
use mesoclaw_api::ops::session::{
    QueueList, QueueParams, QueueRemove, QueueUpdate, QueueUpdateParams, SessionParams,
};
use mesoclaw_api::{ApiError, QueueId, SessionId, TurnId};
use mesoclaw_ipc::Client;

use crate::exit::{CliResult, OK};
use crate::output::Console;
use crate::workspace;

/// What to do with the queue.
pub struct Change {
    /// A message to add, or the new text.
    pub text: Option<String>,
    /// The message to change.
    pub edit: Option<String>,
    /// The message to take back.
    pub drop: Option<String>,
}

/// Runs `session queue`.
///
/// # Errors
/// The operation's own, or no such message waits.
pub async fn run(
    console: Console,
    client: &Client,
    session_id: SessionId,
    change: Change,
) -> CliResult {
    let params = SessionParams {
        session_id: session_id.clone(),
    };
    match change {
        Change {
            edit: Some(wanted),
            text: Some(text),
            ..
        } => {
            let queue = client.call::<QueueList>(params).await?;
            let queue_id = find(&queue, &wanted)?;
            let params = QueueUpdateParams {
                session_id,
                queue_id,
                text,
            };
            let message = client.call::<QueueUpdate>(params).await?;
            console.done(&message, "changed")?;
        }
        Change {
            drop: Some(wanted), ..
        } => {
            let queue = client.call::<QueueList>(params).await?;
            let queue_id = find(&queue, &wanted)?;
            let params = QueueParams {
                session_id,
                queue_id: queue_id.clone(),
            };
            client.call::<QueueRemove>(params).await?;
            console.done(&serde_json::json!({"dropped": queue_id}), "taken back")?;
        }
        Change {
            text: Some(text), ..
        } => {
            let params = SendParams {
                session_id: Some(session_id),
                text,
                client_message_id: Some(TurnId::random().as_str().to_owned()),
                model: None,
                workspace: workspace::here(),
                images: Vec::new(),
            };
            let sent = client.call::<ChatSend>(params).await?;
            let text = match &sent.queue_id {
                Some(queue_id) => format!("waits as {queue_id}"),
                None => "nothing ran; it is being answered".to_owned(),
            };
            console.done(&sent, &text)?;
        }
        Change { .. } => {
            let queue = client.call::<QueueList>(params).await?;
            console.result(&queue, &listed(&queue))?;
        }
    }
    Ok(OK)
}

/// The waiting messages in words.
pub fn listed(queue: &[QueuedMessage]) -> String {
    if queue.is_empty() {
        return "no message waits\n".to_owned();
    }
    let numbered = queue.iter().enumerate();
    numbered
        .map(|(at, message)| format!("{}  {}\n", at + 1, message.text))
        .collect::<Vec<_>>()
        .concat()
}

/// The message with this number in the list, or this id.
///
/// # Errors
/// No such message waits.
pub fn find(queue: &[QueuedMessage], wanted: &str) -> CliResult<QueueId> {
    let by_number = wanted
        .parse::<usize>()
        .ok()
        .and_then(|number| queue.get(number.checked_sub(1)?));
    let by_id = || queue.iter().find(|message| message.id.as_str() == wanted);
    match by_number.or_else(by_id) {
        Some(message) => Ok(message.id.clone()),
        None => Err(ApiError::not_found("waiting message", wanted)
            .with_hint("`mesoclaw session queue NAME` lists them")
            .into()),
    }
}

#[cfg(test)]
mod tests {
    use mesoclaw_api::Timestamp;

    use super::*;

    #[test]
    fn messages_are_found_by_number_and_id() {
        let message = |id: &str, text: &str| QueuedMessage {
            id: id.into(),
            text: text.to_owned(),
            model: None,
            images: Vec::new(),
            created_at: Timestamp::from_unix_ms(0),
        };
        let queue = [message("aa", "one"), message("bb", "two")];
        for (wanted, expected) in [
            ("1", Some("aa")),
            ("2", Some("bb")),
            ("bb", Some("bb")),
            ("0", None),
            ("3", None),
            ("b", None),
        ] {
            let found = find(&queue, wanted).ok();
            assert_eq!(found.as_ref().map(QueueId::as_str), expected, "{wanted}");
        }
        assert_eq!(listed(&queue), "1  one\n2  two\n");
        assert_eq!(listed(&[]), "no message waits\n");
    }
}
