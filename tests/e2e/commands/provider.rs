//! `provider add|list|default|test|remove`.

use mesoclaw_testkit::home::TestHome;
use mesoclaw_testkit::model_server::{ModelServer, Reply, Script};
use serde_json::{Value, json};

use crate::process::{Ran, Stdin, command, run};

fn provider(home: &TestHome, args: &[&str]) -> Ran {
    let mut words = vec!["provider"];
    words.extend(args);
    command(home, &words)
}

fn listed(home: &TestHome) -> Vec<(String, String, bool)> {
    let list = command(home, &["--json", "provider", "list"]).json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    list.as_array()
        .unwrap()
        .iter()
        .filter(|provider| provider["id"] != "local")
        .map(|provider| {
            (
                text(&provider["id"]),
                text(&provider["name"]),
                provider["is_default"] == true,
            )
        })
        .collect()
}

#[test]
fn a_provider_is_added_used_and_removed() {
    let server = ModelServer::start_blocking(Script::text("Fine."));
    let url = server.base_url();
    let home = TestHome::new();
    // Both forms.
    let ran = provider(
        &home,
        &["add", "one", "--base-url", &url, "--name", "The first"],
    );
    assert!(
        ran.assert_ok()
            .starts_with(&format!("added one at {url}\n")),
        "{ran:?}"
    );
    let ran = provider(&home, &["add", "two", "The second", &url]);
    assert!(
        ran.assert_ok().contains("next: mesoclaw provider test two"),
        "{ran:?}"
    );
    assert_eq!(
        listed(&home),
        [
            ("one".to_owned(), "The first".to_owned(), false),
            ("two".to_owned(), "The second".to_owned(), false)
        ]
    );
    let table = provider(&home, &["list"]);
    assert!(table.assert_ok().contains("The second"), "{table:?}");
    provider(&home, &["default"]).assert_error(6, &["no default model is set", "setup --local"]);
    assert_eq!(
        provider(&home, &["default", "one", "small"]),
        Ran::ok("default is one:small\n")
    );
    assert_eq!(provider(&home, &["default"]), Ran::ok("one:small\n"));
    assert_eq!(
        provider(&home, &["default", "two:qwen3:8b"]),
        Ran::ok("default is two:qwen3:8b\n")
    );
    let default = command(&home, &["--json", "provider", "default"]).json();
    assert_eq!(
        default,
        json!({"provider_id": "two", "model_id": "qwen3:8b"})
    );
    assert_eq!(run(&home, &[], Stdin::Text("hello")), Ran::ok("Fine.\n"));
    assert_eq!(server.requests()[0].body["model"], "qwen3:8b");

    assert_eq!(
        provider(&home, &["remove", "one"]),
        Ran::ok("removed one\n")
    );
    assert_eq!(listed(&home).len(), 1);
    provider(&home, &["remove", "one"]).assert_error(4, &["there is no provider `one`"]);
    // Without the provider of the default model nothing would answer any more.
    provider(&home, &["remove", "two"]).assert_error(1, &["holds the default model", "default"]);
    assert_eq!(listed(&home).len(), 1);
    command(&home, &["config", "unset", "provider_name"]).assert_ok();
    command(&home, &["config", "unset", "provider_model_id"]).assert_ok();
    assert_eq!(provider(&home, &["remove", "two"]).code, 0);
    let ran = run(&home, &[], Stdin::Text("hello"));
    assert_eq!(ran.code, 6, "{ran:?}");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn what_cannot_be_added_is_refused() {
    let home = TestHome::new();
    let url = "http://127.0.0.1:9/v1";
    assert_eq!(provider(&home, &["add", "one", "--base-url", url]).code, 0);
    let rows: [(&[&str], i32, &str); 8] = [
        (&["add", "one", "--base-url", url], 1, "one"),
        (&["add", "local", "--base-url", url], 1, "local"),
        (&["add", "two"], 2, "--base-url"),
        (
            &["add", "two", "--base-url", "ftp://host"],
            2,
            "not `http:` or `https:`",
        ),
        (&["add", "two", "--base-url", "host"], 2, "base URL"),
        (&["add", "Two Words", "--base-url", url], 2, "lower-case"),
        (
            &["default", "one"],
            2,
            "mesoclaw provider default one MODEL",
        ),
        (&["default", "nope", "m"], 4, "there is no provider `nope`"),
    ];
    for (args, code, part) in rows {
        provider(&home, args).assert_error(code, &[part]);
    }
    provider(&home, &["remove", "local"]);
    assert_eq!(listed(&home).len(), 1);
}

#[test]
fn a_test_explains_what_happened() {
    let home = TestHome::new();
    let check = |script: Script, code: i32, error: Value, part: &str| {
        let server = ModelServer::start_blocking(script);
        let url = server.base_url();
        assert_eq!(provider(&home, &["add", "p", "--base-url", &url]).code, 0);
        let ran = provider(&home, &["test", "p", "--model", "m"]);
        assert_eq!((ran.code, ran.stderr.as_str()), (code, ""), "{ran:?}");
        assert!(ran.stdout.contains(part), "{part:?} in {ran:?}");
        let result = command(&home, &["--json", "provider", "test", "p", "--model", "m"]).json();
        assert_eq!(result["success"], code == 0);
        assert_eq!(result["error_code"], error);
        assert_eq!(provider(&home, &["remove", "p"]).code, 0);
    };
    let always = |reply: Reply| Script::replies([reply]);
    check(
        always(Reply::text("Hi")),
        0,
        Value::Null,
        "`p` answered with `m`",
    );
    check(
        always(Reply::status(401)),
        6,
        json!("MESO_AGENT_AUTH"),
        "401",
    );
    check(
        always(Reply::status(404)),
        7,
        json!("MESO_AGENT_MODEL_NOT_FOUND"),
        "404",
    );
    check(
        always(Reply::status(500)),
        7,
        json!("MESO_AGENT_ERROR"),
        "500",
    );

    // Nothing listens there.
    let url = ModelServer::start_blocking(Script::default()).base_url();
    assert_eq!(provider(&home, &["add", "p", "--base-url", &url]).code, 0);
    let ran = provider(&home, &["test", "p", "--model", "m"]);
    assert_eq!(ran.code, 7);
    assert!(ran.stdout.contains("the connection was refused"), "{ran:?}");
    provider(&home, &["test", "nope"]).assert_error(4, &["there is no provider `nope`"]);
}

#[test]
fn a_key_is_named_and_never_shown() {
    let server = ModelServer::start_blocking(Script {
        api_key: Some("sk-very-secret".to_owned()),
        ..Script::text("Fine.")
    });
    let url = server.base_url();
    let home = TestHome::new();
    let add = ["add", "p", "--base-url", &url, "--api-key-env", "P_KEY"];
    let ran = provider(&home, &add);
    assert!(
        ran.assert_ok()
            .contains("the daemon does not see P_KEY yet"),
        "{ran:?}"
    );
    let ran = provider(&home, &["list"]);
    assert!(ran.assert_ok().contains("P_KEY missing"), "{ran:?}");
    let ran = provider(&home, &["test", "p", "--model", "m"]);
    assert_eq!(ran.code, 6, "{ran:?}");
    assert!(ran.stdout.contains("P_KEY"), "{ran:?}");

    let mut restart = crate::process::mesoclaw(&home, &["daemon", "restart"]);
    restart.env("P_KEY", "sk-very-secret");
    crate::process::Running::start(&mut restart, Stdin::Null).finish();
    let ran = provider(&home, &["test", "p", "--model", "m"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    for args in [
        &["provider", "list"][..],
        &["--json", "provider", "list"],
        &["config", "show"],
    ] {
        let ran = command(&home, args);
        assert!(!ran.assert_ok().contains("sk-very-secret"), "{args:?}");
    }
}
