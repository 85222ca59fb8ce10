//! What a child of the shell tool gets: its arguments before the line, and its environment.

/// What stands before the line: `bash` gets these arguments and then the line as one more. The
/// last one ends the options, so that a line that starts with `-` stays a line. A POSIX `sh` gets
/// the last two only.
pub const SHELL_ARGS: [&str; 4] = ["--norc", "--noprofile", "-c", "--"];

/// Variables a child may take over from the daemon, when they are set there. Everything else is
/// left out, also `PWD` and `OLDPWD`. `PATH` is made of trusted directories and `TMPDIR` is the
/// session's own directory.
pub const CHILD_ENVIRONMENT_INHERITED: [&str; 14] = [
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LANGUAGE",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "CARGO_HOME",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "GOPATH",
    "GOROOT",
    "JAVA_HOME",
];

/// Variables every child gets with these values.
///
/// The `GIT_` part switches off what a repository's own configuration could start while git only
/// looks: the monitor, the pager, editors, prompts, signatures, and writing the index (which would
/// run a hook). Filters and drivers of diffs cannot be switched off from outside: that is what
/// [`super::RepositoryFact`] is for.
pub const CHILD_ENVIRONMENT: [(&str, &str); 39] = [
    ("TERM", "dumb"),
    ("NO_COLOR", "1"),
    ("CARGO_TERM_COLOR", "never"),
    ("PAGER", "cat"),
    ("MANPAGER", "cat"),
    ("SYSTEMD_PAGER", "cat"),
    ("EDITOR", "false"),
    ("VISUAL", "false"),
    ("BROWSER", "false"),
    ("DEBIAN_FRONTEND", "noninteractive"),
    ("PIP_NO_INPUT", "1"),
    // Root may not give files to the owners that an archive names: unpacked ones are its own.
    ("TAR_OPTIONS", "--no-same-owner"),
    ("GIT_PAGER", "cat"),
    ("GIT_EDITOR", "false"),
    ("GIT_SEQUENCE_EDITOR", "false"),
    ("GIT_ASKPASS", "false"),
    ("SSH_ASKPASS", "false"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_ALLOW_PROTOCOL", "https:ssh"),
    ("GIT_NO_LAZY_FETCH", "1"),
    ("GIT_ATTR_NOSYSTEM", "1"),
    ("GIT_CONFIG_COUNT", "8"),
    ("GIT_CONFIG_KEY_0", "core.fsmonitor"),
    ("GIT_CONFIG_VALUE_0", "false"),
    ("GIT_CONFIG_KEY_1", "core.attributesFile"),
    ("GIT_CONFIG_VALUE_1", "/dev/null"),
    ("GIT_CONFIG_KEY_2", "log.showSignature"),
    ("GIT_CONFIG_VALUE_2", "false"),
    ("GIT_CONFIG_KEY_3", "diff.ignoreSubmodules"),
    ("GIT_CONFIG_VALUE_3", "all"),
    ("GIT_CONFIG_KEY_4", "status.submoduleSummary"),
    ("GIT_CONFIG_VALUE_4", "false"),
    ("GIT_CONFIG_KEY_5", "protocol.ext.allow"),
    ("GIT_CONFIG_VALUE_5", "never"),
    ("GIT_CONFIG_KEY_6", "gc.auto"),
    ("GIT_CONFIG_VALUE_6", "0"),
    ("GIT_CONFIG_KEY_7", "maintenance.auto"),
    ("GIT_CONFIG_VALUE_7", "false"),
];

/// What variables may be set in front of a command, or by `env` and `export`: they change how much
/// a program says, not what it runs. Their values may hold plain characters only.
const HARMLESS: [&str; 27] = [
    "RUST_BACKTRACE",
    "RUST_LIB_BACKTRACE",
    "RUST_LOG",
    "RUST_TEST_THREADS",
    "CARGO_TERM_COLOR",
    "CARGO_INCREMENTAL",
    "CI",
    "NO_COLOR",
    "FORCE_COLOR",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "COLUMNS",
    "LINES",
    "LANG",
    "LANGUAGE",
    "LC_ALL",
    "LC_COLLATE",
    "LC_CTYPE",
    "LC_MESSAGES",
    "LC_NUMERIC",
    "LC_TIME",
    "TZ",
    "NODE_ENV",
    "DEBUG",
    "VERBOSE",
    "PYTHONUNBUFFERED",
    "PYTHONDONTWRITEBYTECODE",
];

/// Whether a command may set this variable without being judged high.
pub(super) fn is_harmless(name: &str, value: &str) -> bool {
    HARMLESS.contains(&name)
        && value.len() <= 256
        && value.chars().all(|c| {
            c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ',' | '@' | '+' | ':' | '=' | '-')
        })
        && !value.contains("..")
        && !value.starts_with(':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overrides_for_git_are_counted_right() {
        let keys = CHILD_ENVIRONMENT
            .iter()
            .filter(|(name, _)| name.starts_with("GIT_CONFIG_KEY_"))
            .count();
        let count = CHILD_ENVIRONMENT
            .iter()
            .find(|(name, _)| *name == "GIT_CONFIG_COUNT");
        assert_eq!(count, Some(&("GIT_CONFIG_COUNT", "8")));
        assert_eq!(keys, 8);
    }

    #[test]
    fn variables_that_start_programs_are_not_harmless() {
        for (name, value, expected) in [
            ("RUST_LOG", "info,mesoclaw=debug", true),
            ("TZ", "UTC", true),
            ("TZ", ":/etc/passwd", false),
            ("LANG", "../../x", false),
            ("LD_PRELOAD", "x", false),
            ("PATH", "x", false),
            ("GIT_PAGER", "x", false),
            ("NODE_OPTIONS", "x", false),
            ("RUSTC_WRAPPER", "x", false),
            ("rust_log", "info", false),
        ] {
            assert_eq!(is_harmless(name, value), expected, "{name}={value}");
        }
    }
}
