//! Tests of the module beside.

use serde_json::json;

use super::*;
use crate::testing::Ground;

fn call(args: Value) -> ToolOutput {
    let ground = Ground::new();
    let environment = [
        ("PATH", "/usr/bin"),
        ("TZ", "UTC0"),
        ("OPENAI_API_KEY", "sk-123"),
        ("DATABASE_URL", "postgres://ada:pw@db/x"),
        ("LANG", "en_GB.UTF-8"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let tool = SystemInfo::new(ground.options(), Arc::new(environment.into()));
    ground.call(&tool, args)
}

#[test]
fn facts_are_told_as_text() {
    let number: usize = call(json!({"action": "cpu_count"})).output.parse().unwrap();
    assert!(number > 0);
    assert!(!call(json!({"action": "hostname"})).output.is_empty());
    assert!(call(json!({"action": "os"})).output.contains("kernel"));
    let memory: Value = serde_json::from_str(&call(json!({"action": "memory"})).output).unwrap();
    for key in ["total_bytes", "used_bytes", "available_bytes"] {
        assert!(
            memory[key].as_u64().is_some_and(|bytes| bytes > 0),
            "{key}: {memory}"
        );
    }
    let time = call(json!({"action": "time"})).output;
    assert!(
        time.contains("day, 2") && time.contains("(UTC: 2"),
        "{time}"
    );
}

/// Case 92.
#[test]
fn values_that_look_like_secrets_are_not_shown() {
    for (key, expected) in [
        ("PATH", "/usr/bin"),
        ("LANG", "en_GB.UTF-8"),
        (
            "OPENAI_API_KEY",
            "`OPENAI_API_KEY` is set (6 characters); its value looks like a secret and is not shown.",
        ),
        (
            "DATABASE_URL",
            "`DATABASE_URL` is set (22 characters); its value looks like a secret and is not shown.",
        ),
        ("NOTHING", "The variable `NOTHING` is not set."),
    ] {
        assert_eq!(call(json!({"action": "env", "key": key})).output, expected);
    }
    let names = call(json!({"action": "env"})).output;
    assert_eq!(names, "DATABASE_URL\nLANG\nOPENAI_API_KEY\nPATH\nTZ");
}

#[test]
fn secrets_are_known_by_name_or_value() {
    for (name, value, expected) in [
        ("HOME", "/home/ada", false),
        ("PWD", "/home/ada", false),
        ("EDITOR", "vim", false),
        ("LS_COLORS", "rs=0:di=01;34:ln=01;36", false),
        ("XDG_DATA_DIRS", "/usr/share:/usr/local/share", false),
        (
            "PATH",
            "/home/ada/.local/share/mise/installs/node/22.1.0/bin:/usr/bin",
            false,
        ),
        ("AWS_SECRET_ACCESS_KEY", "x", true),
        ("github_token", "x", true),
        ("PGPASSWORD", "x", true),
        ("OPTS", "--header=Bearer eyJhbGciOi", true),
        ("URL", "https://user:pw@host/", true),
        ("URL", "https://host/@x:y", false),
        ("ID", "0123456789abcdef0123456789abcdef", true),
        ("X", "ghp_0123456789", true),
    ] {
        assert_eq!(is_secret(name, value), expected, "{name}={value}");
    }
}

#[cfg(unix)]
#[test]
fn local_time_follows_the_zone() {
    let ms = 1_700_000_000_000;
    for (zone, expected) in [
        ("UTC0", "Tuesday, 2023-11-14 22:13:20 UTC (+00:00)"),
        (
            "CET-1CEST,M3.5.0,M10.5.0/3",
            "Tuesday, 2023-11-14 23:13:20 CET (+01:00)",
        ),
        ("EST5EDT", "Tuesday, 2023-11-14 17:13:20 EST (-05:00)"),
    ] {
        let local = zone::local(ms, Some(zone));
        if zone != "EST5EDT" || local.is_some() {
            assert_eq!(local.as_deref(), Some(expected), "{zone}");
        }
    }
}
