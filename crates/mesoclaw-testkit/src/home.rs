//! A home directory of its own for a test, and commands that know no other.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::model_server::ModelServer;
use crate::wait::poll;

/// A temporary `HOME` with a `MESOCLAW_HOME` in it.
///
/// Dropped, it ends a daemon that still runs on it (also one that a client started), then
/// everything in it is deleted.
pub struct TestHome {
    dir: TempDir,
}

impl TestHome {
    /// An empty home.
    pub fn new() -> Self {
        // A short name: paths of sockets are limited to about a hundred bytes.
        let dir = tempfile::Builder::new().prefix("mc").tempdir().unwrap();
        for name in ["m", "t"] {
            std::fs::create_dir(dir.path().join(name)).unwrap();
        }
        Self { dir }
    }

    /// What `HOME` is.
    pub fn user_home(&self) -> &Path {
        self.dir.path()
    }

    /// What `MESOCLAW_HOME` is.
    pub fn mesoclaw_home(&self) -> PathBuf {
        self.dir.path().join("m")
    }

    /// What `TMPDIR` is.
    pub fn temp_dir(&self) -> PathBuf {
        self.dir.path().join("t")
    }

    /// The config file.
    pub fn config_file(&self) -> PathBuf {
        self.mesoclaw_home().join("config.toml")
    }

    /// The data directory.
    pub fn data_dir(&self) -> PathBuf {
        self.mesoclaw_home().join("data")
    }

    /// The lock file of the daemon.
    pub fn lock_file(&self) -> PathBuf {
        self.data_dir().join("daemon.lock")
    }

    /// Writes the config file.
    pub fn write_config(&self, toml: &str) {
        std::fs::write(self.config_file(), toml).unwrap();
    }

    /// Writes a config file that uses `server` as the provider `test` with the model `test-model`.
    pub fn use_model_server(&self, server: &ModelServer) {
        self.write_config(&format!(
            "provider_name = \"test\"\n\
             provider_base_url = \"{}\"\n\
             provider_model_id = \"test-model\"\n",
            server.base_url()
        ));
    }

    /// A command whose environment is `PATH`, `HOME`, `MESOCLAW_HOME`, `TMPDIR` and a UTF-8 locale,
    /// and which runs in the home directory.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.user_home())
            .env("MESOCLAW_HOME", self.mesoclaw_home())
            // A daemon that is killed leaves its temporary files behind: they go with the home.
            .env("TMPDIR", self.temp_dir())
            .env("LANG", "C.UTF-8")
            // Otherwise the bus of whoever runs the tests would be found, and the keyring on it.
            .env("XDG_RUNTIME_DIR", self.user_home())
            .current_dir(self.user_home());
        command
    }

    /// The program under test: the caller gives `env!("CARGO_BIN_EXE_mesoclaw")`.
    pub fn mesoclaw(&self, bin: &Path) -> Command {
        self.command(bin)
    }

    /// Ends the daemon of this home, if one runs, with SIGKILL.
    pub fn kill_daemon(&self) {
        let lock_file = self.lock_file();
        let is_gone = poll(Duration::from_secs(5), || {
            let Some(holder) = mesoclaw_ipc::lock::holder(&lock_file) else {
                return Some(());
            };
            let pid = i32::try_from(holder.pid).ok().and_then(Pid::from_raw);
            // It may be gone by now.
            kill_process(pid.expect("a process id"), Signal::KILL).ok();
            None
        });
        assert!(
            is_gone.is_some() || std::thread::panicking(),
            "the daemon of {} does not end",
            lock_file.display()
        );
    }
}

impl Default for TestHome {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for TestHome {
    fn drop(&mut self) {
        self.kill_daemon();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_see_the_home_and_nothing_else() {
        let home = TestHome::new();
        let output = home.command("env").output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let mut names: Vec<_> = text
            .lines()
            .filter_map(|line| line.split_once('='))
            .map(|(name, _)| name)
            .collect();
        names.sort_unstable();
        assert_eq!(
            names,
            [
                "HOME",
                "LANG",
                "MESOCLAW_HOME",
                "PATH",
                "TMPDIR",
                "XDG_RUNTIME_DIR"
            ]
        );
        assert!(text.contains(&format!("HOME={}\n", home.user_home().display())));
        let socket = home.mesoclaw_home().join("run/mesoclaw.sock");
        assert!(socket.as_os_str().len() <= 100, "{}", socket.display());
    }

    #[test]
    fn the_directory_goes_with_the_home() {
        let server = ModelServer::start_blocking(crate::model_server::Script::default());
        let home = TestHome::new();
        home.use_model_server(&server);
        let path = home.config_file();
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            format!(
                "provider_name = \"test\"\nprovider_base_url = \"{}\"\n\
                 provider_model_id = \"test-model\"\n",
                server.base_url()
            )
        );
        drop(home);
        assert!(!path.exists());
    }
}
