//! Adds and changes providers and models. A stored key never goes to another host by itself.

use mesoclaw_api::ops::credential::{BindParams, CredentialBind};
use mesoclaw_api::ops::provider::{
    CreateParams, ModelAddParams, NewModel, Price, Provider, ProviderCreate, ProviderGet,
    ProviderModelAdd, ProviderParams, ProviderUpdate, UpdateParams,
};
use mesoclaw_ipc::Client;

use crate::cli::{AddArgs, ModelAddArgs, PriceArgs, UpdateArgs};
use crate::cmd::provider::words::{context_text, key_word, price_text, unencrypted};
use crate::exit::CliResult;
use crate::output::{Console, push};
use crate::run::offer;
use crate::run::question::{is_yes, read_answer};
use crate::sanitise::one_line;

/// `provider add`.
pub(super) async fn add(console: Console, client: &Client, args: AddArgs) -> CliResult<()> {
    let before = known(client, &args.id).await;
    let params = CreateParams {
        id: args.id,
        name: args.name.or(args.positional_name),
        base_url: args.base_url.or(args.url).unwrap_or_default(),
        dialect: args.dialect,
        auth: args.auth,
        api_key_env: args.api_key_env,
        requires_api_key: args.no_key.then_some(false),
        api_version: args.api_version,
        models: Vec::new(),
    };
    let provider = client.call::<ProviderCreate>(params).await?;
    let mut text = format!("added {} at {}", provider.id, one_line(&provider.base_url));
    if key_word(&provider) == "missing" {
        push(
            &mut text,
            format_args!("\nit wants a key: mesoclaw key set {}", provider.id),
        );
        if let Some(variable) = provider.key_variables.first() {
            push(
                &mut text,
                format_args!("\nthe daemon does not see {variable}"),
            );
        }
    }
    push(
        &mut text,
        format_args!(
            "\nnext: mesoclaw provider test {id}, mesoclaw provider default {id} MODEL",
            id = provider.id
        ),
    );
    console.done(&provider, &text)?;
    note_if_unencrypted(console, &provider);
    key_may_go(console, client, before.as_ref(), &provider).await
}

/// `provider update`.
pub(super) async fn update(console: Console, client: &Client, args: UpdateArgs) -> CliResult<()> {
    let before = known(client, &args.id).await;
    let params = UpdateParams {
        provider_id: args.id,
        base_url: args.base_url,
        name: args.name,
        api_version: args.api_version,
    };
    let provider = client.call::<ProviderUpdate>(params).await?;
    let text = format!("{} is at {} now", provider.id, one_line(&provider.base_url));
    console.done(&provider, &text)?;
    note_if_unencrypted(console, &provider);
    key_may_go(console, client, before.as_ref(), &provider).await
}

/// `provider model-add`.
pub(super) async fn add_model(
    console: Console,
    client: &Client,
    args: ModelAddArgs,
) -> CliResult<()> {
    let model = NewModel {
        model_id: args.model,
        display_name: args.name,
        supports_tools: either(args.tools, args.no_tools),
        supports_vision: either(args.vision, args.no_vision),
        context_limit: args.context,
        output_limit: args.output,
        price: price_of(args.price),
    };
    let params = ModelAddParams::new(args.id, model);
    let model = client.call::<ProviderModelAdd>(params).await?;
    let text = format!(
        "added {} ({}, {})",
        one_line(&model.id),
        context_text(&model),
        price_text(&model)
    );
    console.done(&model, &text)
}

fn either(yes: bool, no: bool) -> Option<bool> {
    (yes || no).then_some(yes)
}

fn price_of(args: PriceArgs) -> Option<Price> {
    Some(Price {
        input: args.input?,
        cached_input: args.cached,
        cache_write: args.cache_write,
        output: args.output?,
    })
}

/// The provider as it is; one that is not known yet is nothing special.
async fn known(client: &Client, id: &str) -> Option<Provider> {
    let params = ProviderParams {
        provider_id: id.to_owned(),
    };
    client.call::<ProviderGet>(params).await.ok()
}

/// Where a key is or is wanted, says that others could read it on its way.
fn note_if_unencrypted(console: Console, provider: &Provider) {
    if !provider.requires_api_key && !provider.has_api_key {
        return;
    }
    if let Some(note) = unencrypted(provider) {
        console.note(&note);
    }
}

/// Says that the key waits for a yes when the host is another one; on a terminal, asks.
async fn key_may_go(
    console: Console,
    client: &Client,
    before: Option<&Provider>,
    now: &Provider,
) -> CliResult<()> {
    let is_other = before.is_some_and(|before| {
        !before.base_url.is_empty() && origin_of(&before.base_url) != origin_of(&now.base_url)
    });
    let of_shell = offer::variables();
    let has_key = now.has_api_key
        || now
            .key_variables
            .iter()
            .any(|variable| of_shell.contains(variable));
    if !is_other || !has_key {
        return Ok(());
    }
    let address = origin_of(&now.base_url);
    let origin = one_line(&address);
    console.note(&format!(
        "the key of {id} does not go to {origin} before that is confirmed: \
         mesoclaw key confirm {id}",
        id = now.id
    ));
    if console.json || !console.can_ask() {
        return Ok(());
    }
    console.say(&format!("let the key go to {origin}? [y/N] "));
    if is_yes(&read_answer().await?) {
        bind(console, client, &now.id, Some(address)).await?;
    }
    Ok(())
}

/// Lets the key of a provider go to its present host, and says which that is.
///
/// # Errors
/// There is no such provider, or it has no address.
pub async fn confirm(console: Console, client: &Client, id: &str) -> CliResult<()> {
    bind(console, client, id, None).await
}

async fn bind(
    console: Console,
    client: &Client,
    id: &str,
    origin: Option<String>,
) -> CliResult<()> {
    let params = BindParams {
        provider_id: id.to_owned(),
        origin,
    };
    let answer = client.call::<CredentialBind>(params).await?;
    let text = format!("the key of {id} may go to {}", one_line(&answer.origin));
    console.done(&answer, &text)
}

/// Scheme, host and port of an address, to compare and to show; the daemon decides by its own.
pub fn origin_of(base_url: &str) -> String {
    let (scheme, rest) = base_url.split_once("://").unwrap_or(("", base_url));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}").to_ascii_lowercase()
}
