//! An exit code and a sentence for every way a question can end.

use mesoclaw_testkit::daemon::DaemonProcess;
use mesoclaw_testkit::home::TestHome;
use mesoclaw_testkit::model_server::{ModelServer, Reply, Script, Step};
use serde_json::json;

use crate::fixture::{Fixture, program};
use crate::process::{Stdin, run};

/// Asks once with retries switched off; what must come of it.
fn check(reply: Reply, code: i32, stdout: &str, parts: &[&str]) {
    let server = ModelServer::start_blocking(Script::replies([reply.clone()]));
    let home = TestHome::new();
    home.use_model_server(&server);
    let mut command = home.mesoclaw(program());
    command.args(["daemon", "run", "--set", "provider_max_retries=0"]);
    let _daemon = DaemonProcess::start_command(command, &home);
    let ran = run(&home, &["q"], Stdin::Text(""));
    assert_eq!(ran.stdout, stdout, "{reply:?}: {ran:?}");
    ran.assert_error(code, parts);
    assert_eq!(server.requests().len(), 1, "no second try: {reply:?}");
}

#[test]
fn what_the_provider_does_decides_the_code() {
    let text = |text: &str| Step::Text(text.to_owned());
    check(Reply::status(401), 6, "", &["401"]);
    check(Reply::status(403), 6, "", &["403"]);
    check(Reply::status(429), 7, "", &["429"]);
    check(Reply::status(500), 7, "", &["500"]);
    check(Reply::status(503), 7, "", &["503"]);
    check(
        Reply::new([Step::status_with(
            404,
            json!({"error": {"message": "no such model", "code": "model_not_found"}}),
        )]),
        7,
        "",
        &["test-model"],
    );
    check(
        Reply::new([Step::status_with(
            400,
            json!({"error": {"message": "too long", "code": "context_length_exceeded"}}),
        )]),
        8,
        "",
        &["mesoclaw: "],
    );
    // What came before the end is on stdout.
    check(
        Reply::new([text("Half an ans"), Step::Cut]),
        7,
        "Half an ans\n",
        &["mesoclaw: "],
    );
    check(
        Reply::new([text("Half an ans"), Step::CutMidEvent]),
        7,
        "Half an ans\n",
        &["mesoclaw: "],
    );
    check(
        Reply::new([text("Half an ans"), Step::BadJson]),
        7,
        "Half an ans\n",
        &["mesoclaw: "],
    );
    check(Reply::new([Step::BadJson]), 7, "", &["mesoclaw: "]);
}

#[test]
fn a_failing_provider_is_tried_again_before_the_first_word() {
    let server = ModelServer::start_blocking(Script::replies([
        Reply::new([Step::Status {
            code: 503,
            body: None,
            retry_after: Some("0".to_owned()),
            location: None,
        }]),
        Reply::text("Fine."),
    ]));
    let home = TestHome::new();
    home.use_model_server(&server);
    let ran = run(&home, &["q"], Stdin::Text(""));
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "Fine.\n"), "{ran:?}");
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn a_provider_that_is_not_there_is_named() {
    let home = TestHome::new();
    // The port is free again when the server is gone.
    let server = ModelServer::start_blocking(Script::default());
    home.use_model_server(&server);
    let address = server.addr().to_string();
    drop(server);
    let mut command = home.mesoclaw(program());
    command.args(["daemon", "run", "--set", "provider_max_retries=0"]);
    let _daemon = DaemonProcess::start_command(command, &home);
    let ran = run(&home, &["q"], Stdin::Text(""));
    ran.assert_error(7, &[&address]);
    assert_eq!(ran.stdout, "");
}

#[test]
fn an_answer_cut_by_its_length_says_so() {
    let fixture = Fixture::start(Script::always([
        Step::Text("and so on ".to_owned()),
        Step::Finish("length".to_owned()),
    ]));
    let ran = run(&fixture.home, &["q"], Stdin::Text(""));
    assert_eq!(ran.code, 8, "{ran:?}");
    assert!(ran.stdout.starts_with("and so on "), "{ran:?}");
    assert!(ran.stderr.starts_with("mesoclaw: "), "{ran:?}");
    // It is bounded: the number of calls is one and the continuations.
    assert!(fixture.server.requests().len() <= 6);
}

#[test]
fn without_a_model_the_commands_that_help_are_told() {
    let home = TestHome::new();
    let ran = run(&home, &[], Stdin::Text("hello"));
    ran.assert_error(
        6,
        &[
            "mesoclaw setup --local",
            "mesoclaw setup\n",
            "mesoclaw key set PROVIDER && mesoclaw provider default PROVIDER MODEL",
        ],
    );
    assert_eq!(ran.stdout, "");
    let ran = run(&home, &["--json"], Stdin::Text("hello"));
    assert_eq!(ran.code, 6);
    assert_eq!(
        ran.json()["error"]["error_code"],
        "MESO_AGENT_NOT_CONFIGURED"
    );
}

#[test]
fn a_daemon_that_cannot_be_reached_is_code_3() {
    let home = TestHome::new();
    // What stands where the socket belongs is not removed.
    let taken = home.mesoclaw_home().join("run/daemon.sock");
    std::fs::create_dir_all(&taken).unwrap();
    let ran = run(&home, &["q"], Stdin::Text(""));
    ran.assert_error(3, &["daemon.sock"]);
    assert_eq!(ran.stdout, "");
    assert!(taken.is_dir());
}

#[test]
fn mistakes_on_the_command_line_are_code_2() {
    let fixture = Fixture::start(Script::text("Fine."));
    let rows: [(&[&str], &str); 8] = [
        (&["--timeout", "0", "q"], "above 0"),
        (&["--timeout", "soon", "q"], "seconds"),
        (&["--max-input", "lots", "q"], "number of bytes"),
        (&["--no-such-flag", "q"], "--no-such-flag"),
        (&["--json", "--stream-json", "q"], "cannot be used with"),
        (&["--allow", "shell", "q"], "--allow"),
        (&["--max-cost", "1", "q"], "--max-cost"),
        (&["session", "lst"], "list"),
    ];
    for (args, part) in rows {
        let ran = run(&fixture.home, args, Stdin::Text(""));
        ran.assert_error(2, &[part]);
        assert_eq!(ran.stdout, "", "{args:?}");
    }
    assert_eq!(fixture.server.requests(), []);
}
