//! The daemon as a child process: started, measured, killed.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use mesoclaw_api::Surface;
use mesoclaw_api::ops::daemon::Hello;
use mesoclaw_api::ops::events::SubscribeParams;
use mesoclaw_ipc::{Client, ClientOptions, Endpoint, lock};
use rustix::process::{Pid, Signal, kill_process};

use crate::home::TestHome;
use crate::wait::{LIMIT, poll};

/// Ticks a second in `/proc`: fixed for programs, whatever the kernel runs at.
const TICKS_PER_SECOND: u64 = 100;

/// A running `mesoclaw daemon run`. Dropped, it is killed.
///
/// Its home must live longer than it.
pub struct DaemonProcess {
    command: Command,
    lock_file: PathBuf,
    log: PathBuf,
    child: Child,
    running: Running,
}

/// What is known of a daemon that answered.
struct Running {
    endpoint: Endpoint,
    hello: Hello,
    time_to_hello: Duration,
}

/// Context switches of all threads of a process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Switches {
    /// The process waited for something: about the number of its wake-ups.
    pub voluntary: u64,
    /// The process was interrupted.
    pub involuntary: u64,
}

impl DaemonProcess {
    /// Starts the daemon of `home` and waits until it answers `daemon.hello`.
    pub fn start(bin: &Path, home: &TestHome) -> Self {
        let mut command = home.mesoclaw(bin);
        command.args(["daemon", "run"]);
        Self::start_command(command, home)
    }

    /// The same for a command with more arguments or variables; made with [`TestHome::mesoclaw`].
    pub fn start_command(mut command: Command, home: &TestHome) -> Self {
        let (lock_file, log) = (home.lock_file(), home.user_home().join("daemon.out"));
        let (child, running) = launch(&mut command, &lock_file, &log);
        Self {
            command,
            lock_file,
            log,
            child,
            running,
        }
    }

    /// Process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where it listens.
    pub fn endpoint(&self) -> &Endpoint {
        &self.running.endpoint
    }

    /// How it introduced itself.
    pub fn hello(&self) -> &Hello {
        &self.running.hello
    }

    /// Time from the start of the process to its answer, as seen from here.
    pub fn time_to_hello(&self) -> Duration {
        self.running.time_to_hello
    }

    /// What it printed.
    pub fn output(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// A new connection that gets the events `subscribe` asks for.
    pub async fn client(&self, subscribe: Option<SubscribeParams>) -> Client {
        let options = options(subscribe);
        match Client::connect(&self.running.endpoint, options).await {
            Ok((client, _)) => client,
            Err(error) => panic!(
                "no connection: {}\n{}",
                mesoclaw_api::error::chain(&error),
                self.output()
            ),
        }
    }

    /// Ends it as a crash or a power cut would, and waits for the end.
    pub fn kill9(&mut self) -> ExitStatus {
        self.signal(Signal::KILL);
        self.wait_for_exit()
    }

    /// Asks it to end with SIGTERM, and waits for the end.
    pub fn terminate(&mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.wait_for_exit()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.pid()).unwrap()).unwrap();
        kill_process(pid, signal).expect("the daemon takes signals");
    }

    /// Waits (30 s at most) until it ended by itself.
    pub fn wait_for_exit(&mut self) -> ExitStatus {
        let status = poll(LIMIT, || self.child.try_wait().expect("a child"));
        status.unwrap_or_else(|| panic!("the daemon does not end\n{}", self.output()))
    }

    /// Whether it runs.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_none()
    }

    /// Starts it again on the same home; one that still runs is terminated first.
    pub fn restart(&mut self) {
        if self.is_running() {
            self.terminate();
        }
        (self.child, self.running) = launch(&mut self.command, &self.lock_file, &self.log);
    }

    /// Resident memory.
    pub fn rss_bytes(&self) -> u64 {
        status_field(&self.proc("status"), "VmRSS:") * 1024
    }

    /// Highest resident memory so far.
    pub fn peak_rss_bytes(&self) -> u64 {
        status_field(&self.proc("status"), "VmHWM:") * 1024
    }

    /// Processor time of all its threads, to 10 ms.
    pub fn cpu_time(&self) -> Duration {
        let stat = self.proc("stat");
        // The name in parentheses may hold anything; fields 14 and 15 count from the first.
        let (_, fields) = stat.rsplit_once(')').expect("a name");
        let ticks: u64 = fields
            .split_whitespace()
            .skip(11)
            .take(2)
            .map(|field| field.parse::<u64>().expect("a number"))
            .sum();
        Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND)
    }

    /// Context switches of the threads that live now.
    pub fn switches(&self) -> Switches {
        let tasks = format!("/proc/{}/task", self.pid());
        let mut switches = Switches {
            voluntary: 0,
            involuntary: 0,
        };
        for task in fs::read_dir(tasks).expect("the daemon runs").flatten() {
            // A thread may end while its turn comes.
            let Ok(status) = fs::read_to_string(task.path().join("status")) else {
                continue;
            };
            switches.voluntary += status_field(&status, "voluntary_ctxt_switches:");
            switches.involuntary += status_field(&status, "nonvoluntary_ctxt_switches:");
        }
        switches
    }

    fn proc(&self, file: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{file}", self.pid())).expect("the daemon runs")
    }
}

impl Drop for DaemonProcess {
    fn drop(&mut self) {
        // It may have ended before.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn launch(command: &mut Command, lock_file: &Path, log: &Path) -> (Child, Running) {
    let out = File::create(log).unwrap();
    command
        .stdin(Stdio::null())
        .stdout(out.try_clone().unwrap())
        .stderr(out);
    let start = Instant::now();
    let mut child = command.spawn().expect("the program starts");
    let ready = poll(LIMIT, || {
        if let Some(status) = child.try_wait().expect("a child") {
            return Some(Err(format!("the daemon ended at once: {status}")));
        }
        let info = lock::read(lock_file).filter(|info| info.pid == child.id())?;
        let endpoint = Endpoint::new(info.socket);
        let hello = say_hello(&endpoint)?;
        let time_to_hello = start.elapsed();
        Some(Ok(Running {
            endpoint,
            hello,
            time_to_hello,
        }))
    });
    match ready {
        Some(Ok(running)) => (child, running),
        other => {
            child.kill().ok();
            child.wait().ok();
            let why = match other {
                Some(Err(why)) => why,
                _ => format!("the daemon does not answer within {LIMIT:?}"),
            };
            let output = fs::read_to_string(log).unwrap_or_default();
            panic!("{why}; it said:\n{output}");
        }
    }
}

/// On a thread of its own: the caller may be inside a runtime, which cannot wait for another.
fn say_hello(endpoint: &Endpoint) -> Option<Hello> {
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap()
                .block_on(Client::connect(endpoint, options(None)))
        });
        let (_, hello) = asking.join().expect("the client does not panic").ok()?;
        Some(hello)
    })
}

fn options(subscribe: Option<SubscribeParams>) -> ClientOptions {
    ClientOptions {
        client: "mesoclaw-testkit".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        surface: Surface::Cli,
        subscribe,
    }
}

/// A number of a `/proc` status file.
fn status_field(status: &str, name: &str) -> u64 {
    status
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|number| number.parse().ok())
        .unwrap_or_else(|| panic!("no {name} in\n{status}"))
}

#[cfg(test)]
mod tests;
