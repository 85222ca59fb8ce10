//! What a daemon does with clients that misbehave, with second daemons, and with strange things at
//! its paths: it says why, touches nothing that is not its own, and goes on.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Child, Output, Stdio};
use std::time::{Duration, Instant};

use mesoclaw_api::item::TurnOutcome;
use mesoclaw_api::ops::NoParams;
use mesoclaw_api::ops::daemon::{DaemonGetStatus, DaemonHealth};
use mesoclaw_api::ops::session::{
    CreateParams, SessionCreate, SessionGet, SessionParams, SessionState,
};
use mesoclaw_api::rpc::RequestId;
use mesoclaw_api::{ErrorCode, Event};
use mesoclaw_testkit::daemon::DaemonProcess;
use mesoclaw_testkit::home::TestHome;
use mesoclaw_testkit::model_server::{Script, Step};
use rustix::process::Signal;
use serde_json::json;

use crate::fixture::{Fixture, items, last_answer, program, said, say, until};
use crate::rpc::{Answer, News, Wire, events_of, hello, text_of};

/// Most a daemon may have grown after everything in this file that misbehaves.
const GROWTH_BYTES: u64 = 30 * 1024 * 1024;

/// Time a daemon has to end in order.
const DRAIN: Duration = Duration::from_secs(5);

const MIB: usize = 1024 * 1024;

/// The code of the answer to a line, and the id it is for.
fn answer_to_line(wire: &mut Wire, line: &[u8]) -> (Option<RequestId>, ErrorCode) {
    wire.send(line).unwrap();
    let answer = wire.answer().expect("an answer");
    (answer.id, answer.result.expect_err("an error").code)
}

fn assert_answers(wire: &mut Wire) {
    let health = wire.call::<DaemonHealth>(NoParams {}).unwrap();
    assert_eq!(health.status, "ok");
}

/// A line of so many bytes that would be a request if it were shorter.
fn long_line(bytes: usize) -> Vec<u8> {
    let begin = br#"{"jsonrpc":"2.0","id":7,"method":"chat.send","params":{"text":""#;
    let mut line = begin.to_vec();
    line.resize(bytes, b'x');
    line.extend_from_slice(b"\"}}\n");
    line
}

fn bad_lines(wire: &mut Wire) {
    let named = |id: i64| Some(RequestId::Number(id));
    let table: &[(&[u8], Option<RequestId>, ErrorCode)] = &[
        (&long_line(9 * MIB), None, ErrorCode::InvalidRequest),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\xfe\"}\n", None, ErrorCode::ParseError),
        (b"not JSON\n", None, ErrorCode::ParseError),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\n", None, ErrorCode::ParseError),
        (b"[]\n", None, ErrorCode::InvalidRequest),
        (b"17\n", None, ErrorCode::InvalidRequest),
        (b"{\"jsonrpc\":\"1.0\",\"id\":2,\"method\":\"daemon.health\"}\n", named(2), ErrorCode::InvalidRequest),
        (b"{\"jsonrpc\":\"2.0\",\"id\":3}\n", named(3), ErrorCode::InvalidRequest),
        (b"{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"no.such\"}\n", named(4), ErrorCode::MethodNotFound),
        (b"{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"session.get\",\"params\":{\"session_id\":5}}\n", named(5), ErrorCode::InvalidParams),
        (b"{\"jsonrpc\":\"2.0\",\"id\":6,\"method\":\"session.get\",\"params\":[]}\n", named(6), ErrorCode::InvalidParams),
        (b"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"chat.send\",\"params\":{\"text\":\"a\",\"colour\":1}}\n", named(7), ErrorCode::InvalidParams),
        (b"{\"jsonrpc\":\"2.0\",\"id\":8,\"method\":\"daemon.health\",\"params\":{\"a\":1}}\n", named(8), ErrorCode::InvalidParams),
    ];
    for (line, id, code) in table {
        let shown = String::from_utf8_lossy(&line[..line.len().min(80)]);
        assert_eq!(answer_to_line(wire, line), (id.clone(), *code), "{shown}");
        assert_answers(wire);
    }
    // As deep as it gets: an error, not a stack that overflows.
    let deep = format!("{}\n", "[".repeat(MIB));
    assert_eq!(answer_to_line(wire, deep.as_bytes()).0, None);
    let deep = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"chat.send\",\"params\":{}1{}}}\n",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    assert_eq!(
        answer_to_line(wire, deep.as_bytes()).1,
        ErrorCode::ParseError
    );
    assert_answers(wire);
}

