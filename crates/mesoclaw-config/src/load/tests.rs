//! Tests of loading: who wins, what is ignored aloud, what is refused.

use std::collections::BTreeMap;

use super::*;

const NAME: &str = "MESOCLAW_AGENT_MAX_TURNS";

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

fn sources(environment: &[(&str, &str)], flags: &[(&str, &str)]) -> Sources {
    Sources::new("/etc/c.toml", pairs(environment), pairs(flags))
}

fn in_file(line: usize) -> Origin {
    Origin::File {
        path: "/etc/c.toml".into(),
        line,
    }
}

fn in_environment(name: &str) -> Origin {
    Origin::Environment {
        name: name.to_owned(),
    }
}

#[test]
fn flags_win_over_environment_over_file_over_default() {
    let file = "# mine\nagent_max_turns = 30\n";
    let cases = [
        ("", None, None, 20, Origin::Default),
        (file, None, None, 30, in_file(2)),
        (file, Some("40"), None, 40, in_environment(NAME)),
        (file, Some("40"), Some("50"), 50, Origin::Flag),
        (file, None, Some("50"), 50, Origin::Flag),
        (file, Some(""), None, 30, in_file(2)),
        ("", Some("40"), None, 40, in_environment(NAME)),
    ];
    for (file, variable, flag, expected, origin) in cases {
        let environment: Vec<_> = variable.map(|text| (NAME, text)).into_iter().collect();
        let flags: Vec<_> = flag
            .map(|text| ("agent_max_turns", text))
            .into_iter()
            .collect();
        let snapshot = assemble(&sources(&environment, &flags), file).unwrap();
        assert_eq!(snapshot.config.agent_max_turns, expected);
        assert_eq!(snapshot.origin("agent_max_turns"), Some(&origin));
        assert_eq!(snapshot.warnings, []);
    }
}

/// A text as it is typed, and as it stands in the file.
fn quoted(text: &str) -> (String, String) {
    (text.to_owned(), format!("{text:?}"))
}

