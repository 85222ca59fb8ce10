//! What a verdict costs: reading a command of about 200 characters and judging it, with the facts
//! of the disk given; and, for orientation, gathering those facts.

use std::collections::BTreeMap;
use std::fs;
use std::hint::black_box;
use std::path::PathBuf;
use std::time::Instant;

use mesoclaw_agent::policy::{
    Action, Autonomy, CHILD_ENVIRONMENT, Facts, FileIdentity, GlobMatch, Inquiry, PathFact,
    PathKind, PathQuestion, ProgramFact, RepositoryFact, Roots, SandboxFact, Situation, decide,
};
use mesoclaw_api::ops::grant::{Grant, GrantScope};
use mesoclaw_api::{Surface, Timestamp};
use mesoclaw_tools::facts::{child_environment, gather, roots, trusted_dirs, workspace_of};
use serde_json::json;
use tempfile::TempDir;

use crate::row::{Row, us_each};
use crate::run::Setting;

/// Command lines of 190 to 210 characters, as models write them.
pub(crate) const LINES: [(&str, &str); 5] = [
    (
        "tests, filtered",
        "cargo test --workspace --quiet -- --nocapture 2>&1 | grep -E 'error|panicked|test result' \
         | sort | uniq -c | sort -rn | head -n 20 && git status --short | wc -l; ls -la src docs \
         | tail -n 15",
    ),
    (
        "find and xargs",
        "find . -name '*.rs' -not -path './target/*' -print0 | xargs -0 grep -n 'TODO' | cut -d: -f1 \
         | sort | uniq -c | sort -rn | awk '{print $2, $1}' | head -n 40 > todo.txt; wc -l < todo.txt \
         ; cat todo.txt",
    ),
    (
        "a loop with globs",
        "for f in src/*.rs; do sed -n '1,20p' \"$f\" | grep -q '^//!' || echo \"$f has no header\"; \
         done | sort | tee missing.txt | wc -l; git diff --stat HEAD~3 -- src docs | tail -n 1; rm -f \
         missing.txt",
    ),
    (
        "much quoting",
        "cat Cargo.toml | gr''ep -A3 \"\\[dependencies\\]\" | sed 's/version = \"\\([0-9.]*\\)\"/\\1/' \
         | tr -d ' \\t' | paste -sd, - | fold -w 80 | nl -ba | tee deps.txt; git log --oneline -n 5 \
         -- Cargo.toml",
    ),
    (
        "wrappers and a download",
        "timeout 60 env RUST_LOG=debug nice -n 5 bash -c 'cargo build --release && cp target/release/\
         app /usr/local/bin' || curl -fsSL https://example.org/install.sh | sh -s -- --yes > \
         install.log 2>&1 &",
    ),
];

/// Grants of the second measurement.
const N_GRANTS: usize = 40;

/// Measures.
pub(crate) fn run(setting: &Setting) -> Vec<Row> {
    let n_rounds = setting.rounds(15, 5);
    let n_each = setting.rounds(2_000, 200);
    let place = Workspace::new();
    let grants: Vec<Grant> = (0..N_GRANTS).map(grant).collect();
    let mut rows = Vec::new();
    for (about, line) in LINES {
        let facts = given(&inquiry(line));
        let timed = |work: &dyn Fn()| {
            let rounds = (0..=n_rounds).map(|_| {
                let start = Instant::now();
                (0..n_each).for_each(|_| work());
                us_each(start.elapsed(), n_each as u64)
            });
            // The first round fills tables that are made once.
            rounds.skip(1).collect::<Vec<f64>>()
        };
        let judged = |grants: &[Grant], facts: &Facts| {
            let inquiry = inquiry(black_box(line));
            black_box(inquiry.questions());
            black_box(decide(
                &inquiry,
                facts,
                &situation(grants, &Timestamp::now()),
            ));
        };
        rows.push(
            Row::of(
                format!("{about}: verdict, facts given"),
                "µs",
                timed(&|| judged(&[], &facts)),
            )
            .goal("≤ 100 µs"),
        );
        rows.push(Row::of(
            format!("{about}: the same with {N_GRANTS} grants"),
            "µs",
            timed(&|| judged(&grants, &facts)),
        ));
        let inquiry = inquiry(line);
        rows.push(Row::of(
            format!("{about}: gathering the facts"),
            "µs",
            timed(&|| {
                black_box(place.gather(&inquiry));
            }),
        ));
    }
    rows
}

