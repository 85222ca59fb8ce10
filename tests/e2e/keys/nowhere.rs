//! A key that is used in every way, and then looked for everywhere.

use mesoclaw_testkit::daemon::DaemonProcess;
use mesoclaw_testkit::model_server::{ModelServer, Reply, Script, Step, WireKind};
use rustix::process::Signal;
use serde_json::{Value, json};

use super::raw::Raw;
use super::search::{Search, base64, hex};
use super::{Login, key_of, new_key, well};
use crate::process::{Running, Stdin};

/// Every way to speak, with its word.
const DIALECTS: [(WireKind, &str); 7] = [
    (WireKind::OpenAiChat, "openai_chat"),
    (WireKind::OpenAiResponses, "openai_responses"),
    (WireKind::Anthropic, "anthropic"),
    (WireKind::Gemini, "gemini"),
    (WireKind::Cohere, "cohere"),
    (WireKind::Ollama, "ollama"),
    (WireKind::Azure, "azure"),
];

/// A provider with its server.
struct Place {
    id: String,
    server: ModelServer,
}

/// What a provider says when it gives the key away in all fields it has.
fn telling(key: &str) -> Value {
    let message = format!(
        "Incorrect API key provided: {key} ({}, {}, {}). See http://127.0.0.1/?key={}",
        hex(key.as_bytes()),
        base64(key.as_bytes()),
        base64(format!("Bearer {key}").as_bytes()),
        key.replace('+', "%2B")
            .replace('/', "%2F")
            .replace('=', "%3D")
    );
    json!({
        "error": {"message": message, "type": message, "param": key, "code": key, "status": key},
        "message": message,
        "detail": [{"msg": message, "input": key}],
        "id": key,
    })
}

/// Servers that misbehave, each in its own way, and what the turn ends with.
fn faults(key: &str) -> Vec<(String, Script, WireKind, &'static str, i32)> {
    let always = |step: Step| Script {
        models_reply: Some(Reply::new([step.clone()])),
        ..Script::always([step])
    };
    let status = |code| always(Step::status_with(code, telling(key)));
    let mut faults = Vec::new();
    for (kind, word) in DIALECTS {
        let mut add = |name: &str, script: Script, code: i32| {
            faults.push((format!("{name}-{word}"), script, kind, word, code));
        };
        add("fine", Script::text("Fine."), 0);
        add("refused", status(401), 6);
        add("bad", status(400), 7);
        add(
            "garbage",
            Script::always([Step::Raw(format!("data: {key} {{{key}\n\n"))]),
            7,
        );
    }
    let mut add = |name: &str, script: Script, code: i32| {
        let (kind, word) = DIALECTS[0];
        faults.push((name.to_owned(), script, kind, word, code));
    };
    add("forbidden", status(403), 6);
    add("missing", status(404), 7);
    add("busy", status(429), 7);
    add("broken", status(500), 7);
    let page = Value::from(format!("<html><h1>{key}</h1></html>"));
    add("page", always(Step::status_with(502, page)), 7);
    let told = Step::Raw(format!("data: {}\n\n", telling(key)));
    add(
        "late",
        Script::always([Step::Text("Well".to_owned()), told]),
        7,
    );
    let moved = Step::Status {
        code: 307,
        body: None,
        retry_after: Some(key.to_owned()),
        location: Some(format!("http://127.0.0.1:9/{key}?key={key}")),
    };
    add("moved", always(moved), 7);
    faults
}

/// Uses a provider in every way there is.
fn use_provider(login: &Login, place: &Place, code: i32) {
    let model = format!("{}:test-model", place.id);
    for form in [&[][..], &["--json"], &["--stream-json"]] {
        let args = [&["--model", &model, "-s", &place.id], form].concat();
        let ran = login.run(&args, Stdin::Text("hello"));
        assert_eq!(ran.code, code, "{}: {ran:?}", place.id);
    }
    let tested = login.command(&["provider", "test", &place.id, "--model", "test-model"]);
    assert_eq!(tested.code, code, "{}: {tested:?}", place.id);
    login.command(&["--json", "key", "test", &place.id]);
    login.command(&["provider", "models", &place.id]);
    login.done(&["provider", "show", &place.id]);
    for format in ["md", "json", "jsonl"] {
        let file = format!("{}.{format}", place.id);
        let export = ["session", "export", &place.id, "--format", format];
        login.done(&export);
        login.done(&[&export[..], &["--output", &file]].concat());
    }
}

