//! Output, input, descriptors, environment, and errors.

use std::time::Duration;

use mesoclaw_sandbox::{
    Captured, Level, RunOptions, Sandbox, SandboxError, Spec, Status, Stopped, Stream, probe,
};

use super::place::{EVERY, Place, outcome, run, sandbox};

pub async fn a_flood_is_capped_and_ended() {
    let place = Place::new();
    for level in EVERY {
        let options = RunOptions {
            output_cap_bytes: 3000,
            flood_bytes: 1 << 20,
            ..RunOptions::default()
        };
        let mut n_seen = 0;
        let never = std::future::pending();
        let spec = place.spec("/usr/bin/yes", &[]);
        let count = |_, piece: &[u8]| n_seen += piece.len();
        let finished = sandbox(level).run(spec, options, never, count).await;
        let finished = finished.expect("it runs");
        assert_eq!(finished.stopped, Some(Stopped::Flood), "{level}");
        assert_eq!(finished.status, Status::Signalled(9), "{level}");
        let expected = Captured {
            bytes: b"y\n".repeat(1500),
            cut_at: 2000,
            cut_bytes: n_seen as u64 - 3000,
        };
        assert_eq!(finished.stdout, expected, "{level}");
        assert!(n_seen < 4 << 20, "{level}: {n_seen}");
    }
}

pub async fn long_output_is_capped_and_read_to_the_end() {
    let place = Place::new();
    let options = RunOptions {
        output_cap_bytes: 9,
        ..RunOptions::default()
    };
    for level in EVERY {
        let spec = place.bash("printf begin; head -c 1000000 /dev/zero; printf end; printf e >&2");
        let never = std::future::pending();
        let finished = sandbox(level).run(spec, options, never, |_, _| {}).await;
        let finished = finished.expect("it runs");
        let expected = Captured {
            bytes: b"begin\0end".to_vec(),
            cut_at: 6,
            cut_bytes: 999_999,
        };
        assert_eq!(finished.status, Status::Exited(0), "{level}");
        assert_eq!(finished.stdout, expected, "{level}");
        assert_eq!(finished.stderr.text(), "e", "{level}");
    }
}

pub async fn merged_outputs_keep_their_order() {
    let place = Place::new();
    let options = RunOptions {
        merge: true,
        ..RunOptions::default()
    };
    for level in EVERY {
        let spec = place.bash("for i in 1 2 3; do echo out $i; echo err $i >&2; done; exit 3");
        let mut streams = Vec::new();
        let never = std::future::pending();
        let see = |stream, _: &[u8]| streams.push(stream);
        let finished = sandbox(level).run(spec, options, never, see).await;
        let expected = "out 1\nerr 1\nout 2\nerr 2\nout 3\nerr 3\n".to_owned();
        assert_eq!(
            outcome(&finished.expect("it runs")),
            (Status::Exited(3), expected, String::new()),
            "{level}"
        );
        assert!(streams.iter().all(|stream| *stream == Stream::Stdout));
    }
}

pub async fn input_is_at_its_end() {
    let place = Place::new();
    for level in EVERY {
        let finished = place.run(level, "cat; read line || echo closed; tty").await;
        let expected = "closed\nnot a tty\n".to_owned();
        assert_eq!(
            outcome(&finished),
            (Status::Exited(1), expected, String::new()),
            "{level}"
        );
        let finished = place.run(level, ": < /dev/tty").await;
        assert_ne!(finished.status, Status::Exited(0), "{level}");
    }
}

pub async fn no_descriptor_is_inherited() {
    let place = Place::new();
    // A file that an inattentive library of the daemon left open for its children.
    let secret = std::fs::File::open(place.home.join(".ssh/id_ed25519")).expect("a file");
    rustix::io::fcntl_setfd(&secret, rustix::io::FdFlags::empty()).expect("flags");
    for level in EVERY {
        // 3 is the directory that is being listed.
        let finished = run(level, place.spec("/usr/bin/ls", &["/proc/self/fd"])).await;
        assert_eq!(
            outcome(&finished),
            (Status::Exited(0), "0\n1\n2\n3\n".to_owned(), String::new()),
            "{level}"
        );
    }
}

pub async fn the_environment_is_the_given_one() {
    let place = Place::new();
    std::fs::write(place.workspace.join("rc"), "echo taken").expect("a file");
    for level in EVERY {
        let mut spec = place.spec("/usr/bin/env", &[]);
        spec.env = vec![("ONE".to_owned(), "1".to_owned())];
        let finished = run(level, spec).await;
        let text = finished.stdout.text();
        let mut names: Vec<&str> = text
            .lines()
            .filter_map(|line| line.split('=').next())
            .collect();
        names.sort_unstable();
        assert_eq!(names, ["ONE", "TMPDIR"], "{level}");
        // The standard list has neither of these, so a shell takes no file from them.
        let finished = place
            .run(
                level,
                "printf %s \"$LD_PRELOAD$BASH_ENV$ENV$PS4$SHELLOPTS\"",
            )
            .await;
        assert!(!finished.stdout.text().contains("rc"), "{level}");
        let mut spec = place.bash("true");
        spec.env.push(("A=B".to_owned(), String::new()));
        let never = std::future::pending();
        let refused = sandbox(level)
            .run(spec, RunOptions::default(), never, |_, _| {})
            .await;
        assert!(
            matches!(refused, Err(SandboxError::BadEnvironment { .. })),
            "{level}"
        );
    }
}

pub async fn what_cannot_run_says_why() {
    let place = Place::new();
    let check = async |sandbox: Sandbox, spec: Spec, expected: &str| {
        let never = std::future::pending();
        let options = RunOptions {
            time_limit: Some(Duration::from_secs(5)),
            ..RunOptions::default()
        };
        let error = sandbox
            .run(spec, options, never, |_, _| {})
            .await
            .expect_err(expected);
        assert_eq!(error.to_string(), expected);
    };
    for level in EVERY {
        let missing = place.spec("/usr/bin/no-such-program", &[]);
        check(
            sandbox(level),
            missing,
            "could not start /usr/bin/no-such-program",
        )
        .await;
        let relative = place.spec("bash", &[]);
        check(sandbox(level), relative, "bash is not an absolute path").await;
        let no_helper = Sandbox {
            level,
            helper: Some("/usr/bin/true".into()),
        };
        let error = "the sandbox helper gave no answer";
        check(no_helper, place.bash("true"), error).await;
    }
    let bare = Sandbox {
        level: Level::Require,
        helper: None,
    };
    let error = "the sandbox is required and any restriction without a helper program cannot be enforced here";
    check(bare, place.bash("true"), error).await;
}

pub async fn without_a_helper_nothing_is_claimed() {
    let place = Place::new();
    for level in [Level::Off, Level::BestEffort] {
        let bare = Sandbox {
            level,
            helper: None,
        };
        let never = std::future::pending();
        let run = bare.run(
            place.bash("echo $TERM; sleep 1000 &"),
            RunOptions::default(),
            never,
            |_, _| {},
        );
        let finished = run.await.expect("it runs");
        assert_eq!(
            outcome(&finished),
            (Status::Exited(0), "dumb\n".to_owned(), String::new())
        );
        assert!(
            finished
                .enforced
                .rows()
                .iter()
                .all(|(_, state)| !state.is_some())
        );
    }
    // The kernel these tests need.
    assert!(
        probe().rows().iter().all(|(_, state)| state.is_some()),
        "{:?}",
        probe()
    );
}
