//! Handlers of `config.*`.

use mesoclaw_api::ops::NoParams;
use mesoclaw_api::ops::config::{ConfigApi, ConfigField, UpdateParams, Updated};
use mesoclaw_api::{ApiResult, CallCtx};
use serde_json::{Map, Value};

use crate::core::Core;
use crate::error::from_config;

/// Fields that are read only when the daemon starts.
const AT_START: &[&str] = &["data_dir", "db_path", "models_dir", "log_keep_days"];

impl ConfigApi for Core {
    async fn get(&self, _cx: CallCtx, _params: NoParams) -> ApiResult<Map<String, Value>> {
        Ok(self
            .inner
            .config
            .current()
            .describe_all()
            .into_iter()
            .map(|field| (field.key.to_owned(), field.value))
            .collect())
    }

    async fn origins(&self, _cx: CallCtx, _params: NoParams) -> ApiResult<Vec<ConfigField>> {
        Ok(self
            .inner
            .config
            .current()
            .describe_all()
            .into_iter()
            .map(|field| ConfigField {
                key: field.key.to_owned(),
                value: field.value,
                origin: field.origin.to_string(),
            })
            .collect())
    }

    async fn update(&self, _cx: CallCtx, params: UpdateParams) -> ApiResult<Updated> {
        let patch = Value::Object(params.patch.clone());
        let config = std::sync::Arc::clone(&self.inner.config);
        let patched = tokio::task::spawn_blocking(move || config.update(&patch))
            .await
            .map_err(|_| {
                mesoclaw_api::ApiError::new(
                    mesoclaw_api::ErrorCode::Internal,
                    "writing the configuration failed; the log has the details",
                )
            })?
            .map_err(from_config)?;
        let mut notes: Vec<String> = patched
            .shadowed
            .iter()
            .map(|shadowed| {
                format!(
                    "`{}` is written, but {} overrides it",
                    shadowed.key, shadowed.by
                )
            })
            .collect();
        let waiting = params
            .patch
            .keys()
            .filter(|key| AT_START.contains(&key.as_str()));
        notes
            .extend(waiting.map(|key| {
                format!("`{key}` holds from the next start: `mesoclaw daemon restart`")
            }));
        Ok(Updated {
            status: "persisted".to_owned(),
            fields: params.patch,
            notes,
        })
    }
}
