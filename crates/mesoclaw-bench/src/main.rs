//! All benches of mesoclaw in one binary. They print numbers beside the goals and beside what the
//! peers reached; they do not judge, and no test depends on them.
//!
//! Reading order: `args.rs`, `run.rs`, `row.rs`, `table.rs`, the tools `process.rs`, `socket.rs`,
//! `turn.rs`, `dialect.rs`, `file_tree.rs`, `ripgrep.rs`, then one file a bench in `bench/`. Linux only: it reads `/proc`.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a tool for developers: it prints, and what goes wrong ends the bench with its reason"
)]

mod args;
mod bench;
mod dialect;
mod file_tree;
mod process;
mod ripgrep;
mod row;
mod run;
mod socket;
mod table;
mod turn;

use std::process::ExitCode;

use args::{Args, Mode};

fn main() -> ExitCode {
    let args = match Args::parse(std::env::args().skip(1)) {
        Ok(args) => args,
        Err(why) => {
            eprintln!("mesoclaw-bench: {why}\n\n{}", args::USAGE);
            return ExitCode::from(2);
        }
    };
    match &args.mode {
        Mode::Help => println!("{}", args::USAGE),
        Mode::List => run::list(),
        Mode::Read { dialect, base_url } => bench::dialect_memory::read(dialect, base_url),
        Mode::Measure => match run::run(&args) {
            Ok(()) => {}
            Err(why) => {
                eprintln!("mesoclaw-bench: {why}");
                return ExitCode::FAILURE;
            }
        },
    }
    ExitCode::SUCCESS
}
