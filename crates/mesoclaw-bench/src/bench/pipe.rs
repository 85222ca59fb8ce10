//! `mesoclaw PROMPT` with a warm daemon: what it adds to a direct request.
//!
//! `--quiet` only keeps the note about an empty stdin off the screen.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use mesoclaw_testkit::daemon::DaemonProcess;
use mesoclaw_testkit::home::TestHome;
use mesoclaw_testkit::model_server::{ModelServer, RecordedRequest, Script, Step};
use serde_json::Value;

use crate::process::{Watched, proc_number, timed};
use crate::row::{Row, mb, ms};
use crate::run::Setting;
use crate::turn::{Watcher, block_on};

/// Longest wait for bytes of the scripted server.
const LIMIT: Duration = Duration::from_secs(30);

/// The moments of one run.
struct Run {
    start: Instant,
    first_byte: Instant,
    last_byte: Instant,
    end: Instant,
}

/// Measures.
pub(crate) fn run(setting: &Setting) -> Vec<Row> {
    let mut rows = one_token(setting);
    rows.push(ending(setting));
    rows.push(realistic(setting));
    rows.push(memory(setting));
    rows
}

fn one_token(setting: &Setting) -> Vec<Row> {
    let server = ModelServer::start_blocking(Script::always([Step::Text("ok".to_owned())]));
    let home = TestHome::new();
    home.use_model_server(&server);
    let _daemon = DaemonProcess::start(&setting.mesoclaw, &home);
    // The request for "hello" is the first one of this daemon: a title or a probe would show.
    ask(setting, &home, "hello");
    let asked = chats(&server);
    let body = asked.first().expect("a request").body.clone();
    let mut rows = vec![
        Row::one(
            "request for \"hello\"",
            "bytes",
            asked.first().expect("a request").body_bytes as f64,
        )
        .goal("≤ 6 kB")
        .peers("16.4 kB", "69.7 kB + 2.0 kB"),
        Row::one("requests for \"hello\"", "", asked.len() as f64)
            .goal("1")
            .peers("1", "2"),
    ];

    let n = setting.rounds(50, 10);
    let (mut whole, mut bare, mut over, mut first, mut exit) =
        (vec![], vec![], vec![], vec![], vec![]);
    let mut nothing = vec![];
    for round in 0..n + 3 {
        let n_before = server.requests().len();
        let run = ask(setting, &home, "hi");
        let content = server.requests()[n_before].first_content.expect("a reply");
        let direct = direct(server.addr(), &body);
        let none = ms(timed(&mut Command::new("/bin/true")));
        // The first rounds warm caches and connections.
        if round < 3 {
            continue;
        }
        whole.push(ms(run.end - run.start));
        bare.push(ms(direct));
        over.push(ms(run.end - run.start) - ms(direct));
        first.push(ms(run.first_byte.saturating_duration_since(content)));
        exit.push(ms(run.end - run.last_byte));
        nothing.push(none);
    }
    rows.extend([
        Row::of("one-token reply over a direct request", "ms", over)
            .goal("≤ 6 ms")
            .peers("10 ms", "33 ms"),
        Row::of(
            "one-token reply, start to end of `mesoclaw hi`",
            "ms",
            whole,
        ),
        Row::of("the same request sent directly", "ms", bare),
        Row::of("for comparison: `/bin/true`", "ms", nothing),
        Row::of("first byte after the provider's first chunk", "ms", first).goal("≤ 2 ms"),
        Row::of("end of the process after the last byte", "ms", exit),
    ]);
    rows
}

/// One run of `mesoclaw PROMPT`, timed.
fn ask(setting: &Setting, home: &TestHome, prompt: &str) -> Run {
    let mut command = home.mesoclaw(&setting.mesoclaw);
    command
        .args(["--quiet", prompt])
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let start = Instant::now();
    let mut child = Watched::spawn(&mut command);
    let mut stdout = child.stdout();
    let (mut first, mut last) = (None, start);
    let mut buf = [0; 4096];
    loop {
        let n = stdout.read(&mut buf).expect("a pipe");
        if n == 0 {
            break;
        }
        last = Instant::now();
        first.get_or_insert(last);
    }
    let status = child.wait();
    let end = Instant::now();
    assert!(status.success(), "`mesoclaw {prompt}` ended with {status}");
    Run {
        start,
        first_byte: first.expect("an answer"),
        last_byte: last,
        end,
    }
}

