//! Staying alive after the end, fork bombs, signals.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use mesoclaw_sandbox::{Enforcement, Level, Limits, RunOptions, Status, Stopped};
use tokio::sync::oneshot;

use super::place::{ENFORCED, EVERY, Place, marker, outcome, processes_with, run, sandbox, until};

/// The word that makes this program a daemon for [`nothing_survives_the_daemon`].
pub const DAEMON: &str = "--daemon";

/// Starts sleepers that try to outlive everything: in the background, immune to hang-ups, in a
/// session of their own, and as a grandchild whose parent is gone.
fn hiders(time: &str) -> String {
    format!(
        "sleep {time} & nohup sleep {time} >/dev/null 2>&1 & setsid sleep {time} & \
         setsid bash -c 'trap \"\" TERM HUP INT; (setsid sleep {time} </dev/null >/dev/null 2>&1 &); \
         (setsid bash -c \"trap : TERM; env -i /usr/bin/sleep {time} & wait\" &)' & \
         until [ $(grep -lz '^{time}$' /proc/[0-9]*/cmdline 2>/dev/null | wc -l) -ge 5 ]; do :; done;"
    )
}

pub async fn nothing_survives_the_end() {
    let place = Place::new();
    let time = marker(&place.home);
    for level in EVERY {
        let finished = place
            .run(level, &format!("{} echo done", hiders(&time)))
            .await;
        assert_eq!(finished.status, Status::Exited(0), "{level}");
        assert_eq!(finished.stdout.text(), "done\n", "{level}");
        assert_eq!(processes_with(&time), Vec::<String>::new(), "{level}");
    }
}

pub async fn nothing_survives_the_time_limit() {
    let place = Place::new();
    let time = marker(&place.home);
    for level in EVERY {
        let options = RunOptions {
            time_limit: Some(Duration::from_millis(400)),
            ..RunOptions::default()
        };
        let spec = place.bash(&format!("{} trap '' TERM; wait", hiders(&time)));
        let never = std::future::pending();
        let finished = sandbox(level).run(spec, options, never, |_, _| {}).await;
        let finished = finished.expect("it runs");
        assert_eq!(finished.stopped, Some(Stopped::TimeLimit), "{level}");
        assert_eq!(finished.status, Status::Signalled(9), "{level}");
        assert!(
            finished.duration < Duration::from_secs(2),
            "{level}: {:?}",
            finished.duration
        );
        assert_eq!(processes_with(&time), Vec::<String>::new(), "{level}");
    }
}

pub async fn nothing_survives_the_cancellation() {
    let place = Place::new();
    let time = marker(&place.home);
    for level in EVERY {
        let (tx, rx) = oneshot::channel::<()>();
        let mut tx = Some(tx);
        let spec = place.bash(&format!("{} echo ready; wait", hiders(&time)));
        let cancel = async {
            rx.await.ok();
        };
        let on_output = |_, _: &[u8]| {
            if let Some(tx) = tx.take() {
                tx.send(()).ok();
            }
        };
        let finished = sandbox(level)
            .run(spec, RunOptions::default(), cancel, on_output)
            .await;
        let finished = finished.expect("it runs");
        assert_eq!(finished.stopped, Some(Stopped::Cancelled), "{level}");
        assert_eq!(finished.status, Status::Signalled(9), "{level}");
        assert_eq!(processes_with(&time), Vec::<String>::new(), "{level}");
    }
}

pub async fn nothing_survives_a_dropped_run() {
    let place = Place::new();
    let time = marker(&place.home);
    for level in EVERY {
        let (tx, rx) = oneshot::channel::<()>();
        let mut tx = Some(tx);
        let spec = place.bash(&format!("{} echo ready; wait", hiders(&time)));
        let on_output = |_, _: &[u8]| {
            if let Some(tx) = tx.take() {
                tx.send(()).ok();
            }
        };
        let never = std::future::pending();
        let sandbox = sandbox(level);
        let run = sandbox.run(spec, RunOptions::default(), never, on_output);
        tokio::select! {
            finished = run => panic!("it ended: {finished:?}"),
            _ = rx => {}
        }
        until("all are gone", || processes_with(&time).is_empty()).await;
    }
}

/// Runs something without end, until somebody kills this process.
pub async fn daemon(workspace: &Path) {
    let time = marker(workspace);
    let mut spec = mesoclaw_sandbox::Spec::new("/usr/bin/bash", workspace);
    spec.args = vec![
        "-c".into(),
        format!("echo $TMPDIR > temp; setsid sleep {time} & sleep {time}").into(),
    ];
    spec.write = vec![workspace.to_owned()];
    let never = std::future::pending();
    let sandbox = sandbox(Level::BestEffort);
    let run = sandbox.run(spec, RunOptions::default(), never, |_, _| {});
    run.await.expect("it runs");
}

