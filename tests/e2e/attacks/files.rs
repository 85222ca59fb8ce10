//! Attacks through paths and files.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::sync::atomic::{AtomicBool, Ordering};

use mesoclaw_api::ApiResult;
use mesoclaw_api::ops::approval::{Answer, ApprovalScope, ResolveParams};
use mesoclaw_api::ops::tool::{ExecuteParams, ToolExecute, ToolRun};
use mesoclaw_testkit::model_server::Script;
use serde_json::{Value, json};

use crate::desk::{Desk, answer_to, calls, put};
use crate::rpc::Wire;

const SECRET: &str = "outside-secret-4471";

fn desk() -> Desk {
    let desk = Desk::with(
        Script::text("Fine."),
        "security_autonomy_level = \"autonomous\"\nsecurity_rate_limit_max = 0\n",
    );
    put(&desk.home().join("outside.txt"), SECRET);
    put(&desk.home().join(".bashrc"), "# mine\n");
    put(&desk.home().join(".ssh/id_ed25519"), SECRET);
    desk.write("a.txt", "inside");
    desk
}

/// A client where nobody can be asked.
fn pipe(desk: &Desk) -> Wire {
    let mut wire = Wire::connect(&desk.fixture.socket());
    let mut params = crate::rpc::hello(None);
    params["surface"] = "pipe".into();
    let id = wire.request("daemon.hello", &params);
    wire.answer_to(id).unwrap().unwrap();
    wire
}

fn run(wire: &mut Wire, desk: &Desk, name: &str, args: &Value) -> ApiResult<ToolRun> {
    wire.call::<ToolExecute>(ExecuteParams {
        name: name.to_owned(),
        args: args.clone(),
        call_id: None,
        session_id: None,
        workspace: Some(desk.work().display().to_string()),
    })
}

/// Whether a call was refused or failed; its text may not hold the secret.
fn is_refused(wire: &mut Wire, desk: &Desk, name: &str, args: &Value) -> bool {
    match run(wire, desk, name, args) {
        Ok(run) => {
            assert!(!run.output.contains(SECRET), "{name} {args}: {run:?}");
            !run.success
        }
        Err(error) => {
            assert!(!error.message.contains(SECRET), "{name} {args}: {error:?}");
            true
        }
    }
}

#[test]
fn case_27_no_spelling_of_a_path_leaves_the_workspace() {
    let desk = desk();
    let home = desk.home().display().to_string();
    let before = desk.snapshot();
    let mut wire = pipe(&desk);
    let paths = [
        "../written.txt".to_owned(),
        "a/../../written.txt".to_owned(),
        "./..//./written.txt".to_owned(),
        format!("{home}/written.txt"),
        format!("/{home}/written.txt"),
        "~/written.txt".to_owned(),
        "sub/../../written.txt".to_owned(),
    ];
    for path in &paths {
        let args = json!({"path": path, "content": "x"});
        assert!(is_refused(&mut wire, &desk, "file_write", &args), "{path}");
    }
    for path in [
        "C:\\x",
        "\\\\server\\x",
        "\\\\?\\C:\\x",
        "a.txt:stream",
        "CON",
        "b.txt.",
        "b.txt ",
    ] {
        let args = json!({"path": path, "content": "x"});
        assert!(is_refused(&mut wire, &desk, "file_write", &args), "{path}");
    }
    assert_eq!(desk.snapshot(), before);
    for path in [
        "../.ssh/id_ed25519",
        "~/.ssh/id_ed25519",
        "/etc/shadow",
        "../.ssh/./id_ed25519",
    ] {
        assert!(
            is_refused(&mut wire, &desk, "file_read", &json!({"path": path})),
            "{path}"
        );
    }
    let args =
        json!({"file_path": "../outside.txt", "diff": "--- a\n+++ b\n@@ -1 +1 @@\n-x\n+y\n"});
    assert!(is_refused(&mut wire, &desk, "patch", &args));
}

