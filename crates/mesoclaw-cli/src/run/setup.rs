//! The first set-up: by questions on a terminal, without any by `setup --local`, and the commands
//! to run where nobody can be asked. Nothing that was found is used without a yes, and nothing
//! stays of a set-up that was broken off.

mod choice;
mod embedded;
mod hosted;
mod keeping;
mod server;
mod try_out;
mod undo;

use mesoclaw_api::ops::NoParams;
use mesoclaw_api::ops::provider::{DefaultModel, ProviderDefaultGet};
use mesoclaw_api::{ApiError, ErrorCode, Surface};
use mesoclaw_ipc::Client;

use crate::cli::{Global, SetupArgs};
use crate::connect::{Home, Link, is_newer, note_skew, runtime};
use crate::exit::{CliError, CliResult, OK};
use crate::output::{Console, push};
use crate::run::daemon;
use crate::run::question::{Picked, by_number, is_yes, read_answer};
use choice::Choice;
use undo::Undo;

/// The exact commands that set up a model.
pub const COMMANDS: &str = "\
set up a model with one of:
  mesoclaw setup
  mesoclaw setup --local
  mesoclaw key set PROVIDER && mesoclaw provider default PROVIDER MODEL
  mesoclaw provider add ID --base-url URL && mesoclaw provider default ID MODEL";

/// Runs `mesoclaw setup`.
///
/// # Errors
/// No model could be set up.
pub fn main(console: Console, global: &Global, args: &SetupArgs) -> CliResult {
    let home = Home::find(global.config.clone())?;
    if !args.local && !console.can_ask() {
        return Err(CliError::usage_hint(
            "there is no terminal to ask on",
            COMMANDS,
        ));
    }
    runtime()?.block_on(async {
        if args.local {
            let default = embedded::set_up(console, &home).await?;
            if console.json {
                console.value(&default)?;
            }
        } else {
            ask(console, &home).await?;
        }
        Ok(OK)
    })
}

/// The same error, with the commands that help when nothing is set up. Advice the daemon gave (a
/// missing key, a model that is not installed) stays.
pub fn with_commands(error: ApiError) -> ApiError {
    if error.code == ErrorCode::AgentNotConfigured && error.hint.is_none() {
        error.with_hint(COMMANDS)
    } else {
        error
    }
}

/// Says that the daemon is older than this program and, on a terminal, restarts it when wanted.
///
/// # Errors
/// The restart failed.
pub async fn offer_restart(console: Console, home: &Home, link: Link) -> CliResult<Link> {
    note_skew(console, &link.hello);
    if !is_newer(&link.hello) || !console.can_ask() {
        return Ok(link);
    }
    console.say("restart it now? [y/N] ");
    if !is_yes(&read_answer().await?) {
        return Ok(link);
    }
    drop(link);
    daemon::stop(console, home, "a newer client asked for a restart").await?;
    let everything = Some(crate::connect::everything());
    Ok(home.connect_or_start(Surface::Cli, everything).await?.0)
}

/// Asks where answers shall come from, until something works or the person has enough. Says whether
/// something works.
///
/// # Errors
/// The daemon cannot be reached.
pub async fn ask(console: Console, home: &Home) -> CliResult<bool> {
    let client = home.client(console).await?;
    if let Some(default) = client.call::<ProviderDefaultGet>(NoParams {}).await? {
        console.say(&format!(
            "Answers come from {}:{} now.\n",
            default.provider_id, default.model_id
        ));
    }
    loop {
        let choices = choice::choices(&client, home).await?;
        let mut text = "Where shall answers come from?\n".to_owned();
        for (at, choice) in choices.iter().enumerate() {
            push(&mut text, format_args!("  {} {}\n", at + 1, choice.text()));
        }
        text.push_str("Nothing of it is used before you choose it.\n");
        console.say(&format!("{text}choice [1]: "));
        let answer = read_answer().await?;
        let answer = if answer.trim().is_empty() {
            "1"
        } else {
            answer.trim()
        };
        let Picked::Item(choice) = by_number(answer, &choices) else {
            console.say(&format!("a number from 1 to {}, please\n", choices.len()));
            continue;
        };
        if matches!(choice, Choice::NotNow) {
            console.say(&format!("later: {COMMANDS}\n"));
            return Ok(false);
        }
        match take(console, home, &client, choice).await {
            Ok(Some(default)) => {
                console.say(&format!(
                    "Done: answers come from {}:{}.\n",
                    default.provider_id, default.model_id
                ));
                return Ok(true);
            }
            Ok(None) => {}
            Err(CliError::Api(error)) => console.error(&error),
            Err(other) => return Err(other),
        }
    }
}

/// Sets up what was chosen. What was changed on the way is changed back when it comes to nothing.
async fn take(
    console: Console,
    home: &Home,
    client: &Client,
    choice: &Choice,
) -> CliResult<Option<DefaultModel>> {
    let mut undo = Undo::new(client);
    let done = match choice {
        Choice::Embedded(_) => embedded::set_up_again(console, home, client).await,
        Choice::Server(server) => server::set_up(console, &mut undo, server).await,
        Choice::Shell(wanted) => hosted::set_up_variable(console, &mut undo, wanted).await,
        Choice::Daemon(variable) => {
            try_out::set_up(console, client, &variable.provider_id, None).await
        }
        Choice::Catalogue => hosted::set_up_catalogue(console, &mut undo).await,
        Choice::Remote => hosted::set_up_remote(console, &mut undo).await,
        Choice::NotNow => Ok(None),
    };
    if !matches!(done, Ok(Some(_))) && undo.run().await {
        console.say("what was added for it, a new key too, is taken back\n");
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_added_to_one_error_only() {
        let error = with_commands(ApiError::new(ErrorCode::AgentNotConfigured, "x"));
        assert_eq!(error.hint.as_deref(), Some(COMMANDS));
        let error = with_commands(ApiError::new(ErrorCode::Agent, "x"));
        assert_eq!(error.hint, None);
    }
}
