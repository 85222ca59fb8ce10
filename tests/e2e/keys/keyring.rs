//! A Secret Service for one test: a session bus of its own with gnome-keyring, unlocked.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdin, Stdio};

use mesoclaw_testkit::home::TestHome;

/// Unlocks a keyring, tells where the bus is and lives as long as stdin.
const SESSION: &str = "printf pw | gnome-keyring-daemon --unlock --components=secrets >/dev/null \
     && printf '%s\\n' \"$DBUS_SESSION_BUS_ADDRESS\" && exec cat";

/// A session bus with a keyring. Dropped, both end.
pub struct Keyring {
    child: Child,
    stdin: Option<ChildStdin>,
    bus: String,
}

impl Keyring {
    /// Starts both; what is kept lies in this home.
    pub fn start(home: &TestHome) -> Self {
        let mut child = home
            .command("dbus-run-session")
            .env("XDG_RUNTIME_DIR", home.user_home())
            .args(["--", "sh", "-c", SESSION])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("dbus-run-session runs: install the packages dbus and gnome-keyring");
        let mut bus = String::new();
        let stdout = child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut bus).unwrap();
        let keyring = Self {
            stdin: child.stdin.take(),
            child,
            bus: bus.trim_end().to_owned(),
        };
        assert!(keyring.bus.starts_with("unix:"), "{:?}", keyring.bus);
        keyring
    }

    /// The address of the bus.
    pub fn bus(&self) -> &str {
        &self.bus
    }
}

impl Drop for Keyring {
    fn drop(&mut self) {
        // The end of stdin ends the session in order; a kill would leave the bus behind.
        self.stdin = None;
        self.child.wait().ok();
    }
}
