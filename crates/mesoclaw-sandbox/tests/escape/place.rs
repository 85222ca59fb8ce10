//! A home directory with secrets, a workspace in it, and commands run there.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use mesoclaw_sandbox::{
    Finished, Level, RunOptions, Sandbox, Spec, Status, default_env, toolchain_reads,
};
use tempfile::TempDir;

/// The levels that this kernel enforces something at.
pub const ENFORCED: [Level; 2] = [Level::BestEffort, Level::Require];

pub const EVERY: [Level; 3] = [Level::Off, Level::BestEffort, Level::Require];

pub struct Place {
    _temp: TempDir,
    pub home: PathBuf,
    pub workspace: PathBuf,
}

impl Place {
    pub fn new() -> Self {
        let temp = tempfile::tempdir().expect("a directory");
        let root = temp.path().canonicalize().expect("a path");
        let place = Self {
            home: root.join("home"),
            workspace: root.join("home/project"),
            _temp: temp,
        };
        for (file, text) in [
            (".ssh/id_ed25519", "the private key"),
            (".cargo/credentials.toml", "the token"),
            (".cargo/bin/tool", "#!/bin/sh\necho tool runs\n"),
            (".local/share/app/data", "private data"),
            ("notes.txt", "private notes"),
            ("project/main.rs", "fn main() {}"),
        ] {
            let path = place.home.join(file);
            fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
            fs::write(path, text).expect("a file");
        }
        let tool = place.home.join(".cargo/bin/tool");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(tool, mode).expect("permissions");
        place
    }

    pub fn spec(&self, program: &str, args: &[&str]) -> Spec {
        let mut spec = Spec::new(program, &self.workspace);
        spec.args = args.iter().map(Into::into).collect();
        spec.env = default_env(OsStr::new("/usr/bin:/bin"), []);
        spec.env
            .push(("HOME".to_owned(), self.home.display().to_string()));
        spec.write = vec![self.workspace.clone()];
        spec.read = toolchain_reads(&[self.home.join(".cargo/bin")], &self.home);
        spec
    }

    pub fn bash(&self, line: &str) -> Spec {
        self.spec("/usr/bin/bash", &["--norc", "--noprofile", "-c", line])
    }

    /// Runs a line of bash to its end.
    pub async fn run(&self, level: Level, line: &str) -> Finished {
        run(level, self.bash(line)).await
    }
}

pub fn sandbox(level: Level) -> Sandbox {
    Sandbox {
        level,
        helper: Some(std::env::current_exe().expect("a path")),
    }
}

pub async fn run(level: Level, spec: Spec) -> Finished {
    let never = std::future::pending();
    let sandbox = sandbox(level);
    let run = sandbox.run(spec, RunOptions::default(), never, |_, _| {});
    run.await.expect("the program runs")
}

/// Status and both outputs, without what is about time.
pub fn outcome(finished: &Finished) -> (Status, String, String) {
    let text = |captured: &mesoclaw_sandbox::Captured| captured.text();
    (
        finished.status,
        text(&finished.stdout),
        text(&finished.stderr),
    )
}

/// Waits until something holds. Polls, because the kernel tells nobody.
pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let mut tick = tokio::time::interval(std::time::Duration::from_millis(2));
    for _ in 0..2500 {
        if holds() {
            return;
        }
        tick.tick().await;
    }
    panic!("never: {what}");
}

/// The processes whose command line has `marker` in it.
pub fn processes_with(marker: &str) -> Vec<String> {
    let entries = fs::read_dir("/proc").expect("/proc");
    entries
        .flatten()
        .filter_map(|entry| fs::read(entry.path().join("cmdline")).ok())
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| line.contains(marker))
        .collect()
}

/// A number that no other process has in its command line, as a time to sleep.
pub fn marker(path: &Path) -> String {
    let seed = path.display().to_string();
    let sum = seed.bytes().fold(7_u64, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(byte.into())
    });
    format!("{}.{}", 1000 + sum % 9000, sum % 1_000_000_007)
}
