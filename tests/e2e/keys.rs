//! Keys: kept by a real Secret Service, kept without any, and found nowhere else.

mod autostart;
mod binding;
mod command_line;
mod core_dump;
mod keyring;
mod nowhere;
mod raw;
mod search;
mod secret_service;
mod without_any;

use std::cell::RefCell;
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::process::Command;

use mesoclaw_testkit::home::TestHome;
use mesoclaw_testkit::model_server::{ModelServer, RecordedRequest, Script};

use crate::fixture::program;
use crate::process::{Ran, Running, Stdin};
use keyring::Keyring;

/// A person at a machine: a home, and a keyring or none. Fields end in this order.
struct Login {
    keyring: Option<Keyring>,
    home: TestHome,
    /// What every run printed.
    printed: RefCell<Vec<Ran>>,
}

impl Login {
    /// With a session bus and an unlocked keyring.
    fn with_keyring() -> Self {
        let home = TestHome::new();
        Self {
            keyring: Some(Keyring::start(&home)),
            home,
            printed: RefCell::default(),
        }
    }

    /// Without a session bus.
    fn without_keyring() -> Self {
        Self {
            keyring: None,
            home: TestHome::new(),
            printed: RefCell::default(),
        }
    }

    /// Any program in this login.
    fn program(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = self.home.command(program);
        // Whoever has no session bus is not given the one of the person who runs the tests, which
        // is where this variable would lead if it were missing.
        command
            .env("XDG_RUNTIME_DIR", self.home.user_home())
            .env("TMPDIR", self.home.user_home());
        if let Some(keyring) = &self.keyring {
            command.env("DBUS_SESSION_BUS_ADDRESS", keyring.bus());
        }
        command
    }

    /// The program under test in this login.
    fn mesoclaw(&self, args: &[&str]) -> Command {
        let mut command = self.program(program());
        command.args(args);
        command
    }

    /// Runs it to its end.
    fn run(&self, args: &[&str], stdin: Stdin<'_>) -> Ran {
        self.finish(Running::start(&mut self.mesoclaw(args), stdin))
    }

    /// Waits for the end of a run.
    fn finish(&self, running: Running) -> Ran {
        let ran = running.finish();
        self.printed.borrow_mut().push(ran.clone());
        ran
    }

    /// A command with nothing on stdin.
    fn command(&self, args: &[&str]) -> Ran {
        self.run(args, Stdin::Null)
    }

    /// A command that goes well; gives what it printed. Notes on stderr are all right.
    fn done(&self, args: &[&str]) -> String {
        well(self.command(args))
    }

    /// Keeps a key that comes on stdin.
    fn set_key(&self, provider: &str, key: &str) -> Ran {
        self.run(&["key", "set", provider], Stdin::Text(key))
    }

    /// Asks the default model.
    fn ask(&self) -> Ran {
        self.run(&[], Stdin::Text("hello"))
    }

    /// Adds a server as `openai`, which wants a key, with the default model `gpt-test`.
    fn use_as_openai(&self, server: &ModelServer) {
        let url = server.base_url();
        let default = "provider_name = \"openai\"\nprovider_model_id = \"gpt-test\"\n";
        self.home.write_config(default);
        let add = ["provider", "add", "openai", "--base-url", &url];
        let variable = ["--api-key-env", "OPENAI_API_KEY"];
        self.done(&[&add[..], &variable].concat());
    }

    /// Writes a file in the home; gives its path.
    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.home.user_home().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

/// What a run that ended well printed; notes on stderr are all right.
fn well(ran: Ran) -> String {
    assert_eq!(ran.code, 0, "{ran:?}");
    ran.stdout
}

/// A server that has the model of [`Login::use_as_openai`] and always says this.
fn openai(answer: &str) -> ModelServer {
    ModelServer::start_blocking(Script {
        models: vec!["gpt-test".to_owned()],
        ..Script::text(answer)
    })
}

/// A value nobody has seen before, with characters that addresses and base64 spell differently. It
/// does not look like the key of a maker: only who knows it can hide it.
fn new_key() -> String {
    let mut bytes = [0; 20];
    File::open("/dev/urandom")
        .unwrap()
        .read_exact(&mut bytes)
        .unwrap();
    let (begin, end) = bytes.split_at(10);
    format!("mk+{}/{}=", search::hex(begin), search::hex(end))
}

/// The key a request carried.
fn key_of(request: &RecordedRequest) -> Option<&str> {
    let header = |name: &str| request.headers.get(name).map(String::as_str);
    let bearer = header("authorization").and_then(|value| value.strip_prefix("Bearer "));
    let mut other = ["x-api-key", "x-goog-api-key", "api-key"].into_iter();
    bearer.or_else(|| other.find_map(header))
}

/// The keys of all answers that were asked for.
fn keys_of(server: &ModelServer) -> Vec<Option<String>> {
    let requests = server.requests();
    let asked = requests.iter().filter(|request| request.method == "POST");
    asked
        .map(|request| key_of(request).map(str::to_owned))
        .collect()
}
