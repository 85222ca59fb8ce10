//! `config show|get|set|unset|validate|path`.

use mesoclaw_testkit::home::TestHome;
use mesoclaw_testkit::model_server::Script;
use serde_json::json;

use crate::fixture::Fixture;
use crate::process::{Ran, Stdin, command, run};

const FILE: &str = "# my file\nlog_level = \"info\" # keep me\n\n# the end\n";

fn file(home: &TestHome) -> String {
    std::fs::read_to_string(home.config_file()).unwrap_or_default()
}

/// Runs a test without a daemon, and with one.
fn both(test: impl Fn(&TestHome)) {
    let home = TestHome::new();
    home.write_config(FILE);
    test(&home);
    let home = TestHome::new();
    home.write_config(FILE);
    assert_eq!(command(&home, &["daemon", "start"]).code, 0);
    test(&home);
    assert_eq!(command(&home, &["daemon", "status"]).code, 0);
}

#[test]
fn a_value_is_set_read_and_unset_and_comments_stay() {
    both(|home| {
        let set = |key: &str, value: &str| command(home, &["config", "set", key, value]);
        assert_eq!(
            set("agent_max_turns", "7"),
            Ran::ok("agent_max_turns = 7\n")
        );
        assert_eq!(
            set("log_level", "debug"),
            Ran::ok("log_level = \"debug\"\n")
        );
        let text = file(home);
        assert!(
            text.contains("# my file\nlog_level = \"debug\" # keep me\n"),
            "{text}"
        );
        assert!(
            text.contains("# the end") && text.contains("agent_max_turns = 7\n"),
            "{text}"
        );
        assert_eq!(
            command(home, &["config", "get", "agent_max_turns"]),
            Ran::ok("7\n")
        );
        let got = command(home, &["--json", "config", "get", "agent_max_turns"]).json();
        assert_eq!(
            (&got["key"], &got["value"]),
            (&json!("agent_max_turns"), &json!(7))
        );
        let unset = command(home, &["config", "unset", "agent_max_turns"]);
        assert_eq!(unset, Ran::ok("agent_max_turns is unset\n"));
        assert_eq!(
            command(home, &["config", "get", "agent_max_turns"]),
            Ran::ok("20\n")
        );
        assert!(!file(home).contains("agent_max_turns"));
    });
}

#[test]
fn what_is_wrong_changes_nothing() {
    both(|home| {
        let rows: [(&[&str], &[&str]); 7] = [
            (&["set", "nope_key", "1"], &["there is no setting nope_key"]),
            (&["set", "log_levl", "info"], &["the nearest is log_level"]),
            (
                &["set", "agent_max_turns", "banana"],
                &["cannot be banana", "expected an integer"],
            ),
            (
                &["set", "agent_max_turns", "0"],
                &["agent_max_turns", "1 to 1000"],
            ),
            (
                &["set", "log_level", "loud"],
                &["expected one of error, warn, info, debug, trace"],
            ),
            (&["unset", "nope_key"], &["there is no setting nope_key"]),
            (&["get", "nope_key"], &["there is no setting nope_key"]),
        ];
        for (args, parts) in rows {
            let mut words = vec!["config"];
            words.extend(args);
            let ran = command(home, &words);
            ran.assert_error(2, parts);
            assert_eq!(
                (ran.stdout.as_str(), file(home).as_str()),
                ("", FILE),
                "{args:?}"
            );
            words.insert(0, "--json");
            let error = command(home, &words).error();
            assert!(
                error["error_code"].is_string() && error["message"].is_string(),
                "{error}"
            );
        }
    });
}

