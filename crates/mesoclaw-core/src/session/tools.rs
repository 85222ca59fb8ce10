//! Calls of a turn on their way through the policy and the tools: judged, started, watched, stopped.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use mesoclaw_agent::policy::Verdict;
use mesoclaw_agent::tool::ToolOutput;
use mesoclaw_agent::turn::{Call, Event};
use mesoclaw_api::{CallId, SessionId, Surface, TurnId};
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::session::happening::Happening;
use crate::tools::Toolbox;
use crate::tools::checkpoints::TurnCheckpoints;
use crate::tools::judge::{Asked, Judged, Place, Refused};
use crate::tools::permit::Approved;
use crate::tools::run::RunParts;

/// News of tools that may wait; progress beyond it is dropped, everything else waits for room.
const NEWS: usize = 64;
/// A diff for the person who is asked is given up after this time.
const PREVIEW_TIME: Duration = Duration::from_secs(5);

/// Whose calls they are.
#[derive(Clone)]
pub(crate) struct ToolTurn {
    pub toolbox: Arc<Toolbox>,
    pub session_id: SessionId,
    pub turn_id: TurnId,
    pub surface: Surface,
    pub tracker: TaskTracker,
}

/// See the module documentation.
pub(crate) struct RunningTools {
    turn: ToolTurn,
    running: HashMap<CallId, Running>,
    tx: mpsc::Sender<News>,
    rx: mpsc::Receiver<News>,
}

struct Running {
    cancel: CancellationToken,
    task: AbortHandle,
}

/// News of a call.
struct News {
    call_id: CallId,
    /// Whether nothing more comes of what was started for it.
    is_last: bool,
    happening: Happening,
}

/// A judged call, with what would change in files.
pub(crate) struct JudgedCall {
    pub judged: Judged,
    pub diff: Option<String>,
}

/// Why a call may run.
pub(crate) enum Permit {
    /// The policy said so a moment ago.
    Judged(Box<Judged>),
    /// A person approved this.
    Approved(Approved),
    /// A person approved it while its turn was broken off: what exactly stands in the database.
    Stored,
}

impl RunningTools {
    pub fn new(turn: ToolTurn) -> Self {
        let (tx, rx) = mpsc::channel(NEWS);
        Self {
            turn,
            running: HashMap::new(),
            tx,
            rx,
        }
    }

    /// Has a call judged, once everything said before it is durable: the workspace of a session
    /// stands in its row. The answer comes through [`Self::next`].
    pub fn check(&mut self, call: Call, taint: Option<String>, stored: oneshot::Receiver<bool>) {
        let asked = self.turn.asked(call, taint);
        let toolbox = Arc::clone(&self.turn.toolbox);
        self.spawn(asked.call_id.clone(), |_, tx| async move {
            // A turn whose entries cannot be stored ends; whether the call is judged makes no
            // difference then.
            stored.await.ok();
            let judged = toolbox.admit(&asked).await;
            let news = News {
                call_id: asked.call_id.clone(),
                is_last: true,
                happening: Happening::Judged {
                    asked: Box::new(asked),
                    judged: Box::new(judged),
                },
            };
            // The turn is over when nobody takes the verdict.
            tx.send(news).await.ok();
        });
    }

    /// Starts a call that may run, once everything said about it so far is durable; it answers
    /// through [`Self::next`].
    pub fn start(
        &mut self,
        call: Call,
        taint: Option<String>,
        permit: Permit,
        stored: oneshot::Receiver<bool>,
    ) {
        let turn = self.turn.clone();
        let asked = turn.asked(call, taint);
        self.spawn(asked.call_id.clone(), |cancel, tx| async move {
            let call_id = asked.call_id.clone();
            let happening = match turn.permitted(&asked, permit, stored).await {
                Ok(judged) => {
                    let parts = turn.run_parts(&asked, cancel, tx.clone());
                    let (output, duration) = turn.toolbox.run(judged, parts).await;
                    Happening::ToolEnded {
                        asked: Box::new(asked),
                        output,
                        duration,
                    }
                }
                Err(refused) => Happening::CallRefused {
                    asked: Box::new(asked),
                    refused,
                },
            };
            let news = News {
                call_id,
                is_last: true,
                happening,
            };
            tx.send(news).await.ok();
        });
    }

    /// Stops what runs for a call; nothing of it is delivered any more.
    pub fn abort(&mut self, call_id: &CallId) {
        if let Some(running) = self.running.remove(call_id) {
            running.cancel.cancel();
            running.task.abort();
        }
    }

