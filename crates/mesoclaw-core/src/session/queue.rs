//! Messages that wait for the running turn of their session to end.

use std::collections::VecDeque;

use mesoclaw_api::ops::chat::{QueuedMessage, Sent};
use mesoclaw_api::{
    ApiError, ErrorCode, Event as ApiEvent, QueueId, SessionId, Surface, Timestamp,
};
use mesoclaw_store::Store;
use mesoclaw_store::repo::client_message::KnownMessage;
use mesoclaw_store::repo::queue::{self, QueuedRow};

use crate::error::from_store;
use crate::session::command::{Message, Reply, answer};
use crate::session::teller::{Step, Teller};
use crate::session::write::Write;

/// Messages that may wait in one session.
const MAX_QUEUED: usize = 100;

/// See the module documentation. Every change is stored before it holds here and is acknowledged.
pub(crate) struct Queue {
    session_id: SessionId,
    teller: Teller,
    waiting: VecDeque<Waiting>,
}

/// A message that waits for its turn.
pub(crate) struct Waiting {
    pub message: QueuedMessage,
    pub client_message_id: Option<String>,
    pub surface: Surface,
    /// The connection it came over; 0 once the daemon was started anew.
    pub connection: u64,
}

impl Queue {
    pub fn new(session_id: SessionId, teller: Teller) -> Self {
        Self {
            session_id,
            teller,
            waiting: VecDeque::new(),
        }
    }

    /// Reads what waited when the last actor of the session ended.
    pub async fn load(&mut self, store: &Store) {
        let id = self.session_id.clone();
        match store.read(move |conn| queue::rows(conn, &id)).await {
            Ok(rows) => {
                self.waiting = rows
                    .into_iter()
                    .map(|row| Waiting {
                        message: row.message,
                        client_message_id: row.client_message_id,
                        surface: row.surface,
                        connection: 0,
                    })
                    .collect();
            }
            // The rows stay; the next actor of the session finds them.
            Err(error) => tracing::error!(error = %from_store(error), "queue not read"),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The message whose turn comes next.
    pub fn front(&self) -> Option<&Waiting> {
        self.waiting.front()
    }

    /// Takes the first message out, with the steps that store and tell it: they belong into the
    /// first transaction of its turn.
    pub fn pop(&mut self) -> Option<(Waiting, Vec<Step>)> {
        let first = self.waiting.pop_front()?;
        let steps = vec![
            Step::from(Write::Dequeue {
                session_id: self.session_id.clone(),
                queue_id: first.message.id.clone(),
            }),
            Step::from(self.changed(Some(first.message.id.clone()))),
        ];
        Some((first, steps))
    }

    /// Adds a message at the end.
    pub async fn push(&mut self, message: Message, reply: Reply<Sent>) {
        if self.waiting.len() >= MAX_QUEUED {
            return answer(reply, Err(too_many()));
        }
        let queued = QueuedMessage {
            id: QueueId::random(),
            text: message.text,
            model: message.model,
            images: message
                .images
                .iter()
                .map(|image| image.reference.clone())
                .collect(),
            created_at: Timestamp::now(),
        };
        let sent = Sent {
            session_id: self.session_id.clone(),
            turn_id: None,
            queue_id: Some(queued.id.clone()),
            item_id: None,
            is_duplicate: false,
        };
        let mut writes: Vec<Write> = message
            .images
            .into_iter()
            .map(|image| Write::Image(image.row))
            .collect();
        writes.push(Write::Enqueue {
            session_id: self.session_id.clone(),
            row: QueuedRow {
                message: queued.clone(),
                client_message_id: message.client_message_id.clone(),
                surface: message.surface,
            },
        });
        if let Some(id) = message.client_message_id.clone() {
            let message = KnownMessage {
                session_id: self.session_id.clone(),
                turn_id: None,
                item_id: None,
                queue_id: Some(queued.id.clone()),
            };
            writes.push(Write::Remember { id, message });
        }
        if let Err(error) = self.teller.stored(writes).await {
            return answer(reply, Err(error));
        }
        self.waiting.push_back(Waiting {
            message: queued,
            client_message_id: message.client_message_id,
            surface: message.surface,
            connection: message.connection,
        });
        answer(reply, Ok(sent));
        self.tell_changed().await;
    }

    /// Changes a message.
    pub async fn update(&mut self, queue_id: QueueId, text: String, reply: Reply<QueuedMessage>) {
        let Some(place) = self.place(&queue_id) else {
            return answer(reply, Err(no_waiting_message(&queue_id)));
        };
        let write = Write::Requeue {
            session_id: self.session_id.clone(),
            queue_id: queue_id.clone(),
            text: text.clone(),
        };
        if let Err(error) = self.teller.stored(vec![write]).await {
            return answer(reply, Err(error));
        }
        let changed = self.waiting.get_mut(place).map(|waiting| {
            waiting.message.text = text;
            waiting.message.clone()
        });
        answer(reply, changed.ok_or_else(|| no_waiting_message(&queue_id)));
        self.tell_changed().await;
    }

    /// Takes a message back.
    pub async fn remove(&mut self, queue_id: QueueId, reply: Reply<()>) {
        let Some(place) = self.place(&queue_id) else {
            return answer(reply, Err(no_waiting_message(&queue_id)));
        };
        let write = Write::Dequeue {
            session_id: self.session_id.clone(),
            queue_id,
        };
        if let Err(error) = self.teller.stored(vec![write]).await {
            return answer(reply, Err(error));
        }
        self.waiting.remove(place);
        answer(reply, Ok(()));
        self.tell_changed().await;
    }

    fn place(&self, queue_id: &QueueId) -> Option<usize> {
        self.waiting
            .iter()
            .position(|waiting| waiting.message.id == *queue_id)
    }

    async fn tell_changed(&self) {
        let changed = self.changed(None);
        self.teller.put(vec![Step::from(changed)]).await;
    }

    fn changed(&self, started: Option<QueueId>) -> ApiEvent {
        ApiEvent::QueueChanged {
            session_id: self.session_id.clone(),
            queue: self.waiting.iter().map(|w| w.message.clone()).collect(),
            started,
        }
    }
}

fn too_many() -> ApiError {
    ApiError::new(
        ErrorCode::Overloaded,
        format!("{MAX_QUEUED} messages wait in this session already"),
    )
    .with_hint("wait, or take one back with `queue.remove`")
}

fn no_waiting_message(queue_id: &QueueId) -> ApiError {
    ApiError::not_found("waiting message", queue_id)
        .with_hint("it may have become a turn already; `queue.list` shows what still waits")
}
