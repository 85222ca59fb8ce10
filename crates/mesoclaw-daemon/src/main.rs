//! The daemon alone, for machines without a terminal: `mesoclaw-daemon [--config PATH]`.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use mesoclaw_daemon::{RunOptions, run};

fn main() -> ExitCode {
    if std::env::args_os()
        .nth(1)
        .is_some_and(|word| word == mesoclaw_daemon::HELPER_WORD)
    {
        return mesoclaw_daemon::enter_sandbox();
    }
    let mut options = RunOptions {
        home: std::env::var_os("MESOCLAW_HOME").map(PathBuf::from),
        ..RunOptions::default()
    };
    let mut args = std::env::args_os().skip(1);
    while let Some(arg) = args.next() {
        match (arg.to_str(), args.next()) {
            (Some("--config"), Some(path)) => options.config = Some(PathBuf::from(path)),
            _ => return fail("usage: mesoclaw-daemon [--config PATH]", 2),
        }
    }
    match run(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error.api().message, error.api().code.exit_code()),
    }
}

fn fail(message: &str, code: u8) -> ExitCode {
    // Without a stderr there is nobody to tell; the exit code says it too.
    writeln!(std::io::stderr(), "mesoclaw-daemon: {message}").ok();
    ExitCode::from(code)
}
