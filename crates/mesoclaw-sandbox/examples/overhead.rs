//! Prints how much longer `true` takes in the sandbox than without it.

use std::error::Error;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use mesoclaw_sandbox::{HELPER_WORD, Level, RunOptions, Sandbox, Spec, enter, toolchain_reads};

const ROUNDS: usize = 200;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    if std::env::args().nth(1).as_deref() == Some(HELPER_WORD) {
        return Ok(enter());
    }
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(measure())?;
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::print_stdout, reason = "an example that prints figures")]
async fn measure() -> Result<(), Box<dyn Error>> {
    let bare = median(|| {
        let status = Command::new("/usr/bin/true").stdin(Stdio::null()).status();
        assert!(status.is_ok_and(|status| status.success()));
    });
    println!("bare: {bare} us");
    let home = PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let read = toolchain_reads(&path, &home);
    for level in [Level::Off, Level::BestEffort] {
        let sandbox = Sandbox {
            level,
            helper: Some(std::env::current_exe()?),
        };
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            let mut spec = Spec::new("/usr/bin/true", "/");
            spec.read.clone_from(&read);
            let begun = Instant::now();
            let never = std::future::pending();
            let run = sandbox.run(spec, RunOptions::default(), never, |_, _| {});
            let finished = run.await?;
            times.push(begun.elapsed().as_micros());
            assert!(finished.status.is_success());
        }
        times.sort_unstable();
        let (median, p95) = (times[ROUNDS / 2], times[ROUNDS * 95 / 100]);
        println!(
            "{level}: median {median} us, p95 {p95} us, granted {}",
            read.len()
        );
    }
    Ok(())
}

fn median(mut run: impl FnMut()) -> u128 {
    let mut times: Vec<u128> = (0..ROUNDS)
        .map(|_| {
            let begun = Instant::now();
            run();
            begun.elapsed().as_micros()
        })
        .collect();
    times.sort_unstable();
    times[ROUNDS / 2]
}
