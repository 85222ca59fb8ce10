//! One task a session: owns its queue and its running turn, one turn at a time.

mod questions;
mod resume;

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::FutureExt;
use mesoclaw_agent::model::Image;
use mesoclaw_agent::turn::Event;
use mesoclaw_api::item::TurnLimit;
use mesoclaw_api::ops::chat::Sent;
use mesoclaw_api::{ApiError, ErrorCode, Event as ApiEvent, SessionId, TurnOutcome};
use tokio::sync::{mpsc, oneshot};

use crate::error::shutting_down;
use crate::images::SaidImage;
use crate::session::command::{Command, Message, Reply, answer};
use crate::session::first_write::{acknowledge, note_started};
use crate::session::queue::Queue;
use crate::session::registry::{LiveState, Registry, SessionParts};
use crate::session::teller::{Step, Teller};
use crate::session::turn::RunningTurn;
use crate::session::turn_start::{Begin, TurnStart};
use crate::session::write::Write;

/// An actor without work ends after this time; everything it knows is in the database.
const IDLE: Duration = Duration::from_mins(10);

/// See the module documentation.
pub(crate) struct Actor {
    parts: Arc<SessionParts>,
    registry: Weak<Registry>,
    session_id: SessionId,
    rx: mpsc::Receiver<Command>,
    state: Arc<LiveState>,
    teller: Teller,
    queue: Queue,
    is_closing: Option<oneshot::Sender<()>>,
    /// Whether questions of a turn that was broken off may still wait.
    may_have_left: bool,
}

impl Actor {
    pub fn new(
        parts: Arc<SessionParts>,
        registry: Weak<Registry>,
        session_id: SessionId,
        rx: mpsc::Receiver<Command>,
        state: Arc<LiveState>,
    ) -> Self {
        let teller = Teller::start(parts.store.clone(), Arc::clone(&parts.bus), &parts.tracker);
        let queue = Queue::new(session_id.clone(), teller.clone());
        Self {
            parts,
            registry,
            session_id,
            rx,
            state,
            teller,
            queue,
            is_closing: None,
            may_have_left: true,
        }
    }

    /// Lives until it is closed, or idle for a while.
    pub async fn run(mut self) {
        self.queue.load(&self.parts.store).await;
        while self.is_closing.is_none() {
            match tokio::time::timeout(IDLE, self.rx.recv()).await {
                Ok(Some(command)) => self.while_idle(command).await,
                Ok(None) => break,
                Err(_) => {
                    let Some(registry) = self.registry.upgrade() else {
                        break;
                    };
                    if registry.retire(&self.session_id, &self.state, &self.rx) {
                        break;
                    }
                }
            }
        }
        self.teller.flushed().await;
        if let Some(registry) = self.registry.upgrade() {
            registry.forget(&self.session_id, &self.state);
        }
        if let Some(reply) = self.is_closing.take() {
            // Whoever asked for the end may have stopped waiting for it.
            reply.send(()).ok();
        }
    }

    async fn while_idle(&mut self, command: Command) {
        match command {
            Command::Send { message, reply } => {
                if self.queue.is_empty() {
                    self.begin_with(*message, reply).await;
                } else {
                    // Earlier messages still wait, since the turn before them failed: in order.
                    self.enqueue(*message, reply).await;
                    self.run_queue().await;
                }
            }
            Command::Continue {
                surface,
                model,
                connection,
                reply,
            } => {
                self.continue_turn(surface, model, connection, None, reply)
                    .await;
            }
            Command::Cancel { reply, .. } => answer(reply, Ok(false)),
            Command::Approval {
                surface,
                call_id,
                approval_id,
                decision,
                reason,
            } => {
                // The turn is over. When it was broken off with the call still open, because the
                // daemon was restarted, the answer takes it up again.
                if !self.is_open(&call_id).await {
                    return;
                }
                let decided = Event::ApprovalResolved {
                    call_id,
                    approval_id,
                    decision,
                    reason,
                };
                let (reply, _nobody_waits) = oneshot::channel();
                self.continue_turn(surface, None, 0, Some(decided), reply)
                    .await;
            }
            Command::QueueUpdate {
                queue_id,
                text,
                reply,
            } => self.queue.update(queue_id, text, reply).await,
            Command::QueueRemove { queue_id, reply } => self.queue.remove(queue_id, reply).await,
            Command::Wake => self.run_queue().await,
            Command::Granted { .. } => {}
            Command::Close { reply, .. } => self.is_closing = Some(reply),
        }
    }

    async fn while_running(&mut self, turn: &mut RunningTurn, command: Command) {
        match command {
            Command::Send { message, reply } => self.enqueue(*message, reply).await,
            Command::Continue { reply, .. } => answer(
                reply,
                Err(ApiError::new(ErrorCode::Conflict, "a turn is running")),
            ),
            Command::Cancel { turn_id, reply } => {
                let is_meant = turn_id.is_none_or(|id| id == *turn.id());
                if is_meant {
                    turn.command(Event::Cancel).await;
                }
                answer(reply, Ok(is_meant));
            }
            Command::Approval {
                call_id,
                approval_id,
                decision,
                reason,
                ..
            } => {
                turn.command(Event::ApprovalResolved {
                    call_id,
                    approval_id,
                    decision,
                    reason,
                })
                .await;
            }
            Command::QueueUpdate {
                queue_id,
                text,
                reply,
            } => self.queue.update(queue_id, text, reply).await,
            Command::QueueRemove { queue_id, reply } => self.queue.remove(queue_id, reply).await,
            Command::Wake => {}
            Command::Granted { surface, scope } => turn.reconsider(surface, scope).await,
            Command::Close { interrupt, reply } => {
                turn.command(if interrupt {
                    Event::Interrupt
                } else {
                    Event::Cancel
                })
                .await;
                self.is_closing = Some(reply);
            }
        }
    }