fn bad_beginnings(socket: &Path) {
    let mut version = hello(None);
    version["protocol"] = json!(99);
    let mut internal = hello(None);
    internal["surface"] = json!("internal");
    let mut unknown = hello(None);
    unknown["colour"] = json!("red");
    for (method, params, code, said) in [
        (
            "daemon.health",
            json!({}),
            ErrorCode::InvalidRequest,
            "the first request must be",
        ),
        (
            "daemon.hello",
            version,
            ErrorCode::ProtocolMismatch,
            "protocol 99",
        ),
        (
            "daemon.hello",
            internal,
            ErrorCode::InvalidParams,
            "internal",
        ),
        ("daemon.hello", unknown, ErrorCode::InvalidParams, "colour"),
        (
            "daemon.hello",
            json!({}),
            ErrorCode::InvalidParams,
            "missing",
        ),
    ] {
        let mut wire = Wire::connect(socket);
        let id = wire.request(method, &params);
        let error = wire.answer_to(id).expect("an answer").unwrap_err();
        assert_eq!(error.code, code, "{error:?}");
        assert!(error.message.contains(said), "{error:?}");
        assert!(wire.is_ended(), "{method} {params}");
    }
    for line in [&b"\xff\n"[..], b"GET / HTTP/1.1\n", &long_line(9 * MIB)] {
        let mut wire = Wire::connect(socket);
        // The daemon may refuse before it has read everything.
        wire.send(line).ok();
        if let Some(Answer { id, result }) = wire.answer() {
            assert_eq!((id, result.is_err()), (None, true));
            assert!(wire.is_ended());
        }
    }
}

/// More requests than may run at once: each gets its own answer, exactly once.
fn many_in_flight(socket: &Path) {
    const REQUESTS: i64 = 1_000;
    let (mut wire, _) = Wire::greet(socket, None);
    let begin = 10_000;
    let mut lines = String::new();
    for id in begin..begin + REQUESTS {
        let line = json!({"jsonrpc": "2.0", "id": id, "method": "daemon.status"});
        writeln!(lines, "{line}").unwrap();
    }
    wire.send(lines.as_bytes()).unwrap();
    let mut answers = BTreeMap::new();
    for _ in 0..REQUESTS {
        let answer = wire.answer().expect("an answer a request");
        let Some(RequestId::Number(id)) = answer.id else {
            panic!("{answer:?}");
        };
        if let Err(error) = &answer.result {
            assert_eq!(error.code, ErrorCode::Overloaded, "{error:?}");
        }
        assert!(answers.insert(id, answer.result.is_ok()).is_none(), "{id}");
    }
    assert!(answers.keys().copied().eq(begin..begin + REQUESTS));
    assert!(answers.values().any(|is_ok| *is_ok));
    assert_answers(&mut wire);
}

/// More connections than a daemon takes. Gives how many it took.
fn many_connections(socket: &Path) -> usize {
    const CONNECTIONS: usize = 300;
    let mut wires: Vec<(Wire, i64)> = (0..CONNECTIONS)
        .map(|_| {
            let mut wire = Wire::connect(socket);
            let id = wire.request("daemon.hello", &hello(None));
            (wire, id)
        })
        .collect();
    let mut n_taken = 0;
    for (wire, hello_id) in &mut wires {
        match wire.answer() {
            Some(Answer { id, result: Ok(_) }) => {
                assert_eq!(id, Some(RequestId::Number(*hello_id)));
                n_taken += 1;
            }
            Some(Answer {
                id,
                result: Err(error),
            }) => {
                assert_eq!((id, error.code), (None, ErrorCode::Overloaded));
                assert!(wire.is_ended());
            }
            // It was closed before the line that says why could be read.
            None => {}
        }
    }
    n_taken
}

