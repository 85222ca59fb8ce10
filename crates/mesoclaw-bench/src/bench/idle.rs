//! What a daemon costs that has nothing to do.

use std::thread;
use std::time::Duration;

use mesoclaw_testkit::daemon::DaemonProcess;
use mesoclaw_testkit::home::TestHome;
use mesoclaw_testkit::model_server::{ModelServer, Script};

use crate::process::{cpu_time, proc_number};
use crate::row::{Row, mb};
use crate::run::Setting;
use crate::turn::Watcher;

/// Time for what follows a start or a turn to end.
const SETTLE: Duration = Duration::from_secs(2);

/// Measures.
pub(crate) fn run(setting: &Setting) -> Vec<Row> {
    let span = Duration::from_secs(setting.rounds(30, 10) as u64);
    let server = ModelServer::start_blocking(Script::text("Hello."));
    let home = TestHome::new();
    home.use_model_server(&server);
    let daemon = DaemonProcess::start(&setting.mesoclaw, &home);
    let mut rows = watch(&daemon, span, "nothing connected", true);

    // The client's tasks must go on living while the daemon is watched, but need not run: the
    // daemon has nothing to say to them.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let watcher = runtime.block_on(async {
        let mut watcher = Watcher::connect(&daemon).await;
        watcher.send(None, "hello").await;
        watcher.see_turn().await;
        watcher
    });
    rows.extend(watch(&daemon, span, "one client, one session", false));
    drop(watcher);
    rows
}

fn watch(daemon: &DaemonProcess, span: Duration, what: &str, is_first: bool) -> Vec<Row> {
    thread::sleep(SETTLE);
    let (cpu, switches) = (cpu_time(daemon.pid()), daemon.switches());
    thread::sleep(span);
    let cpu = cpu_time(daemon.pid()).saturating_sub(cpu);
    let after = daemon.switches();
    let secs = span.as_secs();
    let count = |before: u64, after: u64| after.saturating_sub(before) as f64;
    let woken = count(switches.voluntary, after.voluntary);
    let pushed = count(switches.involuntary, after.involuntary);
    let memory = |name| {
        let kib = proc_number(daemon.pid(), "smaps_rollup", name).expect("smaps_rollup");
        mb(kib * 1024)
    };
    let threads = proc_number(daemon.pid(), "status", "Threads:").expect("a count");
    let mut rows = vec![
        Row::one(
            format!("{what}: CPU in {secs} s"),
            "ms",
            cpu.as_secs_f64() * 1e3,
        )
        .goal("0.00 s"),
        Row::one(format!("{what}: wake-ups in {secs} s"), "", woken).goal("0"),
        Row::one(
            format!("{what}: involuntary switches in {secs} s"),
            "",
            pushed,
        ),
        Row::one(format!("{what}: RSS"), "MB", memory("Rss:")).goal("≤ 10 MB"),
        Row::one(format!("{what}: PSS"), "MB", memory("Pss:")),
        Row::one(format!("{what}: threads"), "", threads as f64),
    ];
    if is_first {
        for (row, peers) in rows.iter_mut().zip([
            ["", ""],
            ["0 in 5 s", "about 20 a second"],
            ["", ""],
            ["23.1 MB", "28.5 MB"],
            ["20.4 MB", "26.5 MB"],
        ]) {
            *row = row.clone().peers(peers[0], peers[1]);
        }
    }
    rows
}
