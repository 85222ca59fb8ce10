//! `provider ...`: list, show, add, update, remove, default, test, models, and the models added by
//! hand.

use mesoclaw_testkit::home::TestHome;
use mesoclaw_testkit::model_server::{ModelServer, Reply, Script};
use mesoclaw_testkit::pty::Pty;
use serde_json::{Value, json};

use crate::process::{Ran, Running, Stdin, command, mesoclaw, run};

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
        .filter(|provider| provider["is_user_defined"] == true)
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
    let mut both = listed(&home);
    both.sort();
    assert_eq!(
        both,
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
    let rows: [(&[&str], i32, &str); 11] = [
        (&["add", "one", "--base-url", url], 1, "one"),
        (&["add", "local", "--base-url", url], 1, "local"),
        (&["add", "default", "--base-url", url], 1, "taken"),
        (&["add", "detect", "--base-url", url], 1, "taken"),
        (&["add", "with-key-status", "--base-url", url], 1, "taken"),
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
        let ran = provider(&home, &["test", "p", "--model", "test-model"]);
        assert_eq!((ran.code, ran.stderr.as_str()), (code, ""), "{ran:?}");
        assert!(ran.stdout.contains(part), "{part:?} in {ran:?}");
        let result = command(
            &home,
            &["--json", "provider", "test", "p", "--model", "test-model"],
        )
        .json();
        assert_eq!(result["success"], code == 0);
        assert_eq!(result["error_code"], error);
        assert_eq!(provider(&home, &["remove", "p"]).code, 0);
    };
    let always = |reply: Reply| Script::replies([reply]);
    check(
        always(Reply::text("Hi")),
        0,
        Value::Null,
        "`p` answered with `test-model`",
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
    let ran = provider(&home, &["test", "p", "--model", "test-model"]);
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
    let text = ran.assert_ok();
    assert!(
        text.contains("it wants a key: mesoclaw key set p"),
        "{ran:?}"
    );
    assert!(text.contains("the daemon does not see P_KEY"), "{ran:?}");
    let ran = provider(&home, &["list"]);
    assert!(ran.assert_ok().contains("missing"), "{ran:?}");
    let ran = provider(&home, &["test", "p", "--model", "test-model"]);
    assert_eq!(ran.code, 6, "{ran:?}");

    let mut restart = crate::process::mesoclaw(&home, &["daemon", "restart"]);
    restart.env("P_KEY", "sk-very-secret");
    crate::process::Running::start(&mut restart, Stdin::Null).finish();
    let ran = provider(&home, &["test", "p", "--model", "test-model"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    for args in [
        &["provider", "list"][..],
        &["provider", "show", "p"],
        &["--json", "provider", "list", "--all"],
        &["config", "show"],
    ] {
        let ran = command(&home, args);
        assert!(!ran.assert_ok().contains("sk-very-secret"), "{args:?}");
    }
}

#[test]
fn the_catalogue_is_listed_on_request_and_shown_with_its_prices() {
    let home = TestHome::new();
    let ran = provider(&home, &["list"]);
    let few = ran.assert_ok();
    assert!(
        !few.contains("anthropic") && few.contains("ollama"),
        "{few}"
    );
    let ran = provider(&home, &["list", "--all"]);
    let all = ran.assert_ok();
    for id in ["openai", "anthropic", "gemini", "azure", "vllm"] {
        assert!(
            all.lines().any(|line| line.starts_with(id)),
            "{id} in {all}"
        );
    }
    assert!(all.contains("unverified"), "{all}");
    let ran = provider(&home, &["show", "openai"]);
    let shown = ran.assert_ok();
    for part in [
        "missing; mesoclaw key set openai",
        "OPENAI_API_KEY",
        "prices in dollars for a million tokens",
        "(2026-",
        "$",
    ] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    provider(&home, &["show", "nope"]).assert_error(4, &["there is no provider `nope`"]);
}

#[test]
fn models_are_added_by_hand_and_asked_for() {
    let server = ModelServer::start_blocking(Script {
        models: vec!["small".to_owned(), "large".to_owned()],
        ..Script::text("Fine.")
    });
    let url = server.base_url();
    let home = TestHome::new();
    provider(&home, &["add", "p", "--base-url", &url]).assert_ok();
    let ran = provider(&home, &["models", "p"]);
    let listed = ran.assert_ok();
    assert!(
        listed.contains("small") && listed.contains("large"),
        "{listed}"
    );
    let add = [
        "model-add",
        "p",
        "small",
        "--context",
        "8k",
        "--output",
        "1k",
        "--no-tools",
        "--vision",
        "--price-input",
        "2.50",
        "--price-output",
        "10",
        "--price-cached",
        "0.075",
    ];
    assert_eq!(
        provider(&home, &add),
        Ran::ok(
            "added p:small (8000 tokens of context, $2.50 in, $10.00 out for a million tokens)\n"
        )
    );
    let shown = command(&home, &["--json", "provider", "show", "p"]).json();
    let model = &shown["models"][0];
    assert_eq!(
        (&model["context_limit"], &model["output_limit"]),
        (&json!(8000), &json!(1000))
    );
    assert_eq!(
        (&model["supports_tools"], &model["supports_vision"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(
        model["price"],
        json!({"input": 2_500_000, "cached_input": 75_000, "output": 10_000_000})
    );
    provider(&home, &["model-add", "p", "x", "--price-input", "1"])
        .assert_error(2, &["--price-output"]);
    assert_eq!(
        provider(&home, &["model-remove", "p", "small"]),
        Ran::ok("removed p:small\n")
    );
    provider(&home, &["model-remove", "p", "small"]).assert_error(4, &["small"]);
}

#[test]
fn a_stored_key_waits_for_a_yes_at_another_host() {
    let script = || Script {
        api_key: Some("sk-very-secret".to_owned()),
        ..Script::text("Fine.")
    };
    let (first, second) = (
        ModelServer::start_blocking(script()),
        ModelServer::start_blocking(script()),
    );
    let (one, two) = (first.base_url(), second.base_url());
    let home = TestHome::new();
    command(&home, &["-q", "key", "store", "file"]);
    provider(&home, &["add", "p", "--base-url", &one]).assert_ok();
    run(&home, &["key", "set", "p"], Stdin::Text("sk-very-secret\n")).assert_ok();
    assert_eq!(
        provider(&home, &["test", "p", "--model", "test-model"]).code,
        0
    );

    let ran = provider(&home, &["update", "p", "--base-url", &two]);
    assert_eq!((ran.code, ran.stdout), (0, format!("p is at {two} now\n")));
    assert!(
        ran.stderr.contains("the key of p does not go to") && ran.stderr.contains("key confirm p"),
        "{}",
        ran.stderr
    );
    let ran = provider(&home, &["test", "p", "--model", "test-model"]);
    assert_eq!(ran.code, 5, "{ran:?}");
    assert!(ran.stdout.contains("mesoclaw key confirm p"), "{ran:?}");
    assert_eq!(second.requests(), []);
    let origin = two.trim_end_matches("/v1");
    assert_eq!(
        command(&home, &["key", "confirm", "p"]),
        Ran::ok(format!("the key of p may go to {origin}\n"))
    );
    assert_eq!(
        provider(&home, &["test", "p", "--model", "test-model"]).code,
        0
    );

    // On a terminal it is asked at once.
    let update = ["provider", "update", "p", "--base-url", &one];
    let pty = Pty::spawn(&crate::process::mesoclaw(&home, &update), 24, 160);
    pty.wait_for_text("let the key go to");
    pty.write("y\r");
    assert_eq!(pty.wait_for_exit().exit_code(), 0);
    assert!(pty.screen_text().contains("the key of p may go to"));
    assert_eq!(
        provider(&home, &["test", "p", "--model", "test-model"]).code,
        0
    );
}

#[test]
fn another_model_answers_and_a_note_says_so() {
    let broken = ModelServer::start_blocking(Script::replies([Reply::status(500)]));
    let other = ModelServer::start_blocking(Script::text("Fine."));
    let home = TestHome::new();
    home.write_config(&format!(
        "provider_name = \"test\"\nprovider_base_url = \"{}\"\n\
         provider_model_id = \"test-model\"\nprovider_max_retries = 0\n\
         provider_fallbacks = [\"other:spare\"]\n",
        broken.base_url()
    ));
    let url = other.base_url();
    provider(&home, &["add", "other", "--base-url", &url]).assert_ok();
    let ran = run(&home, &[], Stdin::Text("hello"));
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "Fine.\n"), "{ran:?}");
    for part in [
        "mesoclaw: note: ",
        "test:test-model",
        "other:spare answers instead",
    ] {
        assert!(ran.stderr.contains(part), "{part} in {ran:?}");
    }
    let answer = run(&home, &["--json"], Stdin::Text("hello")).json();
    assert_eq!(answer["model"], "other:spare");
}

#[test]
fn what_is_found_here_includes_the_variables_of_this_shell() {
    let home = TestHome::new();
    let mut detect = mesoclaw(&home, &["provider", "detect"]);
    detect.env("OPENAI_API_KEY", "sk-very-secret");
    let ran = Running::start(&mut detect, Stdin::Null).finish();
    let found = ran.assert_ok();
    assert!(
        found.contains("OPENAI_API_KEY is set in this shell\n"),
        "{ran:?}"
    );
    assert!(
        !found.contains("no key variable is set") && !found.contains("sk-very-secret"),
        "{ran:?}"
    );
}

#[test]
fn a_key_that_would_travel_unencrypted_is_noted() {
    let home = TestHome::new();
    command(&home, &["-q", "key", "store", "file"]);
    // An address of the documentation: nothing is sent there.
    let (open, closed) = ("http://192.0.2.1:9/v1", "https://192.0.2.1:9/v1");
    let note = "mesoclaw: the key of p would travel unencrypted to 192.0.2.1:9\n";
    let add = ["add", "p", "--base-url", open, "--api-key-env", "P_KEY"];
    assert_eq!(provider(&home, &add).stderr, note);
    let update = |url| provider(&home, &["update", "p", "--base-url", url]);
    assert_eq!(update(closed).stderr, "");
    assert_eq!(update(open).stderr, note);
    let set = |id| run(&home, &["key", "set", id], Stdin::Text("sk-very-secret\n"));
    let ran = set("p");
    assert_eq!((ran.code, ran.stderr.as_str()), (0, note), "{ran:?}");
    assert_eq!(set("openai").stderr, "");
    // Nobody wants a key there.
    let add = ["add", "q", "--base-url", open];
    assert_eq!(provider(&home, &add).stderr, "");
}
