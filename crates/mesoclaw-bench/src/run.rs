//! Runs benches one after the other and prints what they found.

use std::fs;
use std::panic;
use std::path::PathBuf;
use std::time::Instant;

use serde_json::json;

use crate::args::Args;
use crate::bench::{
    clients, content_search, daemon_start, dialect_memory, dialects, file_search, idle, local,
    pipe, policy, sandbox, sessions, sizes, store, stream,
};
use crate::row::Row;
use crate::table;

/// What a bench is told.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    /// The binary to measure.
    pub(crate) mesoclaw: PathBuf,
    /// A build without the embedded engine.
    pub(crate) small: Option<PathBuf>,
    /// Directory of the examples of mesoclaw-local.
    pub(crate) examples: PathBuf,
    /// The ripgrep to compare with; `None` = the one in PATH.
    pub(crate) rg: Option<PathBuf>,
    /// Fewer rounds.
    pub(crate) is_quick: bool,
    /// Tokens of an answer in `dialects`.
    pub(crate) n_tokens: u64,
}

impl Setting {
    /// A number of rounds.
    pub(crate) fn rounds(&self, full: usize, quick: usize) -> usize {
        if self.is_quick { quick } else { full }
    }
}

/// A bench.
struct Bench {
    name: &'static str,
    about: &'static str,
    /// Whether it measures the binary of [`Setting::mesoclaw`].
    needs_mesoclaw: bool,
    run: fn(&Setting) -> Vec<Row>,
}

const BENCHES: [Bench; 15] = [
    Bench {
        name: "daemon_start",
        about: "exec of the daemon to its first answer; --version, --help, daemon status",
        needs_mesoclaw: true,
        run: daemon_start::run,
    },
    Bench {
        name: "idle",
        about: "CPU time, wake-ups and memory of a daemon that has nothing to do",
        needs_mesoclaw: true,
        run: idle::run,
    },
    Bench {
        name: "pipe",
        about: "one-token replies through `mesoclaw PROMPT`, against a direct request",
        needs_mesoclaw: true,
        run: pipe::run,
    },
    Bench {
        name: "stream",
        about: "3,000 tokens at 1,000 a second, and 200,000 flat out, to a pipe",
        needs_mesoclaw: true,
        run: stream::run,
    },
    Bench {
        name: "dialects",
        about: "a streamed token through each dialect, against a bare HTTP client",
        needs_mesoclaw: false,
        run: dialects::run,
    },
    Bench {
        name: "dialect-memory",
        about: "memory while 1,000,000 tokens go through each dialect",
        needs_mesoclaw: false,
        run: dialect_memory::run,
    },
    Bench {
        name: "sessions",
        about: "a database of 1,000 sessions and 100,000 items",
        needs_mesoclaw: true,
        run: sessions::run,
    },
    Bench {
        name: "clients",
        about: "100 clients that watch one turn, and clients that never read",
        needs_mesoclaw: true,
        run: clients::run,
    },
    Bench {
        name: "local",
        about: "the embedded engine against a bare llama-cpp-2 program",
        needs_mesoclaw: true,
        run: local::run,
    },
    Bench {
        name: "sizes",
        about: "bytes of the binaries, crates in the tree",
        needs_mesoclaw: true,
        run: sizes::run,
    },
    Bench {
        name: "store",
        about: "opening the database, durable writes",
        needs_mesoclaw: false,
        run: store::run,
    },
    Bench {
        name: "policy",
        about: "the verdict on a command of 200 characters",
        needs_mesoclaw: false,
        run: policy::run,
    },
    Bench {
        name: "sandbox",
        about: "a program that does nothing, in the sandbox, against a bare spawn",
        needs_mesoclaw: true,
        run: sandbox::run,
    },
    Bench {
        name: "file_search",
        about: "files by name among 100,000, against `rg --files`",
        needs_mesoclaw: false,
        run: file_search::run,
    },
    Bench {
        name: "content_search",
        about: "lines of 100,000 files, against `rg`",
        needs_mesoclaw: false,
        run: content_search::run,
    },
];

/// Names the benches.
pub(crate) fn list() {
    for bench in &BENCHES {
        println!("{:<14} {}", bench.name, bench.about);
    }
}

/// Measures, or reads what was measured, and prints it.
pub(crate) fn run(args: &Args) -> Result<(), String> {
    let (rows, failed) = match &args.from {
        Some(file) => (read(file)?, Vec::new()),
        None => measure(args)?,
    };
    if let Some(file) = &args.json {
        let text = serde_json::to_string_pretty(&json!({"rows": rows})).expect("plain data");
        fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    if args.is_markdown {
        print!("{}", table::markdown(&rows));
    } else {
        print!("{}", table::text(&rows));
    }
    if failed.is_empty() {
        Ok(())
    } else {
        Err(format!("not measured: {}", failed.join(", ")))
    }
}

fn read(file: &PathBuf) -> Result<Vec<Row>, String> {
    let at = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
    let text = fs::read_to_string(file).map_err(|error| at(&error))?;
    let mut value: serde_json::Value = serde_json::from_str(&text).map_err(|error| at(&error))?;
    serde_json::from_value(value["rows"].take()).map_err(|error| at(&error))
}

/// The rows of all wanted benches, and the names of those that failed.
fn measure(args: &Args) -> Result<(Vec<Row>, Vec<String>), String> {
    if let Some(name) = args
        .names
        .iter()
        .find(|name| BENCHES.iter().all(|bench| bench.name != **name))
    {
        return Err(format!("there is no bench {name}; see --list"));
    }
    let absolute = |path: &PathBuf| {
        fs::canonicalize(path).map_err(|error| format!("{}: {error}", path.display()))
    };
    let wanted: Vec<_> = BENCHES
        .iter()
        .filter(|bench| args.names.is_empty() || args.names.iter().any(|name| name == bench.name))
        .collect();
    let setting = Setting {
        mesoclaw: if wanted.iter().any(|bench| bench.needs_mesoclaw) {
            absolute(&args.mesoclaw)?
        } else {
            args.mesoclaw.clone()
        },
        small: args.small.as_ref().map(absolute).transpose()?,
        examples: args.examples.clone(),
        rg: args.rg.as_ref().map(absolute).transpose()?,
        is_quick: args.is_quick,
        n_tokens: args.n_tokens,
    };
    let (mut rows, mut failed) = (Vec::new(), Vec::new());
    for bench in wanted {
        let start = Instant::now();
        eprintln!("{}: {}", bench.name, bench.about);
        // A bench that panics says why on stderr, and the others go on.
        match panic::catch_unwind(|| (bench.run)(&setting)) {
            Ok(measured) => rows.extend(measured.into_iter().map(|row| Row {
                bench: bench.name.to_owned(),
                ..row
            })),
            Err(_) => failed.push(bench.name.to_owned()),
        }
        eprintln!("{}: {:.1} s", bench.name, start.elapsed().as_secs_f64());
    }
    Ok((rows, failed))
}
