//! Many clients on one turn, and clients that never read.

use std::time::Instant;

use mesoclaw_api::ops::events::SubscribeParams;
use mesoclaw_testkit::daemon::DaemonProcess;
use mesoclaw_testkit::home::TestHome;
use mesoclaw_testkit::model_server::{ModelServer, Reply, Script, Step};
use tokio::task::JoinSet;

use crate::process::cpu_time;
use crate::row::{Row, mb, ms};
use crate::run::Setting;
use crate::socket::RawClient;
use crate::turn::{self, Seen, Watcher, block_on};

const N_CLIENTS: usize = 100;
const N_MUTE: usize = 10;
/// Tokens of a turn for clients that never read.
const N_FLOOD: u64 = 100_000;

/// Measures.
pub(crate) fn run(setting: &Setting) -> Vec<Row> {
    let n_tokens = if setting.is_quick { 1_000 } else { 3_000 };
    let mut rows = block_on(watched(setting, n_tokens));
    rows.extend(block_on(mute(setting)));
    rows
}

async fn watched(setting: &Setting, n_tokens: u64) -> Vec<Row> {
    let replies = [Step::tokens_at(n_tokens, 1000.0), Step::tokens(20_000)];
    let server = ModelServer::start(Script::replies(replies.map(|step| Reply::new([step])))).await;
    let home = TestHome::new();
    home.use_model_server(&server);
    let daemon = DaemonProcess::start(&setting.mesoclaw, &home);
    let rss = daemon.rss_bytes();
    let mut watchers = Vec::new();
    for _ in 0..N_CLIENTS {
        watchers.push(Watcher::connect(&daemon).await);
    }
    let rss_each = daemon.rss_bytes().saturating_sub(rss) / N_CLIENTS as u64;
    let mut rows = vec![Row::one(
        "daemon memory for a connected client (of 100)",
        "kB",
        rss_each as f64 / 1e3,
    )];

    let what = format!("{n_tokens} tokens at 1,000/s");
    watchers = one_turn(&daemon, watchers, n_tokens, &what, &mut rows).await;
    let what = "20,000 tokens flat out";
    let watchers = one_turn(&daemon, watchers, 20_000, what, &mut rows).await;
    rows.push(Row::one(
        "daemon RSS with 100 clients after both turns",
        "MB",
        mb(daemon.rss_bytes()),
    ));
    drop(watchers);
    rows
}

/// One turn that all watch; adds rows and gives the watchers back.
async fn one_turn(
    daemon: &DaemonProcess,
    watchers: Vec<Watcher>,
    n_tokens: u64,
    what: &str,
    rows: &mut Vec<Row>,
) -> Vec<Watcher> {
    let expected = turn::numbered(n_tokens);
    let cpu = cpu_time(daemon.pid());
    let start = Instant::now();
    let speaker = watchers.first().expect("watchers").client.clone();
    let mut reading = JoinSet::new();
    for mut watcher in watchers {
        reading.spawn(async move {
            let seen = watcher.try_see_turn().await;
            (watcher, seen)
        });
    }
    turn::send(&speaker, None, "go").await;
    let done = reading.join_all().await;
    let cpu = cpu_time(daemon.pid()).saturating_sub(cpu);

    let seen: Vec<&Seen> = done.iter().filter_map(|(_, seen)| seen.as_ref()).collect();
    let whole = seen.iter().filter(|seen| seen.text == expected).count();
    let frames: u64 = seen.iter().map(|seen| seen.frames).sum();
    let skipped: u64 = seen.iter().map(|seen| seen.skipped).sum();
    let ends = seen.iter().map(|seen| seen.finished);
    let (first, last) = (ends.clone().min(), ends.max());
    let span = last.map_or(f64::NAN, |last| (last - start).as_secs_f64());
    let apart = first.zip(last).map_or(f64::NAN, |(a, b)| ms(b - a));
    let n_chars = seen.iter().map(|seen| seen.text.len()).sum::<usize>() as f64;
    rows.extend([
        Row::one(
            format!("{what}: clients that got `turn.finished`"),
            "of 100",
            seen.len() as f64,
        )
        .goal("100"),
        Row::one(
            format!("{what}: clients with the whole text"),
            "of 100",
            whole as f64,
        ),
        Row::one(
            format!("{what}: events dropped for slow clients"),
            "",
            skipped as f64,
        ),
        Row::one(
            format!("{what}: frames to all"),
            "events/s",
            frames as f64 / span,
        ),
        Row::one(format!("{what}: text to all"), "MB/s", n_chars / 1e6 / span),
        Row::one(
            format!("{what}: first to last client at the end"),
            "ms",
            apart,
        ),
        Row::one(
            format!("{what}: daemon, of one core"),
            "%",
            100.0 * cpu.as_secs_f64() / span,
        ),
    ]);
    done.into_iter().map(|(watcher, _)| watcher).collect()
}

/// What clients that never read cost: the same turns in a daemon with and in one without them.
async fn mute(setting: &Setting) -> Vec<Row> {
    let (mut without, mut with, mut each) = (vec![], vec![], [vec![], vec![]]);
    for _ in 0..setting.rounds(3, 1) {
        let plain = flood(setting, false).await;
        let watched = flood(setting, true).await;
        without.push(mb(plain[1]));
        with.push(mb(watched[1]));
        for (values, (with, without)) in each.iter_mut().zip(watched.into_iter().zip(plain)) {
            values.push((with as f64 - without as f64) / 1e3 / N_MUTE as f64);
        }
    }
    let [early, late] = each;
    vec![
        Row::of("RSS after 600,000 tokens", "MB", without),
        Row::of(
            "the same with 10 clients that never read 400,000 of them",
            "MB",
            with,
        ),
        Row::of(
            "memory for a client that never read 200,000 tokens",
            "kB",
            early,
        )
        .goal("bounded"),
        Row::of(
            "memory for a client that never read 400,000 tokens",
            "kB",
            late,
        )
        .goal("no more"),
    ]
}

/// Six turns, the last four of them with or without clients that never read. Memory of the daemon
/// after the fourth and the sixth.
async fn flood(setting: &Setting, has_mute: bool) -> [u64; 2] {
    let server = ModelServer::start(Script::always([Step::tokens(N_FLOOD)])).await;
    let home = TestHome::new();
    home.use_model_server(&server);
    let daemon = DaemonProcess::start(&setting.mesoclaw, &home);
    let mut watcher = Watcher::connect(&daemon).await;
    let path = daemon.endpoint().path();
    let mut mute = Vec::new();
    let mut rss = [0; 2];
    for turn in 1..=6 {
        watcher.send(None, "go").await;
        watcher.see_turn().await;
        match turn {
            2 if has_mute => mute.extend((0..N_MUTE).map(|_| {
                RawClient::connect(path, Some(SubscribeParams::default())).expect("a daemon")
            })),
            4 => rss[0] = daemon.rss_bytes(),
            6 => rss[1] = daemon.rss_bytes(),
            _ => {}
        }
    }
    rss
}
