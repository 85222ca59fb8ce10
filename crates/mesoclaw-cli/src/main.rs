//! The `mesoclaw` command: parse, dispatch, exit code. Everything it does is in the modules.

mod args;
mod cli;
mod cmd;
mod connect;
mod exit;
mod money;
mod output;
mod run;
mod sanitise;
mod secret_input;
mod term;
mod transcript;

use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    // The version is asked by scripts in a loop: answer before anything is built.
    if let [_, only] = words.as_slice()
        && (only == "--version" || only == "-V")
    {
        return output::version();
    }
    ExitCode::from(cmd::main(words))
}
