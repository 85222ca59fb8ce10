//! `Core`: where a call gets in. Access, lane and span are decided here, from the table.

use std::sync::{Arc, Mutex, PoisonError};

use mesoclaw_api::ops::events::{EventSource, EventStream, SubscribeParams, Subscribed};
use mesoclaw_api::{
    Access, ApiError, ApiResult, BootId, BoxFuture, CallCtx, ErrorCode, Event, RawCaller,
    SessionId, Timestamp, dispatch,
};
use mesoclaw_store::Store;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::approvals::Approvals;
use crate::boot::LAST_STOP;
use crate::budget::Budget;
use crate::bus::Bus;
use crate::circuit::Circuits;
use crate::config_service::ConfigService;
use crate::keys::Keys;
use crate::lanes::Lanes;
use crate::models::Models;
use crate::pulls::Pulls;
use crate::session::Registry;
use crate::tools::Toolbox;

/// The agent of one daemon. Cheap to clone.
#[derive(Clone)]
pub struct Core {
    pub(crate) inner: Arc<Inner>,
}

/// All set once at boot.
pub(crate) struct Inner {
    pub boot_id: BootId,
    pub store: Store,
    pub bus: Arc<Bus>,
    pub config: Arc<ConfigService>,
    pub models: Arc<Models>,
    pub keys: Arc<Keys>,
    pub budget: Arc<Budget>,
    pub circuits: Arc<Circuits>,
    pub approvals: Arc<Approvals>,
    pub toolbox: Arc<Toolbox>,
    pub sessions: Arc<Registry>,
    pub pulls: Arc<Pulls>,
    pub lanes: Lanes,
    pub facts: DaemonFacts,
    pub was_last_stop_clean: Option<bool>,
    /// Sessions whose waiting messages go on once the daemon can be reached.
    pub waiting: Mutex<Vec<SessionId>>,
    pub tracker: TaskTracker,
    pub shutdown: CancellationToken,
}

/// What `daemon.status` tells about the process.
pub struct DaemonFacts {
    /// Process id.
    pub pid: u32,
    /// Version of the program.
    pub version: &'static str,
    /// When the process started.
    pub started_at: Timestamp,
    /// Where the daemon listens.
    pub socket: String,
    /// Where its data is.
    pub data_dir: String,
    /// Connected clients, counted by the server.
    pub clients: Box<dyn Fn() -> u32 + Send + Sync>,
}

impl Core {
    pub(crate) fn new(inner: Inner) -> Self {
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Lets messages go on that waited when the last daemon ended. To be called once the daemon can
    /// be reached: one that fails to start must not touch them.
    pub fn start_waiting(&self) {
        let waiting = std::mem::take(
            &mut *self
                .inner
                .waiting
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        for session_id in waiting {
            if let Err(error) = self.inner.sessions.wake(&session_id) {
                tracing::warn!(session = %session_id, %error, "waiting messages not started");
            }
        }
    }

    /// Ends everything in order: running turns are stored as interrupted, then the database is
    /// closed. Bounded by the caller.
    ///
    /// # Errors
    /// The database could not be closed cleanly; nothing acknowledged is lost by that.
    pub async fn close(&self, reason: &str) -> Result<(), mesoclaw_store::StoreError> {
        self.inner.bus.publish(Event::DaemonStopping {
            reason: reason.to_owned(),
        });
        self.inner.sessions.interrupt_all().await;
        let noted = self
            .inner
            .store
            .write(|tx| {
                let stop = json!({"clean": true, "at": Timestamp::now()});
                mesoclaw_store::repo::setting::set(tx, LAST_STOP, &stop)
            })
            .await;
        self.inner.store.close().await;
        noted
    }

    pub(crate) fn clients(&self) -> u32 {
        (self.inner.facts.clients)()
    }

    async fn run(&self, cx: CallCtx, method: &str, params: Value) -> ApiResult<Value> {
        let Some(row) = mesoclaw_api::find(method) else {
            return dispatch(self, cx, method, params).await;
        };
        if row.access > cx.surface.ceiling() {
            return Err(ApiError::new(
                ErrorCode::PolicyDenied,
                format!("`{method}` is not allowed from here"),
            ));
        }
        let _lane = self.inner.lanes.enter(row.lane, &params).await;
        dispatch(self, cx, method, params).await
    }
}

impl RawCaller for Core {
    fn call_raw(
        &self,
        cx: CallCtx,
        method: &str,
        params: Value,
    ) -> BoxFuture<'_, ApiResult<Value>> {
        let span =
            tracing::debug_span!("op", op = method, surface = ?cx.surface, conn = cx.connection);
        let changes = mesoclaw_api::find(method).is_some_and(|row| row.access >= Access::Write);
        let core = self.clone();
        let method = method.to_owned();
        let work = async move {
            let result = core.run(cx, &method, params).await;
            if let Err(error) = &result {
                tracing::debug!(code = %error.code, message = %error.message, "refused");
            }
            result
        }
        .instrument(span);
        if !changes {
            return Box::pin(work);
        }
        // What changes something runs to its end, also when the caller goes away half way: no
        // change without its event, no message said twice because the first try was cut off.
        let task = self.inner.tracker.spawn(work);
        Box::pin(async move {
            task.await.unwrap_or_else(|error| {
                tracing::error!(%error, "an operation did not end");
                Err(ApiError::new(
                    ErrorCode::Internal,
                    "the operation failed inside the daemon; the log has the details",
                ))
            })
        })
    }

    fn connection_closed(&self, connection: u64) {
        self.inner.toolbox.direct.connection_closed(connection);
        if self.inner.keys.connection_closed(connection) {
            // Clients hold the key they were made with.
            self.inner.models.forget_clients();
        }
    }
}

impl EventSource for Core {
    fn subscribe(&self, params: SubscribeParams) -> (Subscribed, EventStream) {
        self.inner.bus.subscribe(params)
    }
}
