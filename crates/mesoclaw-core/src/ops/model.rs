//! Handlers of `model.*`.

use std::sync::Arc;

use mesoclaw_api::ops::model::{ImportParams, ModelApi, ModelFile, ModelParams, PullParams};
use mesoclaw_api::ops::{Done, NoParams};
use mesoclaw_api::{ApiResult, CallCtx};

use crate::core::Core;
use crate::error::from_model_files;

impl ModelApi for Core {
    async fn list(&self, _cx: CallCtx, _params: NoParams) -> ApiResult<Vec<ModelFile>> {
        let files = &self.inner.models.local()?.files;
        files.list().await.map_err(from_model_files)
    }

    async fn info(&self, _cx: CallCtx, params: ModelParams) -> ApiResult<ModelFile> {
        let files = &self.inner.models.local()?.files;
        files.info(&params.model_id).await.map_err(from_model_files)
    }

    async fn pull(&self, _cx: CallCtx, params: PullParams) -> ApiResult<Done> {
        let files = Arc::clone(&self.inner.models.local()?.files);
        self.inner.pulls.start(files, params)?;
        Ok(Done {})
    }

    async fn pull_cancel(&self, _cx: CallCtx, params: ModelParams) -> ApiResult<Done> {
        self.inner.pulls.cancel(&params.model_id)?;
        Ok(Done {})
    }

    async fn import(&self, _cx: CallCtx, params: ImportParams) -> ApiResult<ModelFile> {
        let files = &self.inner.models.local()?.files;
        files.import(params).await.map_err(from_model_files)
    }

    async fn remove(&self, _cx: CallCtx, params: ModelParams) -> ApiResult<Done> {
        let files = &self.inner.models.local()?.files;
        files
            .remove(&params.model_id)
            .await
            .map_err(from_model_files)?;
        Ok(Done {})
    }
}
