//! The part of the set-up that makes providers: servers found on this machine, and any
//! OpenAI-compatible address.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use mesoclaw_api::ops::provider::{
    CreateParams, DefaultModel, Provider, ProviderCreate, ProviderDefaultSet, ProviderDelete,
    ProviderGet, ProviderParams, ProviderTest, TestParams,
};
use mesoclaw_api::{ApiError, ErrorCode};
use mesoclaw_ipc::Client;

use crate::exit::CliResult;
use crate::output::Console;
use crate::run::setup::question;
use crate::sanitise::one_line;

/// Usual ports of model servers: port, id, name.
const SERVERS: [(u16, &str, &str); 4] = [
    (11434, "ollama", "Ollama"),
    (8080, "llamacpp", "a llama.cpp server"),
    (1234, "lmstudio", "LM Studio"),
    (8000, "vllm", "a vLLM server"),
];

/// How long a port of this machine may take to answer.
const PORT_PATIENCE: Duration = Duration::from_millis(150);

/// Most models listed to choose from.
const MODELS_LISTED: usize = 20;

/// A server that listens on this machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// Its port.
    pub port: u16,
    /// Id it gets.
    pub id: &'static str,
    /// What usually has this port.
    pub name: &'static str,
}

/// The servers that listen on their usual port. Whether one speaks the protocol is tried later.
pub fn local_servers() -> Vec<Found> {
    SERVERS
        .iter()
        .filter(|(port, _, _)| listens(*port))
        .map(|(port, id, name)| Found {
            port: *port,
            id,
            name,
        })
        .collect()
}

fn listens(port: u16) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    TcpStream::connect_timeout(&address, PORT_PATIENCE).is_ok()
}

/// Makes a found server the provider of the default model; `None` when it does not answer prompts.
///
/// # Errors
/// The operations' own.
pub async fn use_server(
    console: Console,
    client: &Client,
    found: &Found,
) -> CliResult<Option<DefaultModel>> {
    let params = CreateParams {
        id: found.id.to_owned(),
        name: Some(found.name.to_owned()),
        base_url: format!("http://127.0.0.1:{}/v1", found.port),
        api_key_env: None,
    };
    try_provider(console, client, params, String::new()).await
}

/// Asks for an address, the name of the variable with the key, and a model.
///
/// # Errors
/// The operations' own, or stdin ended.
pub async fn ask_remote(console: Console, client: &Client) -> CliResult<Option<DefaultModel>> {
    console.say("The key itself is never asked for: it stays in an environment variable.\n");
    let base_url = question(console, "address", "https://api.openai.com/v1").await?;
    let id = question(console, "short name for it", &id_of(&base_url)).await?;
    let variable = question(
        console,
        "environment variable with the key, `-` for none",
        &variable_of(&id),
    )
    .await?;
    let model = question(console, "model (empty: the first one it lists)", "").await?;
    let params = CreateParams {
        id,
        name: None,
        base_url,
        api_key_env: (variable != "-").then_some(variable),
    };
    try_provider(console, client, params, model).await
}

async fn try_provider(
    console: Console,
    client: &Client,
    params: CreateParams,
    model: String,
) -> CliResult<Option<DefaultModel>> {
    let provider_id = params.id.clone();
    let named = ProviderParams {
        provider_id: provider_id.clone(),
    };
    let (provider, is_new) = match client.call::<ProviderCreate>(params.clone()).await {
        Ok(provider) => (provider, true),
        Err(error) if error.code == ErrorCode::Conflict => {
            let provider = client.call::<ProviderGet>(named.clone()).await?;
            if provider.base_url != params.base_url {
                return Err(another_address(&provider).into());
            }
            (provider, false)
        }
        Err(error) => return Err(error.into()),
    };
    if let (Some(variable), false) = (&provider.api_key_env, provider.has_api_key) {
        console.say(&format!(
            "The daemon does not see {variable}. Set it in this shell, then:\n  \
             mesoclaw daemon restart\n  mesoclaw provider test {provider_id}\n  \
             mesoclaw provider default {provider_id} MODEL\n"
        ));
        return Ok(None);
    }
    console.say(&format!("asking {provider_id} for a word...\n"));
    let test = TestParams {
        provider_id: provider_id.clone(),
        model_id: (!model.is_empty()).then_some(model),
    };
    let result = client.call::<ProviderTest>(test.clone()).await?;
    console.say(&format!("{}\n", result.message));
    let (Some(first), true) = (result.model_id, result.success) else {
        if is_new {
            client.call::<ProviderDelete>(named).await?;
        }
        return Ok(None);
    };
    let model_id = match test.model_id {
        Some(model) => model,
        None => choose_model(console, client, named, first).await?,
    };
    let default = DefaultModel {
        provider_id,
        model_id,
    };
    client.call::<ProviderDefaultSet>(default.clone()).await?;
    Ok(Some(default))
}

async fn choose_model(
    console: Console,
    client: &Client,
    named: ProviderParams,
    first: String,
) -> CliResult<String> {
    let models = client.call::<ProviderGet>(named).await?.models;
    if models.len() < 2 {
        return Ok(first);
    }
    for (at, model) in models.iter().take(MODELS_LISTED).enumerate() {
        console.say(&format!("  {} {}\n", at + 1, one_line(model)));
    }
    let answer = question(console, "model, by number or name", &first).await?;
    let by_number = answer
        .parse::<usize>()
        .ok()
        .and_then(|number| models.get(number.checked_sub(1)?));
    Ok(by_number.cloned().unwrap_or(answer))
}

fn another_address(provider: &Provider) -> ApiError {
    ApiError::new(
        ErrorCode::Conflict,
        format!("{} exists and is at {}", provider.id, provider.base_url),
    )
    .with_hint(format!("mesoclaw provider remove {}", provider.id))
}

/// A short name from a host: `https://api.openai.com/v1` is `openai`.
fn id_of(base_url: &str) -> String {
    let host = base_url.split("://").nth(1).unwrap_or(base_url);
    let host = host.split(['/', ':']).next().unwrap_or_default();
    let labels: Vec<&str> = host.split('.').collect();
    let is_number = labels.iter().all(|label| label.parse::<u8>().is_ok());
    let label = match labels.as_slice() {
        _ if is_number => "server",
        [.., name, _top] => name,
        [only] => only,
        [] => "server",
    };
    let id: String = label
        .to_ascii_lowercase()
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        .collect();
    if id.is_empty() {
        "server".to_owned()
    } else {
        id
    }
}

/// The usual name of the variable with the key: `openai` has `OPENAI_API_KEY`.
fn variable_of(id: &str) -> String {
    format!("{}_API_KEY", id.to_ascii_uppercase().replace('-', "_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_address() {
        for (url, id, variable) in [
            ("https://api.openai.com/v1", "openai", "OPENAI_API_KEY"),
            ("http://127.0.0.1:9000/v1", "server", "SERVER_API_KEY"),
            ("http://box:9000", "box", "BOX_API_KEY"),
            ("https://my-llm.example.org", "example", "EXAMPLE_API_KEY"),
            ("", "server", "SERVER_API_KEY"),
        ] {
            assert_eq!(id_of(url), id, "{url}");
            assert_eq!(variable_of(&id_of(url)), variable, "{url}");
        }
    }

    #[test]
    fn ports_are_only_looked_at_on_this_machine() {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(listens(port));
        drop(listener);
        assert!(!listens(port));
    }
}