/// Everything else that prints something.
fn look_around(login: &Login) {
    for args in [
        &["usage"][..],
        &["usage", "--by", "session"],
        &["--json", "usage"],
        &["doctor"],
        &["--json", "doctor"],
        &["config", "show"],
        &["--json", "config", "show", "--origin"],
        &["key", "list"],
        &["--json", "key", "list"],
        &["key", "store"],
        &["--json", "key", "store"],
        &["provider", "list", "--all"],
        &["--json", "provider", "list", "--all"],
        &["provider", "detect"],
        &["daemon", "status"],
        &["daemon", "logs", "-n", "1000000"],
        &["session", "list"],
        &["session", "search", "hello"],
        &["session", "show", "fine-gemini"],
    ] {
        login.command(args);
    }
}

/// What a client says wrong, with a secret in it.
fn misuse(raw: &mut Raw, stray: &str) {
    let set = "credential.set";
    raw.ask(1, set, &json!({"key": ["api_key:x"], "value": stray}));
    raw.ask(2, set, &json!({"key": "api_key:x", "value": [stray]}));
    raw.ask(
        3,
        set,
        &json!({"key": "api_key:x", "value": {"text": stray}}),
    );
    raw.ask(4, set, &json!({"key": "no name!", "value": stray}));
    raw.ask(
        5,
        set,
        &json!({"key": "api_key:x", "value": stray, "more": stray}),
    );
    raw.ask(6, set, &json!([stray]));
    raw.ask(7, set, &json!(stray));
    raw.ask(
        8,
        "credential.sett",
        &json!({"key": "api_key:x", "value": stray}),
    );
    raw.ask(9, "credential.unlock", &json!({"passphrase": stray}));
    raw.ask(
        10,
        "credential.protect",
        &json!({"current": stray, "passphrase": [stray]}),
    );
    raw.ask(
        11,
        "credential.lend",
        &json!({"variable": "NOT_ONE", "value": stray}),
    );
    raw.ask(
        12,
        "credential.migrate",
        &json!({"to": "keyring", "passphrase": stray}),
    );
    raw.ask(13, "provider.get", &json!({"value": stray}));
    raw.say(&format!(
        r#"{{"jsonrpc":"2.0","id":14,"method":"{set}","params":{{"value":"{stray}"#
    ));
    raw.say(&format!(
        r#"{{"jsonrpc":"2.0","id":15,"method":"{set}","params":{stray}}}"#
    ));
}

/// Sets that fail, and one from a variable of the shell.
fn fail_to_set(login: &Login, key: &str, stray: &str) {
    assert_eq!(login.set_key("x", &format!("{stray}\n{stray}")).code, 2);
    assert_eq!(login.set_key("x", &stray.repeat(3000)).code, 2);
    let raw = login.run(&["key", "set-raw", "no name!"], Stdin::Text(stray));
    assert_ne!(raw.code, 0, "{raw:?}");
    let channel = ["key", "set-channel", "telegram", "token"];
    well(login.run(&channel, Stdin::Text(key)));
    well(login.run(&["key", "set-raw", "any.name"], Stdin::Text(key)));
    login.done(&["key", "remove-raw", "any.name"]);
}

/// A turn that is in progress, with its key on the way.
fn stall(login: &Login, key: &str, search: &Search) {
    let server = ModelServer::start_blocking(Script::always([
        Step::Text("Well".to_owned()),
        Step::Stall(60_000),
    ]));
    let place = add(
        login,
        "stalls".to_owned(),
        server,
        "openai_chat",
        WireKind::OpenAiChat,
    );
    well(login.set_key(&place.id, key));
    let args = [
        "--model",
        "stalls:test-model",
        "-o",
        "answer.txt",
        "--stream-json",
    ];
    let running = Running::start(&mut login.mesoclaw(&args), Stdin::Text("hello"));
    place.server.wait_for_content_blocking(0);
    assert_eq!(search.in_processes(), [""; 0]);
    running.signal(Signal::INT);
    assert_eq!(login.finish(running).code, 130);
    assert_eq!(key_of(&place.server.requests()[0]), Some(key));
}

