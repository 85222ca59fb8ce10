//! Checks of what a person wants to add or change, and the rows that come of it.

use std::time::Duration;

use mesoclaw_api::ops::provider::{CreateParams, NewModel, UpdateParams};
use mesoclaw_api::{ApiError, ApiResult, ErrorCode, Timestamp};
use mesoclaw_providers::catalog::catalog;
use mesoclaw_providers::{Auth, Dialect, Endpoint};
use mesoclaw_store::repo::model::ModelRow;
use mesoclaw_store::repo::provider::ProviderRow;

use crate::models::LOCAL;
use crate::models::setting::{ProviderSetting, is_loopback};

/// Longest provider id.
const MAX_ID_CHARS: usize = 64;
/// Ids that would be taken for something else: for a hint, or for an address of the interface.
const RESERVED: [&str; 4] = ["hint", "default", "detect", "with-key-status"];
/// Longest model id.
const MAX_MODEL_BYTES: usize = 256;

/// The rows of a new provider.
pub(super) fn checked(params: CreateParams) -> ApiResult<(ProviderRow, Vec<ModelRow>)> {
    check_id(&params.id)?;
    let known = catalog().provider(&params.id);
    let dialect = match &params.dialect {
        Some(word) => dialect(word)?,
        None => known.map_or(Dialect::OpenAiChat, |known| known.dialect),
    };
    let auth = params.auth.as_deref().map(auth).transpose()?;
    let base_url = params.base_url.trim().trim_end_matches('/').to_owned();
    let effective = auth.clone().unwrap_or_else(|| dialect.auth());
    check_address(&params.id, &base_url, dialect, effective)?;
    if let Some(name) = &params.api_key_env {
        check_variable(name)?;
    }
    let is_remote = !is_loopback(&base_url);
    let wants_key = known.is_some_and(|known| known.requires_api_key && is_remote);
    let row = ProviderRow {
        name: params
            .name
            .or_else(|| known.map(|known| known.name.clone()))
            .unwrap_or_else(|| params.id.clone()),
        base_url,
        dialect: dialect.as_str().to_owned(),
        auth: auth.as_ref().map(Auth::word),
        requires_api_key: params
            .requires_api_key
            .unwrap_or(params.api_key_env.is_some() || wants_key),
        api_key_env: params.api_key_env,
        api_version: params.api_version,
        created_at: Timestamp::now(),
        id: params.id,
    };
    let models = params
        .models
        .into_iter()
        .map(|model| model_row(&row.id, model))
        .collect::<ApiResult<_>>()?;
    Ok((row, models))
}

/// The row of a provider with another address.
pub(super) fn updated(setting: &ProviderSetting, params: &UpdateParams) -> ApiResult<ProviderRow> {
    let base_url = params.base_url.trim().trim_end_matches('/').to_owned();
    check_address(
        &setting.id,
        &base_url,
        setting.dialect,
        setting.auth.clone(),
    )?;
    let known = catalog().provider(&setting.id);
    let is_usual =
        |variable: &&String| known.is_some_and(|known| known.key_variables.contains(variable));
    Ok(ProviderRow {
        id: setting.id.clone(),
        name: params.name.clone().unwrap_or_else(|| setting.name.clone()),
        base_url,
        dialect: setting.dialect.as_str().to_owned(),
        auth: Some(setting.auth.word()),
        requires_api_key: setting.requires_api_key,
        api_key_env: setting
            .key_variables
            .first()
            .filter(|variable| !is_usual(variable))
            .cloned(),
        api_version: params
            .api_version
            .clone()
            .or_else(|| setting.api_version.clone()),
        created_at: setting.created_at.clone().unwrap_or_else(Timestamp::now),
    })
}

/// The row of a model.
pub(super) fn model_row(provider_id: &str, new: NewModel) -> ApiResult<ModelRow> {
    let is_fine = |c: char| !c.is_control() && !c.is_whitespace();
    if new.model_id.is_empty()
        || new.model_id.len() > MAX_MODEL_BYTES
        || !new.model_id.chars().all(is_fine)
    {
        return Err(invalid(format!(
            "a model id has 1 to {MAX_MODEL_BYTES} bytes without white space"
        )));
    }
    Ok(ModelRow {
        provider_id: provider_id.to_owned(),
        display_name: new.display_name.unwrap_or_else(|| new.model_id.clone()),
        model_id: new.model_id,
        context_limit: new.context_limit,
        output_limit: new.output_limit,
        supports_tools: new.supports_tools,
        supports_vision: new.supports_vision,
        price: new.price,
        created_at: Timestamp::now(),
    })
}

fn check_id(id: &str) -> ApiResult<()> {
    let is_id = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    if id.is_empty() || id.len() > MAX_ID_CHARS || !id.chars().all(is_id) {
        return Err(invalid(format!(
            "a provider id has 1 to {MAX_ID_CHARS} lower-case letters, digits, `-` and `_`"
        )));
    }
    if id == LOCAL || RESERVED.contains(&id) {
        return Err(ApiError::new(
            ErrorCode::Conflict,
            format!("`{id}` is taken by the program itself"),
        )
        .with_hint("choose another id"));
    }
    Ok(())
}

fn dialect(word: &str) -> ApiResult<Dialect> {
    let known = Dialect::from_word(word).filter(|dialect| *dialect != Dialect::Local);
    known.ok_or_else(|| {
        let words: Vec<_> = Dialect::ALL
            .iter()
            .filter(|dialect| **dialect != Dialect::Local)
            .map(|dialect| dialect.as_str())
            .collect();
        invalid(format!("there is no dialect `{}`", word.escape_debug()))
            .with_hint(format!("there are {}", words.join(", ")))
    })
}

fn auth(word: &str) -> ApiResult<Auth> {
    Auth::from_word(word).ok_or_else(|| {
        invalid(format!("`{}` is no way to send a key", word.escape_debug()))
            .with_hint("there are bearer, header:NAME and none")
    })
}

fn check_address(id: &str, base_url: &str, dialect: Dialect, auth: Auth) -> ApiResult<()> {
    let second = Duration::from_secs(1);
    mesoclaw_providers::client(Endpoint {
        provider_id: id.to_owned(),
        base_url: base_url.to_owned(),
        dialect,
        auth,
        api_key: None,
        api_version: None,
        connect_timeout: second,
        first_token_timeout: second,
        idle_timeout: second,
    })
    .map(|_| ())
    .map_err(|error| invalid(mesoclaw_api::error::chain(&error)))
}

pub(crate) fn check_variable(name: &str) -> ApiResult<()> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty()
        || name.starts_with(|c: char| c.is_ascii_digit())
        || !name.chars().all(is_name)
    {
        return Err(invalid(
            "an environment variable is meant by its name, not the key itself".to_owned(),
        ));
    }
    Ok(())
}

fn invalid(message: String) -> ApiError {
    ApiError::new(ErrorCode::Validation, message)
}