/// The same body over a fresh connection, to the last byte of the answer.
fn direct(addr: SocketAddr, body: &Value) -> Duration {
    let body = body.to_string();
    let request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: {addr}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    );
    let start = Instant::now();
    let mut stream = TcpStream::connect(addr).expect("the server listens");
    stream.set_nodelay(true).expect("a socket");
    stream.set_read_timeout(Some(LIMIT)).expect("a socket");
    stream
        .write_all(request.as_bytes())
        .expect("the server reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("the server answers");
    let took = start.elapsed();
    let text = String::from_utf8_lossy(&answer);
    assert!(text.contains("[DONE]"), "no whole answer: {text}");
    took
}

/// Requests for an answer, as against those for a list of models.
fn chats(server: &ModelServer) -> Vec<RecordedRequest> {
    let mut requests = server.requests();
    requests.retain(|request| request.method == "POST");
    requests
}

/// How long after the last text a client on the socket learns that the answer is over.
fn ending(setting: &Setting) -> Row {
    let server = ModelServer::start_blocking(Script::text("Hello there, Ada."));
    let home = TestHome::new();
    home.use_model_server(&server);
    let daemon = DaemonProcess::start(&setting.mesoclaw, &home);
    let values = block_on(async {
        let mut watcher = Watcher::connect(&daemon).await;
        let mut values = Vec::new();
        for round in 0..=setting.rounds(50, 10) {
            watcher.send(None, "hi").await;
            let seen = watcher.see_turn().await;
            let last = seen.last_delta.expect("an answer");
            if round > 0 {
                values.push(ms(seen.finished - last));
            }
        }
        values
    });
    Row::of("`turn.finished` after the last text", "ms", values)
        .peers("43 ms (`done`)", "about 40 ms (`done`)")
}

/// A model that thinks for 200 ms before its first token, as the peers were measured with.
fn realistic(setting: &Setting) -> Row {
    let steps = [Step::Delay(200), Step::tokens_at(10, 50.0)];
    let server = ModelServer::start_blocking(Script::always(steps));
    let home = TestHome::new();
    home.use_model_server(&server);
    let _daemon = DaemonProcess::start(&setting.mesoclaw, &home);
    ask(setting, &home, "hi");
    let values = (0..setting.rounds(20, 5)).map(|_| {
        let run = ask(setting, &home, "hi");
        ms(run.first_byte - run.start)
    });
    Row::of(
        "first text of a model that needs 200 ms",
        "ms",
        values.collect(),
    )
    .goal("205 ms")
    .peers("4,223 ms", "238 – 243 ms")
}

/// Highest memory of the client in the middle of a slow answer.
fn memory(setting: &Setting) -> Row {
    let server = ModelServer::start_blocking(Script::always([Step::tokens_at(300, 300.0)]));
    let home = TestHome::new();
    home.use_model_server(&server);
    let _daemon = DaemonProcess::start(&setting.mesoclaw, &home);
    let values = (0..setting.rounds(5, 2)).map(|_| {
        let mut command = home.mesoclaw(&setting.mesoclaw);
        command
            .args(["--quiet", "hi"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let mut child = Watched::spawn(&mut command);
        let mut stdout = child.stdout();
        let (mut total, mut kib) = (0, 0);
        let mut buf = [0; 4096];
        loop {
            let n = stdout.read(&mut buf).expect("a pipe");
            if n == 0 {
                break;
            }
            total += n;
            // Most of the answer is there, and the process surely still runs.
            if total > 900 && kib == 0 {
                kib = proc_number(child.pid(), "status", "VmHWM:").expect("it runs");
            }
        }
        child.succeed();
        mb(kib * 1024)
    });
    Row::of("highest RSS of the client", "MB", values.collect()).goal("≤ 10 MB")
}
