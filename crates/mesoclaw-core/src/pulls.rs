//! Running downloads of model files: one a model, cancellable, told by events.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use mesoclaw_agent::model_files::{
    CancelToken, ModelFiles, ModelFilesError, ProgressSink, PullProgress,
};
use mesoclaw_api::ops::model::{ModelFile, PullParams};
use mesoclaw_api::{ApiError, ApiResult, ErrorCode, Event};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::bus::Bus;
use crate::error::from_model_files;

/// See the module documentation.
pub(crate) struct Pulls {
    running: Mutex<HashMap<String, CancellationToken>>,
    bus: Arc<Bus>,
    tracker: TaskTracker,
    shutdown: CancellationToken,
}

impl Pulls {
    pub fn new(bus: Arc<Bus>, tracker: TaskTracker, shutdown: CancellationToken) -> Arc<Self> {
        Arc::new(Self {
            running: Mutex::new(HashMap::new()),
            bus,
            tracker,
            shutdown,
        })
    }

    /// Starts a download in the background.
    ///
    /// # Errors
    /// The model is being fetched already.
    pub fn start(
        self: &Arc<Self>,
        files: Arc<dyn ModelFiles>,
        params: PullParams,
    ) -> ApiResult<()> {
        let model = params.model_id.clone();
        let cancel = self.shutdown.child_token();
        {
            let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            if running.contains_key(&model) {
                return Err(ApiError::new(
                    ErrorCode::Conflict,
                    format!("the model `{model}` is being fetched already"),
                ));
            }
            running.insert(model.clone(), cancel.clone());
        }
        let pulls = Arc::clone(self);
        self.tracker.spawn(async move {
            let sink = Arc::new(EventSink {
                model: model.clone(),
                bus: Arc::clone(&pulls.bus),
            });
            let result = files.pull(params, sink, Arc::new(Token(cancel))).await;
            pulls.finish(model, result);
        });
        Ok(())
    }

    /// Stops a download.
    ///
    /// # Errors
    /// The model is not being fetched.
    pub fn cancel(&self, model: &str) -> ApiResult<()> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let token = running
            .get(model)
            .ok_or_else(|| ApiError::not_found("running download of", model))?;
        token.cancel();
        Ok(())
    }

    fn finish(&self, model: String, result: Result<ModelFile, ModelFilesError>) {
        self.running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&model);
        let error = result.err().map(from_model_files);
        match &error {
            None => tracing::info!(%model, "model installed"),
            Some(error) => tracing::warn!(%model, error = %error.message, "model not installed"),
        }
        self.bus.publish(Event::ModelFinished { model, error });
    }
}

struct EventSink {
    model: String,
    bus: Arc<Bus>,
}

impl ProgressSink for EventSink {
    fn progress(&self, progress: PullProgress) {
        self.bus.publish(Event::ModelProgress {
            model: self.model.clone(),
            received_bytes: progress.received_bytes,
            total_bytes: progress.total_bytes,
            stage: progress.stage.to_owned(),
        });
    }
}

/// A cancellation token behind the small trait of the agent crate.
pub(crate) struct Token(pub CancellationToken);

impl CancelToken for Token {
    fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }
}
