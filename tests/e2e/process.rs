//! A run of the program: what it gets on stdin, what it prints, how it ends.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use mesoclaw_testkit::home::TestHome;
use mesoclaw_testkit::model_server::RecordedRequest;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::fixture::{program, until};

/// What stdin is.
#[derive(Clone, Copy, Debug)]
pub enum Stdin<'a> {
    /// `/dev/null`.
    Null,
    /// A pipe with this text, then closed.
    Text(&'a str),
    /// A pipe with these bytes, then closed.
    Bytes(&'a [u8]),
    /// A pipe that stays open and says nothing until the test does.
    Open,
    /// A regular file.
    File(&'a Path),
}

/// How a run ended. A code of -1 is a death by a signal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// A run that printed this and nothing else, and went well.
    pub fn ok(stdout: impl Into<String>) -> Self {
        Self {
            code: 0,
            stdout: stdout.into(),
            stderr: String::new(),
        }
    }

    /// Stdout as one JSON value.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Stderr as one JSON value: an error with `--json`.
    pub fn error(&self) -> Value {
        serde_json::from_str(&self.stderr).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Fails unless the run ended with this code and said all of this on stderr.
    pub fn assert_error(&self, code: i32, parts: &[&str]) {
        assert_eq!(self.code, code, "{self:?}");
        for part in parts {
            assert!(self.stderr.contains(part), "no {part:?} in {self:?}");
        }
    }

    /// Fails unless the run went well; gives what it printed.
    pub fn assert_ok(&self) -> &str {
        assert_eq!(
            (self.code, self.stderr.as_str()),
            (0, ""),
            "stdout {}",
            self.stdout
        );
        &self.stdout
    }
}

/// A process that runs. Dropped, it is killed.
pub struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Output,
    stderr: Output,
}

/// What a process wrote so far.
struct Output {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Output {
    fn of(source: impl Read + Send + 'static) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&bytes);
        let reader = std::thread::spawn(move || copy(source, &sink));
        Self {
            bytes,
            reader: Some(reader),
        }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().unwrap()).into_owned()
    }

    /// All of it. Fails when somebody else (a daemon that was started) keeps it open.
    fn whole(mut self, what: &str) -> String {
        let reader = self.reader.take().expect("a reader");
        until(&format!("end of {what}"), || {
            reader.is_finished().then_some(())
        });
        let bytes = self.bytes.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap_or_else(|error| panic!("{what} is not UTF-8: {error}"))
    }
}

fn copy(mut source: impl Read, sink: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = source.read(&mut buffer) {
        sink.lock().unwrap().extend_from_slice(&buffer[..count]);
    }
}

impl Running {
    /// Starts a command with its outputs on pipes.
    pub fn start(command: &mut Command, stdin: Stdin<'_>) -> Self {
        let (mut running, stdout) = Self::start_unread(command, stdin);
        running.stdout = Output::of(stdout);
        running
    }

    /// The same, with a stdout that only the test reads, or closes.
    pub fn start_unread(command: &mut Command, stdin: Stdin<'_>) -> (Self, ChildStdout) {
        command
            .stdin(match stdin {
                Stdin::Null => Stdio::null(),
                Stdin::Text(_) | Stdin::Bytes(_) | Stdin::Open => Stdio::piped(),
                Stdin::File(path) => File::open(path).unwrap().into(),
            })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut pipe = child.stdin.take();
        let data = match stdin {
            Stdin::Text(text) => Some(text.as_bytes().to_owned()),
            Stdin::Bytes(bytes) => Some(bytes.to_owned()),
            Stdin::Null | Stdin::Open | Stdin::File(_) => None,
        };
        if let (Some(data), Some(mut pipe)) = (data, pipe.take_if(|_| !is_open(stdin))) {
            // On a thread: a pipe holds 64 KiB, and the program may refuse to read more.
            std::thread::spawn(move || pipe.write_all(&data).ok());
        }
        let stdout = child.stdout.take().unwrap();
        let stderr = Output::of(child.stderr.take().unwrap());
        let running = Self {
            child,
            stdin: pipe,
            stdout: Output::of(std::io::empty()),
            stderr,
        };
        (running, stdout)
    }

    /// Writes to a stdin that is [`Stdin::Open`].
    pub fn write(&mut self, text: &str) {
        let stdin = self.stdin.as_mut().expect("an open stdin");
        stdin.write_all(text.as_bytes()).unwrap();
        stdin.flush().unwrap();
    }

    /// Ends a stdin that is [`Stdin::Open`].
    pub fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Stdout so far.
    pub fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// Waits until stdout holds this.
    pub fn wait_for_stdout(&self, text: &str) {
        until(&format!("{text:?} on stdout"), || {
            self.stdout().contains(text).then_some(())
        });
    }

    /// Process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.pid()).unwrap()).unwrap();
        kill_process(pid, signal).expect("the program takes signals");
    }

    /// Waits for the end.
    pub fn finish(mut self) -> Ran {
        let status = until("end of the program", || {
            self.child.try_wait().expect("a child")
        });
        let empty = || Output::of(std::io::empty());
        Ran {
            code: status.code().unwrap_or(-1),
            stdout: std::mem::replace(&mut self.stdout, empty()).whole("stdout"),
            stderr: std::mem::replace(&mut self.stderr, empty()).whole("stderr"),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended before.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn is_open(stdin: Stdin<'_>) -> bool {
    matches!(stdin, Stdin::Open)
}

/// The program with arguments, in a home.
pub fn mesoclaw(home: &TestHome, args: &[&str]) -> Command {
    let mut command = home.mesoclaw(program());
    command.args(args);
    command
}

/// Runs the program to its end.
pub fn run(home: &TestHome, args: &[&str], stdin: Stdin<'_>) -> Ran {
    Running::start(&mut mesoclaw(home, args), stdin).finish()
}

/// Runs a command of the program with nothing on stdin.
pub fn command(home: &TestHome, args: &[&str]) -> Ran {
    run(home, args, Stdin::Null)
}

/// What a request says, without the system message: role and text.
pub fn said_in(request: &RecordedRequest) -> Vec<(String, String)> {
    let messages = request.body["messages"].as_array().expect("messages");
    messages
        .iter()
        .filter(|message| message["role"] != "system")
        .map(|message| {
            let text = match &message["content"] {
                Value::String(text) => text.clone(),
                parts => parts
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(|part| part["text"].as_str())
                    .collect(),
            };
            (message["role"].as_str().unwrap().to_owned(), text)
        })
        .collect()
}

/// The last thing the user said in a request.
pub fn prompt_of(request: &RecordedRequest) -> String {
    let said = said_in(request);
    let (role, text) = said.last().expect("a message");
    assert_eq!(role, "user");
    text.clone()
}
