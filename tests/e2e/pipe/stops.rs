//! What stops a question from outside: a signal, the end of the time, a reader that goes away, a
//! daemon that dies. Nothing is asked on, and nothing keeps running.

use std::io::Read;

use mesoclaw_testkit::model_server::{Ending, Reply, Script, Step};
use rustix::process::Signal;

use crate::fixture::Fixture;
use crate::process::{Ran, Running, Stdin, command, mesoclaw, run, said_in};

fn stalling(text: &str) -> Script {
    Script::always([Step::Text(text.to_owned()), Step::Stall(60_000)])
}

/// Fails unless the turn ended for the model too, and the daemon lives.
fn assert_cancelled(fixture: &Fixture) {
    assert_eq!(
        fixture.server.wait_for_ending_blocking(0),
        Ending::ClientGone
    );
    let status = command(&fixture.home, &["--json", "daemon", "status"]).json();
    assert_eq!(status["running_turns"], 0, "{status}");
    fixture.assert_no_panic();
}

#[test]
fn a_signal_stops_the_answer() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let fixture = Fixture::start(stalling("Half "));
        let running = Running::start(&mut mesoclaw(&fixture.home, &["q"]), Stdin::Text(""));
        running.wait_for_stdout("Half ");
        running.signal(signal);
        let expected = Ran {
            code,
            ..Ran::ok("Half \n")
        };
        assert_eq!(running.finish(), expected);
        assert_cancelled(&fixture);
    }
}

#[test]
fn a_signal_before_the_first_word_stops_the_answer() {
    let fixture = Fixture::start(Script::always([Step::Delay(60_000)]));
    let running = Running::start(&mut mesoclaw(&fixture.home, &["q"]), Stdin::Text(""));
    fixture.server.wait_for_requests_blocking(1);
    running.signal(Signal::INT);
    let expected = Ran {
        code: 130,
        ..Ran::ok("")
    };
    assert_eq!(running.finish(), expected);
    assert_cancelled(&fixture);
}

#[test]
fn a_signal_while_stdin_is_read_ends_it() {
    let fixture = Fixture::start(Script::text("Fine."));
    for (signal, codes) in [(Signal::INT, [130, -1]), (Signal::TERM, [143, -1])] {
        let running = Running::start(&mut mesoclaw(&fixture.home, &["-"]), Stdin::Open);
        running.signal(signal);
        let ran = running.finish();
        assert!(codes.contains(&ran.code), "{ran:?}");
    }
    assert_eq!(fixture.server.requests(), []);
}

#[test]
fn the_end_of_the_time_stops_the_answer() {
    for script in [stalling("Half "), Script::always([Step::Delay(60_000)])] {
        let fixture = Fixture::start(script);
        let ran = run(&fixture.home, &["--timeout", "0.5", "q"], Stdin::Text(""));
        ran.assert_error(124, &["there was no complete answer within 0.5 s"]);
        assert!(["Half \n", ""].contains(&ran.stdout.as_str()), "{ran:?}");
        assert_cancelled(&fixture);
    }
    let fixture = Fixture::start(stalling("Half "));
    let ran = run(
        &fixture.home,
        &["--json", "--timeout", "0.5", "q"],
        Stdin::Text(""),
    );
    assert_eq!(ran.code, 124);
    assert_eq!(ran.json()["outcome"], "timeout");
    assert_eq!(ran.json()["error"]["error_code"], "MESO_TIMEOUT");
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let fixture = Fixture::start(Script::always([
        Step::Text("12345".to_owned()),
        Step::Tokens {
            count: 1_000_000,
            per_second: Some(2_000.0),
            text: None,
        },
    ]));
    let (running, mut stdout) =
        Running::start_unread(&mut mesoclaw(&fixture.home, &["q"]), Stdin::Text(""));
    let mut head = [0; 5];
    stdout.read_exact(&mut head).unwrap();
    assert_eq!(&head, b"12345");
    drop(stdout);
    assert_eq!(running.finish(), Ran::ok(""));
    assert_cancelled(&fixture);
}

#[test]
fn a_reader_that_takes_nothing_can_be_interrupted() {
    // More than the pipe, the client and the socket hold together.
    let fixture = Fixture::start(Script::always([Step::tokens(2_000_000)]));
    let (running, mut stdout) =
        Running::start_unread(&mut mesoclaw(&fixture.home, &["q"]), Stdin::Text(""));
    let mut head = [0; 5];
    stdout.read_exact(&mut head).unwrap();
    running.signal(Signal::TERM);
    assert_eq!(running.finish().code, 143);
    drop(stdout);
    fixture.server.wait_for_ending_blocking(0);
    fixture.assert_no_panic();
}

#[test]
fn a_daemon_that_dies_interrupts_the_answer() {
    let mut fixture = Fixture::start(Script::replies([
        Reply::new([Step::Text("Half ".to_owned()), Step::Stall(60_000)]),
        Reply::text("the rest."),
    ]));
    let running = Running::start(
        &mut mesoclaw(&fixture.home, &["-s", "demo", "q"]),
        Stdin::Text(""),
    );
    running.wait_for_stdout("Half ");
    fixture.daemon.kill9();
    let ran = running.finish();
    // The client started another daemon and learned there how it ended.
    assert_eq!((ran.code, ran.stdout.as_str()), (1, "Half \n"), "{ran:?}");
    ran.assert_error(
        1,
        &["the daemon ended in the middle of the answer", "/continue"],
    );
    assert_eq!(fixture.server.requests().len(), 1, "asked once");
    let list = command(&fixture.home, &["--json", "session", "list"]).json();
    assert_eq!(list[0]["state"], "interrupted", "{list}");

    // The conversation goes on with what was said.
    let ran = run(&fixture.home, &["-s", "demo", "go on"], Stdin::Text(""));
    assert_eq!(ran, Ran::ok("the rest.\n"));
    let said = said_in(&fixture.server.requests()[1]);
    let said: Vec<&str> = said.iter().map(|(_, text)| text.as_str()).collect();
    // The last quarter of a second before the kill may be lost, what was said never is.
    let said = said.join("|");
    assert!(
        ["q\n\ngo on", "q|Half |go on"].contains(&said.as_str()),
        "{said}"
    );
}

#[test]
fn a_stopping_daemon_ends_the_answer() {
    let fixture = Fixture::start(stalling("Half "));
    let running = Running::start(&mut mesoclaw(&fixture.home, &["q"]), Stdin::Text(""));
    running.wait_for_stdout("Half ");
    assert_eq!(command(&fixture.home, &["daemon", "stop"]).code, 0);
    let ran = running.finish();
    assert_eq!((ran.code, ran.stdout.as_str()), (1, "Half \n"), "{ran:?}");
    ran.assert_error(1, &["the daemon ended in the middle of the answer"]);
}
