//! Attacks on the judgement of command lines: through the socket, as the daemon judges them, and
//! run where nobody can be asked.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use mesoclaw_api::ops::policy::{Judged, PolicyTest, TestParams, VerdictWord};
use mesoclaw_testkit::model_server::Script;
use serde_json::json;

use crate::desk::{Desk, commands, put};
use crate::rpc::Wire;

/// What a line must come to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Must {
    /// It runs at every level but the narrowest.
    Run,
    /// It is of low risk nowhere: `supervised` asks.
    AskSupervised,
    /// It asks at every level.
    Ask,
    /// It never runs.
    Refuse,
}
use Must::{Ask, AskSupervised, Refuse, Run};

/// Number of the case, the line, what must come of it.
const CASES: &[(u32, &str, Must)] = &[
    (1, "r''m -rf x", Ask),
    (1, "\"rm\" x", Ask),
    (1, "\\rm x", Ask),
    (1, "'r'\"m\" x", Ask),
    (3, "ls $(touch made)", Ask),
    (3, "ls `touch made`", Ask),
    (3, "cat <(touch made)", Ask),
    (3, "cat${IFS}a.txt", Ask),
    (3, "$'\\x72m' a.txt", Ask),
    (3, "echo \"$(rm a.txt)\"", Ask),
    (3, "echo '$(rm a.txt)'", Run),
    (4, "echo hi | node", Ask),
    (4, "ls && rm a.txt", Ask),
    (4, "ls; rm a.txt", Ask),
    (4, "ls & rm a.txt", Ask),
    (4, "ls || rm a.txt", Ask),
    (4, "ls | tee /etc/motd", Ask),
    (5, "ls\nrm a.txt", Ask),
    (5, "ls\r\nrm a.txt", Ask),
    (5, "ls\rrm a.txt", Ask),
    (5, "r\\\nm a.txt", Ask),
    (5, "ls\u{c}rm a.txt", Ask),
    (5, "ls\0rm a.txt", Refuse),
    (6, "FOO=1 rm a.txt", Ask),
    (6, "env rm a.txt", Ask),
    (6, "env -S 'sh -c x'", Ask),
    (6, "nice -n 5 rm a.txt", Ask),
    (6, "timeout 5 rm a.txt", Ask),
    (6, "nohup rm a.txt", Ask),
    (6, "stdbuf -o0 rm a.txt", Ask),
    (6, "echo a.txt | xargs rm", Ask),
    (6, "busybox sh", Ask),
    (6, "command rm a.txt", Ask),
    (6, "exec rm a.txt", Ask),
    (6, "builtin eval 'rm a.txt'", Ask),
    (6, "sudo -E ls", Refuse),
    (6, "env nice sudo ls", Refuse),
    (7, "LD_PRELOAD=./x.so ls", Ask),
    (7, "LD_LIBRARY_PATH=. ls", Ask),
    (7, "BASH_ENV=./x ls", Ask),
    (7, "SHELLOPTS=xtrace ls", Ask),
    (7, "PS4='$(rm a.txt)' ls", Ask),
    (7, "PATH=. ls", Ask),
    (7, "GIT_SSH_COMMAND=./x git fetch", Ask),
    (7, "PAGER=./x git log", Ask),
    (7, "export PATH=.; ls", Ask),
    (8, "find . -exec sh -c x \\;", Ask),
    (8, "find . -execdir ./x \\;", Ask),
    (8, "find . -delete", Ask),
    (8, "find . -fprintf /tmp/out x", Ask),
    (
        11,
        "tar -cf x.tar --checkpoint=1 --checkpoint-action=exec=./x .",
        Ask,
    ),
    (11, "tar -xf x.tar --to-command=./x", Ask),
    (11, "tar -cf x.tar --use-compress-program=./x .", Ask),
    (11, "sort --compress-prog=./x a.txt", Ask),
    (13, "python3 -c 1", Ask),
    (13, "node -e 1", Ask),
    (13, "perl -e 1", Ask),
    (13, "ruby -e 1", Ask),
    (13, "awk 'BEGIN{system(\"id\")}'", Ask),
    (13, "sed 's/x/id/e' a.txt", Ask),
    (13, "vim -c '!id'", Ask),
    (13, "less a.txt", Ask),
    (13, "man -P ./x ls", Ask),
    (13, "ed a.txt", Ask),
    (14, "cargo check", AskSupervised),
    (14, "npm install", AskSupervised),
    (14, "make", AskSupervised),
    (14, "pip install x", AskSupervised),
    (15, "cat /etc/shadow", Ask),
    (15, "head ~/.ssh/id_ed25519", Ask),
    (15, "cp ~/.ssh/id_ed25519 out", Ask),
    (15, "grep -r . ~/.ssh", Ask),
    (15, "diff a.txt ~/.netrc", Ask),
    (16, "echo x > ~/.bashrc", Ask),
    (16, "echo x >> ~/.bashrc", Ask),
    (16, "echo x >| ~/.bashrc", Ask),
    (16, "echo x 1> ~/.bashrc", Ask),
    (16, "echo x &> ~/.bashrc", Ask),
    (16, "echo x | tee ~/.bashrc", Ask),
    (16, "dd if=a.txt of=/etc/motd", Ask),
    (16, "echo x > .git/hooks/pre-commit", Ask),
    (18, "\u{ff4c}\u{ff53}", Ask),
    (18, "l\u{200b}s", Ask),
    (18, "ls \u{202e}txt.a", Ask),
    (18, "\u{0441}at a.txt", Ask),
    (19, "./ls", Ask),
    (19, "bin/../ls", Ask),
];

