//! How long the daemon needs from exec to its first answer, and short commands from start to end.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use mesoclaw_testkit::daemon::DaemonProcess;
use mesoclaw_testkit::home::TestHome;

use crate::process::{Watched, timed};
use crate::row::{Row, ms};
use crate::run::Setting;
use crate::socket::RawClient;

/// Wait between two tries to connect.
const PARK: Duration = Duration::from_micros(200);
/// Longest wait for the daemon.
const LIMIT: Duration = Duration::from_secs(30);

/// Measures.
pub(crate) fn run(setting: &Setting) -> Vec<Row> {
    let bin = &setting.mesoclaw;
    let socket = socket_in_home(bin);
    let n_starts = setting.rounds(20, 5);
    let (mut fresh, mut existing) = (Vec::new(), Vec::new());
    let used = TestHome::new();
    start_once(bin, &used, &socket);
    for _ in 0..n_starts {
        // One after the other: what disturbs the machine disturbs both.
        fresh.push(start_once(bin, &TestHome::new(), &socket));
        existing.push(start_once(bin, &used, &socket));
    }
    let mut rows = vec![
        Row::of("exec to `daemon.hello` answered, fresh home", "ms", fresh)
            .goal("≤ 20 ms")
            .peers("50.7 ms (/health)", "39.8 ms (gateway 85.6)"),
        Row::of(
            "exec to `daemon.hello` answered, existing home",
            "ms",
            existing,
        )
        .goal("≤ 8 ms")
        .peers("20.4 ms (/health)", "27.3 ms (gateway 19.4)"),
    ];
    rows.extend(commands(setting));
    rows
}

/// Where the socket is below `MESOCLAW_HOME`.
fn socket_in_home(bin: &Path) -> PathBuf {
    let home = TestHome::new();
    let mut daemon = DaemonProcess::start(bin, &home);
    let path = daemon.endpoint().path();
    let below = path
        .strip_prefix(home.mesoclaw_home())
        .unwrap_or_else(|_| panic!("the socket {} is not in the home", path.display()))
        .to_path_buf();
    daemon.terminate();
    below
}

/// Starts a daemon, waits for its answer, ends it in good order. Milliseconds to the answer.
fn start_once(bin: &Path, home: &TestHome, socket: &Path) -> f64 {
    let socket = home.mesoclaw_home().join(socket);
    let mut command = home.mesoclaw(bin);
    command
        .args(["daemon", "run"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let start = Instant::now();
    let mut daemon = Watched::spawn(&mut command);
    let client = loop {
        if let Some(client) = RawClient::connect(&socket, None) {
            break client;
        }
        assert!(start.elapsed() < LIMIT, "the daemon does not answer");
        thread::sleep(PARK);
    };
    let took = ms(start.elapsed());
    client.shut_down();
    daemon.wait();
    took
}

fn commands(setting: &Setting) -> Vec<Row> {
    let n = setting.rounds(50, 10);
    let home = TestHome::new();
    let _daemon = DaemonProcess::start(&setting.mesoclaw, &home);
    let time = |args: &[&str]| {
        let mut values = Vec::new();
        // The first run pays for pages that are not in memory yet.
        for round in 0..=n {
            let took = timed(home.mesoclaw(&setting.mesoclaw).args(args));
            if round > 0 {
                values.push(ms(took));
            }
        }
        values
    };
    let nothing = (0..n).map(|_| ms(timed(&mut Command::new("/bin/true"))));
    vec![
        Row::of(
            "`mesoclaw --version`, start to end",
            "ms",
            time(&["--version"]),
        )
        .goal("≤ 2 ms"),
        Row::of("`mesoclaw --help`, start to end", "ms", time(&["--help"]))
            .goal("2 ms")
            .peers("2.1 ms", "8.6 ms"),
        Row::of(
            "`mesoclaw daemon status`",
            "ms",
            time(&["daemon", "status"]),
        )
        .peers("11.8 ms", "33.7 ms"),
        Row::of("for comparison: `/bin/true`", "ms", nothing.collect()),
    ]
}