#[test]
fn every_field_can_be_set_in_file_environment_and_flag() {
    for field in fields() {
        let (text, value) = match field.limit {
            _ if field.kind == crate::Kind::Bool => ("true".to_owned(), "true".to_owned()),
            crate::Limit::Integer { max, .. } => (max.to_string(), max.to_string()),
            crate::Limit::Number { max, .. } => (max.to_string(), format!("{max:?}")),
            crate::Limit::Items { .. }
            | crate::Limit::VariableNames { .. }
            | crate::Limit::Hosts { .. } => ("a,b".to_owned(), r#"["a","b"]"#.to_owned()),
            crate::Limit::Models { .. } => ("a:b,c:d".to_owned(), r#"["a:b","c:d"]"#.to_owned()),
            crate::Limit::Model => quoted("a:b"),
            crate::Limit::Words(words) | crate::Limit::WordsAndOld { words, .. } => {
                quoted(words.last().unwrap())
            }
            crate::Limit::HttpUrl => quoted("http://a"),
            crate::Limit::ProviderId
            | crate::Limit::NotEmpty
            | crate::Limit::Path
            | crate::Limit::VariableName
            | crate::Limit::NoRange => quoted("abc"),
        };
        // The rules between settings that refuse.
        let flags = match field.key {
            "provider_base_url" => vec![("provider_name", "p")],
            "tool_shell_timeout_secs" => vec![("tool_shell_max_timeout_secs", "86400")],
            "tool_shell_max_timeout_secs" => vec![("tool_shell_timeout_secs", "1")],
            _ => vec![],
        };
        let by_file = assemble(&sources(&[], &flags), &format!("{} = {value}", field.key));
        let by_environment = assemble(&sources(&[(&field.environment, &text)], &flags), "");
        let mut all_flags = flags.clone();
        all_flags.push((field.key, &text));
        let by_flag = assemble(&sources(&[], &all_flags), "");
        let expected = [in_file(1), in_environment(&field.environment), Origin::Flag];
        for (result, origin) in [by_file, by_environment, by_flag].into_iter().zip(expected) {
            let described = result.unwrap().describe(field.key).unwrap();
            assert_eq!(described.value.to_string(), value, "{}", field.key);
            assert_eq!(described.origin, origin, "{}", field.key);
        }
    }
}

#[test]
fn amounts_stay_as_they_were_written() {
    for text in ["0.5", "0.1", "0.000001", "19.99", "1000000.0"] {
        let file = format!("budget_daily_usd = {text}");
        let flags = [("budget_session_usd", text)];
        let snapshot = assemble(&sources(&[], &flags), &file).unwrap();
        let number: f64 = text.parse().unwrap();
        assert_eq!(snapshot.config.budget_daily_usd, Some(number));
        assert_eq!(snapshot.config.budget_session_usd, Some(number));
        let shown = snapshot.describe("budget_daily_usd").unwrap().value;
        assert_eq!(shown, serde_json::json!(number));
    }
    let shown = |text: &str| {
        let snapshot = assemble(&sources(&[], &[("budget_daily_usd", text)]), "").unwrap();
        let value = snapshot.describe("budget_daily_usd").unwrap().value;
        value.to_string()
    };
    assert_eq!(shown("0.5"), "0.5");
    assert_eq!(shown("0.1"), "0.1");
    assert_eq!(shown("19.99"), "19.99");
}

#[test]
fn a_file_that_does_not_exist_means_defaults() {
    let home = tempfile::tempdir().unwrap();
    let snapshot = load(&Sources::new(home.path().join("none.toml"), [], [])).unwrap();
    assert_eq!(snapshot.config, Config::default());
    let origins: BTreeMap<_, _> = Config::field_names()
        .map(|key| (key, Origin::Default))
        .collect();
    assert_eq!(snapshot.origins, origins);
}

#[test]
fn what_has_no_effect_is_a_warning() {
    let cases = [
        (
            "agent_max_turn = 3",
            "/etc/c.toml:1: there is no setting agent_max_turn; \
             the nearest is agent_max_turns, then agent_max_tokens",
        ),
        ("qqqq = 1", "/etc/c.toml:1: there is no setting qqqq"),
        (
            "\ngateway_port = 1",
            "/etc/c.toml:2: gateway_port is not used by this version",
        ),
        (
            "memory_db_path = 7",
            "/etc/c.toml:1: memory_db_path is not used by this version",
        ),
        (
            "[zzzz]\nlog_level = 'debug'",
            "/etc/c.toml:1: there is no setting zzzz",
        ),
        (
            "default_model = 'a'\nprovider_model_id = 'b'",
            "/etc/c.toml:1: default_model is another name of provider_model_id, which is set too; \
             default_model is ignored",
        ),
        (
            "provider_api_key_env = 'A'",
            "/etc/c.toml:1: provider_api_key_env has no effect while provider_base_url is unset",
        ),
        (
            "provider_type = 'anthropic'",
            "/etc/c.toml:1: provider_type has no effect while provider_base_url is unset",
        ),
        (
            "security_autonomy_level = 'readonly'",
            "/etc/c.toml:1: security_autonomy_level is readonly, which means strict",
        ),
        (
            "\nsecurity_autonomy_level = 'full'",
            "/etc/c.toml:2: security_autonomy_level is full, which means autonomous",
        ),
        (
            "security_autonomy_level = 'semi-autonomous'",
            "/etc/c.toml:1: security_autonomy_level is semi-autonomous, which means autonomous",
        ),
        (
            "security_audit_log_capacity = 1000",
            "/etc/c.toml:1: security_audit_log_capacity is not used by this version: every entry of \
             the audit is kept",
        ),
    ];
    for (file, expected) in cases {
        let snapshot = assemble(&sources(&[], &[]), file).unwrap();
        let shown: Vec<_> = snapshot.warnings.iter().map(ToString::to_string).collect();
        assert_eq!(shown, [expected]);
    }
}

#[test]
fn variables_are_settings_only_by_their_exact_name() {
    let cases: [(&str, &[&str]); 8] = [
        ("MESOCLAW_HOME", &[]),
        ("MESOCLAW_CONFIG", &[]),
        ("MESOCLAW_SOMETHING_ELSE_ENTIRELY", &[]),
        ("OTHER_LOG_LEVEL", &[]),
        ("MESOCLAW_", &[]),
        ("MESOCLAW_GATEWAY_PORT", &["gateway_port"]),
        ("MESOCLAW_LOG_LEVL", &["log_levl"]),
        ("MESOCLAW_PROVIDER_NAMES", &["provider_names"]),
    ];
    for (name, expected) in cases {
        let snapshot = assemble(&sources(&[(name, "x")], &[]), "").unwrap();
        let keys: Vec<_> = snapshot
            .warnings
            .iter()
            .map(|warning| match warning {
                ConfigWarning::UnknownKey { key, .. } | ConfigWarning::UnusedKey { key, .. } => key,
                ConfigWarning::DoubledKey { .. }
                | ConfigWarning::WithoutCompanion { .. }
                | ConfigWarning::OldWord { .. } => {
                    panic!("{warning}")
                }
            })
            .collect();
        assert_eq!(keys, expected, "{name}");
        assert_eq!(snapshot.config, Config::default());
    }
}

#[test]
fn the_variable_that_holds_the_key_is_not_taken_for_a_mistyped_setting() {
    let file = "provider_name = 'p'\nprovider_base_url = 'http://x'\n\
                provider_api_key_env = 'MESOCLAW_PROVIDER_KEY_ENV'\n";
    let environment = [("MESOCLAW_PROVIDER_KEY_ENV", "secret")];
    assert_eq!(
        assemble(&sources(&environment, &[]), file)
            .unwrap()
            .warnings,
        []
    );
    assert_eq!(
        assemble(&sources(&environment, &[]), "")
            .unwrap()
            .warnings
            .len(),
        1
    );
}

#[test]
fn other_names_set_the_same_setting() {
    let by_file = assemble(&sources(&[], &[]), "default_provider = 'a'").unwrap();
    let by_variable = assemble(&sources(&[("MESOCLAW_DEFAULT_PROVIDER", "a")], &[]), "").unwrap();
    let by_flag = assemble(&sources(&[], &[("default_provider", "a")]), "").unwrap();
    for snapshot in [by_file, by_variable, by_flag] {
        assert_eq!(snapshot.config.provider_name.as_deref(), Some("a"));
        assert_ne!(snapshot.origin("default_provider"), Some(&Origin::Default));
    }
    let both = [
        ("MESOCLAW_DEFAULT_PROVIDER", "a"),
        ("MESOCLAW_PROVIDER_NAME", "b"),
    ];
    let snapshot = assemble(&sources(&both, &[]), "").unwrap();
    assert_eq!(snapshot.config.provider_name.as_deref(), Some("b"));
    assert_eq!(snapshot.warnings.len(), 1);
}

#[test]
fn what_cannot_be_used_is_an_error() {
    let turns = "expected an integer, 1 to 1000 model calls";
    let cases: [(Sources, &str, String); 10] = [
        (
            sources(&[], &[]),
            "log_keep_days = 7\nagent_max_turns = 0\n",
            format!("agent_max_turns cannot be 0 (/etc/c.toml:2): {turns}"),
        ),
        (
            sources(&[(NAME, "5")], &[]),
            "agent_max_turns = '5'",
            format!("agent_max_turns cannot be \"5\" (/etc/c.toml:1): {turns}"),
        ),
        (
            sources(&[], &[]),
            "[agent_max_turns]\nx = 1",
            format!("agent_max_turns cannot be a table (/etc/c.toml:1): {turns}"),
        ),
        (
            sources(&[], &[]),
            "agent_max_turns = 2026-01-01",
            format!("agent_max_turns cannot be 2026-01-01 (/etc/c.toml:1): {turns}"),
        ),
        (
            sources(&[(NAME, "lots")], &[]),
            "",
            format!("agent_max_turns cannot be lots (environment variable {NAME}): {turns}"),
        ),
        (
            sources(&[], &[("agent_max_turns", "1001")]),
            "",
            format!("agent_max_turns cannot be 1001 (command line): {turns}"),
        ),
        (
            sources(&[], &[("agent_max_turn", "1")]),
            "",
            "there is no setting agent_max_turn; \
             the nearest is agent_max_turns, then agent_max_tokens"
                .to_owned(),
        ),
        (
            sources(&[], &[("default_model", "a"), ("provider_model_id", "b")]),
            "",
            "default_model is another name of provider_model_id, and both were given".to_owned(),
        ),
        (
            sources(&[], &[]),
            "provider_base_url = 'http://x'",
            "provider_base_url is set (/etc/c.toml:1) but provider_name is not".to_owned(),
        ),
        (
            sources(&[], &[]),
            "log_keep_days = 7\nagent_max_turns = = 2\n",
            "the config file /etc/c.toml is not valid TOML at line 2, column 19".to_owned(),
        ),
    ];
    for (sources, file, expected) in cases {
        assert_eq!(assemble(&sources, file).unwrap_err().to_string(), expected);
    }
}

#[test]
fn a_command_may_not_run_longer_than_the_longest() {
    for (file, expected) in [
        (
            "tool_shell_timeout_secs = 900",
            "tool_shell_timeout_secs is 900 (/etc/c.toml:1), but it may be at most \
             tool_shell_max_timeout_secs, which is 600",
        ),
        (
            "tool_shell_max_timeout_secs = 20",
            "tool_shell_timeout_secs is 30 (default), but it may be at most \
             tool_shell_max_timeout_secs, which is 20",
        ),
    ] {
        let error = assemble(&sources(&[], &[]), file).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn a_file_that_cannot_be_read_is_an_error_with_its_path() {
    let home = tempfile::tempdir().unwrap();
    let error = load(&Sources::new(home.path(), [], [])).unwrap_err();
    assert!(matches!(error, ConfigError::ReadFile { path, .. } if path == home.path()));
    let latin = home.path().join("latin.toml");
    std::fs::write(&latin, b"# caf\xe9\n").unwrap();
    let error = load(&Sources::new(&latin, [], [])).unwrap_err();
    assert!(matches!(error, ConfigError::ReadFile { path, .. } if path == latin));
}

#[test]
fn a_syntax_error_says_why_in_its_source() {
    let error = assemble(&sources(&[], &[]), "é = 1\n").unwrap_err();
    let ConfigError::ParseFile {
        line,
        column,
        source,
        ..
    } = error
    else {
        panic!("{error}");
    };
    assert_eq!((line, column), (1, 1));
    assert!(!source.message.is_empty() && !source.message.contains('\n'));
}

#[test]
fn changed_keys_are_named() {
    let before = assemble(&sources(&[], &[]), "agent_stop = ['a']\nlog_keep_days = 7").unwrap();
    let after = assemble(&sources(&[], &[]), "agent_top_p = 0.5").unwrap();
    assert_eq!(after.changed_keys(&before), ["agent_top_p", "agent_stop"]);
    assert_eq!(after.changed_keys(&after), [] as [&str; 0]);
}

#[test]
fn everything_is_described_in_order() {
    let snapshot = assemble(&sources(&[], &[]), "log_level = 'warn'").unwrap();
    let described = snapshot.describe_all();
    let keys: Vec<_> = described.iter().map(|one| one.key).collect();
    assert_eq!(keys, Config::field_names().collect::<Vec<_>>());
    assert_eq!(
        serde_json::to_value(&described[3]).unwrap(),
        serde_json::json!({
            "key": "log_level",
            "value": "warn",
            "origin": { "kind": "file", "path": "/etc/c.toml", "line": 1 },
        })
    );
    assert_eq!(described[0].value, Value::Null);
    assert!(snapshot.describe("log_levl").is_err());
}
