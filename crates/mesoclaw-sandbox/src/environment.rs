//! The environment of a child: empty, plus a short list of names that cannot make a program run
//! something else.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// Longest value that is taken over, in bytes.
const LONGEST_VALUE: usize = 4096;

/// Names taken over from the daemon's own environment, `LC_*` beside them.
const TAKEN: &[&str] = &["HOME", "LANG", "LOGNAME", "TZ", "USER"];

/// Names with a fixed value: no colours, no pager and no question on a terminal. Root's `tar` would
/// give unpacked files to whom the archive says, which the sandbox refuses: told so, it unpacks
/// them like everybody else's.
const FIXED: &[(&str, &str)] = &[
    ("GIT_PAGER", "cat"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("NO_COLOR", "1"),
    ("PAGER", "cat"),
    ("TAR_OPTIONS", "--no-same-owner"),
    ("TERM", "dumb"),
];

/// The environment a child gets, sorted by name. `inherited` is the daemon's own
/// (`std::env::vars_os()`), `trusted_path` the directories programs are looked for in.
///
/// `TMPDIR` is not among them: it is chosen anew for each run.
pub fn default_env(
    trusted_path: &OsStr,
    inherited: impl IntoIterator<Item = (OsString, OsString)>,
) -> Vec<(String, String)> {
    let mut env = BTreeMap::new();
    for (name, value) in inherited {
        let (Ok(name), Ok(value)) = (name.into_string(), value.into_string()) else {
            continue;
        };
        if is_taken(&name) && is_harmless(&name, &value) {
            env.insert(name, value);
        }
    }
    if !env.contains_key("LANG") && !env.contains_key("LC_ALL") {
        env.insert("LANG".to_owned(), "C.UTF-8".to_owned());
    }
    for (name, value) in FIXED {
        env.insert((*name).to_owned(), (*value).to_owned());
    }
    // A PATH that is no text names directories no approval could show.
    let path = trusted_path.to_str().unwrap_or("/usr/bin:/bin");
    env.insert("PATH".to_owned(), path.to_owned());
    env.into_iter().collect()
}

fn is_taken(name: &str) -> bool {
    let is_locale = name.strip_prefix("LC_").is_some_and(|rest| {
        !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')
    });
    is_locale || TAKEN.contains(&name)
}

/// Values are plain: a shell function or a line break hides in none of them.
fn is_harmless(name: &str, value: &str) -> bool {
    let is_plain = !value.is_empty()
        && value.len() <= LONGEST_VALUE
        && !value.chars().any(char::is_control)
        && !value.starts_with("()");
    match name {
        "HOME" => is_plain && Path::new(value).is_absolute(),
        // A locale is a name below the system's directory, never a path of its own.
        "LANG" => is_plain && !value.contains('/'),
        _ if name.starts_with("LC_") => is_plain && !value.contains('/'),
        _ => is_plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(inherited: &[(&str, &str)]) -> Vec<(String, String)> {
        let inherited = inherited
            .iter()
            .map(|(name, value)| (OsString::from(name), OsString::from(value)));
        default_env(OsStr::new("/usr/bin"), inherited)
    }

    fn expected(more: &[(&str, &str)]) -> Vec<(String, String)> {
        let mut all: Vec<_> = FIXED
            .iter()
            .copied()
            .chain([("PATH", "/usr/bin")])
            .chain(more.iter().copied())
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        all.sort();
        all
    }

    #[test]
    fn nothing_inherited_still_has_a_locale_and_a_path() {
        assert_eq!(env(&[]), expected(&[("LANG", "C.UTF-8")]));
    }

    #[test]
    fn plain_names_are_taken_over() {
        let home = if cfg!(windows) {
            "C:\\u"
        } else {
            concat!("/", "home/u")
        };
        let taken = [
            ("HOME", home),
            ("LC_ALL", "C"),
            ("TZ", "Europe/Paris"),
            ("USER", "u"),
        ];
        assert_eq!(env(&taken), expected(&taken));
    }

    #[test]
    fn names_and_values_that_run_code_are_left_out() {
        let hostile = [
            ("LD_PRELOAD", "/tmp/x.so"),
            ("LD_LIBRARY_PATH", "/tmp"),
            ("BASH_ENV", "/tmp/x"),
            ("ENV", "/tmp/x"),
            ("SHELLOPTS", "xtrace"),
            ("PS4", "$(id)"),
            ("PATH", "/tmp"),
            ("PAGER", "sh"),
            ("EDITOR", "sh"),
            ("GIT_SSH_COMMAND", "sh"),
            ("GIT_CONFIG_GLOBAL", "/tmp/x"),
            ("NPM_CONFIG_USERCONFIG", "/tmp/x"),
            ("PYTHONPATH", "/tmp"),
            ("NODE_OPTIONS", "-r /tmp/x"),
            ("RUSTC_WRAPPER", "/tmp/x"),
            ("SSH_AUTH_SOCK", "/run/agent"),
            ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/run/bus"),
            ("OPENAI_API_KEY", "sk-1"),
            ("HOME", "relative"),
            ("USER", "() { :; }; id"),
            ("LC_ALL", "../../tmp/x"),
            ("LC_x", "C"),
            ("TZ", "a\nb"),
        ];
        assert_eq!(env(&hostile), expected(&[("LANG", "C.UTF-8")]));
    }
}