#[test]
fn nothing_a_client_does_stops_the_daemon_or_makes_it_grow() {
    let fixture = Fixture::start(Script::text("Hello."));
    let socket = fixture.socket();
    let mut wire = fixture.wire();
    assert_answers(&mut wire);
    // Clients that stay: one says nothing, one stops in its hello, two stop in a request.
    let mut silent = Wire::connect(&socket);
    let mut half_hello = Wire::connect(&socket);
    half_hello.send(b"{\"jsonrpc\":\"2.0\",\"id\"").unwrap();
    let mut half_request = fixture.wire();
    half_request
        .send(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"met")
        .unwrap();
    let mut half_long = fixture.wire();
    half_long.send(&long_line(4 * MIB)[..4 * MIB]).unwrap();
    let began = Instant::now();
    let before = fixture.daemon.rss_bytes();

    bad_lines(&mut wire);
    bad_beginnings(&socket);
    many_in_flight(&socket);
    for _ in 0..2 {
        let n_taken = many_connections(&socket);
        assert!((200..=256).contains(&n_taken), "{n_taken} connections");
        until("end of the connections", || {
            let status = wire.call::<DaemonGetStatus>(NoParams {}).unwrap();
            (status.clients == 3).then_some(())
        });
    }
    assert!(silent.is_ended());
    assert!(half_hello.is_ended());
    assert!(
        began.elapsed() < Duration::from_secs(25),
        "{:?}",
        began.elapsed()
    );

    // Those that stopped in the middle may still go on.
    half_request.send(b"hod\":\"daemon.health\"}\n").unwrap();
    assert_eq!(half_request.answer_to(1), Some(Ok(json!({"status": "ok"}))));
    drop(half_long);
    assert_answers(&mut wire);
    let after = fixture.daemon.rss_bytes();
    println!(
        "RSS {} kB before, {} kB after, {} kB at the most",
        before / 1024,
        after / 1024,
        fixture.daemon.peak_rss_bytes() / 1024
    );
    assert!(after < before + GROWTH_BYTES, "{before} {after}");
    fixture.assert_no_panic();
}