#[test]
fn case_28_links_are_not_followed_out() {
    let desk = desk();
    let work = desk.work();
    symlink(desk.home().join("outside.txt"), work.join("link.txt")).unwrap();
    symlink(desk.home().join("not-there.txt"), work.join("dangling.txt")).unwrap();
    symlink(desk.home(), work.join("up")).unwrap();
    fs::hard_link(desk.home().join(".bashrc"), work.join("hard.txt")).unwrap();
    let before = desk.snapshot();
    let mut wire = pipe(&desk);
    for path in [
        "link.txt",
        "dangling.txt",
        "up/outside.txt",
        "up/new.txt",
        "hard.txt",
    ] {
        let args = json!({"path": path, "content": "x"});
        assert!(
            is_refused(&mut wire, &desk, "file_write", &args),
            "write {path}"
        );
    }
    for path in ["link.txt", "up/outside.txt", "up/.ssh/id_ed25519"] {
        assert!(
            is_refused(&mut wire, &desk, "file_read", &json!({"path": path})),
            "read {path}"
        );
        let command = format!("cat {path}");
        let args = json!({"command": command});
        assert!(is_refused(&mut wire, &desk, "shell", &args), "{command}");
    }
    for (tool, args) in [
        ("file_list", json!({"path": "up", "recursive": true})),
        (
            "file_search",
            json!({"pattern": "id_ed", "directory": "up"}),
        ),
        ("content_search", json!({"pattern": "secret", "path": "up"})),
        (
            "edit",
            json!({"path": "hard.txt", "old": "mine", "new": "yours",
                        "old_text": "mine", "new_text": "yours"}),
        ),
    ] {
        assert!(is_refused(&mut wire, &desk, tool, &args), "{tool} {args}");
    }
    // Nor does a recursive look walk through them.
    let run = run(
        &mut wire,
        &desk,
        "content_search",
        &json!({"pattern": "outside-secret"}),
    );
    assert!(!run.unwrap().output.contains(SECRET));
    assert_eq!(desk.snapshot(), before);
}

#[test]
fn case_29_a_swap_between_look_and_write_writes_nothing_outside() {
    let desk = desk();
    let outside = desk.home().join("out");
    fs::create_dir(&outside).unwrap();
    let (inside, aside, sub) = (
        desk.work().join("inside"),
        desk.work().join("aside"),
        desk.work().join("sub"),
    );
    fs::create_dir(&inside).unwrap();
    symlink(&outside, &aside).unwrap();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                // Now a directory, now a link that leads out.
                for way in [&inside, &aside] {
                    // A write may have made the directory that was missing for a moment.
                    while fs::rename(way, &sub).is_err() {
                        fs::remove_dir_all(&sub).ok();
                    }
                    std::thread::yield_now();
                    fs::rename(&sub, way).unwrap();
                }
            }
        });
        let mut wire = pipe(&desk);
        let mut written = 0;
        for n in 0..200 {
            let args = json!({"path": format!("sub/{n}.txt"), "content": "x"});
            written += usize::from(!is_refused(&mut wire, &desk, "file_write", &args));
        }
        is_over.store(true, Ordering::Relaxed);
        println!("{written} of 200 writes went to the directory inside");
    });
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    desk.fixture.assert_no_panic();
}

#[test]
fn case_30_special_files_are_refused_and_large_ones_bounded() {
    let desk = desk();
    let mut wire = pipe(&desk);
    let work = desk.work();
    let made = std::process::Command::new("mkfifo")
        .arg(work.join("fifo"))
        .status();
    assert!(made.unwrap().success());
    let _listener = UnixListener::bind(work.join("socket")).unwrap();
    let sparse = fs::File::create(work.join("sparse")).unwrap();
    sparse.set_len(1 << 40).unwrap();
    let pid = desk.fixture.daemon.pid();
    for path in [
        "fifo".to_owned(),
        "socket".to_owned(),
        "/dev/zero".to_owned(),
        "/dev/stdin".to_owned(),
        "/proc/self/environ".to_owned(),
        "/proc/self/mem".to_owned(),
        format!("/proc/{pid}/environ"),
        format!("/proc/{pid}/mem"),
    ] {
        assert!(
            is_refused(&mut wire, &desk, "file_read", &json!({"path": path})),
            "{path}"
        );
        let args = json!({"path": path, "content": "x"});
        assert!(is_refused(&mut wire, &desk, "file_write", &args), "{path}");
    }
    // A refusal or a bounded answer; neither takes long nor fills the memory.
    if let Ok(run) = run(&mut wire, &desk, "file_read", &json!({"path": "sparse"})) {
        assert!(run.output.len() < 1 << 20, "{}", run.output.len());
    }
    run(
        &mut wire,
        &desk,
        "content_search",
        &json!({"pattern": "needle"}),
    )
    .unwrap();
    assert!(desk.fixture.daemon.peak_rss_bytes() < 400 << 20);
}