/// A key of the shell of a client, for one turn.
fn lend(login: &Login, key: &str) {
    let server = ModelServer::start_blocking(Script::text("Fine."));
    let url = server.base_url();
    login.done(&["provider", "add", "openai", "--base-url", &url]);
    login.done(&["key", "confirm", "openai"]);
    login.done(&["key", "allow", "OPENAI_API_KEY"]);
    let mut command = login.mesoclaw(&["--model", "openai:gpt-test"]);
    command.env("OPENAI_API_KEY", key);
    let running = Running::start(&mut command, Stdin::Text("hello"));
    assert_eq!(well(login.finish(running)), "Fine.\n");
    assert_eq!(key_of(&server.requests()[0]), Some(key));
}

fn add(login: &Login, id: String, server: ModelServer, word: &str, kind: WireKind) -> Place {
    let url = server.base_url_for(kind);
    let mut args = vec![
        "provider",
        "add",
        &id,
        "--base-url",
        &url,
        "--dialect",
        word,
    ];
    if kind == WireKind::Azure {
        args.extend(["--api-version", "2024-10-21"]);
    }
    login.done(&args);
    Place { id, server }
}

#[test]
fn no_key_is_found_anywhere() {
    // One that is used, one that is refused, and one that never gets where it could be known.
    let (key, stray, unknown) = (new_key(), new_key(), new_key());
    let searches = [&key, &stray, &unknown].map(|value| Search::new(value));
    let login = Login::without_keyring();
    login
        .home
        .write_config("log_level = \"trace\"\nprovider_max_retries = 0\n");
    let args = ["daemon", "run"];
    let mut daemon = DaemonProcess::start_command(login.mesoclaw(&args), &login.home);
    let socket = daemon.endpoint().path().to_owned();
    let mut watchers: Vec<Raw> = ["tui", "cli", "http"]
        .iter()
        .map(|surface| Raw::watch(&socket, surface))
        .collect();

    // A place that does not work must not lose it either.
    assert_eq!(login.set_key("lost", &stray).code, 6);
    login.done(&["key", "store", "file"]);
    fail_to_set(&login, &key, &stray);
    misuse(&mut watchers[1], &unknown);
    for (id, script, kind, word, code) in faults(&key) {
        let server = ModelServer::start_blocking(script);
        let place = add(&login, id, server, word, kind);
        well(login.set_key(&place.id, &key));
        use_provider(&login, &place, code);
        // It was there to be lost.
        let requests = place.server.requests();
        assert!(!requests.is_empty(), "{}", place.id);
        for request in requests {
            assert_eq!(
                key_of(&request),
                Some(key.as_str()),
                "{}: {request:?}",
                place.id
            );
        }
    }
    stall(&login, &key, &searches[0]);
    lend(&login, &key);
    look_around(&login);

    let watched = watchers[0].text();
    for event in ["credential.changed", "turn.started", "turn.finished"] {
        assert!(watched.contains(event), "nothing was watched: {event}");
    }
    // A level at which something could have been said too much.
    let log = daemon.output();
    assert!(log.contains(" DEBUG "), "{log}");
    assert_nothing(&login, &searches);
    daemon.terminate();
    for watcher in watchers {
        let text = String::from_utf8(watcher.end()).unwrap();
        let tells = |line: &&str| {
            searches
                .iter()
                .any(|search| search.in_bytes(line.as_bytes()).is_some())
        };
        assert_eq!(text.lines().filter(tells).collect::<Vec<_>>(), [""; 0]);
    }
    assert_nothing(&login, &searches);
    assert!(!daemon.output().contains("panic"), "{}", daemon.output());
}

/// Nothing in files, processes and what was printed.
fn assert_nothing(login: &Login, searches: &[Search]) {
    for search in searches {
        assert_eq!(search.in_folder(login.home.user_home()), [""; 0]);
        assert_eq!(search.in_processes(), [""; 0]);
        for ran in login.printed.borrow().iter() {
            let printed = format!("{}{}", ran.stdout, ran.stderr);
            assert_eq!(search.in_bytes(printed.as_bytes()), None, "{ran:?}");
        }
    }
}
