//! What a command cannot do although a person said yes to it, because they could not see what it
//! hides: a script of the workspace that reaches for everything around it.

use std::fs;
use std::path::Path;

use mesoclaw_api::item::TurnOutcome;
use mesoclaw_api::ops::approval::{Answer, Approval};
use mesoclaw_api::ops::chat::{CancelParams, TurnCancel};
use mesoclaw_testkit::site::Site;
use serde_json::json;

use crate::desk::{Desk, Given, answer_to, commands, put};
use crate::fixture::{program, until};

const SECRET: &str = "canary-key-5512";

/// A script that tries things; each says `NAME worked` or `NAME failed`.
const REACH: &str = r#"#!/bin/bash
try() { local name=$1; shift; if "$@" >out.log 2>&1; then echo "$name worked"; else echo "$name failed"; fi; head -c 300 out.log; echo; }
try inside-write sh -c 'echo x > inside.txt'
try inside-read cat inside.txt
try temp-write sh -c 'echo x > "$TMPDIR/x"'
try system-read cat /usr/share/zoneinfo/UTC
try key-read cat "$REAL_HOME/.ssh/id_ed25519"
try key-list ls "$REAL_HOME/.ssh"
try home-list ls -a "$REAL_HOME"
try outside-write sh -c 'echo x > "$REAL_HOME/outside.txt"'
try outside-append sh -c 'echo x >> "$REAL_HOME/.bashrc"'
try outside-remove rm "$REAL_HOME/.bashrc"
try outside-rename mv "$REAL_HOME/.bashrc" moved
try outside-link ln "$REAL_HOME/.ssh/id_ed25519" linked
try shared-temp sh -c 'echo x > /tmp/mc-shared-$$'
try config-read cat "$REAL_HOME/m/config.toml"
try data-read cat "$REAL_HOME/m/data/mesoclaw.db"
try environ-read cat "/proc/$DAEMON/environ"
try memory-read head -c 1 "/proc/$DAEMON/mem"
try daemon-kill kill -0 "$DAEMON"
try connect timeout 5 bash -c "exec 3<>/dev/tcp/127.0.0.1/$PORT && echo leak >&3"
try udp timeout 5 bash -c "echo leak > /dev/udp/127.0.0.1/$PORT"
try daemon-socket perl -MSocket -e 'socket(my $s, AF_UNIX, SOCK_STREAM, 0) or die "socket: $!"; connect($s, sockaddr_un($ARGV[0])) or die "connect: $!"' "$SOCKET"
try daemon-ask env HOME="$REAL_HOME" MESOCLAW_HOME="$REAL_HOME/m" XDG_RUNTIME_DIR="$REAL_HOME" timeout 10 ./client --json approval list
try daemon-allow env HOME="$REAL_HOME" MESOCLAW_HOME="$REAL_HOME/m" XDG_RUNTIME_DIR="$REAL_HOME" timeout 10 ./client approval allow "$1"
exit 0
"#;

/// Runs one command that a person allows.
fn allowed(desk: &Desk) -> (Approval, Given) {
    let mut talk = desk.talk();
    talk.say("go");
    let approval = talk.asked();
    talk.answer(&approval, Answer::Approve).unwrap();
    assert_eq!(talk.finished(), TurnOutcome::Completed);
    (approval, talk.last_result())
}

/// Whether anything keeps the command in its bounds; said when nothing does.
#[expect(
    clippy::print_stdout,
    reason = "what a machine cannot show has to be said"
)]
fn is_enforced(approval: &Approval) -> bool {
    let says_no = approval.sandbox.contains("not enforced")
        || approval.sandbox.contains("switched off")
        || approval.sandbox.contains("nothing");
    if says_no {
        println!("not shown here: {}", approval.sandbox);
    }
    !says_no
}

