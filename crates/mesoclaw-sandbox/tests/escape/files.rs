//! Reading and writing outside.

use std::fs;
use std::os::unix::fs::symlink;

use mesoclaw_sandbox::{Level, RunOptions, SandboxError, Status};

use super::place::{ENFORCED, EVERY, Place, outcome, run, sandbox};

pub async fn hidden_files_cannot_be_read() {
    let place = Place::new();
    let home = place.home.display();
    symlink("../.ssh/id_ed25519", place.workspace.join("link")).expect("a link");
    for attempt in [
        format!("cat {home}/.ssh/id_ed25519"),
        "cat ~/.ssh/id_ed25519".to_owned(),
        "cat ../.ssh/id_ed25519".to_owned(),
        "cat link".to_owned(),
        format!("cat /proc/self/root{home}/notes.txt"),
        "cat /proc/self/cwd/../notes.txt".to_owned(),
        "cat ~/.cargo/credentials.toml".to_owned(),
        "cat ~/.local/share/app/data".to_owned(),
        "ls ~".to_owned(),
        "ls ~/.ssh".to_owned(),
        "ls /tmp".to_owned(),
        "cd ~/.ssh && cat id_ed25519".to_owned(),
        "ln ~/notes.txt copy && cat copy".to_owned(),
        "mv ~/notes.txt copy && cat copy".to_owned(),
        "cp ~/notes.txt copy; cat copy".to_owned(),
        "ls /dev/shm".to_owned(),
    ] {
        for level in ENFORCED {
            let finished = place.run(level, &attempt).await;
            let (status, stdout, stderr) = outcome(&finished);
            assert_ne!(status, Status::Exited(0), "{attempt}");
            assert_eq!(stdout, "", "{attempt}: {stderr}");
        }
    }
    let finished = place.run(Level::Off, "cat ~/.ssh/id_ed25519").await;
    assert_eq!(
        outcome(&finished),
        (
            Status::Exited(0),
            "the private key".to_owned(),
            String::new()
        )
    );
}

pub async fn nothing_outside_can_be_written() {
    let place = Place::new();
    let before = fs::read_to_string(place.home.join("notes.txt")).expect("notes");
    for attempt in [
        "echo x > ~/.bashrc",
        "echo x >> ~/notes.txt",
        "truncate -s 0 ~/notes.txt",
        "rm ~/notes.txt",
        "rm -r ~/.ssh",
        "mkdir ~/new",
        "mv main.rs ~/main.rs",
        "ln main.rs ~/main.rs",
        "ln -s /etc/passwd ~/link",
        "mkfifo ~/fifo",
        "echo x > ~/.cargo/bin/tool",
        "echo x > /etc/mesoclaw-test",
        "echo x > /usr/mesoclaw-test",
        "echo x > /tmp/mesoclaw-test",
        "echo x > /dev/shm/mesoclaw-test",
        "echo 0 > /proc/sys/kernel/printk",
        "mknod null c 1 3",
    ] {
        for level in ENFORCED {
            let finished = place.run(level, attempt).await;
            assert_ne!(finished.status, Status::Exited(0), "{attempt}");
        }
    }
    let after = fs::read_to_string(place.home.join("notes.txt")).expect("notes");
    assert_eq!(before, after);
    let mut names: Vec<_> = fs::read_dir(&place.home)
        .expect("home")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    names.sort();
    assert_eq!(names, [".cargo", ".local", ".ssh", "notes.txt", "project"]);
}

pub async fn granted_files_can_be_used() {
    let place = Place::new();
    let line = "set -e; echo hi > new; mkdir dir; mv new dir/new; cat dir/new; rm -r dir; \
                printf '#!/bin/sh\\necho runs\\n' > run; chmod +x run; ./run; rm run; \
                ~/.cargo/bin/tool; echo x > $TMPDIR/x; cat <<< here; cat <(echo there); \
                echo gone > /dev/null; echo err > /dev/stderr; test -n \"$(ls /proc/self/fd)\"; \
                head -c 1 /dev/urandom > /dev/null; nproc > /dev/null; ls /etc > /dev/null";
    for level in EVERY {
        let finished = place.run(level, line).await;
        assert_eq!(
            outcome(&finished),
            (
                Status::Exited(0),
                "hi\nruns\ntool runs\nhere\nthere\n".to_owned(),
                "err\n".to_owned()
            ),
            "{level}"
        );
    }
    // The private directory is gone.
    let finished = place.run(Level::BestEffort, "printf %s $TMPDIR").await;
    assert!(!std::path::Path::new(&finished.stdout.text()).exists());
}

pub async fn links_in_granted_paths_are_refused() {
    let place = Place::new();
    symlink("../.ssh", place.workspace.join("out")).expect("a link");
    for level in ENFORCED {
        let mut spec = place.bash("cat out/id_ed25519");
        spec.write.push(place.workspace.join("out"));
        let never = std::future::pending();
        let sandbox = sandbox(level);
        let run = sandbox.run(spec, RunOptions::default(), never, |_, _| {});
        let error = run.await.expect_err("the link is refused");
        assert!(matches!(error, SandboxError::Grant { .. }), "{error}");
    }
}

pub async fn other_processes_keep_their_secrets() {
    let place = Place::new();
    let pid = std::process::id();
    for file in [
        "environ",
        "mem",
        "maps",
        "fd/0",
        "cwd/main.rs",
        "root/etc/passwd",
        "auxv",
    ] {
        for level in ENFORCED {
            for process in [pid.to_string(), "$PPID".to_owned()] {
                let line = format!("cat /proc/{process}/{file}");
                let finished = place.run(level, &line).await;
                let (status, stdout, _) = outcome(&finished);
                assert_ne!(status, Status::Exited(0), "{line}");
                assert_eq!(stdout, "", "{line}");
            }
        }
    }
}

pub async fn the_system_can_be_used_but_not_its_secrets() {
    let place = Place::new();
    for level in ENFORCED {
        let finished = place
            .run(level, "cat /etc/passwd /etc/hosts > /dev/null")
            .await;
        assert_eq!(finished.status, Status::Exited(0), "{level}");
        for secret in [
            "/etc/shadow",
            "/etc/gshadow",
            "/proc/kcore",
            "/proc/1/environ",
        ] {
            let finished = run(level, place.spec("/usr/bin/head", &["-c1", secret])).await;
            let (status, stdout, _) = outcome(&finished);
            assert_ne!(status, Status::Exited(0), "{secret}");
            assert_eq!(stdout, "", "{secret}");
        }
    }
}

pub async fn a_listed_directory_shows_names_only() {
    let place = Place::new();
    for (line, works) in [
        ("ls ~", true),
        ("ls ~/.ssh", true),
        ("cat ~/notes.txt", false),
        ("cat ~/.ssh/id_ed25519", false),
        ("touch ~/new", false),
    ] {
        for level in ENFORCED {
            let mut spec = place.bash(line);
            spec.list = vec![place.home.clone(), place.home.join("notes.txt")];
            let (status, _, stderr) = outcome(&run(level, spec).await);
            assert_eq!(status == Status::Exited(0), works, "{line}: {stderr}");
        }
    }
}
