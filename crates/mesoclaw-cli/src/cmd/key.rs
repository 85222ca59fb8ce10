//! `mesoclaw key ...`: secrets go in, names come out, values never. Where they are kept is in
//! `key/store.rs`.

mod store;

use mesoclaw_api::ops::NoParams;
use mesoclaw_api::ops::credential::{
    AgreeParams, CredentialAgree, CredentialAgreed, CredentialDelete, CredentialList,
    CredentialSet, CredentialStatus, KeyParams, KeyStoreStatus, SetParams,
};
use mesoclaw_api::ops::provider::{ProviderGet, ProviderParams};
use mesoclaw_api::{ApiError, ErrorCode, SecretText};
use mesoclaw_ipc::Client;
use serde_json::json;

use crate::cli::{Global, KeyCommand};
use crate::cmd::provider;
use crate::connect::{Home, runtime};
use crate::exit::{CliError, CliResult, OK};
use crate::output::{Console, push, shell_word, table};
use crate::sanitise::one_line;
use crate::secret_input;

pub use store::{fits_on_a_line, place_text, use_file};

/// What the names of keys of providers begin with.
const API_KEY: &str = "api_key:";

/// Runs a key command.
///
/// # Errors
/// The operation's own, or the secret cannot be read.
pub fn main(console: Console, global: &Global, command: KeyCommand) -> CliResult {
    let home = Home::find(global.config.clone())?;
    runtime()?.block_on(run(console, &home, command))
}

async fn run(console: Console, home: &Home, command: KeyCommand) -> CliResult {
    match command {
        KeyCommand::Set { provider, source } => {
            let secret = secret_input::read(console, source, "key").await?;
            one_line_only(&secret)?;
            let client = home.client(console).await?;
            set_of_provider(console, &client, &provider, secret).await?;
        }
        KeyCommand::SetChannel {
            channel,
            field,
            source,
        } => {
            let secret = secret_input::read(console, source, "secret").await?;
            let client = home.client(console).await?;
            set(console, &client, channel_key(&channel, &field), secret, "").await?;
        }
        KeyCommand::SetRaw { name, source } => {
            let secret = secret_input::read(console, source, "secret").await?;
            let client = home.client(console).await?;
            set(console, &client, name, secret, "").await?;
        }
        KeyCommand::Store { place, passphrase } => {
            return store::store(console, home, place, &passphrase).await;
        }
        KeyCommand::Migrate { to, passphrase } => {
            return store::store(console, home, Some(to), &passphrase).await;
        }
        KeyCommand::Passphrase {
            none,
            new,
            current_file,
            current_env,
        } => {
            let current = (current_file.as_deref(), current_env.as_deref());
            return store::protect(console, home, none, new, current).await;
        }
        KeyCommand::Unlock {
            passphrase_file,
            passphrase_env,
        } => {
            let file = passphrase_file.as_deref();
            return store::unlock(console, home, file, passphrase_env.as_deref()).await;
        }
        other => {
            let client = home.client(console).await?;
            return run_without_secret(console, &client, other).await;
        }
    }
    Ok(OK)
}

async fn run_without_secret(console: Console, client: &Client, command: KeyCommand) -> CliResult {
    match command {
        KeyCommand::List => list(console, client).await?,
        KeyCommand::Remove { provider } => {
            remove(console, client, format!("{API_KEY}{provider}")).await?;
        }
        KeyCommand::RemoveChannel { channel, field } => {
            remove(console, client, channel_key(&channel, &field)).await?;
        }
        KeyCommand::RemoveRaw { name } => remove(console, client, name).await?,
        KeyCommand::Test { provider, model } => {
            return provider::test(console, client, provider, model).await;
        }
        KeyCommand::Confirm { provider } => provider::confirm(console, client, &provider).await?,
        KeyCommand::Allow { variable } => agree(console, client, variable, true).await?,
        KeyCommand::Disallow { variable } => agree(console, client, variable, false).await?,
        // Those need a secret first and are done above.
        KeyCommand::Set { .. }
        | KeyCommand::SetChannel { .. }
        | KeyCommand::SetRaw { .. }
        | KeyCommand::Store { .. }
        | KeyCommand::Migrate { .. }
        | KeyCommand::Passphrase { .. }
        | KeyCommand::Unlock { .. } => {}
    }
    Ok(OK)
}