fn spawn_daemon(home: &TestHome) -> Child {
    home.mesoclaw(program())
        .args(["daemon", "run"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Starts a daemon that is expected to refuse.
fn refused_daemon(home: &TestHome) -> Output {
    let mut child = spawn_daemon(home);
    until("end of the daemon", || child.try_wait().unwrap());
    child.wait_with_output().unwrap()
}

#[test]
fn of_two_daemons_started_at_once_one_runs_and_the_other_names_it() {
    for _ in 0..5 {
        let home = TestHome::new();
        let mut children = [spawn_daemon(&home), spawn_daemon(&home)];
        let n_loser = until("daemon that gives way", || {
            let mut children = children.iter_mut();
            children.position(|child| child.try_wait().unwrap().is_some())
        });
        let [first, second] = children;
        let (loser, mut winner) = if n_loser == 0 {
            (first, second)
        } else {
            (second, first)
        };
        let output = loser.wait_with_output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success());
        assert!(text.contains(&format!("pid {}", winner.id())), "{text}");
        let holder = until("daemon that listens", || {
            let info = mesoclaw_ipc::lock::holder(&home.lock_file())?;
            info.socket.exists().then_some(info)
        });
        let (_, hello) = Wire::greet(&holder.socket, None);
        assert_eq!((holder.pid, hello.pid), (winner.id(), winner.id()));
        winner.kill().unwrap();
        winner.wait().unwrap();
    }
}

/// Everything of a thing at a path that could change.
fn look(path: &Path) -> (u64, u32, i64, u64, Option<Vec<u8>>) {
    let found = fs::symlink_metadata(path).unwrap();
    let content = found.is_file().then(|| fs::read(path).unwrap());
    let modified = found.mtime() * 1_000_000_000 + found.mtime_nsec();
    (found.ino(), found.mode(), modified, found.size(), content)
}

/// A home whose daemon ran and ended, so that all its directories are there.
fn used_home() -> (TestHome, std::path::PathBuf) {
    let home = TestHome::new();
    let mut daemon = DaemonProcess::start(program(), &home);
    let socket = daemon.endpoint().path().to_owned();
    assert!(daemon.terminate().success());
    assert!(
        !socket.exists(),
        "a daemon that ends takes its socket along"
    );
    (home, socket)
}

#[test]
fn what_stands_at_the_path_of_the_socket_is_refused_and_left_alone() {
    let (home, socket) = used_home();
    let target = home.user_home().join("target");
    fs::write(&target, "precious").unwrap();
    let mut listener = None;
    for (kind, reason) in [
        ("symlink", "a symbolic link is there"),
        ("broken symlink", "a symbolic link is there"),
        ("directory", "a directory is there"),
        ("file", "a regular file is there"),
        ("listener", "another program listens there"),
    ] {
        match kind {
            "symlink" => symlink(&target, &socket).unwrap(),
            "broken symlink" => symlink(home.user_home().join("nothing"), &socket).unwrap(),
            "directory" => fs::create_dir(&socket).unwrap(),
            "file" => fs::write(&socket, "precious").unwrap(),
            _ => listener = Some(UnixListener::bind(&socket).unwrap()),
        }
        let before = (look(&socket), look(&target));
        let output = refused_daemon(&home);
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{kind}: {text}");
        assert!(text.contains(reason), "{kind}: {text}");
        assert_eq!((look(&socket), look(&target)), before, "{kind}");
        assert!(!home.user_home().join("nothing").exists());
        if kind == "directory" {
            fs::remove_dir(&socket).unwrap();
        } else {
            fs::remove_file(&socket).unwrap();
        }
    }
    drop(listener);
    DaemonProcess::start(program(), &home);
}

#[test]
fn a_symlink_for_a_lock_file_is_refused_and_left_alone() {
    let (home, _) = used_home();
    let target = home.user_home().join("target");
    fs::write(&target, "precious").unwrap();
    fs::remove_file(home.lock_file()).unwrap();
    symlink(&target, home.lock_file()).unwrap();
    let before = (look(&home.lock_file()), look(&target));
    let output = refused_daemon(&home);
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "{text}");
    assert!(text.contains("a symbolic link is there"), "{text}");
    assert_eq!((look(&home.lock_file()), look(&target)), before);
}

#[test]
fn files_of_the_daemon_are_open_to_its_user_alone() {
    let fixture = Fixture::start(Script::text("Hello."));
    let socket = fixture.socket();
    let database = fixture.home.data_dir().join("mesoclaw.db");
    let mode = |path: &Path| fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777;
    assert!(
        fs::symlink_metadata(&socket)
            .unwrap()
            .file_type()
            .is_socket()
    );
    for (path, expected) in [
        (&*socket, 0o600),
        (socket.parent().unwrap(), 0o700),
        (&*fixture.home.data_dir(), 0o700),
        (&*database, 0o600),
        (&*fixture.home.lock_file(), 0o600),
    ] {
        assert_eq!(
            format!("{:o}", mode(path)),
            format!("{expected:o}"),
            "{}",
            path.display()
        );
    }
    for entry in fs::read_dir(fixture.home.data_dir()).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path) & 0o077, 0, "{}", path.display());
    }
}

