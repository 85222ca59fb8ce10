//! Tests of patching: what the file looks like afterwards, and that a refusal leaves it alone.

use serde_json::json;

use super::*;

const FILE: &str = "\
# My settings.

# Keep it quiet.
log_level = \"warn\"   # really

default_model = 'small' # chosen by hand
agent_stop = [
  \"a\", # first
  \"b\",
]
gateway_port = 18981

# The old section.
[old]
x = 1
# The end.
";

struct Home {
    directory: tempfile::TempDir,
    sources: Sources,
}

fn home(text: &str, environment: &[(&str, &str)]) -> Home {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.toml");
    std::fs::write(&path, text).unwrap();
    let environment = environment
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Home {
        sources: Sources::new(path, environment, []),
        directory,
    }
}

fn text(home: &Home) -> String {
    std::fs::read_to_string(home.sources.config_file()).unwrap()
}

#[test]
fn a_patch_changes_its_lines_and_no_others() {
    let cases = [
        (
            json!({ "log_level": "debug" }),
            FILE.replace("\"warn\"", "\"debug\""),
        ),
        (
            json!({ "provider_model_id": "large" }),
            FILE.replace("'small'", "\"large\""),
        ),
        (
            json!({ "agent_max_turns": 7, "agent_temperature": 1 }),
            FILE.replace(
                "gateway_port = 18981\n",
                "gateway_port = 18981\nagent_max_turns = 7\nagent_temperature = 1.0\n",
            ),
        ),
        (
            json!({ "agent_stop": ["x"] }),
            FILE.replace("[\n  \"a\", # first\n  \"b\",\n]", "[\"x\"]"),
        ),
        (
            json!({ "log_level": null }),
            FILE.replace("log_level = \"warn\"   # really\n", ""),
        ),
        (
            json!({ "gateway_port": null, "agent_stop": null, "agent_seed": null }),
            FILE.replace("agent_stop = [\n  \"a\", # first\n  \"b\",\n]\n", "")
                .replace("gateway_port = 18981\n", ""),
        ),
        (json!({ "old": null }), FILE.replace("[old]\nx = 1\n", "")),
    ];
    for (change, expected) in cases {
        let home = home(FILE, &[]);
        let patched = patch(&home.sources, &change).unwrap();
        assert_eq!(text(&home), expected, "{change}");
        assert!(patched.is_written);
        assert_eq!(patched.shadowed, []);
        // A name that is no setting can be removed only once.
        if !change.to_string().contains("old") && !change.to_string().contains("gateway") {
            assert!(
                !patch(&home.sources, &change).unwrap().is_written,
                "{change}"
            );
        }
    }
}

#[test]
fn the_snapshot_is_what_a_load_gives() {
    let home = home(FILE, &[]);
    let change = json!({ "agent_top_p": 0.3, "agent_system_prompt": "two\nlines \"quoted\"" });
    let patched = patch(&home.sources, &change).unwrap();
    assert_eq!(patched.snapshot, crate::load(&home.sources).unwrap());
    assert_eq!(patched.snapshot.config.agent_top_p, Some(0.3));
    let prompt = patched.snapshot.config.agent_system_prompt.as_deref();
    assert_eq!(prompt, Some("two\nlines \"quoted\""));
}

#[test]
fn a_file_is_created_with_its_directory_when_there_is_something_to_write() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("new/config.toml");
    let sources = Sources::new(&path, [], []);
    for change in [json!({}), json!({ "log_level": null })] {
        assert!(!patch(&sources, &change).unwrap().is_written);
        assert!(!path.parent().unwrap().exists());
    }
    assert!(
        patch(&sources, &json!({ "log_keep_days": 3 }))
            .unwrap()
            .is_written
    );
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        "log_keep_days = 3\n"
    );
}

#[test]
fn a_new_key_goes_below_the_comments_of_a_file_without_sections() {
    let cases = [
        ("# only a comment", "# only a comment\nlog_keep_days = 3\n"),
        ("a = 1\n# after\n", "a = 1\n# after\nlog_keep_days = 3\n"),
        ("a = 1", "a = 1\nlog_keep_days = 3\n"),
    ];
    for (before, after) in cases {
        let home = home(before, &[]);
        patch(&home.sources, &json!({ "log_keep_days": 3 })).unwrap();
        assert_eq!(text(&home), after);
    }
}

#[test]
fn windows_line_ends_and_a_byte_order_mark_do_no_harm() {
    let home = home(
        "\u{feff}# one\r\nlog_keep_days = 1 # two\r\n# three\r\n",
        &[],
    );
    for same in [json!({}), json!({ "log_keep_days": 1 })] {
        assert!(!patch(&home.sources, &same).unwrap().is_written);
    }
    patch(&home.sources, &json!({ "log_keep_days": 3 })).unwrap();
    assert_eq!(
        text(&home),
        "# one\r\nlog_keep_days = 3 # two\r\n# three\r\n"
    );
}

