//! The helper: restricts a thread of itself, starts the program from it, and stays as the
//! program's keeper until nothing of it is left.
//!
//! The restrictions are those of the thread that starts the program. The main thread only keeps
//! signals inside: it can end what it started, and what it started cannot reach it.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rustix::io::Errno;
use rustix::process::{
    DumpableBehavior, Pid, WaitOptions, WaitStatus, getpid, set_child_subreaper,
    set_dumpable_behavior, setsid, wait,
};

use super::descendants::{self, Enclosed};
use super::kernel::Kernel;
use super::owners::Own;
use super::wire::{Order, Refusal, Report};
use super::{filesystem, privileges, syscalls};
use crate::{Enforced, Enforcement, Level, Status};

/// Runs the helper: call this first thing in `main` when the first argument is
/// [`HELPER_WORD`](crate::HELPER_WORD), before there is another thread. Reads the order from
/// standard input, which has to be the daemon's socket.
pub fn enter() -> ExitCode {
    close_fds::set_fds_cloexec(3, &[]);
    let control = std::io::stdin().as_fd().try_clone_to_owned();
    let Ok(control) = control.map(UnixStream::from) else {
        return ExitCode::FAILURE;
    };
    let Some((order, control)) = read_order(control) else {
        return ExitCode::FAILURE;
    };
    let report = match supervise(&order, &control) {
        Ok(status) => Report::Ended(status),
        Err(refusal) => Report::Refused(refusal),
    };
    // Here rather than in the daemon alone, because the daemon may be gone.
    std::fs::remove_dir_all(order.temp()).ok();
    tell(&control, &report);
    ExitCode::SUCCESS
}

/// The order, and the socket with nothing read beyond it: after the order only its end follows.
fn read_order(control: UnixStream) -> Option<(Order, UnixStream)> {
    let mut reader = BufReader::new(control);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let order = serde_json::from_str(&line).ok()?;
    Some((order, reader.into_inner()))
}

fn tell(mut control: &UnixStream, report: &Report) {
    let Ok(mut line) = serde_json::to_vec(report) else {
        return;
    };
    line.push(b'\n');
    // A daemon that is gone needs no report.
    control.write_all(&line).ok();
}

fn supervise(order: &Order, control: &UnixStream) -> Result<Status, Refusal> {
    let failed = |what| move |error: Errno| Refusal::restrict(what, error);
    setsid().map_err(failed("the session"))?;
    set_child_subreaper(Some(getpid())).map_err(failed("descendants"))?;
    let enclosed = match order.level {
        Level::Off => None,
        Level::BestEffort | Level::Require => descendants::enclose(),
    };
    privileges::prefer_to_kill(true);
    let is_ended = watch_the_leash(control, enclosed)?;
    privileges::limit(&order.limits)?;
    let start = || restrict_and_start(order, control, enclosed);
    let program = thread::scope(|scope| scope.spawn(start).join())
        .map_err(|_| Refusal::restrict("the program", "the helper failed"))??;
    privileges::prefer_to_kill(false);
    // From here on nobody of the same user looks into this process.
    set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(failed("the helper"))?;
    if is_ended.load(Ordering::SeqCst) {
        descendants::kill_all(enclosed);
    }
    Ok(wait_for_all(program, enclosed))
}

/// Kills everything when the daemon closes its end or dies.
fn watch_the_leash(
    control: &UnixStream,
    enclosed: Option<Enclosed>,
) -> Result<Arc<AtomicBool>, Refusal> {
    let is_ended = Arc::new(AtomicBool::new(false));
    let ended = Arc::clone(&is_ended);
    let failed = |error| Refusal::restrict("the helper", error);
    let mut leash = control.try_clone().map_err(failed)?;
    let watch = move || {
        // The daemon sends nothing more: whatever comes, it is the end.
        leash.read_exact(&mut [0]).ok();
        ended.store(true, Ordering::SeqCst);
        descendants::kill_all(enclosed);
    };
    thread::Builder::new().spawn(watch).map_err(failed)?;
    Ok(is_ended)
}

/// Everything the thread does that the program is started from. The thread ends with it.
fn restrict_and_start(
    order: &Order,
    control: &UnixStream,
    enclosed: Option<Enclosed>,
) -> Result<Pid, Refusal> {
    let kernel = Kernel::ask();
    if order.level == Level::Require {
        let enforced = kernel.enforced();
        for (missing, enforcement) in [
            ("access to files", enforced.filesystem),
            ("use of system calls", enforced.syscalls),
        ] {
            if !enforcement.is_some() {
                return Err(Refusal::NotEnforceable {
                    missing: missing.to_owned(),
                });
            }
        }
    }
    if order.level != Level::Off {
        rustix::thread::set_no_new_privs(true)
            .map_err(|errno| Refusal::restrict("privileges", errno))?;
        privileges::drop_capabilities()?;
        if kernel.files.is_some() {
            filesystem::restrict(order)?;
        }
        if kernel.syscalls {
            let writable = order.write();
            syscalls::restrict(order.network, &Own::of(writable))?;
        }
    }
    // Told before the start: a program may be quick to end its keeper where nothing stops it.
    tell(control, &Report::Started(enforced(order, kernel, enclosed)));
    start(order)
}

fn start(order: &Order) -> Result<Pid, Refusal> {
    let refusal = |error: std::io::Error| Refusal::StartProgram {
        program: order.program().display().to_string(),
        errno: error.raw_os_error(),
    };
    let mut command = Command::new(order.program());
    command
        .args(&order.args)
        .current_dir(order.cwd())
        .env_clear()
        .envs(order.env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .process_group(0);
    if order.merge {
        let output = std::io::stdout().as_fd().try_clone_to_owned();
        command.stderr(Stdio::from(output.map_err(refusal)?));
    }
    let child = command.spawn().map_err(refusal)?;
    // It is waited for with all others, by its id.
    Ok(Pid::from_child(&child))
}

/// Waits for the program, then ends and reaps everything it left.
fn wait_for_all(program: Pid, enclosed: Option<Enclosed>) -> Status {
    let status = loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid == program => break status_of(status),
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => break Status::Lost,
        }
    };
    // A round per death: what a dying process started in the meantime is this one's child then.
    loop {
        descendants::kill_all(enclosed);
        match wait(WaitOptions::empty()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => return status,
        }
        while let Ok(Some(_)) = wait(WaitOptions::NOHANG) {}
    }
}

fn status_of(status: WaitStatus) -> Status {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => Status::Exited(code),
        (None, Some(signal)) => Status::Signalled(signal),
        (None, None) => Status::Lost,
    }
}

/// What holds for this child, from what the kernel has and what was asked.
fn enforced(order: &Order, kernel: Kernel, enclosed: Option<Enclosed>) -> Enforced {
    let mut enforced = kernel.enforced();
    if order.level == Level::Off {
        let off = Enforcement::none("the sandbox is switched off");
        enforced.filesystem = off.clone();
        enforced.network = off.clone();
        enforced.syscalls = off;
        enforced.processes =
            Enforcement::partial("processes outside can be sent signals: the sandbox is off");
    } else {
        if order.network {
            enforced.network = Enforcement::none("the network was granted");
        }
        if enclosed.is_none() {
            enforced.processes = Enforcement::partial("processes outside can be sent signals");
        }
    }
    enforced
}