#[test]
fn a_daemon_starts_again_after_a_stop_and_after_a_kill() {
    let (home, socket) = used_home();
    let mut daemon = DaemonProcess::start(program(), &home);
    let was_clean = |daemon: &DaemonProcess| {
        let (mut wire, _) = Wire::greet(daemon.endpoint().path(), None);
        let status = wire.call::<DaemonGetStatus>(NoParams {}).unwrap();
        status.was_last_stop_clean
    };
    assert_eq!(was_clean(&daemon), Some(true));
    for _ in 0..3 {
        assert!(!daemon.kill9().success());
        assert!(
            socket.exists(),
            "nobody removed the socket of a killed daemon"
        );
        daemon.restart();
        assert_eq!(was_clean(&daemon), Some(false));
    }
    assert!(daemon.terminate().success());
    daemon.restart();
    assert_eq!(was_clean(&daemon), Some(true));
}

#[test]
fn sigterm_ends_a_streaming_turn_as_interrupted_within_five_seconds() {
    let mut fixture = Fixture::start(Script::always([Step::tokens_at(100_000, 200.0)]));
    let mut wire = fixture.wire();
    let session = wire.call::<SessionCreate>(CreateParams::default()).unwrap();
    let mut watcher = fixture.watch(&session.id);
    say(&mut wire, &session.id, "count");
    let mut seen = watcher.news_until(|event| matches!(event, Event::TextDelta { .. }));
    let begin = Instant::now();
    fixture.daemon.signal(Signal::TERM);
    let status = fixture.daemon.wait_for_exit();
    let took = begin.elapsed();
    assert!(status.success(), "{status}\n{}", fixture.daemon.output());
    assert!(took < DRAIN, "{took:?}");
    println!("SIGTERM to exit with a streaming turn: {took:?}");

    seen.extend(watcher.news_until_end());
    let outcomes: Vec<&TurnOutcome> = events_of(&seen)
        .filter_map(|frame| match &frame.event {
            Event::TurnFinished { outcome, .. } => Some(outcome),
            _ => None,
        })
        .collect();
    assert_eq!(outcomes, [&TurnOutcome::Interrupted]);
    let is_told = |news: &News| matches!(news, News::Event(frame) if matches!(frame.event, Event::DaemonStopping { .. }));
    assert!(seen.iter().any(is_told), "{seen:?}");

    fixture.daemon.restart();
    let mut wire = fixture.wire();
    let session_id = session.id.clone();
    let detail = wire
        .call::<SessionGet>(SessionParams { session_id })
        .unwrap();
    assert_eq!(detail.last_outcome, Some(TurnOutcome::Interrupted));
    assert_eq!(detail.summary.state, SessionState::Interrupted);
    let items = items(&mut wire, &session.id, 0);
    assert_eq!(said(&items), ["count"]);
    // Nothing that was told is lost when the end is in order.
    assert_eq!(
        last_answer(&items),
        Some((text_of(events_of(&seen)).as_str(), false))
    );
    fixture.assert_no_panic();
}

/// Processes that were started with this home as `MESOCLAW_HOME` and run a daemon.
fn daemons_of(home: &TestHome) -> Vec<u32> {
    let variable = format!("MESOCLAW_HOME={}", home.mesoclaw_home().display());
    let processes = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    processes
        .filter_map(|entry| {
            let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
            let words = |file| fs::read(entry.path().join(file)).ok();
            let has = |bytes: &[u8], word: &str| {
                bytes
                    .split(|byte| *byte == 0)
                    .any(|part| part == word.as_bytes())
            };
            let is_ours = has(&words("environ")?, &variable);
            (is_ours && has(&words("cmdline")?, "daemon")).then_some(pid)
        })
        .collect()
}

#[test]
fn clients_that_start_at_once_without_a_daemon_end_up_at_one() {
    let home = TestHome::new();
    let children: Vec<Child> = (0..8)
        .map(|_| {
            home.mesoclaw(program())
                .args(["session", "list", "--json"])
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    let holder = mesoclaw_ipc::lock::holder(&home.lock_file()).expect("a daemon");
    until("end of the daemons that gave way", || {
        (daemons_of(&home) == [holder.pid]).then_some(())
    });
    let (_, hello) = Wire::greet(&holder.socket, None);
    assert_eq!(hello.pid, holder.pid);
}
