//! Statements about what the table of programs must not let through: options that mean something
//! else than they seem to, files that nobody names, and what a call changes under another name.

use crate::imagined_disk::{class, decided, facts, shell};
use mesoclaw_agent::policy::{
    Autonomy, FileIdentity, Pattern, RepositoryFact, Situation, Verdict, decide, git_config_runs,
    would_cover,
};
use mesoclaw_api::{Surface, Timestamp};

/// Each line of a table: a command and its class.
fn check(cases: &[(&str, &str)]) {
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|(line, expected)| {
            let found = class(&shell(line));
            let verdict = || decided(&shell(line), Autonomy::Supervised, None, &[]).verdict;
            (found != *expected).then(|| {
                format!(
                    "{line}: expected {expected}, found {found}: {:?}",
                    verdict()
                )
            })
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn honest_looking_asks_nobody() {
    for line in [
        "ls",
        "ls -la",
        "cat README.md",
        "rg foo",
        "rg -n foo src",
        "rg foo -g '*.rs'",
        "rg -g '!target' -g 'src/**/*.{rs,toml}' foo",
        "grep -n foo src/main.rs",
        "grep -rn foo src",
        "grep -e /api/new src/main.rs",
        "git status",
        "git log --oneline",
        "git log --oneline --since=2024-01-01 -n 5",
        "git log --since '2 weeks ago' --format='%h %s'",
        "git show HEAD:src/main.rs",
        "git blame -L 1,20 src/main.rs",
        "git grep -n foo",
        "git rev-parse --abbrev-ref HEAD",
        "find . -name '*.rs'",
        "fd main",
        "head -50 a.txt",
        "head -n 5 a.txt",
        "wc -l src/*.rs",
        "sed -n 1,20p a.txt",
        "jq .name package.json",
        "jq '.imports, .important' package.json",
        "cut -d / -f 2 a.txt",
        "cut -d . -f 2 a.txt",
        "sort -t , -k 2 a.txt",
        "column -t -s , a.txt",
        "paste -sd, a.txt",
        "xxd -l 16 a.txt",
        "xxd -c16 a.txt",
        "od -A x -t x1z a.txt",
        "basename src/main.rs .rs",
        "tree -L 2",
        "du -sh .",
        "diff -u a.txt b.txt",
        "bash --version",
    ] {
        for autonomy in [Autonomy::Supervised, Autonomy::Strict] {
            let decision = decided(&shell(line), autonomy, None, &[]);
            assert!(
                matches!(decision.verdict, Verdict::Allow { .. }),
                "{line} {autonomy}: {:?}",
                decision.verdict
            );
            assert!(decision.looks_only(), "{line}");
        }
    }
}

#[test]
fn what_changes_something_does_not_only_look() {
    for line in [
        "touch x",
        "ls > x",
        "make",
        "cargo --version",
        "rm x",
        "git add x",
    ] {
        let decision = decided(&shell(line), Autonomy::Autonomous, None, &[]);
        assert!(!decision.looks_only(), "{line}");
    }
}

#[test]
fn options_that_are_words_do_not_swallow_what_follows() {
    check(&[
        ("xxd -ps .env", "high"),
        ("printf x | xxd -r -ps - .git/config", "high"),
        ("printf x | xxd -r -p - Makefile", "medium"),
        ("printf x | xxd -rp - Makefile", "high"),
        ("xxd -pso .env", "high"),
    ]);
}

#[test]
fn values_of_options_are_files_where_they_could_be() {
    check(&[
        ("column -t .env", "high"),
        ("column -td .env", "high"),
        ("column -t ~/.ssh/id_rsa", "high"),
        ("column -t /etc/x", "medium"),
        ("fmt -t .env", "high"),
        ("od -w .env", "high"),
        ("od -e .env", "high"),
        ("strings -w .env", "high"),
        ("nl -p .env", "high"),
        ("rev -s .env", "high"),
        ("cmp -b .env a.txt", "high"),
        ("df -m .env", "high"),
        ("git blame -n .env", "high"),
        ("git log --pretty .env", "high"),
        ("git show HEAD:.env", "high"),
        ("git rev-list --max-count .env HEAD", "high"),
        // Not misjudged, but judged all the same: another make may not take the value.
        ("sort -k .env a.txt", "high"),
        ("head -n /etc/x a.txt", "medium"),
        ("tail -c ~/.netrc a.txt", "high"),
        ("who /etc/shadow", "high"),
        ("git var -l", "high"),
        ("mocha --reporter /tmp/evil.js", "high"),
    ]);
}

#[test]
fn variables_that_switch_things_off_stay() {
    check(&[
        ("env -i git status", "high"),
        ("env -u GIT_CONFIG_COUNT git status", "high"),
        ("env --unset=GIT_CONFIG_COUNT git status", "high"),
        ("env - git status", "high"),
        ("env --ignore-environment git status", "high"),
        ("exec -c git status", "high"),
        ("unset GIT_CONFIG_COUNT; git status", "high"),
        ("env GIT_CONFIG_COUNT=0 git status", "high"),
        ("env git status", "low"),
    ]);
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
    for key in [
        "fsmonitor",
        "pager",
        "editor",
        "attributesFile",
        "hooksPath",
    ] {
        let mut facts = facts(&inquiry);
        let runs = git_config_runs(&format!("[core]\n\t{key} = ./x\n"));
        facts.repository = Some(RepositoryFact { runs });
        let verdict = decide(&inquiry, &facts, &situation).verdict;
        assert!(matches!(verdict, Verdict::Ask { .. }), "{key}");
    }
}

#[test]
fn formats_that_set_variables_ask() {
    check(&[
        ("printf 'x%n' PATH; ls", "high"),
        ("printf 'xx%5n' HOME; cat ~/f", "high"),
        ("printf 'x%*n' 3 PATH", "high"),
        ("printf 'x%ln' PATH", "high"),
        ("printf -- 'x%n' PATH", "high"),
        ("printf '%%%n' PATH", "high"),
        ("command printf 'x%n' PATH", "high"),
        ("builtin printf 'x%n' PATH", "high"),
        ("printf x* PATH", "high"),
        ("printf '%s\\n' a b", "low"),
        ("printf '%-5s|%05.2f 100%%\\n' a 1", "low"),
        ("printf -- '-n'", "low"),
        ("printf '100%%n'", "low"),
        ("printf hello", "low"),
    ]);
}

#[test]
fn filters_of_jq_that_read_files_ask() {
    check(&[
        (
            "jq -n 'import \"config\" as $c {search:\"/home/ada/.docker\"}; $c'",
            "high",
        ),
        ("jq -n 'import\"x\" as $c; 1'", "high"),
        ("jq -n 'include \"x\"; 1'", "high"),
        ("jq '\"x\" | modulemeta' a.txt", "high"),
        ("jq -f .env a.txt", "high"),
        ("jq -f /etc/x a.txt", "high"),
    ]);
}

#[test]
fn backups_of_sed_are_written_files() {
    check(&[
        ("sed '-i.git/hooks/*' '' evil/hook", "high"),
        ("sed '-i/root/.config/autostart/*' s/a/b/ evil/hook", "high"),
        ("sed '--in-place=x/*' s/a/b/ a.txt", "high"),
        ("sed -irc s/a/b/ .env", "high"),
        ("sed -irc s/a/b/ '*.txt'", "medium"),
        ("sed -irc s/a/b/ *.txt", "high"),
        ("sed -i.bak s/a/b/ *.txt", "medium"),
        ("sed -i.bak s/a/b/ a.txt", "medium"),
        ("sed -i s/a/b/ a.txt", "medium"),
    ]);
}

#[test]
fn copies_are_judged_by_every_name_they_create() {
    check(&[
        ("cp evil/plain.txt .", "medium"),
        ("cp evil/start/* .", "high"),
        ("cp evil/start/*.py src", "high"),
        ("cp evil/start/sitecustomize.py src", "high"),
        ("cp evil/*.txt docs", "medium"),
        ("cp evil/hook docs", "high"),
        ("cp evil/ho* docs", "high"),
        ("cp evil/many* docs", "medium"),
        ("cp many* docs", "high"),
        ("cp a.txt do*", "high"),
        (
            "mkdir -p newdir && cp evil/start/sitecustomize.py newdir",
            "high",
        ),
        ("cd evil && cp hook ../docs", "high"),
        ("cp a.txt b.txt", "medium"),
    ]);
}

#[test]
fn unpacking_in_place_is_judged_by_the_name_that_comes_out() {
    for program in ["gunzip", "gzip -d", "xz -d", "unxz", "zstd -d", "bunzip2"] {
        for (file, expected) in [
            (".envrc.gz", "high"),
            ("sitecustomize.py.gz", "high"),
            ("src/sitecustomize.py-gz", "high"),
            ("*.gz", "high"),
            ("notes.txt.gz", "medium"),
        ] {
            check(&[(&format!("{program} {file}"), expected)]);
        }
    }
}

#[test]
fn directories_that_are_entered_are_judged_like_named_ones() {
    check(&[
        ("cd / && grep -r PRIVATE", "high"),
        ("cd ~ && rg -uuu PRIVATE", "high"),
        ("cd / && rg x", "high"),
        ("cd ~/.ssh && ls", "high"),
        ("cd /tmp/evil && make", "high"),
        ("cd /tmp/evil && cargo test", "high"),
        ("cd /tmp/evil && npm test", "high"),
        ("cd /tmp/evil && git status", "high"),
        ("cd /tmp/evil && git commit -am x", "high"),
        ("cd /tmp/evil && cargo --version", "high"),
        ("cd /tmp/evil; python3 -m pytest", "high"),
        ("cd /usr && ls", "medium"),
        ("cd src && make", "medium"),
        ("cd src && rg x", "low"),
        ("just ../evil/", "high"),
    ]);
}

#[test]
fn code_of_the_project_does_not_get_what_another_program_lists() {
    check(&[
        ("ls ~ ; make", "high"),
        ("ls /usr && cargo test", "high"),
        ("find /etc -name x; npm test", "high"),
        ("ls ~", "medium"),
        ("cat /etc/hosts; make", "medium"),
        ("ls src; make", "medium"),
    ]);
}

#[test]
fn cleaning_elsewhere_asks() {
    check(&[
        ("cargo clean", "medium"),
        ("cargo clean -p mesoclaw", "medium"),
        ("cargo clean --target-dir .", "high"),
        ("cargo clean --target-dir src", "high"),
        ("cargo clean --target-dir=src", "high"),
    ]);
}

#[test]
fn a_question_that_the_project_answers_is_not_low() {
    for program in [
        "cargo", "rustc", "yarn", "npm", "pnpm", "npx", "mvn", "gradle", "go", "make", "pytest",
        "poetry", "eslint",
    ] {
        check(&[
            (&format!("{program} --version"), "medium"),
            (&format!("{program} --help"), "medium"),
        ]);
    }
    check(&[
        ("cargo version", "medium"),
        ("cargo -V", "medium"),
        ("cargo --list", "medium"),
        ("cargo pkgid", "medium"),
        ("cargo locate-project", "medium"),
        ("go version", "medium"),
        ("rustup show", "medium"),
        ("ls --version", "low"),
        ("git --version", "low"),
        ("sudo --version", "deny"),
    ]);
}

#[test]
fn reading_everything_below_is_reading_the_secrets_there() {
    check(&[
        ("grep -r SECRET .", "high"),
        ("grep -r SECRET", "high"),
        ("grep -R SECRET .", "high"),
        ("grep -d recurse SECRET .", "high"),
        ("grep --directories=recurse SECRET .", "high"),
        ("grep -rn '' .", "high"),
        ("rg --hidden SECRET", "high"),
        ("rg -uu SECRET .", "high"),
        ("rg -. SECRET", "high"),
        ("rg -g .env ''", "high"),
        ("rg -g '*' ''", "high"),
        ("rg --ignore-file a.txt x", "high"),
        ("diff -r . src", "high"),
        ("zip -r out.zip .", "high"),
        ("tar cf out.tar .", "high"),
        ("grep -r x target", "medium"),
        ("grep -r x src", "low"),
        ("rg x", "low"),
        ("rg x .", "low"),
        ("fd x", "low"),
        ("zip -r out.zip src", "medium"),
    ]);
}

#[test]
fn a_listed_directory_is_not_opened() {
    let decision = |line: &str| decided(&shell(line), Autonomy::Supervised, None, &[]);
    let (list, both) = (decision("ls ~"), decision("ls ~; python3 -c 1"));
    let home = vec![std::path::PathBuf::from("/home/ada")];
    for decision in [list, both] {
        assert_eq!((decision.lists, decision.reads), (home.clone(), Vec::new()));
    }
    let read = decision("cat /etc/hosts");
    assert_eq!(
        (read.lists, read.reads),
        (Vec::new(), vec!["/etc/hosts".into()])
    );
}

#[test]
fn what_is_only_opened_is_told_from_what_is_renamed() {
    let file = std::path::PathBuf::from("/home/ada/other/new.txt");
    for (line, is_opened) in [
        ("python3 gen.py > ~/other/new.txt", true),
        ("echo a | tee ~/other/new.txt", true),
        ("touch ~/other/new.txt", true),
        ("mv a.txt ~/other/new.txt", false),
        ("rm ~/other/new.txt", false),
        ("echo a > ~/other/new.txt; rm ~/other/new.txt", false),
    ] {
        let decision = decided(&shell(line), Autonomy::Supervised, None, &[]);
        assert!(decision.writes.contains(&file), "{line}");
        assert_eq!(decision.opened.contains(&file), is_opened, "{line}");
    }
}

#[test]
fn no_grant_covers_a_program_that_can_be_changed() {
    for line in ["./run.sh", "/tmp/meso-s1/x a"] {
        let decision = decided(&shell(line), Autonomy::Supervised, None, &[]);
        assert_eq!(decision.patterns, Vec::<String>::new(), "{line}");
    }
    let inquiry = shell("./run.sh a");
    let pattern = Pattern::parse("shell", "./run.sh *").unwrap();
    let coverage = would_cover(&pattern, &inquiry, &facts(&inquiry));
    assert_eq!(
        (coverage.covers, coverage.reason.as_deref()),
        (
            false,
            Some("`./run.sh a`: its program can be changed by what it grants")
        )
    );
}

#[test]
fn a_script_that_changes_is_another_call() {
    let now = Timestamp::from_unix_ms(1_000);
    let digest = |line: &str, inode: u64| {
        let inquiry = shell(line);
        let mut facts = facts(&inquiry);
        for fact in facts.paths.values_mut() {
            fact.identity = Some(FileIdentity {
                inode,
                ..FileIdentity::default()
            });
        }
        let situation = Situation {
            autonomy: Autonomy::Supervised,
            surface: Surface::Tui,
            taint: None,
            grants: &[],
            session_id: None,
            now: &now,
        };
        decide(&inquiry, &facts, &situation).digest
    };
    for (line, is_bound) in [
        ("python3 x.py", true),
        ("python3 -- x.py", true),
        ("bash deploy.sh", true),
        ("bash < deploy.sh", true),
        ("cat deploy.sh | bash", true),
        ("node --require=./x.js y.js", true),
        ("env python3 x.py", true),
        ("perl x.pl", true),
        ("awk -f x.awk a.txt", true),
        ("awk -fx.awk a.txt", true),
        ("sed -f x.sed a.txt", true),
        ("jq -f x.jq a.txt", true),
        ("make -f x.mk", true),
        ("cat a.txt", false),
        ("pytest tests/test_a.py", false),
        ("rm a.txt", false),
    ] {
        assert_eq!(digest(line, 1) != digest(line, 2), is_bound, "{line}");
    }
}

#[test]
fn files_for_an_interpreter_are_judged_as_files() {
    check(&[
        ("python3 x.py", "high"),
        ("python3 new.py .env", "high"),
        ("awk '{print $1}' /proc/cpuinfo", "high"),
        ("python3 link-out/x.py", "deny"),
    ]);
    let decision = |line: &str| decided(&shell(line), Autonomy::Supervised, None, &[]);
    assert_eq!(
        decision("python3 new.py .env").patterns,
        Vec::<String>::new(),
        "secrets ask every time"
    );
    assert!(
        decision("python3 ~/x.py")
            .reads
            .contains(&"/home/ada/x.py".into())
    );
}