/// What starts programs, or is ours.
fn protected(desk: &Desk) -> Vec<String> {
    let home = desk.home().display().to_string();
    [
        "m/config.toml",
        "m/data/mesoclaw.db",
        "m/data/keys.json",
        ".bashrc",
        ".profile",
        ".zshenv",
        ".config/fish/config.fish",
        ".config/autostart/x.desktop",
        ".config/systemd/user/x.service",
        ".ssh/authorized_keys",
        ".gnupg/gpg.conf",
        ".gitconfig",
        "work/.git/hooks/pre-commit",
        "work/.git/config",
        "work/.envrc",
        "work/.vscode/tasks.json",
        "work/.npmrc",
        "work/.cargo/config.toml",
    ]
    .into_iter()
    .map(|path| format!("{home}/{path}"))
    .chain(["/etc/cron.d/x".to_owned(), "/etc/profile.d/x.sh".to_owned()])
    .collect()
}

/// Has a person allow calls like this one everywhere.
fn allow_always(desk: &Desk, pattern: &str) {
    let mut talk = desk.talk();
    talk.say("go");
    let approval = talk.asked();
    let params = ResolveParams {
        scope: ApprovalScope::Always,
        patterns: Some(vec![pattern.to_owned()]),
        ..answer_to(&approval, Answer::Approve)
    };
    talk.resolve(params).unwrap();
    talk.finished();
}

#[test]
fn case_32_what_starts_programs_is_never_written_unasked() {
    let write = json!({"path": "a.txt", "content": "x"});
    let tee = json!({"command": "tee a.txt < b.txt"});
    let desk = Desk::with(
        calls([("file_write", write, "Done."), ("shell", tee, "Done.")]),
        "security_rate_limit_max = 0\n",
    );
    desk.write("b.txt", "x");
    put(&desk.home().join(".bashrc"), "# mine\n");
    // Somebody was careless and allowed everything.
    allow_always(&desk, "/**");
    allow_always(&desk, "tee *");
    let mut wire = pipe(&desk);
    for (name, args) in [
        ("file_write", json!({"path": "c.txt", "content": "x"})),
        ("shell", json!({"command": "tee d.txt < b.txt"})),
    ] {
        assert!(
            !is_refused(&mut wire, &desk, name, &args),
            "{name}: the grant counts"
        );
    }
    let before = desk.snapshot();
    for path in protected(&desk) {
        let args = json!({"path": path, "content": "x"});
        assert!(is_refused(&mut wire, &desk, "file_write", &args), "{path}");
        let args = json!({"command": format!("tee {path} < b.txt")});
        assert!(is_refused(&mut wire, &desk, "shell", &args), "{path}");
        let args = json!({"command": format!("cat b.txt > {path}")});
        assert!(is_refused(&mut wire, &desk, "shell", &args), "{path}");
    }
    assert_eq!(desk.snapshot(), before);
}

#[test]
fn case_34_looking_around_ends() {
    let desk = desk();
    symlink(".", desk.work().join("round")).unwrap();
    fs::create_dir(desk.work().join("deep")).unwrap();
    symlink("..", desk.work().join("deep/up")).unwrap();
    for n in 0..5_000 {
        desk.write(&format!("many/{n}.txt"), "");
    }
    let mut wire = pipe(&desk);
    for (tool, args) in [
        ("file_list", json!({"path": ".", "recursive": true})),
        ("file_search", json!({"pattern": "txt"})),
        ("content_search", json!({"pattern": "x"})),
    ] {
        let run = run(&mut wire, &desk, tool, &args).unwrap();
        assert!(run.output.len() <= 70_000, "{tool}: {}", run.output.len());
        assert!(!run.output.contains("round/round"), "{tool}");
    }
}

#[test]
fn case_35_searching_outside_is_judged_like_reading() {
    let desk = desk();
    let mut wire = pipe(&desk);
    for (tool, args) in [
        (
            "file_search",
            json!({"pattern": "id_", "directory": "~/.ssh"}),
        ),
        (
            "content_search",
            json!({"pattern": "secret", "path": "~/.ssh"}),
        ),
        ("file_list", json!({"path": "~/.ssh"})),
    ] {
        assert!(is_refused(&mut wire, &desk, tool, &args), "{tool} {args}");
    }
    // Reading outside runs at this level; what is secret there is left out all the same.
    let found = run(
        &mut wire,
        &desk,
        "content_search",
        &json!({"pattern": "secret", "path": ".."}),
    );
    let leaks = found.is_ok_and(|run| run.output.contains(".ssh"));
    assert!(!leaks);
}
