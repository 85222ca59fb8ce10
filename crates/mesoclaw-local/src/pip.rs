//! Fetches a package with the pip of this machine, which knows its proxy and its index.
//!
//! Only ready-made wheels are taken: a source package would run its own code.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use mesoclaw_agent::model_files::CancelToken;

use crate::error::LocalError;
use crate::platform;
use crate::progress::Progress;

const POLL: Duration = Duration::from_millis(100);
/// How pip may be called, best first.
const COMMANDS: [&[&str]; 4] = [
    &["pip3"],
    &["python3", "-m", "pip"],
    &["pip"],
    &["python", "-m", "pip"],
];

/// Downloads the wheel of a package into an empty folder; gives its path.
///
/// # Cancellation
/// By the token, or by dropping the future: pip and its children are killed.
pub(crate) async fn download(
    package: &str,
    dir: &Path,
    progress: &mut Progress,
    cancel: &dyn CancelToken,
) -> Result<PathBuf, LocalError> {
    let log = dir.join("pip.log");
    for command in COMMANDS {
        let Some(child) = start(command, package, dir, &log)? else {
            continue;
        };
        let status = watch(child, dir, progress, cancel).await?;
        if status.success() {
            return find_wheel(package, dir);
        }
        let said = tail(&log);
        if said.contains("No module named pip") {
            continue;
        }
        let is_network = [
            "onnection",
            "imed out",
            "ProxyError",
            "Temporary failure",
            "SSLError",
        ]
        .iter()
        .any(|sign| said.contains(sign));
        return Err(LocalError::Pip {
            package: package.to_owned(),
            report: last_error(&said),
            is_network,
        });
    }
    Err(LocalError::NoPip)
}

fn start(
    command: &[&str],
    package: &str,
    dir: &Path,
    log: &Path,
) -> Result<Option<Running>, LocalError> {
    let Some((program, arguments)) = command.split_first() else {
        return Ok(None);
    };
    let run = |source| LocalError::RunPip { source };
    let output = File::create(log).map_err(run)?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .args(["download", "--no-deps", "--no-binary", ":none:"])
        .args(["--only-binary", ":all:", "--no-input"])
        .args(["--disable-pip-version-check", "--progress-bar", "off", "-d"])
        .arg(dir)
        .arg(package)
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(output.try_clone().map_err(run)?)
        .stderr(output);
    platform::in_own_group(&mut command);
    match command.spawn() {
        Ok(child) => Ok(Some(Running(child))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(LocalError::RunPip { source }),
    }
}

async fn watch(
    mut child: Running,
    dir: &Path,
    progress: &mut Progress,
    cancel: &dyn CancelToken,
) -> Result<ExitStatus, LocalError> {
    loop {
        if cancel.is_cancelled() {
            return Err(LocalError::Cancelled);
        }
        let ended = child.0.try_wait();
        if let Some(status) = ended.map_err(|source| LocalError::RunPip { source })? {
            return Ok(status);
        }
        progress.tell("downloading", size_of(dir), None);
        tokio::time::sleep(POLL).await;
    }
}

/// A child that does not outlive its owner.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            platform::kill_group(&mut self.0);
            // Takes the dead child off the process table; there is nothing to do about an error.
            self.0.wait().ok();
        }
    }
}

fn find_wheel(package: &str, dir: &Path) -> Result<PathBuf, LocalError> {
    let found = std::fs::read_dir(dir).map_err(|source| LocalError::Read {
        path: dir.to_owned(),
        source,
    })?;
    found
        .flatten()
        .map(|file| file.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .ok_or_else(|| LocalError::Package {
            package: package.to_owned(),
            problem: "came without a wheel",
        })
}

fn size_of(dir: &Path) -> u64 {
    let found = std::fs::read_dir(dir).into_iter().flatten().flatten();
    found
        .filter_map(|file| file.metadata().ok())
        .map(|metadata| metadata.len())
        .sum()
}

fn tail(log: &Path) -> String {
    let bytes = std::fs::read(log).unwrap_or_default();
    let from = bytes.len().saturating_sub(16 * 1024);
    String::from_utf8_lossy(bytes.get(from..).unwrap_or_default()).into_owned()
}

/// The last line pip marked as an error, else its last line.
fn last_error(said: &str) -> String {
    let lines = || {
        said.lines()
            .rev()
            .map(str::trim)
            .filter(|line| !line.is_empty())
    };
    let line = lines()
        .find(|line| line.starts_with("ERROR"))
        .or_else(|| lines().next())
        .unwrap_or("it said nothing");
    line.trim_start_matches("ERROR: ")
        .chars()
        .take(300)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn report_is_the_last_error_line() {
        for (said, expected) in [
            ("", "it said nothing"),
            ("Looking\nERROR: no such thing\nnotice\n", "no such thing"),
            ("Looking\nlast words\n\n", "last words"),
        ] {
            assert_eq!(last_error(said), expected);
        }
    }
}
