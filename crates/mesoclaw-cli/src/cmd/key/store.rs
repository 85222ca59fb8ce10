//! Where secrets are kept: told in plain words, chosen, moved, opened.

use std::path::Path;

use mesoclaw_api::SecretText;
use mesoclaw_api::ops::NoParams;
use mesoclaw_api::ops::credential::{
    CredentialMigrate, CredentialProtect, CredentialStatus, CredentialUnlock, KeyBackend,
    KeyStoreStatus, MigrateAnswer, MigrateParams, ProtectParams, UnlockParams,
};
use mesoclaw_ipc::Client;
use serde_json::json;

use crate::cli::{PassphraseArgs, Place};
use crate::connect::Home;
use crate::exit::{CliError, CliResult, OK};
use crate::output::{Console, push, table};
use crate::sanitise::one_line;
use crate::secret_input;

/// `key store [PLACE]` and `key migrate --to PLACE`.
pub(super) async fn store(
    console: Console,
    home: &Home,
    place: Option<Place>,
    args: &PassphraseArgs,
) -> CliResult {
    let Some(place) = place else {
        if *args != PassphraseArgs::default() {
            return Err(CliError::usage_hint(
                "a passphrase is for the encrypted file",
                "mesoclaw key store file --passphrase",
            ));
        }
        let client = home.client(console).await?;
        let status = client.call::<CredentialStatus>(NoParams {}).await?;
        return console.result(&status, &description(&status)).map(|()| OK);
    };
    let to = match place {
        Place::Keyring => KeyBackend::Keyring,
        Place::File => KeyBackend::File,
    };
    let passphrase = secret_input::new_passphrase(console, args).await?;
    let client = home.client(console).await?;
    let answer = migrate(&client, to, passphrase).await?;
    tell_notice(console, &answer);
    console.done(&answer, &moved(&answer)).map(|()| OK)
}

/// `key unlock`.
pub(super) async fn unlock(
    console: Console,
    home: &Home,
    file: Option<&Path>,
    variable: Option<&str>,
) -> CliResult {
    let passphrase = secret_input::passphrase(console, file, variable).await?;
    let client = home.client(console).await?;
    let params = UnlockParams { passphrase };
    client.call::<CredentialUnlock>(params).await?;
    let text = "the encrypted file is open until the daemon ends";
    console.done(&json!({"unlocked": true}), text).map(|()| OK)
}

/// `key passphrase`: `current` is a file and a variable with the present passphrase.
pub(super) async fn protect(
    console: Console,
    home: &Home,
    none: bool,
    mut new: PassphraseArgs,
    current: (Option<&Path>, Option<&str>),
) -> CliResult {
    let client = home.client(console).await?;
    let status = client.call::<CredentialStatus>(NoParams {}).await?;
    let current = match status.has_passphrase {
        Some(true) => Some(secret_input::passphrase(console, current.0, current.1).await?),
        Some(false) | None => None,
    };
    new.passphrase |= !none && new.passphrase_file.is_none() && new.passphrase_env.is_none();
    let passphrase = if none {
        None
    } else {
        secret_input::new_passphrase(console, &new).await?
    };
    let params = ProtectParams {
        current,
        passphrase,
    };
    let status = client.call::<CredentialProtect>(params).await?;
    console.done(&status, &description(&status)).map(|()| OK)
}

/// Keeps secrets in the encrypted file from now on, with what a person must know of it.
///
/// # Errors
/// The file cannot be written.
pub async fn use_file(
    console: Console,
    client: &Client,
    passphrase: Option<SecretText>,
) -> CliResult<()> {
    let answer = migrate(client, KeyBackend::File, passphrase).await?;
    tell_notice(console, &answer);
    console.say(&format!("{}\n", moved(&answer)));
    Ok(())
}

async fn migrate(
    client: &Client,
    to: KeyBackend,
    passphrase: Option<SecretText>,
) -> CliResult<MigrateAnswer> {
    let params = MigrateParams { to, passphrase };
    Ok(client.call::<CredentialMigrate>(params).await?)
}