#[test]
fn every_value_says_where_it_comes_from() {
    both(|home| {
        let ran = command(home, &["config", "show", "--origin"]);
        let text = ran.assert_ok();
        let from_file = format!(
            "log_level = \"info\"  # {}:2\n",
            home.config_file().display()
        );
        assert!(text.contains(&from_file), "{text}");
        assert!(text.contains("agent_max_turns = 20  # default\n"), "{text}");
        let plain = command(home, &["config", "show"]);
        assert!(plain.assert_ok().contains("log_level = \"info\"\n"));
        let values = command(home, &["--json", "config", "show"]).json();
        assert_eq!(
            (&values["log_level"], &values["agent_max_turns"]),
            (&json!("info"), &json!(20))
        );
        let path = command(home, &["config", "path"]);
        assert_eq!(path, Ran::ok(format!("{}\n", home.config_file().display())));
    });
}

#[test]
fn the_file_is_checked() {
    let home = TestHome::new();
    let validate = || command(&home, &["config", "validate"]);
    assert!(
        validate()
            .assert_ok()
            .contains("does not exist; defaults are valid")
    );
    home.write_config(FILE);
    assert!(validate().assert_ok().contains("is valid"));
    home.write_config("log_level = \"info\"\nlog_levl = \"x\"\n");
    let ran = validate();
    assert!(
        ran.assert_ok()
            .contains(":2: there is no setting log_levl; the nearest is log_level"),
        "{ran:?}"
    );
    for (text, part) in [
        ("log_level = 5\n", "config.toml:1"),
        ("agent_max_turns = 0\n", "1 to 1000"),
        ("log_level = \n", "config.toml"),
    ] {
        home.write_config(text);
        validate().assert_error(2, &[part]);
        // Every command that needs it says the same instead of going on with something else.
        command(&home, &["session", "list"]).assert_error(2, &[part]);
    }
    // The file can be mended with the command itself.
    home.write_config("log_level = 5\n");
    assert_eq!(
        command(&home, &["config", "set", "log_level", "info"]).code,
        0
    );
    assert_eq!(validate().code, 0);
}

#[test]
fn a_running_daemon_sees_the_change() {
    let fixture = Fixture::start(Script::text("Fine."));
    let ran = command(
        &fixture.home,
        &["config", "set", "provider_model_id", "another"],
    );
    assert_eq!(ran.code, 0, "{ran:?}");
    run(&fixture.home, &[], Stdin::Text("hello"));
    assert_eq!(fixture.server.requests()[0].body["model"], "another");
    let events = mesoclaw_api::ops::events::SubscribeParams {
        filter: mesoclaw_api::EventFilter::default(),
        since: None,
    };
    let (mut wire, _) = crate::rpc::Wire::greet(&fixture.socket(), Some(events));
    command(&fixture.home, &["config", "set", "agent_max_turns", "9"]);
    let news = wire.news_until(|event| matches!(event, mesoclaw_api::Event::ConfigChanged { .. }));
    assert!(format!("{news:?}").contains("agent_max_turns"), "{news:?}");
}

#[test]
fn a_file_can_be_named_and_the_environment_wins() {
    let home = TestHome::new();
    let other = home.user_home().join("other.toml");
    std::fs::write(&other, "agent_max_turns = 4\n").unwrap();
    let ran = command(
        &home,
        &["--config", "other.toml", "config", "get", "agent_max_turns"],
    );
    assert_eq!(ran, Ran::ok("4\n"));
    let ran = command(
        &home,
        &[
            "config",
            "set",
            "agent_max_turns",
            "5",
            "--config",
            "other.toml",
        ],
    );
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(
        std::fs::read_to_string(&other).unwrap(),
        "agent_max_turns = 5\n"
    );
    assert_eq!(file(&home), "");

    let mut set = crate::process::mesoclaw(&home, &["config", "set", "agent_max_turns", "6"]);
    set.env("MESOCLAW_AGENT_MAX_TURNS", "8");
    let ran = crate::process::Running::start(&mut set, Stdin::Null).finish();
    ran.assert_error(0, &["agent_max_turns is overridden by the"]);
    let mut get = crate::process::mesoclaw(&home, &["config", "get", "agent_max_turns"]);
    get.env("MESOCLAW_AGENT_MAX_TURNS", "8");
    let ran = crate::process::Running::start(&mut get, Stdin::Null).finish();
    assert_eq!(ran, Ran::ok("8\n"));
}
