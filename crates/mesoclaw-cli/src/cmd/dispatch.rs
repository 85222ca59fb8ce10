//! From words to a command and its exit code.

use std::ffi::OsString;

use clap::Parser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use mesoclaw_api::{ApiError, ErrorCode};

use crate::args::with_command;
use crate::cli::{Cli, Command, RunArgs};
use crate::cmd::{
    approval, audit, config, doctor, generate, grant, key, model, policy, provider, session, tool,
    undo, usage,
};
use crate::exit::{CliError, CliResult};
use crate::output::Console;
use crate::run::plan::Form;
use crate::run::{chat, daemon, pipe, setup};

/// Runs the program and gives its exit code.
pub fn main(words: Vec<OsString>) -> u8 {
    let rewritten = with_command(words.clone());
    // `run` that was put in is no `run` that somebody wrote. After `--` nothing is a mistyped command.
    let is_literal = words.iter().any(|word| word == "--");
    let form = if rewritten.len() > words.len() && !is_literal {
        Form::Bare
    } else {
        Form::Run
    };
    let cli = match Cli::try_parse_from(rewritten) {
        Ok(cli) => cli,
        Err(error) => return not_parsed(&words, &error),
    };
    let console = Console::new(cli.global.json, cli.global.quiet);
    console.finish(run(console, cli, form))
}

fn run(console: Console, cli: Cli, form: Form) -> CliResult {
    let global = &cli.global;
    let Some(command) = cli.command else {
        return pipe::main(console, global, Form::Bare, cli.run);
    };
    if cli.run != RunArgs::default() {
        return Err(CliError::usage_hint(
            "options of a prompt stand before a command",
            "write options after the command they belong to",
        ));
    }
    match command {
        Command::Run(args) => pipe::main(console, global, form, args),
        Command::Chat(args) => chat::main(console, global, args),
        Command::Daemon(command) => daemon::main(console, global, command),
        Command::Session(command) => session::main(console, global, command),
        Command::Model(command) => model::main(console, global, command),
        Command::Config(command) => config::main(console, global, command),
        Command::Provider(command) => provider::main(console, global, *command),
        Command::Key(command) => key::main(console, global, command),
        Command::Tool(command) => tool::main(console, global, command),
        Command::Policy(command) => policy::main(console, global, command),
        Command::Approval(command) => approval::main(console, global, command),
        Command::Grant(command) => grant::main(console, global, command),
        Command::Audit(command) => audit::main(console, global, command),
        Command::Undo(args) => undo::main(console, global, args),
        Command::Setup(args) => setup::main(console, global, &args),
        Command::Usage(args) => usage::main(console, global, args),
        Command::Doctor => doctor::main(console, global),
        Command::Completions { shell } => generate::completions(console, shell),
        Command::Man { dir } => generate::man(console, dir.as_deref()),
    }
}

/// Help and version go to stdout, mistakes to stderr; with `--json` as an object.
fn not_parsed(words: &[OsString], error: &clap::Error) -> u8 {
    let wants_json = words.iter().any(|word| word == "--json");
    let console = Console::new(wants_json, false);
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            console.finish(console.print(&error.render().to_string()).map(|()| 0))
        }
        _ if wants_json => {
            let text = without_secrets(words, error);
            let mut lines = text.lines();
            let message = lines.next().unwrap_or_default();
            let message = message.strip_prefix("error: ").unwrap_or(message);
            let hint: Vec<&str> = lines.filter(|line| !line.trim().is_empty()).collect();
            let error = ApiError::new(ErrorCode::InvalidParams, message).with_hint(hint.join("\n"));
            console.finish(Err(error.into()))
        }
        _ => {
            console.say(&without_secrets(words, error));
            ErrorCode::InvalidParams.exit_code()
        }
    }
}

/// A mistake in `key ...` is told without the words it does not know: one may be a secret.
fn without_secrets(words: &[OsString], error: &clap::Error) -> String {
    let text = error.render().to_string();
    if !words.iter().any(|word| word == "key") {
        return text;
    }
    let unknown = [
        ContextKind::InvalidArg,
        ContextKind::InvalidValue,
        ContextKind::SuggestedValue,
        ContextKind::InvalidSubcommand,
        ContextKind::TrailingArg,
    ];
    let mut masked = text;
    for kind in unknown {
        if let Some(ContextValue::String(value)) = error.get(kind)
            && !is_known_word(value)
        {
            masked = masked.replace(value.as_str(), "***");
        }
    }
    masked
}

/// What our own words look like: short, lower-case letters and hyphens; placeholders in brackets.
fn is_known_word(word: &str) -> bool {
    const LONGEST: usize = 24;
    let is_placeholder = word.starts_with(['<', '[']);
    let is_plain =
        word.len() <= LONGEST && word.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    is_placeholder || is_plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_part_of_a_mistake() {
        let check = |words: &str, hidden: &str, shown: &str| {
            let words: Vec<OsString> = words.split(' ').map(OsString::from).collect();
            let error = Cli::try_parse_from(words.clone()).unwrap_err();
            let text = without_secrets(&words, &error);
            assert!(!text.contains(hidden), "{text}");
            assert!(text.contains(shown), "{text}");
        };
        check("mesoclaw key set openai sk-a1 sk-b2", "sk-b2", "***");
        check("mesoclaw key set openai -x9secret", "x9secret", "error");
        check("mesoclaw key set openai --sk9secret", "sk9secret", "***");
        check("mesoclaw key set openai --bogus", "***", "--bogus");
        check("mesoclaw key sk-a1", "sk-a1", "***");
        check("mesoclaw key lst", "***", "'lst'");
    }
}
