//! Providers that want a key: with a variable of this shell, of the catalogue, or at any address.

use mesoclaw_api::ops::NoParams;
use mesoclaw_api::ops::credential::WantedVariable;
use mesoclaw_api::ops::provider::{
    CreateParams, DefaultModel, Provider, ProviderCreate, ProviderGet, ProviderList, ProviderParams,
};
use mesoclaw_api::{ApiError, ErrorCode, SecretText};

use crate::exit::CliResult;
use crate::output::{Console, push};
use crate::run::offer;
use crate::run::question::{Picked, by_number, question};
use crate::run::setup::keeping::keep;
use crate::run::setup::try_out;
use crate::run::setup::undo::{Change, Undo};
use crate::sanitise::one_line;
use crate::secret_input;

/// A provider with the key in a variable of this shell.
///
/// # Errors
/// The operations' own.
pub(super) async fn set_up_variable(
    console: Console,
    undo: &mut Undo<'_>,
    wanted: &WantedVariable,
) -> CliResult<Option<DefaultModel>> {
    let (variable, id) = (&wanted.variable, &wanted.provider_id);
    console.say(&format!(
        "  1 keep a copy of it in the key store\n  \
         2 use {shown} whenever it is set in the shell, without asking\n  \
         3 go back\n",
        shown = one_line(variable)
    ));
    match question(console, "what shall be done with the key", "3")
        .await?
        .as_str()
    {
        "1" => {
            let value = std::env::var(variable).unwrap_or_default();
            if !keep(console, undo, id, SecretText::new(value)).await? {
                return Ok(None);
            }
        }
        "2" => {
            offer::lend_there(undo.client, wanted, true).await?;
            undo.push(Change::Consent(variable.clone()));
        }
        _ => return Ok(None),
    }
    try_out::set_up(console, undo.client, id, None).await
}

/// A provider of the catalogue, with a key that is typed.
///
/// # Errors
/// The operations' own.
pub(super) async fn set_up_catalogue(
    console: Console,
    undo: &mut Undo<'_>,
) -> CliResult<Option<DefaultModel>> {
    let mut providers = undo.client.call::<ProviderList>(NoParams {}).await?;
    providers.retain(|provider| provider.key_name.is_some() && !provider.base_url.is_empty());
    let Some(provider) = pick(console, &providers).await? else {
        return Ok(None);
    };
    if !provider.has_api_key {
        let prompt = format!("key for {} (not shown; empty goes back): ", provider.id);
        let Some(key) = secret_input::ask_optional(console, &prompt).await? else {
            return Ok(None);
        };
        if !keep(console, undo, &provider.id, key).await? {
            return Ok(None);
        }
    }
    try_out::set_up(console, undo.client, &provider.id, None).await
}

async fn pick(console: Console, providers: &[Provider]) -> CliResult<Option<&Provider>> {
    let mut text = String::new();
    for (at, provider) in providers.iter().enumerate() {
        let key = if provider.has_api_key {
            ", its key is there"
        } else {
            ""
        };
        push(
            &mut text,
            format_args!(
                "  {} {} ({}{key})\n",
                at + 1,
                one_line(&provider.id),
                one_line(&provider.name)
            ),
        );
    }
    console.say(&text);
    loop {
        let answer = question(console, "provider, by number or name; `-` goes back", "").await?;
        if answer.is_empty() || answer == "-" {
            return Ok(None);
        }
        let picked = match by_number(&answer, providers) {
            Picked::Item(provider) => Some(provider),
            Picked::Text => providers.iter().find(|provider| provider.id == answer),
            Picked::Nothing => None,
        };
        if picked.is_some() {
            return Ok(picked);
        }
        console.say(&format!(
            "there is no `{}` in the list\n",
            one_line(&answer)
        ));
    }
}

/// Any address that speaks OpenAI chat completions.
///
/// # Errors
/// The operations' own.
pub(super) async fn set_up_remote(
    console: Console,
    undo: &mut Undo<'_>,
) -> CliResult<Option<DefaultModel>> {
    let Some(base_url) = address(console).await? else {
        return Ok(None);
    };
    let id = question(console, "short name for it", &id_of(&base_url)).await?;
    let key = secret_input::ask_optional(console, "key (not shown; empty: none): ").await?;
    let model = question(console, "model (empty: choose from its list)", "").await?;
    let provider = provider_at(undo, &id, &base_url, key.is_some()).await?;
    if let Some(key) = key
        && !keep(console, undo, &provider.id, key).await?
    {
        return Ok(None);
    }
    let model = (!model.is_empty()).then_some(model);
    try_out::set_up(console, undo.client, &provider.id, model).await
}

/// An address that has at least the right beginning: everything asked after it would be lost.
async fn address(console: Console) -> CliResult<Option<String>> {
    loop {
        let answer = question(console, "address, with /v1 where it has that", "").await?;
        if answer.is_empty() {
            return Ok(None);
        }
        if answer.starts_with("http://") || answer.starts_with("https://") {
            return Ok(Some(answer));
        }
        console.say("write it with http:// or https:// in front, or nothing to go back\n");
    }
}

/// Adds the provider; one of the same name and address is fine.
async fn provider_at(
    undo: &mut Undo<'_>,
    id: &str,
    base_url: &str,
    has_key: bool,
) -> CliResult<Provider> {
    let params = CreateParams {
        id: id.to_owned(),
        base_url: base_url.to_owned(),
        requires_api_key: has_key.then_some(true),
        ..CreateParams::default()
    };
    match undo.client.call::<ProviderCreate>(params).await {
        Ok(provider) => {
            undo.push(Change::Provider(provider.id.clone()));
            Ok(provider)
        }
        Err(error) if error.code == ErrorCode::Conflict => {
            let params = ProviderParams {
                provider_id: id.to_owned(),
            };
            let provider = undo.client.call::<ProviderGet>(params).await?;
            if provider.base_url == base_url.trim_end_matches('/') {
                Ok(provider)
            } else {
                Err(another_address(&provider).into())
            }
        }
        Err(error) => Err(error.into()),
    }
}

fn another_address(provider: &Provider) -> ApiError {
    ApiError::new(
        ErrorCode::Conflict,
        format!("{} exists and is at {}", provider.id, provider.base_url),
    )
    .with_hint(format!(
        "choose another name, or: mesoclaw provider update {} --base-url URL",
        provider.id
    ))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_address() {
        for (url, id) in [
            ("https://api.openai.com/v1", "openai"),
            ("http://127.0.0.1:9000/v1", "server"),
            ("http://box:9000", "box"),
            ("https://my-llm.example.org", "example"),
            ("", "server"),
        ] {
            assert_eq!(id_of(url), id, "{url}");
        }
    }
}
