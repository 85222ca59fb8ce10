//! The `mesoclaw` command: parse, dispatch, exit code. Everything it does is in the modules.

mod args;
mod cli;
mod cmd;
mod connect;
mod exit;
mod money;
mod output;
mod request;
mod run;
mod sanitise;
mod secret_input;
mod term;
mod transcript;
mod workspace;

use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    // Restricting itself has to come before there is a thread, a file or a word of configuration.
    if std::env::args_os()
        .nth(1)
        .is_some_and(|word| word == mesoclaw_daemon::HELPER_WORD)
    {
        return mesoclaw_daemon::enter_sandbox();
    }
    let words: Vec<OsString> = std::env::args_os().collect();
    // The version is asked by scripts in a loop: answer before anything is built.
    if let [_, only] = words.as_slice()
        && (only == "--version" || only == "-V")
    {
        return output::version();
    }
    ExitCode::from(cmd::main(words))
}
