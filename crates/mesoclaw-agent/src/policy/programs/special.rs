//! Programs whose arguments are a small language of their own.

use serde::Deserialize;

use super::assessment::Assessment;
use super::{Call, files, printf, sed, starters};

/// Which one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Special {
    /// `find`: paths, then an expression.
    Find,
    /// `test` and `[`.
    Test,
    /// `tar`: a mode, options, paths.
    Tar,
    /// `dd`: `name=value`.
    Dd,
    /// `sed`: a script that can write and run.
    Sed,
    /// `env`: variables, then a program.
    Env,
    /// `export`: variables.
    Export,
    /// `command`: looks a name up, or starts it.
    Command,
    /// `xargs`: a program that gets more arguments from the input.
    Xargs,
    /// A POSIX shell: `-c` and a line.
    Shell,
    /// `python`: `-m` and a module that is a tool.
    Python,
    /// `set`: options of the shell.
    Set,
    /// `printf`: a format that can set variables.
    Printf,
}

/// Judges the call.
pub(super) fn assess(special: Special, call: &Call<'_>) -> Assessment {
    match special {
        Special::Find => files::find(call),
        Special::Test => files::test(call),
        Special::Tar => files::tar(call),
        Special::Dd => files::dd(call),
        Special::Sed => sed::assess(call),
        Special::Env => starters::env(call),
        Special::Export => starters::export(call),
        Special::Command => starters::command(call),
        Special::Xargs => starters::xargs(call),
        Special::Shell => starters::shell(call),
        Special::Python => starters::python(call),
        Special::Set => starters::set(call),
        Special::Printf => printf::assess(call),
    }
}
