//! From words to a command and its exit code.

use std::ffi::OsString;

use clap::Parser;
use clap::error::ErrorKind;
use mesoclaw_api::{ApiError, ErrorCode};

use crate::args::with_command;
use crate::cli::{Cli, Command, RunArgs};
use crate::cmd::{config, doctor, generate, model, provider, session, usage};
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
        Command::Provider(command) => provider::main(console, global, command),
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
            let text = error.render().to_string();
            let mut lines = text.lines();
            let message = lines.next().unwrap_or_default();
            let message = message.strip_prefix("error: ").unwrap_or(message);
            let hint: Vec<&str> = lines.filter(|line| !line.trim().is_empty()).collect();
            let error = ApiError::new(ErrorCode::InvalidParams, message).with_hint(hint.join("\n"));
            console.finish(Err(error.into()))
        }
        _ => {
            console.say(&error.render().to_string());
            ErrorCode::InvalidParams.exit_code()
        }
    }
}
