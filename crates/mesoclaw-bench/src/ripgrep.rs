//! The `rg` of this machine, for comparison. It runs as a person would run it, without the
//! configuration of that person.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::process::{Watched, timed};
use crate::run::Setting;

/// A program `rg`.
pub(crate) struct Ripgrep {
    path: PathBuf,
}

impl Ripgrep {
    /// The one that was named, or the first in PATH.
    pub(crate) fn find(setting: &Setting) -> Self {
        let path = setting.rg.clone().unwrap_or_else(|| {
            let path = std::env::var_os("PATH").unwrap_or_default();
            std::env::split_paths(&path)
                .map(|dir| dir.join("rg"))
                .find(|file| file.is_file())
                .expect(
                    "ripgrep is not there: install it (the package `ripgrep` of the \
                     distribution), or name it with --rg PATH",
                )
        });
        let found = Self { path };
        eprintln!("rg: {}, {}", found.path.display(), found.version());
        found
    }

    fn version(&self) -> String {
        let output = Command::new(&self.path).arg("--version").output();
        let output = output.unwrap_or_else(|error| panic!("{}: {error}", self.path.display()));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.lines().next().unwrap_or_default().to_owned()
    }

    /// How long it takes to do nothing.
    pub(crate) fn start(&self) -> std::time::Duration {
        timed(Command::new(&self.path).arg("--version"))
    }

    /// Runs in `dir` and counts the lines of the answer that `wants` takes. The answer comes
    /// through a pipe and is read to its end.
    pub(crate) fn count(&self, dir: &Path, args: &[&str], wants: impl Fn(&[u8]) -> bool) -> usize {
        let mut child = Watched::spawn(
            Command::new(&self.path)
                .arg("--no-config")
                .args(args)
                .current_dir(dir)
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::null()),
        );
        let mut answer = BufReader::with_capacity(64 * 1024, child.stdout());
        let (mut line, mut n_lines) = (Vec::new(), 0);
        while answer.read_until(b'\n', &mut line).expect("a pipe") > 0 {
            n_lines += usize::from(wants(line.strip_suffix(b"\n").unwrap_or(&line)));
            line.clear();
        }
        let status = child.wait();
        // 1 says that nothing was found.
        assert!(
            matches!(status.code(), Some(0 | 1)),
            "rg ended with {status}"
        );
        n_lines
    }
}