fn worked(output: &str, name: &str) -> bool {
    let (yes, no) = (format!("{name} worked"), format!("{name} failed"));
    let has = |text: &str| output.lines().any(|line| line == text);
    assert!(has(&yes) != has(&no), "{name} in\n{output}");
    has(&yes)
}

/// A home with things worth reaching for.
fn with_treasure(line: &str) -> Desk {
    let desk = Desk::new(commands([line]));
    put(&desk.home().join(".ssh/id_ed25519"), SECRET);
    put(&desk.home().join(".bashrc"), "# mine\n");
    desk
}

fn reaching(desk: &Desk, canary: &Site, approval_id: &str) {
    let variables = format!(
        "export REAL_HOME='{}' SOCKET='{}' PORT={} DAEMON={}\nset -- '{approval_id}'\n",
        desk.home().display(),
        desk.fixture.socket().display(),
        canary.addr().port(),
        desk.fixture.daemon.pid()
    );
    let text = REACH.replacen('\n', &format!("\n{variables}"), 1);
    desk.write_program("reach.sh", &text);
    fs::copy(program(), desk.work().join("client")).unwrap();
}

/// What a command that runs the script reaches; a question of another session waits meanwhile.
fn reached(line: impl Fn(&Site) -> String) -> (Approval, String, Vec<String>) {
    let desk = with_treasure("bash ./reach.sh");
    let canary = Site::canary();
    // The question the script would like to answer.
    let mut other = desk.talk();
    other.say("go");
    let waiting = other.asked();
    reaching(&desk, &canary, waiting.id.as_str());
    let args = json!({"command": line(&canary)});
    let (approval, run) = desk.execute("shell", &args, |approval| {
        answer_to(approval, Answer::Approve)
    });
    let run = run.unwrap();
    let output = run["output"].as_str().unwrap().to_owned();
    for name in ["inside-write", "inside-read", "temp-write", "system-read"] {
        assert!(worked(&output, name), "{name} in\n{output}");
    }
    if is_enforced(&approval) {
        for name in OUT_OF_REACH {
            assert!(!worked(&output, name), "{name} in\n{output}");
        }
        assert!(!output.contains(SECRET), "{output}");
    }
    let rc = fs::read_to_string(desk.home().join(".bashrc")).unwrap();
    assert_eq!(rc, "# mine\n");
    assert!(!desk.home().join("outside.txt").exists());
    // The question of the other session still waits.
    let open = desk.json(&["approval", "list"]);
    assert_eq!(open[0]["id"], waiting.id.as_str(), "{open}");
    assert_eq!(open.as_array().unwrap().len(), 1, "{open}");
    desk.fixture.assert_no_panic();
    (approval, output, canary.requests())
}

/// What no command reaches, with or without the network.
const OUT_OF_REACH: [&str; 17] = [
    "key-read",
    "key-list",
    "home-list",
    "outside-write",
    "outside-append",
    "outside-remove",
    "outside-rename",
    "outside-link",
    "shared-temp",
    "config-read",
    "data-read",
    "environ-read",
    "memory-read",
    "daemon-kill",
    "daemon-socket",
    "daemon-ask",
    "daemon-allow",
];

#[test]
fn a_script_reaches_its_workspace_and_nothing_else() {
    let (approval, output, visits) = reached(|_| "bash ./reach.sh".to_owned());
    assert!(!approval.network, "{approval:?}");
    if is_enforced(&approval) {
        for name in ["connect", "udp"] {
            assert!(!worked(&output, name), "{name} in\n{output}");
        }
        assert_eq!(visits, [] as [&str; 0]);
    }
}

#[test]
fn a_command_with_the_network_reaches_the_network_and_no_more() {
    let (approval, output, visits) =
        reached(|site| format!("curl -s {}; echo; bash ./reach.sh", site.url("/asked")));
    assert!(approval.network, "the person is told: {approval:?}");
    assert!(worked(&output, "connect"), "{output}");
    assert!(visits[0].starts_with("GET /asked "), "{visits:?}");
}