fn judge(wire: &mut Wire, desk: &Desk, line: &str, level: &str) -> Judged {
    wire.call::<PolicyTest>(TestParams {
        command: Some(line.to_owned()),
        autonomy: Some(level.to_owned()),
        workspace: Some(desk.work().display().to_string()),
        ..TestParams::default()
    })
    .unwrap()
}

#[test]
fn cases_1_to_19_are_judged_by_what_would_run() {
    let desk = Desk::new(Script::text("Fine."));
    desk.write("a.txt", "one");
    desk.write_program("ls", "#!/bin/sh\ntouch made\n");
    let mut wire = desk.fixture.wire();
    let mut wrong = Vec::new();
    for (number, line, must) in CASES {
        let levels = ["strict", "supervised", "autonomous"];
        let found = levels.map(|level| judge(&mut wire, &desk, line, level));
        let verdicts = found.each_ref().map(|judged| judged.verdict);
        let [strict, supervised, autonomous] = verdicts;
        let is_right = match must {
            Run => supervised == VerdictWord::Allow && autonomous == VerdictWord::Allow,
            AskSupervised => strict == VerdictWord::Ask && supervised == VerdictWord::Ask,
            Ask => verdicts
                .iter()
                .all(|verdict| *verdict != VerdictWord::Allow),
            Refuse => verdicts.iter().all(|verdict| *verdict == VerdictWord::Deny),
        };
        if !is_right {
            let rule = &found[2].rule;
            wrong.push(format!(
                "case {number}: {line:?} must {must:?}: {verdicts:?} ({rule})"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn cases_1_to_19_do_nothing_where_nobody_can_be_asked() {
    let lines = CASES
        .iter()
        .filter(|(_, _, must)| matches!(must, Ask | Refuse))
        .map(|(_, line, _)| *line);
    let lines: Vec<&str> = lines.collect();
    let desk = Desk::with(
        commands(lines.iter().copied()),
        "security_autonomy_level = \"autonomous\"\nsecurity_rate_limit_max = 0\n",
    );
    desk.write("a.txt", "one");
    for name in ["x", "ls"] {
        desk.write_program(name, "#!/bin/sh\ntouch made\n");
    }
    fs::create_dir_all(desk.work().join(".git/hooks")).unwrap();
    put(&desk.home().join(".bashrc"), "# mine\n");
    put(&desk.home().join(".ssh/id_ed25519"), "canary-key-9921");
    let before = desk.snapshot();
    let mut talk = desk.talk();
    // A client of a pipe: the person is told, nobody is asked.
    for _ in &lines {
        let (asked, _) = talk.say_and("go", mesoclaw_api::ops::approval::Answer::Deny);
        assert!(asked.len() <= 1);
    }
    for result in talk.results() {
        assert!(!result.ran, "{result:?}");
    }
    assert_eq!(desk.snapshot(), before);
    for request in desk.fixture.server.requests() {
        assert!(!request.body.to_string().contains("canary-key-9921"));
    }
    desk.fixture.assert_no_panic();
}

/// A repository whose own configuration would start a program of it.
fn with_hostile_repository(level: &str, settings: &[(&str, &str)]) -> Desk {
    let lines = ["git status", "git log", "git diff", "git show"];
    let desk = Desk::with(
        commands(lines),
        &format!("security_autonomy_level = \"{level}\"\n"),
    );
    desk.write_program("evil.sh", "#!/bin/sh\ntouch \"$HOME/work/made\" made\n");
    let git = |args: &[&str]| {
        let mut command = desk.fixture.home.command("git");
        let done = command
            .args(["-c", "user.name=a", "-c", "user.email=a@b"])
            .args(args)
            .current_dir(desk.work())
            .output()
            .expect("git runs");
        assert!(done.status.success(), "{args:?}: {done:?}");
    };
    git(&["init", "-q"]);
    desk.write("a.txt", "one\n");
    desk.write(".gitattributes", "*.txt diff=evil filter=evil\n");
    git(&["add", "."]);
    git(&["commit", "-q", "-m", "first"]);
    for (key, value) in settings {
        git(&["config", key, value]);
    }
    desk.write("a.txt", "two\n");
    assert!(!desk.work().join("made").exists(), "not by the test itself");
    desk
}

/// Settings that are switched off for every command.
const SWITCHED_OFF: [(&str, &str); 4] = [
    ("core.fsmonitor", "./evil.sh"),
    ("core.pager", "./evil.sh"),
    ("gpg.program", "./evil.sh"),
    ("log.showSignature", "true"),
];

/// Settings that cannot be switched off from outside.
const STARTING: [(&str, &str); 5] = [
    ("core.hooksPath", "."),
    ("diff.external", "./evil.sh"),
    ("diff.evil.textconv", "./evil.sh"),
    ("diff.evil.command", "./evil.sh"),
    ("filter.evil.clean", "./evil.sh"),
];

#[test]
fn case_10_a_hostile_repository_starts_nothing() {
    // Where looking is of low risk, a repository that starts programs is not: it would ask.
    let all = [&SWITCHED_OFF[..], &STARTING[..]].concat();
    let desk = with_hostile_repository("supervised", &all);
    for _ in 0..4 {
        let ran = desk.run(&["what changed?"]);
        assert_eq!(ran.code, 5, "{ran:?}");
    }
    assert!(!desk.work().join("made").exists());
    // Where code of the project runs, what can be switched off is off.
    let desk = with_hostile_repository("autonomous", &SWITCHED_OFF);
    for _ in 0..4 {
        let ran = desk.run(&["what changed?"]);
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    assert!(!desk.work().join("made").exists());
    let given = desk.given();
    assert!(given.iter().any(|text| text.contains("a.txt")), "{given:?}");
}

#[test]
fn case_19_a_program_of_the_workspace_is_not_the_systems() {
    let desk = Desk::new(commands(["ls", "ls"]));
    desk.write("a.txt", "one");
    for place in [desk.work().join("ls"), desk.home().join("bin/ls")] {
        put(&place, "#!/bin/sh\ntouch \"$HOME/work/made\" made\n");
        fs::set_permissions(&place, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let mut talk = desk.talk();
    talk.say_unasked("go");
    let result = talk.last_result();
    assert!(result.output.contains("a.txt"), "{result:?}");
    assert!(!desk.work().join("made").exists());
    // It is pinned to what was found in a trusted directory.
    let mut wire = desk.fixture.wire();
    let judged = judge(&mut wire, &desk, "ls", "supervised");
    let program = judged.steps[0].program.clone().unwrap();
    assert!(
        program.starts_with("/usr/bin/") || program.starts_with("/bin/"),
        "{program}"
    );
}

#[test]
fn case_21_a_line_without_end_or_bottom_is_refused() {
    let desk = Desk::new(Script::text("Fine."));
    let mut wire = desk.fixture.wire();
    let long = format!("echo {}", "x".repeat(1 << 20));
    let deep = format!("{}ls{}", "(".repeat(5000), ")".repeat(5000));
    let nested = format!("{}ls{}", "$(".repeat(3000), ")".repeat(3000));
    let braces = format!("{}ls;{}", "{ ".repeat(3000), "}; ".repeat(3000));
    let quotes = format!("{}ls", "sh -c ".repeat(2000));
    for line in [long, deep, nested, braces, quotes] {
        for level in ["supervised", "autonomous"] {
            let judged = judge(&mut wire, &desk, &line, level);
            assert_ne!(judged.verdict, VerdictWord::Allow, "{}", &line[..40]);
        }
    }
    desk.fixture.assert_no_panic();
}

#[test]
fn case_25_floods_waits_and_forks_are_bounded() {
    let lines = [
        "head -c 200000000 /dev/zero | tr '\\0' x",
        "cat",
        "bash ./forks.sh",
    ];
    let desk = Desk::with(
        commands(lines),
        "security_autonomy_level = \"autonomous\"\ntool_shell_timeout_secs = 5\n",
    );
    desk.write(
        "forks.sh",
        "for i in 1 2 3 4 5 6 7 8 9; do (sleep 98764.5; :) & done\necho started\n",
    );
    let mut talk = desk.talk();
    for _ in lines {
        talk.say_and("go", mesoclaw_api::ops::approval::Answer::Approve);
    }
    let results = talk.results();
    assert!(
        results[0].output.len() < 100_000,
        "{}",
        results[0].output.len()
    );
    // Stdin is closed: `cat` ends at once.
    assert!(
        results[1].success && !results[1].output.contains("time"),
        "{results:?}"
    );
    assert!(results[2].output.contains("started"), "{results:?}");
    assert!(desk.fixture.daemon.rss_bytes() < 400 << 20);
    desk.fixture.assert_no_panic();
}

#[test]
fn case_26_a_tool_run_by_itself_is_judged_and_written_down_alike() {
    let desk = Desk::new(commands(["touch a"]));
    let mut wire = desk.fixture.wire();
    let id = wire.request(
        "tool.execute",
        &json!({"name": "shell", "args": {"command": "sudo id"},
                "workspace": desk.work()}),
    );
    let refused = wire.answer_to(id).unwrap().unwrap_err();
    assert_eq!(
        refused.code,
        mesoclaw_api::ErrorCode::PolicyDenied,
        "{refused:?}"
    );
    let ran = desk.run(&["tool", "run", "shell", "touch a"]);
    assert_eq!(ran.code, 5, "{ran:?}");
    let ran = desk.run(&["go"]);
    assert_eq!(ran.code, 5, "{ran:?}");
    let entries = desk.json(&["audit", "list", "--kind", "decision"]);
    let rules: Vec<(&str, &str)> = entries
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            (
                entry["outcome"].as_str().unwrap(),
                entry["rule"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(rules.len(), 3, "{entries:#}");
    assert_eq!(rules[0], ("deny", "program.forbidden"));
    assert_eq!(rules[1], rules[2], "the same call, judged alike");
}