#[test]
fn both_names_in_a_file_become_one() {
    let home = home("default_model = 'a'\nprovider_model_id = 'b'\n", &[]);
    let patched = patch(&home.sources, &json!({ "default_model": "c" })).unwrap();
    assert_eq!(text(&home), "provider_model_id = \"c\"\n");
    assert_eq!(patched.snapshot.warnings, []);
    patch(&home.sources, &json!({ "default_model": null })).unwrap();
    assert_eq!(text(&home), "");
}

#[test]
fn an_overridden_setting_is_written_and_reported() {
    let home = home("", &[("MESOCLAW_LOG_LEVEL", "trace")]);
    let patched = patch(
        &home.sources,
        &json!({ "log_level": "warn", "log_keep_days": 2 }),
    );
    let patched = patched.unwrap();
    let shadowed = Shadowed {
        key: "log_level",
        by: Origin::Environment {
            name: "MESOCLAW_LOG_LEVEL".to_owned(),
        },
    };
    assert_eq!(patched.shadowed, [shadowed]);
    assert_eq!(patched.snapshot.config.log_level, crate::LogLevel::Trace);
    assert_eq!(text(&home), "log_level = \"warn\"\nlog_keep_days = 2\n");
}

#[test]
fn a_refused_patch_leaves_the_file_alone() {
    let cases = [
        (
            json!({ "log_keep_days": 3, "agent_max_turns": 0 }),
            "agent_max_turns cannot be 0",
        ),
        (
            json!({ "log_keep_days": "3" }),
            "log_keep_days cannot be \"3\"",
        ),
        (
            json!({ "agent_max_turn": 1 }),
            "there is no setting agent_max_turn; the nearest is",
        ),
        (
            json!({ "agent_max_turn": null }),
            "there is no setting agent_max_turn",
        ),
        (
            json!({ "gateway_port": 1 }),
            "the setting gateway_port is not used by this version",
        ),
        (
            json!({ "default_model": "a", "provider_model_id": "b" }),
            "default_model is another name of provider_model_id, and both were given",
        ),
        (
            json!({ "provider_base_url": "http://x" }),
            "provider_base_url is set",
        ),
        (
            json!({ "agent_stop": { "a": 1 } }),
            "agent_stop cannot be {\"a\":1}",
        ),
        (
            json!(["log_level"]),
            "a patch of the configuration must be an object",
        ),
        (
            json!(null),
            "a patch of the configuration must be an object of settings, not null",
        ),
    ];
    for (change, expected) in cases {
        let home = home(FILE, &[]);
        let error = patch(&home.sources, &change).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{change}: {error}");
        assert_eq!(text(&home), FILE);
        assert_eq!(std::fs::read_dir(home.directory.path()).unwrap().count(), 1);
    }
}

#[test]
fn a_patch_can_mend_a_bad_value_but_not_bad_syntax() {
    let home = home("agent_max_turns = 0\n", &[]);
    assert!(crate::load(&home.sources).is_err());
    let patched = patch(&home.sources, &json!({ "agent_max_turns": null })).unwrap();
    assert_eq!(patched.snapshot.config, crate::Config::default());
    std::fs::write(home.sources.config_file(), "agent_max_turns = \n").unwrap();
    let error = patch(&home.sources, &json!({ "agent_max_turns": 1 })).unwrap_err();
    assert!(
        matches!(error, ConfigError::ParseFile { line: 1, .. }),
        "{error}"
    );
}

#[test]
fn large_numbers_and_amounts_go_into_the_file_and_back() {
    let home = home("", &[]);
    let change = json!({
        "budget_daily_tokens": 1_000_000_000_000_u64,
        "budget_session_tokens": 999_999_999_999_u64,
        "budget_daily_usd": 0.5,
        "budget_session_usd": 3,
        "provider_fallbacks": ["a:b", "c:d:e"],
    });
    let config = patch(&home.sources, &change).unwrap().snapshot.config;
    assert_eq!(
        text(&home),
        "provider_fallbacks = [\"a:b\", \"c:d:e\"]\nbudget_daily_usd = 0.5\n\
         budget_daily_tokens = 1000000000000\nbudget_session_usd = 3.0\n\
         budget_session_tokens = 999999999999\n"
    );
    let expected = crate::Config {
        provider_fallbacks: vec!["a:b".into(), "c:d:e".into()],
        budget_daily_usd: Some(0.5),
        budget_daily_tokens: Some(1_000_000_000_000),
        budget_session_usd: Some(3.0),
        budget_session_tokens: Some(999_999_999_999),
        ..crate::Config::default()
    };
    assert_eq!(config, expected);
    assert_eq!(crate::load(&home.sources).unwrap().config, expected);
    let as_json = serde_json::to_string(&expected).unwrap();
    assert_eq!(
        serde_json::from_str::<crate::Config>(&as_json).unwrap(),
        expected
    );
}