/// Processes that have this word on their command line.
fn processes_with(word: &str) -> Vec<u32> {
    let all = fs::read_dir("/proc").unwrap().flatten();
    all.filter_map(|entry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let line = fs::read(entry.path().join("cmdline")).ok()?;
        let is_it = line
            .split(|byte| *byte == 0)
            .any(|part| part == word.as_bytes());
        is_it.then_some(pid)
    })
    .collect()
}

fn leaving(seconds: &str, wait: bool) -> String {
    let end = if wait { "wait" } else { "exit 0" };
    format!(
        "#!/bin/bash\nsleep {seconds} &\nsetsid sleep {seconds} &\nnohup sleep {seconds} &\n\
         (setsid bash -c 'trap \"\" TERM HUP; sleep {seconds}; true' &)\necho started\n{end}\n"
    )
}

#[test]
fn what_a_command_leaves_running_ends_with_it() {
    let desk = with_treasure("bash ./leave.sh");
    desk.write_program("leave.sh", &leaving("98761.5", false));
    let (approval, result) = allowed(&desk);
    assert!(result.output.contains("started"), "{result:?}");
    if is_enforced(&approval) {
        until("the end of all processes", || {
            processes_with("98761.5").is_empty().then_some(())
        });
    }
}

#[test]
fn what_a_command_runs_ends_with_the_daemon() {
    let mut desk = with_treasure("bash ./leave.sh");
    desk.write_program("leave.sh", &leaving("98762.5", true));
    let mut talk = desk.talk();
    talk.say("go");
    let approval = talk.asked();
    talk.answer(&approval, Answer::Approve).unwrap();
    until("four processes", || {
        (processes_with("98762.5").len() >= 4).then_some(())
    });
    desk.fixture.daemon.kill9();
    until("the end of all processes", || {
        processes_with("98762.5").is_empty().then_some(())
    });
}

#[test]
fn what_is_stopped_stops_as_a_whole() {
    let desk = with_treasure("bash ./leave.sh");
    desk.write_program("leave.sh", &leaving("98763.5", true));
    let mut talk = desk.talk();
    talk.say("go");
    let approval = talk.asked();
    talk.answer(&approval, Answer::Approve).unwrap();
    until("four processes", || {
        (processes_with("98763.5").len() >= 4).then_some(())
    });
    talk.wire
        .call::<TurnCancel>(CancelParams {
            session_id: talk.session_id.clone(),
            turn_id: None,
        })
        .unwrap();
    assert_eq!(talk.finished(), TurnOutcome::Cancelled);
    until("the end of all processes", || {
        processes_with("98763.5").is_empty().then_some(())
    });
}

#[test]
fn a_child_is_given_a_short_environment_and_nothing_open() {
    let desk = with_treasure("bash ./show.sh");
    desk.write("show.sh", "env\nls -l /proc/self/fd\ncat\n");
    let (_, result) = allowed(&desk);
    let output = &result.output;
    for gone in ["MESOCLAW_HOME", "XDG_RUNTIME_DIR", "mesoclaw.db", "socket:"] {
        assert!(!output.contains(gone), "{gone} in\n{output}");
    }
    assert!(
        output.contains("PATH=") && output.contains("HOME="),
        "{output}"
    );
}

#[test]
fn a_required_sandbox_that_is_not_there_runs_nothing_and_none_says_so() {
    let desk = Desk::with(commands(["touch a"]), "security_sandbox = \"off\"\n");
    let (approval, _) = allowed(&desk);
    assert!(!is_enforced(&approval), "{}", approval.sandbox);
    let desk = Desk::with(commands(["touch a"]), "security_sandbox = \"require\"\n");
    let (approval, result) = allowed(&desk);
    // Either it holds and the command ran, or it does not hold and the command did not.
    let exists = Path::exists(&desk.work().join("a"));
    assert_eq!(
        (result.success, exists),
        (is_enforced(&approval), is_enforced(&approval))
    );
}