pub async fn nothing_survives_the_daemon() {
    let place = Place::new();
    let time = marker(&place.workspace);
    let mut daemon = Command::new(std::env::current_exe().expect("a path"))
        .arg(DAEMON)
        .arg(&place.workspace)
        .stdin(Stdio::null())
        .spawn()
        .expect("it runs");
    let sleepers = || {
        let all = processes_with(&time);
        all.into_iter()
            .filter(|line| line.starts_with("sleep"))
            .count()
    };
    until("both sleep", || sleepers() == 2).await;
    daemon.kill().expect("it can be killed");
    daemon.wait().expect("it ends");
    until("all are gone", || processes_with(&time).is_empty()).await;
    // Its private directory goes with it.
    let named = place.workspace.join("temp");
    let temp = std::fs::read_to_string(named).expect("a name");
    until("the directory is gone", || !Path::new(temp.trim()).exists()).await;
}

pub async fn a_program_cannot_end_its_keeper() {
    let place = Place::new();
    for level in ENFORCED {
        let line = "kill -9 $PPID; kill -STOP $PPID; kill -9 0 2>/dev/null; echo alive";
        let finished = place.run(level, line).await;
        assert_eq!(finished.status, Status::Signalled(9), "{level}");
        let finished = place
            .run(level, "kill -9 $PPID 2>/dev/null; echo alive")
            .await;
        assert_eq!(
            outcome(&finished),
            (Status::Exited(0), "alive\n".to_owned(), String::new()),
            "{level}"
        );
    }
    // Switched off, it can: what it leaves in its session is ended all the same.
    let time = marker(&place.home);
    let finished = place
        .run(Level::Off, &format!("sleep {time} & kill -9 $PPID; wait"))
        .await;
    assert_eq!(finished.status, Status::Lost);
    until("all are gone", || processes_with(&time).is_empty()).await;
}

pub async fn processes_outside_cannot_be_signalled() {
    let place = Place::new();
    let mut outsider = Command::new("/usr/bin/sleep")
        .arg("1000")
        .spawn()
        .expect("it runs");
    for level in ENFORCED {
        let line = format!(
            "kill -9 {pid} 2>/dev/null && echo killed; kill -0 {pid} 2>/dev/null && echo seen; \
             perl -e 'print kill(9, -{pid}), kill(0, {daemon})'",
            pid = outsider.id(),
            daemon = std::process::id()
        );
        let finished = place.run(level, &line).await;
        assert_eq!(
            outcome(&finished),
            (Status::Exited(0), "00".to_owned(), String::new()),
            "{level}"
        );
        assert_eq!(finished.enforced.processes, Enforcement::Full, "{level}");
    }
    // Every process that may be signalled is one of its own.
    for level in ENFORCED {
        place.run(level, "kill -9 -1").await;
    }
    assert_eq!(outsider.try_wait().expect("a state"), None);
    outsider.kill().expect("it can be killed");
    outsider.wait().expect("it ends");
}

/// Doubles as fast as it can; the second line sees to it that each generation runs.
const BOMB: &str = "bomb() { bomb & bomb & wait; }; bomb 2>/dev/null";

pub async fn a_fork_bomb_is_ended() {
    let place = Place::new();
    let is_root = rustix::process::geteuid().is_root();
    for level in EVERY {
        // Root's processes are not bounded by the kernel: the bomb is kept small by its depth.
        let line = if is_root {
            "bomb() { [ $1 -gt 0 ] && { bomb $(($1 - 1)) & bomb $(($1 - 1)) & }; wait; while :; do /usr/bin/true; done; }; bomb 6"
        } else {
            BOMB
        };
        let mut spec = place.bash(line);
        spec.limits = Limits {
            processes: 200,
            ..Limits::default()
        };
        let options = RunOptions {
            time_limit: Some(Duration::from_millis(500)),
            ..RunOptions::default()
        };
        let never = std::future::pending();
        let finished = sandbox(level).run(spec, options, never, |_, _| {}).await;
        let finished = finished.expect("it runs");
        assert_eq!(finished.stopped, Some(Stopped::TimeLimit), "{level}");
        assert_eq!(finished.status, Status::Signalled(9), "{level}");
        let mine = |line: &String| line.contains("bomb");
        let left: Vec<String> = processes_with("bomb()").into_iter().filter(mine).collect();
        assert_eq!(left, Vec::<String>::new(), "{level}");
    }
}

/// Starts as many processes as it is given, at most 5000, and prints how many those were.
const FORKS: &str = "my $n = 0; while ($n < 5000) { my $p = fork(); last unless defined $p; \
                     if (!$p) { sleep 1000; exit } $n++ } print $n";

pub async fn a_fork_bomb_is_bounded() {
    let place = Place::new();
    for level in EVERY {
        let mut spec = place.spec("/usr/bin/perl", &["-e", FORKS]);
        spec.limits = Limits {
            processes: 100,
            ..Limits::default()
        };
        let finished = if rustix::process::geteuid().is_root() {
            // The kernel does not bound root, and the answer says so.
            spec.args = vec!["-e".into(), "1".into()];
            let finished = run(level, spec).await;
            let expected = Enforcement::Partial(
                "the kernel does not bound the number of root's processes".to_owned(),
            );
            assert_eq!(finished.enforced.limits, expected, "{level}");
            continue;
        } else {
            run(level, spec).await
        };
        assert_eq!(finished.enforced.limits, Enforcement::Full, "{level}");
        let n_started: u64 = finished.stdout.text().parse().expect("a number");
        assert!((50..4999).contains(&n_started), "{level}: {n_started}");
    }
}
