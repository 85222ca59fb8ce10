//! Completions and manual pages, written from the tree of commands.

use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;
use serde_json::json;

use crate::cli::Cli;
use crate::exit::{CliError, CliResult, OK};
use crate::output::Console;

/// Runs `mesoclaw completions`.
///
/// # Errors
/// The output cannot be written.
pub fn completions(console: Console, shell: Shell) -> CliResult {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "mesoclaw", &mut script);
    console.print(&String::from_utf8_lossy(&script))?;
    Ok(OK)
}

/// Runs `mesoclaw man`.
///
/// # Errors
/// The output or the directory cannot be written.
pub fn man(console: Console, dir: Option<&Path>) -> CliResult {
    let Some(dir) = dir else {
        let mut page = Vec::new();
        clap_mangen::Man::new(Cli::command()).render(&mut page)?;
        console.print(&String::from_utf8_lossy(&page))?;
        return Ok(OK);
    };
    std::fs::create_dir_all(dir).map_err(|error| CliError::file("create", dir, &error))?;
    clap_mangen::generate_to(Cli::command(), dir)
        .map_err(|error| CliError::file("write to", dir, &error))?;
    let text = format!(
        "the manual pages are in {}; read one with `man {}`",
        dir.display(),
        dir.join("mesoclaw.1").display()
    );
    console.done(&json!({"dir": dir}), &text)?;
    Ok(OK)
}

#[cfg(test)]
mod tests;
