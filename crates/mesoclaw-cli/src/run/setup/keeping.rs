//! Keeps a key during the set-up. Where the key store does not work, a place is chosen first.

use mesoclaw_api::SecretText;
use mesoclaw_api::ops::NoParams;
use mesoclaw_api::ops::credential::{
    CredentialExists, CredentialSet, CredentialStatus, KeyParams, SetParams,
};

use crate::cmd::key::{place_text, use_file};
use crate::exit::CliResult;
use crate::output::Console;
use crate::run::question::question;
use crate::run::setup::undo::{Change, Undo};
use crate::sanitise::one_line;
use crate::secret_input;

/// Keeps the key of a provider; false when the person does not want any of the places.
///
/// # Errors
/// The operations' own.
pub(super) async fn keep(
    console: Console,
    undo: &mut Undo<'_>,
    provider_id: &str,
    value: SecretText,
) -> CliResult<bool> {
    if !has_place(console, undo).await? {
        return Ok(false);
    }
    let key = format!("api_key:{provider_id}");
    let named = KeyParams { key: key.clone() };
    let is_new = !undo.client.call::<CredentialExists>(named).await?.exists;
    let params = SetParams {
        key: key.clone(),
        value,
    };
    undo.client.call::<CredentialSet>(params).await?;
    if is_new {
        undo.push(Change::Key(key));
    }
    let status = undo.client.call::<CredentialStatus>(NoParams {}).await?;
    console.say(&format!("The key is kept in {}.\n", place_text(&status)));
    Ok(true)
}

/// Never in memory alone and never as plain text: without a keyring somebody chooses the file.
async fn has_place(console: Console, undo: &Undo<'_>) -> CliResult<bool> {
    let status = undo.client.call::<CredentialStatus>(NoParams {}).await?;
    if status.is_working && !status.is_locked {
        return Ok(true);
    }
    if let Some(problem) = &status.problem {
        console.say(&format!(
            "Keys cannot be kept in {}: {}\n",
            place_text(&status),
            one_line(problem)
        ));
    }
    if status.is_locked {
        console.say("Open it first: mesoclaw key unlock\n");
        return Ok(false);
    }
    console.say(
        "  1 an encrypted file with a passphrase, asked for once after every start of the daemon\n  \
           2 an encrypted file with a random key beside it: protects backups and copies of the \
           file alone,\n    not from programs that run as you\n  \
           3 go back\n",
    );
    let passphrase = match question(console, "where shall keys be kept", "3")
        .await?
        .as_str()
    {
        "1" => {
            let prompt = "new passphrase (not shown): ";
            let first = secret_input::ask(console, prompt, "passphrase").await?;
            let second = secret_input::ask(console, "the same again: ", "passphrase").await?;
            if first != second {
                console.say("the two passphrases differ\n");
                return Ok(false);
            }
            Some(first)
        }
        "2" => None,
        _ => return Ok(false),
    };
    use_file(console, undo.client, passphrase).await?;
    Ok(true)
}
