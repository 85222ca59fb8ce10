//! Finds or starts the actor of a session, and knows what every session is doing.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use mesoclaw_api::ops::session::SessionState;
use mesoclaw_api::{ApiError, ApiResult, ErrorCode, SessionId};
use mesoclaw_store::Store;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tokio_util::task::TaskTracker;

use crate::approvals::Approvals;
use crate::bus::Bus;
use crate::config_service::ConfigService;
use crate::error::shutting_down;
use crate::models::Models;
use crate::session::actor::Actor;
use crate::session::command::Command;
use crate::session::model_call::CallParts;
use crate::tools::Toolbox;

/// Commands that may wait for an actor; more are refused as overload.
const MAILBOX: usize = 32;

/// What every session actor shares.
pub(crate) struct SessionParts {
    pub store: Store,
    pub bus: Arc<Bus>,
    pub models: Arc<Models>,
    pub config: Arc<ConfigService>,
    pub approvals: Arc<Approvals>,
    pub calls: CallParts,
    pub toolbox: Arc<Toolbox>,
    pub tracker: TaskTracker,
}

/// See the module documentation.
pub(crate) struct Registry {
    parts: Arc<SessionParts>,
    sessions: Mutex<Sessions>,
    this: Weak<Registry>,
}

#[derive(Default)]
struct Sessions {
    live: HashMap<SessionId, Live>,
    /// Sessions on their way out: no new actor may start for them.
    deleting: HashSet<SessionId>,
    is_closed: bool,
}

struct Live {
    tx: mpsc::Sender<Command>,
    state: Arc<LiveState>,
}

/// What a session is doing, written by its actor.
#[derive(Default)]
pub(crate) struct LiveState(AtomicU8);

impl LiveState {
    const IDLE: u8 = 0;
    const RUNNING: u8 = 1;
    const WAITING: u8 = 2;

    pub fn set_idle(&self) {
        self.0.store(Self::IDLE, Ordering::Relaxed);
    }

    /// A turn runs, or waits for a person.
    pub fn set_running(&self, is_waiting: bool) {
        let state = if is_waiting {
            Self::WAITING
        } else {
            Self::RUNNING
        };
        self.0.store(state, Ordering::Relaxed);
    }

    fn get(&self) -> Option<SessionState> {
        match self.0.load(Ordering::Relaxed) {
            Self::RUNNING => Some(SessionState::Running),
            Self::WAITING => Some(SessionState::Waiting),
            _ => None,
        }
    }
}

