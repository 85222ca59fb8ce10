//! `mesoclaw provider ...`: places that answer prompts, and the default model. What a provider looks
//! like in words is in `provider/words.rs`, what changes one in `provider/change.rs`.

mod change;
mod words;

use mesoclaw_api::ops::NoParams;
use mesoclaw_api::ops::provider::{
    DefaultModel, ModelRemoveParams, Provider, ProviderDefaultGet, ProviderDefaultSet,
    ProviderDelete, ProviderDetect, ProviderGet, ProviderList, ProviderModelRemove, ProviderModels,
    ProviderModelsParams, ProviderParams, ProviderTest, TestParams,
};
use mesoclaw_api::{ApiError, ErrorCode};
use mesoclaw_ipc::Client;
use serde_json::json;

use crate::cli::{Global, ProviderCommand};
use crate::connect::{Home, runtime};
use crate::exit::{CliError, CliResult, OK};
use crate::output::{Console, table};
use crate::run::offer;
use crate::run::setup;

pub use change::{confirm, origin_of};
pub use words::{context_text, price_text, unencrypted};

/// Runs a provider command.
///
/// # Errors
/// The operation's own.
pub fn main(console: Console, global: &Global, command: ProviderCommand) -> CliResult {
    let home = Home::find(global.config.clone())?;
    runtime()?.block_on(async {
        let client = home.client(console).await?;
        run(console, &client, command).await
    })
}

async fn run(console: Console, client: &Client, command: ProviderCommand) -> CliResult {
    match command {
        ProviderCommand::List { all } => list(console, client, all).await?,
        ProviderCommand::Show { id } => {
            let params = ProviderParams { provider_id: id };
            let provider = client.call::<ProviderGet>(params).await?;
            console.result(&provider, &words::description(&provider))?;
        }
        ProviderCommand::Add(args) => change::add(console, client, args).await?,
        ProviderCommand::Update(args) => change::update(console, client, args).await?,
        ProviderCommand::Remove { id } => {
            let params = ProviderParams {
                provider_id: id.clone(),
            };
            client.call::<ProviderDelete>(params).await?;
            console.done(&json!({"removed": id}), &format!("removed {id}"))?;
        }
        ProviderCommand::Default { provider, model } => {
            default(console, client, provider, model).await?;
        }
        ProviderCommand::Test { id, model } => return test(console, client, id, model).await,
        ProviderCommand::Models { id } => {
            offer::agreed_only(client, &id).await?;
            let params = ProviderModelsParams { provider_id: id };
            let models = client.call::<ProviderModels>(params).await?;
            let text = if models.is_empty() {
                "it lists no models".to_owned()
            } else {
                words::models_text(&models)
            };
            console.result(&models, &text)?;
        }
        ProviderCommand::ModelAdd(args) => change::add_model(console, client, args).await?,
        ProviderCommand::ModelRemove { id, model } => {
            let name = format!("{id}:{model}");
            let params = ModelRemoveParams {
                provider_id: id,
                model_id: model,
            };
            client.call::<ProviderModelRemove>(params).await?;
            console.done(&json!({"removed": name}), &format!("removed {name}"))?;
        }
        ProviderCommand::Detect => {
            let found = client.call::<ProviderDetect>(NoParams {}).await?;
            console.result(&found, &words::detected(&found, &offer::variables()))?;
        }
    }
    Ok(OK)
}

async fn list(console: Console, client: &Client, all: bool) -> CliResult<()> {
    let providers = client.call::<ProviderList>(NoParams {}).await?;
    let n_all = providers.len();
    let shown = sorted(providers, all);
    console.result(&shown, &table(&words::rows(&shown)))?;
    if shown.len() < n_all {
        console.progress(&format!(
            "{} more are known: mesoclaw provider list --all",
            n_all - shown.len()
        ));
    }
    Ok(())
}

/// The one with the default model first, then those somebody added, then those that can be used.
fn sorted(mut providers: Vec<Provider>, all: bool) -> Vec<Provider> {
    if !all {
        providers.retain(|provider| {
            provider.is_active || provider.is_default || provider.is_user_defined
        });
    }
    providers.sort_by_key(|provider| {
        (
            !provider.is_default,
            !provider.is_user_defined,
            !provider.is_active,
        )
    });
    providers
}

async fn default(
    console: Console,
    client: &Client,
    provider: Option<String>,
    model: Option<String>,
) -> CliResult<()> {
    let Some(provider) = provider else {
        let default = client.call::<ProviderDefaultGet>(NoParams {}).await?;
        let Some(default) = default else {
            let error = ApiError::new(ErrorCode::AgentNotConfigured, "no default model is set");
            return Err(setup::with_commands(error).into());
        };
        let text = format!("{}:{}", default.provider_id, default.model_id);
        return console.result(&default, &text);
    };
    let (provider_id, model_id) = match (provider.split_once(':'), model) {
        (_, Some(model)) => (provider, model),
        (Some((provider, model)), None) if !model.is_empty() => {
            (provider.to_owned(), model.to_owned())
        }
        (Some(_) | None, None) => {
            let id = provider.trim_end_matches(':');
            return Err(CliError::usage_hint(
                format!("which model of {id}?"),
                format!("mesoclaw provider default {id} MODEL\nmesoclaw provider show {id}"),
            ));
        }
    };
    let params = DefaultModel {
        provider_id,
        model_id,
    };
    // A key of this shell that was allowed counts as one that is there.
    offer::agreed_only(client, &params.provider_id).await?;
    client.call::<ProviderDefaultSet>(params.clone()).await?;
    let text = format!("default is {}:{}", params.provider_id, params.model_id);
    console.done(&params, &text)
}

/// Tries a provider for real and prints what happened.
///
/// # Errors
/// There is no such provider.
pub async fn test(
    console: Console,
    client: &Client,
    id: String,
    model: Option<String>,
) -> CliResult {
    offer::agreed_only(client, &id).await?;
    let params = TestParams {
        provider_id: id,
        model_id: model,
    };
    let result = client.call::<ProviderTest>(params).await?;
    let text = format!("{} ({} ms)", result.message, result.latency_ms);
    console.result(&result, &text)?;
    if result.success {
        return Ok(OK);
    }
    Ok(result.error_code.unwrap_or(ErrorCode::Agent).exit_code())
}

#[cfg(test)]
mod tests;