/// One of many grants that cover none of the commands.
fn grant(number: usize) -> Grant {
    Grant {
        id: format!("grant-{number}").into(),
        scope: GrantScope::Always,
        tool: "shell".to_owned(),
        pattern: format!("cargo run --package part_{number} *"),
        session_id: None,
        project: None,
        programs: vec!["/usr/bin/cargo".to_owned()],
        approval_id: "approval".into(),
        created_at: Timestamp::from_unix_ms(0),
        expires_at: None,
        revoked_at: None,
        uses: 1,
    }
}

fn inquiry(line: &str) -> Inquiry {
    let actions = vec![Action::Command {
        line: line.to_owned(),
    }];
    Inquiry::new("shell", &json!({"command": line}), actions)
}

fn situation<'a>(grants: &'a [Grant], now: &'a Timestamp) -> Situation<'a> {
    Situation {
        autonomy: Autonomy::Supervised,
        surface: Surface::Cli,
        taint: None,
        grants,
        session_id: None,
        now,
    }
}

/// A workspace on disk in which the commands would find something.
struct Workspace {
    _dir: TempDir,
    roots: Roots,
    environment: BTreeMap<String, String>,
}

impl Workspace {
    fn new() -> Self {
        let dir = tempfile::Builder::new()
            .prefix("mesoclaw-bench-policy-")
            .tempdir()
            .expect("a temporary directory");
        for name in ["src", "docs", "target/release", ".git", "home", "temp"] {
            fs::create_dir_all(dir.path().join(name)).expect("a directory");
        }
        for name in ["src/main.rs", "src/lib.rs", "src/store.rs", "Cargo.toml"] {
            fs::write(dir.path().join(name), "x\n").expect("a file");
        }
        fs::write(dir.path().join(".git/config"), "[core]\n\tbare = false\n").expect("a file");
        let home = dir.path().join("home");
        let workspace = workspace_of(dir.path(), None).expect("a workspace");
        let temp = dir.path().join("temp");
        let roots = roots(Some(&workspace), Some(home), temp, Vec::new());
        let dirs = trusted_dirs("/usr/local/bin:/usr/bin:/bin", None, Some(dir.path()));
        let environment = child_environment(&std::env::vars().collect(), &dirs, &roots);
        Self {
            _dir: dir,
            roots,
            environment,
        }
    }

    fn gather(&self, inquiry: &Inquiry) -> Facts {
        gather(inquiry, &self.roots, &self.environment, sandbox())
    }
}

fn sandbox() -> SandboxFact {
    SandboxFact {
        enforced: true,
        note: "files, network and system calls are restricted".to_owned(),
    }
}

/// Facts as they would be on a machine that has everything the command names.
fn given(inquiry: &Inquiry) -> Facts {
    let questions = inquiry.questions();
    let root = PathBuf::from("/srv/project");
    let paths = questions.paths.into_iter().map(|question| {
        let fact = path_fact(&root, &question);
        (question, fact)
    });
    let programs = questions.programs.into_iter().map(|name| {
        let fact = ProgramFact {
            resolved: Some(PathBuf::from("/usr/bin").join(&name)),
            identity: Some(FileIdentity {
                device: 1,
                inode: name.len() as u64,
                size_bytes: 100_000,
                modified_ns: 1_700_000_000_000_000_000,
            }),
            untrusted: None,
        };
        (name, fact)
    });
    Facts {
        paths: paths.collect(),
        programs: programs.collect(),
        processes: BTreeMap::new(),
        environment: CHILD_ENVIRONMENT
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        sandbox: sandbox(),
        repository: Some(RepositoryFact::default()),
        roots: Roots {
            workspace: Some(root.clone()),
            cwd: root,
            temp: PathBuf::from("/run/user/1000/session"),
            home: Some(PathBuf::from("/srv/people/ada")),
            ..Roots::default()
        },
    }
}

fn path_fact(root: &std::path::Path, question: &PathQuestion) -> PathFact {
    let file = |resolved: PathBuf| PathFact {
        resolved,
        kind: PathKind::File,
        through_link: false,
        other_names: false,
        identity: None,
        below: mesoclaw_agent::policy::Below::Unknown,
        matches: None,
    };
    if !question.is_glob {
        return file(root.join(&question.given));
    }
    let before = question.given.split('*').next().unwrap_or_default();
    let matches = ["main.rs", "lib.rs", "store.rs"].map(|name| {
        let text = format!("{before}{name}");
        let fact = file(root.join(&text));
        GlobMatch { text, fact }
    });
    PathFact {
        kind: PathKind::Directory,
        matches: Some(matches.into()),
        ..file(root.join(before))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_have_about_200_characters() {
        for (about, line) in LINES {
            let n_chars = line.chars().count();
            assert!((185..=215).contains(&n_chars), "{about}: {n_chars}");
        }
    }
}