/// Keeps the key of a provider and says where; a provider that is not known yet is told as a note.
async fn set_of_provider(
    console: Console,
    client: &Client,
    id: &str,
    secret: SecretText,
) -> CliResult<()> {
    let params = ProviderParams {
        provider_id: id.to_owned(),
    };
    let next = match client.call::<ProviderGet>(params).await {
        Ok(known) => {
            if let Some(note) = provider::unencrypted(&known) {
                console.note(&note);
            }
            format!("\ntry it: mesoclaw key test {id}")
        }
        Err(error) if error.code == ErrorCode::NotFound => {
            console.note(&format!(
                "no provider `{}` is known yet; the key waits for one of this id",
                one_line(id)
            ));
            String::new()
        }
        Err(error) => return Err(error.into()),
    };
    set(console, client, format!("{API_KEY}{id}"), secret, &next).await
}

async fn set(
    console: Console,
    client: &Client,
    key: String,
    value: SecretText,
    next: &str,
) -> CliResult<()> {
    let params = SetParams {
        key: key.clone(),
        value,
    };
    client.call::<CredentialSet>(params).await?;
    let status = client.call::<CredentialStatus>(NoParams {}).await?;
    let text = format!(
        "{} is kept in {}{next}",
        one_line(&key),
        place_text(&status)
    );
    console.done(&json!({"key": key, "backend": status.backend}), &text)
}

async fn remove(console: Console, client: &Client, key: String) -> CliResult<()> {
    let params = KeyParams { key: key.clone() };
    if !client.call::<CredentialDelete>(params).await?.deleted {
        return Err(ApiError::not_found("secret", one_line(&key))
            .with_hint("`mesoclaw key list` lists what is kept")
            .into());
    }
    let text = format!("deleted {}", one_line(&key));
    console.done(&json!({"deleted": key}), &text)
}

async fn agree(console: Console, client: &Client, variable: String, agree: bool) -> CliResult<()> {
    let params = AgreeParams {
        variable: variable.clone(),
        agree,
    };
    client.call::<CredentialAgree>(params).await?;
    let shown = one_line(&variable);
    let text = if agree {
        format!(
            "{shown} of your shell is used from now on where its provider has no other key\n\
             to take that back: mesoclaw key disallow {}",
            shell_word(&variable)
        )
    } else {
        format!("{shown} of your shell is not used any more without asking")
    };
    console.done(&json!({"variable": variable, "agreed": agree}), &text)
}

async fn list(console: Console, client: &Client) -> CliResult<()> {
    let status = client.call::<CredentialStatus>(NoParams {}).await?;
    let variables = client.call::<CredentialAgreed>(NoParams {}).await?;
    let keys = client.call::<CredentialList>(NoParams {}).await?;
    let value = json!({
        "backend": status.backend,
        "keys": keys,
        "allowed_variables": variables,
    });
    console.result(&value, &listing(&status, &keys, &variables))
}

fn listing(status: &KeyStoreStatus, keys: &[String], variables: &[String]) -> String {
    let mut text = String::new();
    if keys.is_empty() {
        push(
            &mut text,
            format_args!("nothing is kept in {}\n", place_text(status)),
        );
    } else {
        let heading = ["NAME", "PLACE"].map(str::to_owned).to_vec();
        let mut rows = vec![heading];
        rows.extend(
            keys.iter()
                .map(|key| vec![one_line(key), place_text(status)]),
        );
        text.push_str(&table(&rows));
    }
    for variable in variables {
        push(
            &mut text,
            format_args!(
                "{} of your shell is used without asking\n",
                one_line(variable)
            ),
        );
    }
    text
}

fn channel_key(channel: &str, field: &str) -> String {
    format!("channel:{channel}:{field}")
}

/// A key of a provider travels in a header, which has one line.
fn one_line_only(secret: &SecretText) -> CliResult<()> {
    if secret.secret().expose().trim().contains(char::is_control) {
        return Err(CliError::usage_hint(
            "that is no key: it has several lines or control characters",
            "a key is one line; nothing was changed",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
