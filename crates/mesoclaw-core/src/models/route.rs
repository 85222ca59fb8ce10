//! From what a person wrote to a provider and a model.

use mesoclaw_api::{ApiError, ApiResult, ErrorCode};
use mesoclaw_config::Config;
use mesoclaw_providers::Dialect;

use crate::models::setting::ProviderSetting;
use crate::models::{LOCAL, Models, facts};

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

/// Who was found for a text.
pub(super) struct Route {
    /// The provider; `None` = the embedded engine.
    pub setting: Option<ProviderSetting>,
    pub model_id: String,
}

impl Models {
    /// Finds provider and model for a text.
    ///
    /// # Errors
    /// Nothing is set up, the purpose has no model, or there is no such provider.
    pub(super) async fn route(&self, wanted: Option<&str>) -> ApiResult<Route> {
        let Some(text) = wanted else {
            let default = self.default_model().ok_or_else(not_configured)?;
            return self.exact(&default.provider_id, &default.model_id).await;
        };
        let Some(purpose) = text.strip_prefix(HINT) else {
            return self.parse(text).await;
        };
        let target = hint_target(&self.config.current().config, purpose)?;
        self.parse(&target).await
    }

    /// A model of this provider, whatever its name looks like.
    ///
    /// # Errors
    /// There is no such provider.
    pub(super) async fn exact(&self, provider_id: &str, model_id: &str) -> ApiResult<Route> {
        let setting = if provider_id == LOCAL {
            None
        } else {
            Some(self.setting(provider_id).await?)
        };
        Ok(Route {
            setting,
            model_id: model_id.to_owned(),
        })
    }

    async fn parse(&self, text: &str) -> ApiResult<Route> {
        if text.is_empty() || text.ends_with(':') {
            return Err(ApiError::new(
                ErrorCode::Validation,
                format!("`{}` names no model", text.escape_debug()),
            )
            .with_hint("write `provider:model`"));
        }
        if let Some((provider_id, model_id)) = text.split_once(':')
            && !model_id.is_empty()
        {
            let setting = self.find_setting(provider_id).await?;
            let is_embedded = provider_id == LOCAL && self.local.is_some();
            if setting.is_some() || is_embedded {
                let model_id = model_id.to_owned();
                return Ok(Route { setting, model_id });
            }
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
        let route = self.exact(&provider_id, text).await?;
        if let Some((before, _)) = text.split_once(':')
            && looks_like_provider(before)
            && !self.may_be_meant(&route)
        {
            return Err(ApiError::not_found("provider", before).with_hint(format!(
                "`mesoclaw provider list --all` shows the providers; if this is a model of \
                 `{provider_id}`, write `{provider_id}:{text}`"
            )));
        }
        Ok(route)
    }

    /// Whether a name with a colon may be a model of this provider. On this machine it may; anywhere
    /// else only one that is known: what was meant for another provider must not go there.
    fn may_be_meant(&self, route: &Route) -> bool {
        let Some(setting) = &route.setting else {
            return true;
        };
        if setting.is_loopback || setting.dialect == Dialect::Ollama {
            return true;
        }
        let is_default = self.default_model().is_some_and(|default| {
            default.provider_id == setting.id && default.model_id == route.model_id
        });
        is_default
            || facts::merged(setting, false)
                .iter()
                .any(|model| model.model_id == route.model_id)
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
