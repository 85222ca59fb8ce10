//! Memory over an answer of a million tokens, dialect by dialect. The answer is read in a fresh
//! process each time, so that neither the scripted server nor the dialect before is in the figure.

use std::io::Read;
use std::process::{self, Command, Stdio};
use std::str::FromStr;

use mesoclaw_providers::Dialect;
use mesoclaw_testkit::model_server::{ModelServer, Script, Step, WireKind};

use crate::dialect::{self, REMOTE, client};
use crate::process::{Watched, proc_number};
use crate::row::{Row, mb};
use crate::run::Setting;
use crate::turn::block_on;

/// Tokens of an answer.
const N_TOKENS: u64 = 1_000_000;

/// Tokens between two looks at the memory.
const N_BETWEEN: u64 = 100_000;

/// The memory of a process, in KiB as the kernel counts it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Sample {
    /// Text pieces read before.
    n_tokens: u64,
    rss: u64,
    /// The highest RSS so far.
    peak: u64,
}

/// What the process of one answer showed.
struct Seen {
    /// After the first [`N_BETWEEN`] tokens.
    first: Sample,
    /// After the last token.
    last: Sample,
    /// When the answer was over.
    end: Sample,
}

/// Measures.
pub(crate) fn run(setting: &Setting) -> Vec<Row> {
    REMOTE
        .into_iter()
        .flat_map(|(dialect, wire)| {
            let script = Script::always([Step::tokens(N_TOKENS)]);
            let server = ModelServer::start_blocking(script);
            let runs: Vec<_> = (0..setting.rounds(3, 1))
                .map(|_| in_own_process(&server, dialect, wire))
                .collect();
            rows(dialect, &runs)
        })
        .collect()
}

/// What [`run`] starts in a process of its own: reads one answer and prints a line a sample.
pub(crate) fn read(dialect: &str, base_url: &str) {
    let dialect = Dialect::from_word(dialect).expect("a dialect");
    let client = client(dialect, base_url.to_owned());
    let mut samples = Vec::with_capacity(64);
    // To look takes memory of its own the first time: so the first look is before the answer.
    samples.push(sample(0));
    let mut n_tokens = 0;
    block_on(dialect::read(&*client, |_| {
        n_tokens += 1;
        if n_tokens % N_BETWEEN == 0 {
            samples.push(sample(n_tokens));
        }
    }));
    samples.push(sample(n_tokens));
    for Sample {
        n_tokens,
        rss,
        peak,
    } in samples
    {
        println!("{n_tokens} {rss} {peak}");
    }
}

fn sample(n_tokens: u64) -> Sample {
    let number = |file, name| proc_number(process::id(), file, name).expect("this process runs");
    Sample {
        n_tokens,
        rss: number("smaps_rollup", "Rss:"),
        peak: number("status", "VmHWM:"),
    }
}

fn in_own_process(server: &ModelServer, dialect: Dialect, wire: WireKind) -> Seen {
    let exe = std::env::current_exe().expect("this program");
    let mut command = Command::new(exe);
    command
        .args(["--read", dialect.as_str(), &server.base_url_for(wire)])
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut child = Watched::spawn(&mut command);
    let mut text = String::new();
    let read = child.stdout().read_to_string(&mut text);
    child.succeed();
    read.expect("a pipe");
    let samples: Vec<Sample> = text.lines().map(|line| line.parse().unwrap()).collect();
    let [_before, first, .., last, end] = samples.as_slice() else {
        panic!("too few samples: {samples:?}");
    };
    assert_eq!(end.n_tokens, N_TOKENS, "tokens were lost");
    Seen {
        first: *first,
        last: *last,
        end: *end,
    }
}

impl FromStr for Sample {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let numbers: Result<Vec<u64>, _> = line.split(' ').map(str::parse).collect();
        match numbers.as_deref() {
            Ok([n_tokens, rss, peak]) => Ok(Self {
                n_tokens: *n_tokens,
                rss: *rss,
                peak: *peak,
            }),
            _ => Err(format!("`{line}` is no sample")),
        }
    }
}

fn rows(dialect: Dialect, runs: &[Seen]) -> Vec<Row> {
    let word = dialect.as_str();
    let mega = |value: &dyn Fn(&Seen) -> u64| {
        let values = runs.iter().map(|seen| mb(value(seen) * 1024));
        values.collect::<Vec<_>>()
    };
    let growth = |value: &dyn Fn(&Seen) -> (u64, u64)| {
        let values = runs.iter().map(|seen| {
            let (before, after) = value(seen);
            (after as f64 - before as f64) * 1.024
        });
        values.collect::<Vec<_>>()
    };
    let end = if dialect == Dialect::OpenAiResponses {
        "its last events repeat the whole text, as the maker's do"
    } else {
        "its end included"
    };
    vec![
        Row::of(
            format!("{word}: RSS after 100,000 tokens"),
            "MB",
            mega(&|seen| seen.first.rss),
        ),
        Row::of(
            format!("{word}: RSS after 1,000,000 tokens"),
            "MB",
            mega(&|seen| seen.last.rss),
        ),
        Row::of(
            format!("{word}: growth of RSS from first to last"),
            "kB",
            growth(&|seen| (seen.first.rss, seen.last.rss)),
        )
        .goal("flat, < 1,000 kB"),
        Row::of(
            format!("{word}: growth of the peak from first to last"),
            "kB",
            growth(&|seen| (seen.first.peak, seen.last.peak)),
        )
        .goal("flat, < 1,000 kB"),
        Row::of(
            format!("{word}: peak of the whole answer ({end})"),
            "MB",
            mega(&|seen| seen.end.peak),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_read_as_it_is_printed() {
        let sample = Sample {
            n_tokens: 100_000,
            rss: 5120,
            peak: 6144,
        };
        assert_eq!("100000 5120 6144".parse(), Ok(sample));
        for line in ["", "1 2", "1 2 3 4", "1 2 x"] {
            let refused = Err(format!("`{line}` is no sample"));
            assert_eq!(line.parse::<Sample>(), refused);
        }
    }
}