/// Loud, so also with `--quiet`: what a place does not protect against is no small print.
fn tell_notice(console: Console, answer: &MigrateAnswer) {
    if let Some(notice) = &answer.notice {
        console.say(&format!("mesoclaw: NOTICE: {notice}\n"));
    }
}

fn moved(answer: &MigrateAnswer) -> String {
    let mut text = format!(
        "secrets are kept in {} from now on",
        place_text(&answer.status)
    );
    if !answer.moved.is_empty() {
        let names: Vec<String> = answer.moved.iter().map(|name| one_line(name)).collect();
        push(&mut text, format_args!("\nmoved: {}", names.join(", ")));
    }
    text
}

/// The place in words.
pub fn place_text(status: &KeyStoreStatus) -> String {
    match (status.backend, &status.path) {
        (KeyBackend::Keyring, _) => "the keyring of the system".to_owned(),
        (KeyBackend::File, Some(path)) => format!("the encrypted file {}", one_line(path)),
        (KeyBackend::File, None) => "the encrypted file".to_owned(),
    }
}

/// How the place is, in a line, for `doctor`.
pub fn fits_on_a_line(status: &KeyStoreStatus) -> String {
    let place = place_text(status);
    if status.is_locked {
        return format!("{place}: locked");
    }
    match &status.problem {
        Some(problem) => format!("{place}: {}", one_line(problem)),
        None => format!("{place}: works. {}", one_line(&status.protection)),
    }
}

fn description(status: &KeyStoreStatus) -> String {
    let chosen = if status.is_chosen {
        "somebody chose it"
    } else {
        "what is tried when nobody chose"
    };
    let works = match (&status.problem, status.is_locked) {
        (_, true) => "it waits for its passphrase: mesoclaw key unlock".to_owned(),
        (Some(problem), false) => format!("no: {}", one_line(problem)),
        (None, false) if status.is_working => "yes, it was tried".to_owned(),
        (None, false) => "no".to_owned(),
    };
    let passphrase = match status.has_passphrase {
        Some(true) => "yes",
        Some(false) => "no: a random key lies beside the file",
        None => "",
    };
    let rows = [
        ("place", place_text(status)),
        ("chosen", chosen.to_owned()),
        ("works", works),
        ("passphrase", passphrase.to_owned()),
        ("protection", one_line(&status.protection)),
        (
            "to do",
            one_line(status.hint.as_deref().unwrap_or_default()),
        ),
    ];
    let rows: Vec<Vec<String>> = rows
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| vec![format!("{name}:"), value])
        .collect();
    table(&rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status() -> KeyStoreStatus {
        KeyStoreStatus {
            backend: KeyBackend::File,
            is_chosen: true,
            is_working: true,
            is_locked: false,
            has_passphrase: Some(false),
            problem: None,
            hint: None,
            protection: "Not much.".to_owned(),
            path: Some("data/keys.enc".to_owned()),
        }
    }

    #[test]
    fn the_place_is_described() {
        assert_eq!(
            description(&status()),
            "place:       the encrypted file data/keys.enc\n\
             chosen:      somebody chose it\n\
             works:       yes, it was tried\n\
             passphrase:  no: a random key lies beside the file\n\
             protection:  Not much.\n"
        );
        let broken = KeyStoreStatus {
            backend: KeyBackend::Keyring,
            is_chosen: false,
            is_working: false,
            has_passphrase: None,
            problem: Some("no keyring answers".to_owned()),
            hint: Some("mesoclaw key store file".to_owned()),
            path: None,
            ..status()
        };
        assert_eq!(
            description(&broken),
            "place:       the keyring of the system\n\
             chosen:      what is tried when nobody chose\n\
             works:       no: no keyring answers\n\
             protection:  Not much.\n\
             to do:       mesoclaw key store file\n"
        );
        assert_eq!(
            fits_on_a_line(&broken),
            "the keyring of the system: no keyring answers"
        );
        let locked = KeyStoreStatus {
            is_locked: true,
            is_working: false,
            ..status()
        };
        assert!(description(&locked).contains("mesoclaw key unlock"));
        assert!(fits_on_a_line(&locked).ends_with("locked"));
    }
}
