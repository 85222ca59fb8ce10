//! Many tokens through the daemon to a pipe: order, processor time, speed.

use std::io::Read;
use std::process::Stdio;
use std::time::{Duration, Instant};

use mesoclaw_testkit::daemon::DaemonProcess;
use mesoclaw_testkit::home::TestHome;
use mesoclaw_testkit::model_server::{ModelServer, Script, Step};

use crate::process::{Watched, cpu_time, cpu_time_of_ended};
use crate::row::{Row, ms};
use crate::run::Setting;
use crate::turn::numbered;

/// What one stream showed.
struct Seen {
    /// Bytes that are wrong, missing or too many.
    wrong_bytes: usize,
    /// First content at the server to the last byte here.
    span: Duration,
    /// End of the answer at the server to the last byte here.
    lag: Duration,
    daemon_cpu: Duration,
    client_cpu: Option<Duration>,
}

/// Measures.
pub(crate) fn run(setting: &Setting) -> Vec<Row> {
    let mut rows = paced(setting);
    rows.extend(flat_out(setting));
    rows
}

fn paced(setting: &Setting) -> Vec<Row> {
    let n_tokens = 3000;
    let runs = streams(
        setting,
        Step::tokens_at(n_tokens, 1000.0),
        n_tokens,
        setting.rounds(5, 1),
    );
    let share = |cpu: Duration, seen: &Seen| 100.0 * cpu.as_secs_f64() / seen.span.as_secs_f64();
    let collect = |value: &dyn Fn(&Seen) -> f64| runs.iter().map(value).collect::<Vec<_>>();
    let client = runs
        .iter()
        .filter_map(|seen| Some(share(seen.client_cpu?, seen)));
    vec![
        Row::of(
            "3,000 tokens at 1,000/s: bytes lost, wrong or out of order",
            "",
            collect(&|seen| seen.wrong_bytes as f64),
        )
        .goal("0"),
        Row::of(
            "3,000 tokens at 1,000/s: daemon, of one core",
            "%",
            collect(&|seen| share(seen.daemon_cpu, seen)),
        )
        .goal("≤ 15 %"),
        Row::of(
            "3,000 tokens at 1,000/s: client, of one core",
            "%",
            client.collect(),
        ),
        Row::of(
            "3,000 tokens at 1,000/s: last byte after the provider's end",
            "ms",
            collect(&|seen| ms(seen.lag)),
        )
        .goal("≤ 50 ms"),
    ]
}

fn flat_out(setting: &Setting) -> Vec<Row> {
    let n_tokens = 200_000;
    let runs = streams(
        setting,
        Step::tokens(n_tokens),
        n_tokens,
        setting.rounds(5, 2),
    );
    let collect = |value: &dyn Fn(&Seen) -> f64| runs.iter().map(value).collect::<Vec<_>>();
    vec![
        Row::of(
            "200,000 tokens flat out: end to end",
            "tok/s",
            collect(&|seen| n_tokens as f64 / seen.span.as_secs_f64()),
        )
        .goal("≥ 100,000 tok/s")
        .peers("not streamed", "22,500 tok/s"),
        Row::of(
            "200,000 tokens flat out: bytes lost, wrong or out of order",
            "",
            collect(&|seen| seen.wrong_bytes as f64),
        )
        .goal("0"),
        Row::of(
            "200,000 tokens flat out: daemon CPU a token",
            "µs",
            collect(&|seen| seen.daemon_cpu.as_secs_f64() * 1e6 / n_tokens as f64),
        )
        .goal("≤ 8 µs"),
        Row::of(
            "200,000 tokens flat out: last byte after the provider's end",
            "ms",
            collect(&|seen| ms(seen.lag)),
        ),
    ]
}

/// Several streams of `n_tokens` through one daemon; the first one is not counted.
fn streams(setting: &Setting, step: Step, n_tokens: u64, rounds: usize) -> Vec<Seen> {
    let expected = numbered(n_tokens);
    let server = ModelServer::start_blocking(Script::always([step]));
    let home = TestHome::new();
    home.use_model_server(&server);
    let daemon = DaemonProcess::start(&setting.mesoclaw, &home);
    stream(setting, &home, &server, &daemon, &expected);
    (0..rounds)
        .map(|_| stream(setting, &home, &server, &daemon, &expected))
        .collect()
}

fn stream(
    setting: &Setting,
    home: &TestHome,
    server: &ModelServer,
    daemon: &DaemonProcess,
    expected: &str,
) -> Seen {
    let n_before = server.requests().len();
    let cpu = cpu_time(daemon.pid());
    let mut command = home.mesoclaw(&setting.mesoclaw);
    command
        .args(["--quiet", "go"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut child = Watched::spawn(&mut command);
    let mut stdout = child.stdout();
    let (mut got, mut last) = (Vec::with_capacity(expected.len() + 1), Instant::now());
    let mut buf = vec![0; 64 * 1024];
    loop {
        let n = stdout.read(&mut buf).expect("a pipe");
        if n == 0 {
            break;
        }
        last = Instant::now();
        got.extend_from_slice(&buf[..n]);
    }
    let client_cpu = cpu_time_of_ended(child.pid());
    child.succeed();
    let daemon_cpu = cpu_time(daemon.pid()).saturating_sub(cpu);
    let request = &server.requests()[n_before];
    let first = request.first_content.expect("content");
    Seen {
        wrong_bytes: wrong_bytes(&got, expected.as_bytes()),
        span: last - first,
        lag: last.saturating_duration_since(request.ended.expect("an end")),
        daemon_cpu,
        client_cpu,
    }
}

/// Bytes that are not as expected, at their place. White space at the end does not count: the
/// program ends an answer with one newline.
fn wrong_bytes(got: &[u8], expected: &[u8]) -> usize {
    let (got, expected) = (got.trim_ascii_end(), expected.trim_ascii_end());
    let different = got.iter().zip(expected).filter(|(a, b)| a != b).count();
    different + got.len().abs_diff(expected.len())
}

#[cfg(test)]
mod tests {
    use super::wrong_bytes;

    #[test]
    fn every_byte_counts_but_the_space_at_the_end() {
        for (got, expected, n) in [
            ("1 2 3 \n", "1 2 3 ", 0),
            ("1 3 2 ", "1 2 3 ", 2),
            ("1 2", "1 2 3 ", 2),
            ("", "1 2", 3),
        ] {
            assert_eq!(wrong_bytes(got.as_bytes(), expected.as_bytes()), n);
        }
    }
}
