//! From what a person wrote to a provider and a model.

use mesoclaw_api::ops::provider::DefaultModel;
use mesoclaw_api::{ApiError, ApiResult, ErrorCode};
use mesoclaw_config::Config;
use mesoclaw_providers::Dialect;

use crate::models::{LOCAL, Models};

/// What stands before the name of a purpose.
const HINT: &str = "hint:";

/// The purposes a model can be chosen for, with the setting that names it.
const HINTS: [(&str, &str); 4] = [
    ("fast", "model_fast"),
    ("reasoning", "model_reasoning"),
    ("vision", "model_vision"),
    ("summarize", "model_summarize"),
];

/// A model that is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Wanted<'a> {
    /// `provider:model`, `hint:...`, or a model of the default provider; `None` = the default.
    pub model: Option<&'a str>,
    /// The connection whose lent keys may be used.
    pub connection: u64,
}

impl Models {
    /// Finds provider and model for a text.
    ///
    /// # Errors
    /// Nothing is set up, the purpose has no model, or there is no such provider.
    pub(super) async fn route(&self, wanted: Option<&str>) -> ApiResult<DefaultModel> {
        let Some(text) = wanted else {
            return self.default_model().ok_or_else(not_configured);
        };
        let Some(purpose) = text.strip_prefix(HINT) else {
            return self.parse(text).await;
        };
        let target = hint_target(&self.config.current().config, purpose)?;
        self.parse(&target).await
    }

    async fn parse(&self, text: &str) -> ApiResult<DefaultModel> {
        if text.is_empty() || text.ends_with(':') {
            return Err(ApiError::new(
                ErrorCode::Validation,
                format!("`{}` names no model", text.escape_debug()),
            )
            .with_hint("write `provider:model`"));
        }
        if let Some((provider_id, model_id)) = text.split_once(':')
            && !model_id.is_empty()
            && self.exists(provider_id).await?
        {
            return Ok(DefaultModel {
                provider_id: provider_id.to_owned(),
                model_id: model_id.to_owned(),
            });
        }
        // Model names may hold colons themselves (`qwen3:8b`): without a known provider in front
        // the whole text names a model of the default provider.
        let provider_id = self
            .config
            .current()
            .config
            .provider_name
            .clone()
            .ok_or_else(|| {
                ApiError::not_found("provider", text.split(':').next().unwrap_or(text)).with_hint(
                    "write `provider:model`; `mesoclaw provider list --all` shows the providers",
                )
            })?;
        if let Some((before, _)) = text.split_once(':')
            && looks_like_provider(before)
            && !self.may_have(&provider_id, text).await?
        {
            return Err(ApiError::not_found("provider", before).with_hint(format!(
                "`mesoclaw provider list --all` shows the providers; if this is a model of \
                 `{provider_id}`, write `{provider_id}:{text}`"
            )));
        }
        Ok(DefaultModel {
            provider_id,
            model_id: text.to_owned(),
        })
    }

    /// Whether a name with a colon may be a model of this provider. On this machine it may; anywhere
    /// else only one that is known: what was meant for another provider must not go there.
    async fn may_have(&self, provider_id: &str, model_id: &str) -> ApiResult<bool> {
        if provider_id == LOCAL {
            return Ok(true);
        }
        let setting = self.setting(provider_id).await?;
        if setting.is_loopback || setting.dialect == Dialect::Ollama {
            return Ok(true);
        }
        let known = self.provider(provider_id).await?.models;
        Ok(known.iter().any(|model| model.model_id == model_id))
    }
}

/// Whether a text could be the id of a provider.
fn looks_like_provider(text: &str) -> bool {
    let is_id = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    text.chars().all(is_id)
}

/// The model that a purpose means.
fn hint_target(config: &Config, purpose: &str) -> ApiResult<String> {
    let Some((_, key)) = HINTS.iter().find(|(name, _)| *name == purpose) else {
        let known = HINTS.map(|(name, _)| format!("{HINT}{name}")).join(", ");
        return Err(ApiError::new(
            ErrorCode::Validation,
            format!("there is no `{HINT}{}`", purpose.escape_debug()),
        )
        .with_hint(format!("there are {known}")));
    };
    let target = match purpose {
        "fast" => &config.model_fast,
        "reasoning" => &config.model_reasoning,
        "vision" => &config.model_vision,
        _ => &config.model_summarize,
    };
    target.clone().ok_or_else(|| {
        ApiError::new(
            ErrorCode::AgentNotConfigured,
            format!("`{HINT}{purpose}` means no model yet: {key} is not set"),
        )
        .with_hint(format!("`mesoclaw config set {key} PROVIDER:MODEL`"))
    })
}

/// Nothing is set up: the three commands that fix it.
fn not_configured() -> ApiError {
    ApiError::new(ErrorCode::AgentNotConfigured, "no model is set up").with_hint(
        "set up a model with one of:
  mesoclaw setup
  mesoclaw setup --local
  mesoclaw key set PROVIDER && mesoclaw provider default PROVIDER MODEL",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_purpose_means_its_setting_or_names_it() {
        let config = Config {
            model_fast: Some("a:b".to_owned()),
            ..Config::default()
        };
        assert_eq!(hint_target(&config, "fast"), Ok("a:b".to_owned()));
        for (purpose, key) in HINTS.into_iter().skip(1) {
            let error = hint_target(&config, purpose).unwrap_err();
            assert_eq!(error.code, ErrorCode::AgentNotConfigured);
            assert!(error.hint.is_some_and(|hint| hint.contains(key)), "{key}");
        }
        let error = hint_target(&config, "cheap").unwrap_err();
        assert_eq!(error.code, ErrorCode::Validation);
    }
}