    /// The next news of a call.
    ///
    /// # Cancellation
    /// Safe.
    pub async fn next(&mut self) -> Happening {
        loop {
            let Some(news) = self.rx.recv().await else {
                return std::future::pending().await;
            };
            let is_wanted = if news.is_last {
                self.running.remove(&news.call_id).is_some()
            } else {
                self.running.contains_key(&news.call_id)
            };
            if is_wanted {
                return news.happening;
            }
        }
    }

    fn spawn<F: Future<Output = ()> + Send + 'static>(
        &mut self,
        call_id: CallId,
        work: impl FnOnce(CancellationToken, mpsc::Sender<News>) -> F,
    ) {
        let cancel = CancellationToken::new();
        let task = self
            .turn
            .tracker
            .spawn(work(cancel.clone(), self.tx.clone()))
            .abort_handle();
        self.running.insert(call_id, Running { cancel, task });
    }
}

impl Drop for RunningTools {
    fn drop(&mut self) {
        for running in self.running.values() {
            running.cancel.cancel();
            running.task.abort();
        }
    }
}

impl Toolbox {
    /// Judges a call of a model, if no more than allowed began of late.
    async fn admit(&self, asked: &Asked) -> Result<JudgedCall, Refused> {
        let judged = self.judge_next(asked).await?;
        let diff = self.preview(&judged).await;
        Ok(JudgedCall { judged, diff })
    }

    /// What would change in files, when a person is to be asked about it.
    pub(crate) async fn preview(&self, judged: &Judged) -> Option<String> {
        if !matches!(judged.decision.verdict, Verdict::Ask { .. }) {
            return None;
        }
        self.diff(judged).await
    }

    /// What would change in files now.
    pub(crate) async fn diff(&self, judged: &Judged) -> Option<String> {
        // A file may hold a key that nothing used so far.
        self.keys.learn_all().await;
        let facts = Arc::clone(&judged.facts);
        let preview = judged.tool.preview(facts, judged.args.clone());
        let diff = tokio::time::timeout(PREVIEW_TIME, preview).await.ok()??;
        Some(self.keys.redact(diff))
    }
}

impl ToolTurn {
    fn asked(&self, call: Call, taint: Option<String>) -> Asked {
        Asked {
            call_id: call.call_id,
            tool: call.tool,
            args: call.args,
            session_id: Some(self.session_id.clone()),
            turn_id: Some(self.turn_id.clone()),
            surface: self.surface,
            place: Place::OfSession,
            taint,
        }
    }

    /// What may run now: what was judged a moment ago, or what a person approved and is still the
    /// same.
    async fn permitted(
        &self,
        asked: &Asked,
        permit: Permit,
        stored: oneshot::Receiver<bool>,
    ) -> Result<Judged, Refused> {
        if !stored.await.unwrap_or(false) {
            return Err(Refused::new(
                "audit.required",
                "the call could not be written down, so it does not run",
            ));
        }
        let approved = match permit {
            Permit::Judged(judged) => {
                self.toolbox.use_grants(&judged).await?;
                return Ok(*judged);
            }
            Permit::Approved(approved) => approved,
            Permit::Stored => {
                let of_call = self
                    .toolbox
                    .stored_approval(&self.session_id, &asked.call_id);
                of_call.await?
            }
        };
        self.toolbox.judge_again(asked, &approved).await
    }

    fn run_parts(
        &self,
        asked: &Asked,
        cancel: CancellationToken,
        tx: mpsc::Sender<News>,
    ) -> RunParts {
        let call_id = asked.call_id.clone();
        RunParts {
            call_id: asked.call_id.clone(),
            session_id: asked.session_id.clone(),
            surface: asked.surface,
            cancel,
            checkpoints: Arc::new(TurnCheckpoints::new(
                Arc::clone(&self.toolbox.files),
                self.session_id.clone(),
                self.turn_id.clone(),
            )),
            progress: Arc::new(move |text| {
                let event = Event::ToolProgress {
                    call_id: call_id.clone(),
                    text,
                };
                let news = News {
                    call_id: call_id.clone(),
                    is_last: false,
                    happening: Happening::Event(event),
                };
                // Progress is for watching: when too much of it waits, the newest is dropped.
                tx.try_send(news).ok();
            }),
        }
    }
}

/// A random mark for a text that somebody else wrote.
pub(crate) fn fence() -> String {
    CallId::random().as_str().replace('-', "")
}

/// What a refused call answers.
pub(crate) fn refusal(refused: &Refused) -> ToolOutput {
    ToolOutput::failed(refused.reason.clone())
}