    /// A message that finds the session idle: its turn begins at once.
    async fn begin_with(&mut self, message: Message, reply: Reply<Sent>) {
        let mut before = Vec::new();
        if let Some(session) = message.new_session {
            self.may_have_left = false;
            before.push(Step::from(Write::NewSession(session.clone())));
            before.push(Step::from(ApiEvent::SessionChanged { session }));
        } else if let Some(title) = message.title {
            before.push(Step::from(Write::TitleIfNone {
                session_id: self.session_id.clone(),
                title,
            }));
        }
        let mut said = Vec::new();
        let mut contents = BTreeMap::new();
        for SaidImage { reference, row } in message.images {
            let image = Image {
                media_type: row.media_type.clone(),
                data: row.data.as_slice().into(),
            };
            contents.insert(reference.sha256.clone(), image);
            said.push(reference);
            before.push(Step::from(Write::Image(row)));
        }
        before.extend(self.left_questions().await);
        let acknowledge = acknowledge(&self.session_id, message.client_message_id, reply);
        let outcome = self.run_turn(TurnStart {
            session_id: self.session_id.clone(),
            surface: message.surface,
            model: message.resolved,
            begin: Begin::User {
                text: message.text,
                images: said,
                contents,
            },
            before,
            after_first_write: acknowledge,
        });
        if may_go_on(&outcome.await) {
            self.run_queue().await;
        }
    }

    /// Runs waiting messages until none is left, or one fails.
    async fn run_queue(&mut self) {
        while self.is_closing.is_none()
            && let Some(waiting) = self.queue.front()
        {
            let model = self.resolve(waiting.message.model.as_deref(), waiting.connection);
            let model = match model.await {
                Ok(model) => model,
                Err(error) => {
                    // The message stays in the queue: nothing typed is lost.
                    self.parts.bus.publish(ApiEvent::Warning {
                        message: format!("a waiting message cannot be answered: {error}"),
                    });
                    return;
                }
            };
            let Some((waiting, mut before)) = self.queue.pop() else {
                return;
            };
            before.extend(self.left_questions().await);
            let after_first_write = note_started(waiting.client_message_id);
            let outcome = self
                .run_turn(TurnStart {
                    session_id: self.session_id.clone(),
                    surface: waiting.surface,
                    model,
                    begin: Begin::User {
                        text: waiting.message.text,
                        images: waiting.message.images,
                        contents: BTreeMap::new(),
                    },
                    before,
                    after_first_write,
                })
                .await;
            if !may_go_on(&outcome) {
                return;
            }
        }
    }

    async fn enqueue(&mut self, message: Message, reply: Reply<Sent>) {
        if self.is_closing.is_some() {
            return answer(reply, Err(shutting_down()));
        }
        self.queue.push(message, reply).await;
    }

    /// Runs one turn to its end, with commands in between. A panic ends the turn, not the session.
    async fn run_turn(&mut self, start: TurnStart) -> TurnOutcome {
        self.state.set_running(false);
        let mut turn = RunningTurn::start(
            Arc::clone(&self.parts),
            self.teller.clone(),
            Arc::clone(&self.state),
            start,
        )
        .await;
        let driven = AssertUnwindSafe(self.drive(&mut turn)).catch_unwind().await;
        if driven.is_err() {
            tracing::error!(session = %self.session_id, turn = %turn.id(), "the turn panicked");
            self.teller.put(turn.failed_steps()).await;
        }
        // The next turn reads what this one said.
        self.teller.flushed().await;
        self.state.set_idle();
        let outcome = turn.outcome().cloned().unwrap_or(TurnOutcome::Interrupted);
        self.may_have_left |= outcome == TurnOutcome::Interrupted;
        outcome
    }

    async fn drive(&mut self, turn: &mut RunningTurn) {
        let mut mailbox_is_open = true;
        while turn.outcome().is_none() {
            tokio::select! {
                command = self.rx.recv(), if mailbox_is_open => if let Some(command) = command { self.while_running(turn, command).await } else {
                    mailbox_is_open = false;
                    turn.command(Event::Interrupt).await;
                },
                happenings = turn.happenings() => turn.handle(happenings).await,
            }
            if turn.outcome().is_none() {
                self.state.set_running(turn.is_waiting());
            }
        }
    }
}

/// Whether waiting messages follow a turn that ended like this. After a failure they wait: the next
/// one would most likely fail too.
fn may_go_on(outcome: &TurnOutcome) -> bool {
    match outcome {
        TurnOutcome::LimitReached { limit, .. } => *limit != TurnLimit::Budget,
        TurnOutcome::Completed | TurnOutcome::Cancelled => true,
        TurnOutcome::Interrupted | TurnOutcome::Failed { .. } => false,
    }
}
