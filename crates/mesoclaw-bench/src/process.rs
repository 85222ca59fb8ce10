//! Child processes with an end, and what `/proc` tells about them.

use std::fs;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use rustix::time::{ClockId, clock_gettime};

/// Longest time a child may run.
const LIMIT: Duration = Duration::from_mins(5);

/// Children that run, and when they are killed.
static RUNNING: Mutex<Vec<(u32, Instant)>> = Mutex::new(Vec::new());
static WATCHDOG: Once = Once::new();

/// A child process that is killed when it runs too long or is dropped.
pub(crate) struct Watched {
    child: Child,
}

impl Watched {
    /// Starts it.
    pub(crate) fn spawn(command: &mut Command) -> Self {
        WATCHDOG.call_once(|| {
            // It lives as long as the program, and holds nothing.
            thread::spawn(watch);
        });
        let child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", command.get_program().display()));
        running().push((child.id(), Instant::now() + LIMIT));
        Self { child }
    }

    /// Process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its input, once.
    pub(crate) fn stdin(&mut self) -> ChildStdin {
        self.child.stdin.take().expect("stdin is a pipe")
    }

    /// Its output, once.
    pub(crate) fn stdout(&mut self) -> ChildStdout {
        self.child.stdout.take().expect("stdout is a pipe")
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let status = self.child.wait().expect("a child");
        let pid = self.child.id();
        running().retain(|(other, _)| *other != pid);
        status
    }

    /// Waits for its end, which must be a good one.
    pub(crate) fn succeed(&mut self) {
        let status = self.wait();
        assert!(status.success(), "a child ended with {status}");
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        // It has ended already, when all went well.
        self.child.kill().ok();
        self.wait();
    }
}

fn running() -> MutexGuard<'static, Vec<(u32, Instant)>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

fn watch() {
    loop {
        thread::sleep(Duration::from_millis(500));
        let now = Instant::now();
        for (pid, deadline) in running().iter() {
            let pid = i32::try_from(*pid).ok().and_then(Pid::from_raw);
            if now > *deadline
                && let Some(pid) = pid
            {
                // It may have ended at this moment.
                kill_process(pid, Signal::KILL).ok();
            }
        }
    }
}

/// Time from the start of a silent command to its good end.
pub(crate) fn timed(command: &mut Command) -> Duration {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let start = Instant::now();
    let mut child = Watched::spawn(command);
    let status = child.wait();
    let took = start.elapsed();
    assert!(status.success(), "{command:?} ended with {status}");
    took
}

/// A number of `/proc/PID/FILE`, or `None` when process or line are not there.
pub(crate) fn proc_number(pid: u32, file: &str, name: &str) -> Option<u64> {
    fs::read_to_string(format!("/proc/{pid}/{file}"))
        .ok()?
        .lines()
        .find_map(|line| line.strip_prefix(name))?
        .split_whitespace()
        .next()?
        .parse()
        .ok()
}

/// Processor time of the threads that live now, to the nanosecond.
pub(crate) fn cpu_time(pid: u32) -> Duration {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("the process runs");
    let nanos = tasks.flatten().filter_map(|task| {
        let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanos.sum())
}

/// Processor time of the thread that asks, to the nanosecond.
pub(crate) fn thread_cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}

/// Processor time of a process, to 10 ms, also when it has ended and nobody waited for it yet.
pub(crate) fn cpu_time_of_ended(pid: u32) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks: u64 = ticks.filter_map(|field| field.parse::<u64>().ok()).sum();
    Some(Duration::from_millis(ticks * 10))
}
