//! `LocalEngine`: the embedded engine as the rest of the program sees it.

use std::path::PathBuf;
use std::sync::Arc;

use mesoclaw_agent::model::{ModelClient, ModelMessage, ModelRequest, ModelStream};
use mesoclaw_agent::model_files::{
    CancelToken, ModelFiles, ModelFilesError, ModelFilesErrorKind, ProgressSink,
};
use mesoclaw_api::BoxFuture;
use mesoclaw_api::ops::model::{ImportParams, ModelFile, PullParams};

use crate::catalog;
use crate::engine::{Engine, Job, LocalOptions};
use crate::error::LocalError;
use crate::files::Files;
use crate::import;
use crate::outbox::outbox;
use crate::pull::{self, blocking};
use crate::stats::{AnswerTimes, EngineStats};

/// GGUF chat models in this process, and their files.
///
/// Making one costs nothing: no thread, no file, no model before the first request.
pub struct LocalEngine {
    engine: Engine,
}

impl LocalEngine {
    /// An engine that loads models from `options.models_dir` when they are asked for.
    pub fn new(options: LocalOptions) -> Self {
        Self {
            engine: Engine::new(options),
        }
    }

    /// Changes the options; the next request follows them.
    pub fn set_options(&self, options: LocalOptions) {
        self.engine.set_options(options);
    }

    /// Ends the engine's thread; a running answer stops at the next token. Blocks until it has
    /// ended. Later requests get an error.
    pub fn shutdown(&self) {
        self.engine.shut_down();
    }

    /// What the engine did so far.
    pub fn stats(&self) -> EngineStats {
        self.engine.shared.counters.snapshot()
    }

    /// How long the parts of the last whole answer took.
    pub fn last_answer(&self) -> Option<AnswerTimes> {
        self.engine.shared.counters.last()
    }

    /// Like [`ModelClient::stream`], but the answer begins with a call of one of the request's
    /// tools. Without tools it is an answer like any other.
    pub fn stream_call(&self, request: ModelRequest) -> ModelStream {
        self.start(request, true)
    }

    fn start(&self, request: ModelRequest, must_call: bool) -> ModelStream {
        let (outbox, answer) = outbox();
        let has_images = request.messages.iter().any(|message| match message {
            ModelMessage::User { images, .. } => !images.is_empty(),
            ModelMessage::Assistant { .. } | ModelMessage::ToolResult { .. } => false,
        });
        if has_images {
            outbox.fail(LocalError::Images);
        } else {
            self.engine.submit(Job {
                request,
                must_call,
                outbox,
            });
        }
        Box::pin(answer)
    }

    fn files(&self) -> Files {
        Files::new(self.engine.shared.options().models_dir)
    }
}

impl ModelClient for LocalEngine {
    fn stream(&self, request: ModelRequest) -> ModelStream {
        self.start(request, false)
    }
}

impl ModelFiles for LocalEngine {
    fn list(&self) -> BoxFuture<'_, Result<Vec<ModelFile>, ModelFilesError>> {
        let files = self.files();
        Box::pin(async move { Ok(blocking(move || files.list()).await?) })
    }

    fn info(&self, model_id: &str) -> BoxFuture<'_, Result<ModelFile, ModelFilesError>> {
        let files = self.files();
        let id = model_id.to_owned();
        Box::pin(async move { Ok(blocking(move || files.info(&id)).await?) })
    }

    fn pull(
        &self,
        params: PullParams,
        progress: Arc<dyn ProgressSink>,
        cancel: Arc<dyn CancelToken>,
    ) -> BoxFuture<'_, Result<ModelFile, ModelFilesError>> {
        Box::pin(async move {
            let id = params.model_id.clone();
            pull::pull(&self.files(), params, progress, cancel).await?;
            self.info(&id).await
        })
    }

    fn import(&self, params: ImportParams) -> BoxFuture<'_, Result<ModelFile, ModelFilesError>> {
        let files = self.files();
        Box::pin(async move {
            let id = blocking(move || {
                import::import(&files, &PathBuf::from(params.path), params.model_id)
            })
            .await?;
            self.info(&id).await
        })
    }

    fn remove(&self, model_id: &str) -> BoxFuture<'_, Result<(), ModelFilesError>> {
        let id = model_id.to_owned();
        Box::pin(async move {
            match self.engine.unload(&id).await {
                Ok(()) => {}
                Err(error) => {
                    let error = ModelFilesError::from(error);
                    // An engine that is shut down holds no model.
                    if error.kind != ModelFilesErrorKind::Cancelled {
                        return Err(error);
                    }
                }
            }
            let files = self.files();
            Ok(blocking(move || files.remove(&id)).await?)
        })
    }

    fn loaded(&self) -> Option<String> {
        self.engine.loaded()
    }

    fn recommended(&self) -> String {
        let (total_mib, cores) = catalog::machine();
        catalog::recommended_for(total_mib, cores).to_owned()
    }
}