impl Registry {
    pub fn new(parts: SessionParts) -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            parts: Arc::new(parts),
            sessions: Mutex::default(),
            this: this.clone(),
        })
    }

    /// Gives a command to the actor of a session; starts the actor when there is none.
    /// The caller has checked that the session exists (or is made by this very command).
    ///
    /// # Errors
    /// The daemon goes down, or the mailbox is full.
    pub fn send(&self, session_id: &SessionId, command: Command) -> ApiResult<()> {
        let mut sessions = self.lock();
        if sessions.is_closed {
            return Err(shutting_down());
        }
        if sessions.deleting.contains(session_id) {
            return Err(ApiError::not_found("session", session_id));
        }
        // Sent under the lock: an actor retires under the same lock, and only with an empty mailbox.
        let live = sessions
            .live
            .entry(session_id.clone())
            .or_insert_with(|| self.start(session_id));
        match live.tx.try_send(command) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(_)) => Err(ApiError::new(
                ErrorCode::Overloaded,
                "too many requests wait for this session",
            )
            .with_hint("try again in a moment")),
            // The actor died of a panic: a new one takes over.
            Err(TrySendError::Closed(command)) => {
                *live = self.start(session_id);
                live.tx.try_send(command).map_err(|_| {
                    ApiError::new(ErrorCode::Internal, "the session cannot be reached")
                })
            }
        }
    }

    /// Gives a command that must not be lost to the actor of a session: waits for room.
    ///
    /// # Errors
    /// The daemon goes down, or the session is deleted.
    pub async fn deliver(
        &self,
        session_id: &SessionId,
        command: impl Fn() -> Command,
    ) -> ApiResult<()> {
        loop {
            match self.send(session_id, command()) {
                Err(error) if error.code == ErrorCode::Overloaded => {}
                done => return done,
            }
            let live = self.lock().live.get(session_id).map(|live| live.tx.clone());
            if let Some(tx) = live {
                // Room, or an actor that is gone: both are seen by the next try.
                drop(tx.reserve().await);
            }
        }
    }

    /// Gives a command to an actor that is there; false when there is none.
    pub fn send_if_live(&self, session_id: &SessionId, command: Command) -> bool {
        let sessions = self.lock();
        sessions
            .live
            .get(session_id)
            .is_some_and(|live| live.tx.try_send(command).is_ok())
    }

    /// Lets waiting messages of a session go on.
    ///
    /// # Errors
    /// The daemon goes down.
    pub fn wake(&self, session_id: &SessionId) -> ApiResult<()> {
        self.send(session_id, Command::Wake)
    }

    /// What a session is doing; `None` when no turn runs.
    pub fn state(&self, session_id: &SessionId) -> Option<SessionState> {
        self.lock()
            .live
            .get(session_id)
            .and_then(|live| live.state.get())
    }

    /// Turns that run now.
    pub fn running(&self) -> u32 {
        let sessions = self.lock();
        let running = sessions
            .live
            .values()
            .filter(|live| live.state.get().is_some());
        u32::try_from(running.count()).unwrap_or(u32::MAX)
    }

    /// Ends the actor of a session; its running turn is cancelled. Commands for it are refused
    /// until [`Self::deleted`].
    pub async fn delete(&self, session_id: &SessionId) {
        let live = {
            let mut sessions = self.lock();
            sessions.deleting.insert(session_id.clone());
            sessions.live.remove(session_id)
        };
        if let Some(live) = live {
            end(live, false).await;
        }
    }

    /// The rows of a session are gone, or could not be removed.
    pub fn deleted(&self, session_id: &SessionId) {
        self.lock().deleting.remove(session_id);
    }

    /// Ends all actors, and lets no new one start; running turns are stored as interrupted.
    pub async fn interrupt_all(&self) {
        let all: Vec<Live> = {
            let mut sessions = self.lock();
            sessions.is_closed = true;
            sessions.live.drain().map(|(_, live)| live).collect()
        };
        futures_util::future::join_all(all.into_iter().map(|live| end(live, true))).await;
    }

    fn start(&self, session_id: &SessionId) -> Live {
        let (tx, rx) = mpsc::channel(MAILBOX);
        let state = Arc::new(LiveState::default());
        let actor = Actor::new(
            Arc::clone(&self.parts),
            self.this.clone(),
            session_id.clone(),
            rx,
            Arc::clone(&state),
        );
        self.parts.tracker.spawn(actor.run());
        Live { tx, state }
    }

    /// An idle actor asks to end; false when there is something in its mailbox.
    pub fn retire(
        &self,
        session_id: &SessionId,
        state: &Arc<LiveState>,
        rx: &mpsc::Receiver<Command>,
    ) -> bool {
        let mut sessions = self.lock();
        let may_retire = rx.is_empty();
        if may_retire {
            sessions.remove(session_id, state);
        }
        may_retire
    }

    /// An actor ended without asking: the next command starts a new one.
    pub fn forget(&self, session_id: &SessionId, state: &Arc<LiveState>) {
        self.lock().remove(session_id, state);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sessions {
    /// Removes the entry of one actor, and not that of a later one of the same session.
    fn remove(&mut self, session_id: &SessionId, state: &Arc<LiveState>) {
        let is_its_own = self
            .live
            .get(session_id)
            .is_some_and(|live| Arc::ptr_eq(&live.state, state));
        if is_its_own {
            self.live.remove(session_id);
        }
    }
}

async fn end(live: Live, interrupt: bool) {
    let (reply, done) = oneshot::channel();
    let close = Command::Close { interrupt, reply };
    // Both fail only when the actor is gone already.
    if live.tx.send(close).await.is_ok() {
        done.await.ok();
    }
}
