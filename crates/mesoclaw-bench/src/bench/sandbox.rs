//! What the sandbox adds to the start of a program, with the real binary as its helper.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use mesoclaw_sandbox::{Level, RunOptions, Sandbox, Spec, default_env, toolchain_reads};

use crate::process::timed;
use crate::row::{Row, ms};
use crate::run::Setting;

/// Directories programs are looked for in.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Programs that do nothing: alone, and as the shell tool runs a command.
const PROGRAMS: [(&str, &[&str]); 2] = [
    ("/bin/true", &[]),
    ("/bin/bash", &["--norc", "--noprofile", "-c", "--", "true"]),
];

const LEVELS: [Level; 2] = [Level::Off, Level::BestEffort];

/// Measures.
pub(crate) fn run(setting: &Setting) -> Vec<Row> {
    let n_rounds = setting.rounds(100, 20);
    let place = tempfile::tempdir().expect("a temporary directory");
    let workspace = place.path().canonicalize().expect("a directory");
    let home = std::env::var_os("HOME")
        .map(PathBuf::from)
        .unwrap_or_default();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let dirs: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let read = toolchain_reads(&dirs, &home);
    // As in the daemon, the runtime is there before.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let mut rows = Vec::new();
    for (program, args) in PROGRAMS {
        let mut spec = Spec::new(program, &workspace);
        spec.args = args.iter().map(Into::into).collect();
        spec.env = default_env(PATH.as_ref(), std::env::vars_os());
        spec.write = vec![workspace.clone()];
        spec.read.clone_from(&read);
        let mut rounds = Vec::new();
        for round in 0..=n_rounds {
            let bare = timed(Command::new(program).args(args).current_dir(&workspace));
            let levels = LEVELS.map(|level| runtime.block_on(sandboxed(setting, level, &spec)));
            // The first round pays for pages that are not in memory yet.
            if round > 0 {
                rounds.push((bare, levels));
            }
        }
        for (at, level) in LEVELS.into_iter().enumerate() {
            let over = rounds
                .iter()
                .map(|(bare, levels)| ms(levels[at]) - ms(*bare));
            let row = Row::of(
                format!("`{program}`, {level}, over a bare spawn"),
                "ms",
                over.collect(),
            );
            rows.push(if level == Level::Off {
                row
            } else {
                row.goal("≤ 10 ms")
            });
        }
        let bare = rounds.iter().map(|(bare, _)| ms(*bare)).collect();
        rows.push(Row::of(format!("`{program}`, the bare spawn"), "ms", bare));
    }
    rows
}

/// Time from the start of a program to its good end.
async fn sandboxed(setting: &Setting, level: Level, spec: &Spec) -> Duration {
    let sandbox = Sandbox {
        level,
        helper: Some(setting.mesoclaw.clone()),
    };
    let start = Instant::now();
    let never = std::future::pending();
    let run = sandbox.run(spec.clone(), RunOptions::default(), never, |_, _| {});
    let finished = run
        .await
        .unwrap_or_else(|error| panic!("{error}: {error:?}"));
    let took = start.elapsed();
    assert!(finished.status.is_success(), "{finished:?}");
    let is_enforced = finished.enforced.syscalls.is_some();
    assert_eq!(is_enforced, level != Level::Off, "{:?}", finished.enforced);
    took
}
