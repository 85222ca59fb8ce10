//! `mesoclaw provider ...`: places that answer prompts, and the default model.

use mesoclaw_api::ops::NoParams;
use mesoclaw_api::ops::provider::{
    CreateParams, DefaultModel, Provider, ProviderCreate, ProviderDefaultGet, ProviderDefaultSet,
    ProviderDelete, ProviderList, ProviderParams, ProviderTest, TestParams,
};
use mesoclaw_api::{ApiError, ErrorCode};
use mesoclaw_ipc::Client;
use serde_json::json;

use crate::cli::{Global, ProviderCommand};
use crate::connect::{Home, runtime};
use crate::exit::{CliError, CliResult, OK};
use crate::output::{Console, push, table};
use crate::run::setup;

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
        ProviderCommand::List => {
            let providers = client.call::<ProviderList>(NoParams {}).await?;
            console.result(&providers, &table(&rows(&providers)))?;
        }
        ProviderCommand::Add {
            id,
            positional_name,
            url,
            base_url,
            name,
            api_key_env,
        } => {
            let params = CreateParams {
                id,
                name: name.or(positional_name),
                base_url: base_url.or(url).unwrap_or_default(),
                api_key_env,
            };
            let provider = client.call::<ProviderCreate>(params).await?;
            let mut text = format!("added {} at {}", provider.id, provider.base_url);
            if let (Some(variable), false) = (&provider.api_key_env, provider.has_api_key) {
                push(
                    &mut text,
                    format_args!(
                        "\nthe daemon does not see {variable} yet: set it and run `mesoclaw daemon restart`"
                    ),
                );
            }
            push(
                &mut text,
                format_args!(
                    "\nnext: mesoclaw provider test {id}, mesoclaw provider default {id} MODEL",
                    id = provider.id
                ),
            );
            console.done(&provider, &text)?;
        }
        ProviderCommand::Default { provider, model } => {
            default(console, client, provider, model).await?;
        }
        ProviderCommand::Test { id, model } => return test(console, client, id, model).await,
        ProviderCommand::Remove { id } => {
            let params = ProviderParams {
                provider_id: id.clone(),
            };
            client.call::<ProviderDelete>(params).await?;
            console.done(&json!({"removed": id}), &format!("removed {id}"))?;
        }
    }
    Ok(OK)
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
            return Err(CliError::usage_hint(
                format!("which model of {provider}?"),
                format!("mesoclaw provider default {provider} MODEL"),
            ));
        }
    };
    let params = DefaultModel {
        provider_id,
        model_id,
    };
    client.call::<ProviderDefaultSet>(params.clone()).await?;
    let text = format!("default is {}:{}", params.provider_id, params.model_id);
    console.done(&params, &text)
}

async fn test(console: Console, client: &Client, id: String, model: Option<String>) -> CliResult {
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

fn rows(providers: &[Provider]) -> Vec<Vec<String>> {
    let heading = ["ID", "NAME", "KEY", "DEFAULT", "ADDRESS"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    rows.extend(providers.iter().map(|provider| {
        let key = match (&provider.api_key_env, provider.has_api_key) {
            (Some(variable), true) => variable.clone(),
            (Some(variable), false) => format!("{variable} missing"),
            (None, _) if provider.requires_api_key => "missing".to_owned(),
            (None, _) => "-".to_owned(),
        };
        vec![
            provider.id.clone(),
            provider.name.clone(),
            key,
            if provider.is_default { "yes" } else { "-" }.to_owned(),
            if provider.base_url.is_empty() {
                "inside mesoclaw".to_owned()
            } else {
                provider.base_url.clone()
            },
        ]
    }));
    rows
}
