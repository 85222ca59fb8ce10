//! Tests of the generated documents.

use std::fmt::Write;

use clap::{Arg, Command};

use super::*;

/// The text of `docs/cli.md`.
fn markdown() -> String {
    let mut text = String::from(
        "# Command line\n\n\
         <!-- Written by a test from the code. Do not edit: UPDATE_DOCS=1 cargo test -p mesoclaw-cli -->\n",
    );
    let mut tree = Cli::command();
    tree.build();
    section(&tree, 2, &mut text);
    text
}

fn section(command: &Command, level: usize, text: &mut String) {
    let name = command.get_display_name().unwrap_or(command.get_name());
    let name = name.replace('-', " ");
    writeln!(text, "\n{} {name}\n", "#".repeat(level)).unwrap();
    let about = command.get_long_about().or(command.get_about());
    if let Some(about) = about {
        writeln!(text, "{about}\n").unwrap();
    }
    let usage = command.clone().render_usage().to_string();
    let usage = usage.strip_prefix("Usage: ").unwrap_or(&usage);
    let lines: Vec<&str> = usage.lines().map(str::trim).collect();
    writeln!(text, "```text\n{}\n```", lines.join("\n")).unwrap();
    let is_root = level == 2;
    let shown = |arg: &&Arg| !arg.is_hide_set() && (is_root || !arg.is_global_set());
    let mut args: Vec<&Arg> = command.get_arguments().filter(shown).collect();
    args.retain(|arg| is_root || !matches!(arg.get_id().as_str(), "help" | "version"));
    if !args.is_empty() {
        text.push('\n');
    }
    for arg in args {
        writeln!(text, "- {}: {}", names(arg), help(arg)).unwrap();
    }
    if let Some(after) = command.get_after_help() {
        writeln!(text, "\n{after}").unwrap();
    }
    let children = command
        .get_subcommands()
        .filter(|child| !child.is_hide_set());
    for child in children.filter(|child| child.get_name() != "help") {
        section(child, (level + 1).min(4), text);
    }
}

fn names(arg: &Arg) -> String {
    let values: Vec<String> = arg
        .get_value_names()
        .unwrap_or_default()
        .iter()
        .map(ToString::to_string)
        .collect();
    let value = values.join(" ");
    if arg.is_positional() {
        return format!("`{value}`");
    }
    let short = arg.get_short().map(|short| format!("-{short}"));
    let long = arg.get_long().map(|long| format!("--{long}"));
    let mut name = short.into_iter().chain(long).collect::<Vec<_>>().join(", ");
    if arg.get_action().takes_values() {
        name = format!("{name} {value}");
    }
    format!("`{name}`")
}

fn help(arg: &Arg) -> String {
    let mut help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let possible: Vec<String> = arg
        .get_possible_values()
        .iter()
        .map(|value| format!("`{}`", value.get_name()))
        .collect();
    if !possible.is_empty() && arg.get_action().takes_values() {
        help = format!("{help} ({})", possible.join(", "));
    }
    help
}

#[test]
fn docs_in_sync() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/cli.md");
    let expected = markdown();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == expected,
        "docs/cli.md is out of date: UPDATE_DOCS=1 cargo test -p mesoclaw-cli docs_in_sync"
    );
}

#[test]
fn every_command_and_option_has_help() {
    fn check(command: &Command) {
        assert!(
            command.get_about().is_some(),
            "{} has no help",
            command.get_name()
        );
        for arg in command.get_arguments() {
            assert!(
                arg.get_help().is_some(),
                "{} of {} has no help",
                arg.get_id(),
                command.get_name()
            );
        }
        command.get_subcommands().for_each(check);
    }
    let mut tree = Cli::command();
    tree.build();
    check(&tree);
}

#[test]
fn scripts_and_pages_are_written_for_everything() {
    for shell in [
        Shell::Bash,
        Shell::Zsh,
        Shell::Fish,
        Shell::PowerShell,
        Shell::Elvish,
    ] {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Cli::command(), "mesoclaw", &mut script);
        let script = String::from_utf8(script).unwrap();
        assert!(script.contains("doctor"), "{shell}");
    }
    let dir = tempfile::tempdir().unwrap();
    let pages = dir.path().join("man");
    clap_mangen_pages(&pages);
    for page in ["mesoclaw.1", "mesoclaw-run.1", "mesoclaw-session-export.1"] {
        assert!(pages.join(page).is_file(), "{page}");
    }
}

fn clap_mangen_pages(dir: &Path) {
    std::fs::create_dir_all(dir).unwrap();
    clap_mangen::generate_to(Cli::command(), dir).unwrap();
}
