//! How long a decision takes: `cargo run --release -p mesoclaw-agent --example policy_bench`.
#![expect(clippy::print_stdout, reason = "a measurement prints its numbers")]

use std::hint::black_box;
use std::time::Instant;

use mesoclaw_agent::policy::{
    Action, Autonomy, CHILD_ENVIRONMENT, Facts, FileIdentity, Inquiry, PathFact, PathKind,
    ProgramFact, RepositoryFact, Roots, Situation, decide,
};
use mesoclaw_api::{Surface, Timestamp};
use serde_json::json;

const LINE: &str = "cd src && grep -rn --include='*.rs' 'fn main' . | sort -u | uniq -c | sort -rn | head -20; git log --oneline -n 5 | cut -d' ' -f1 | wc -l && cargo test --workspace -- --nocapture 2>&1 | tail -n 40 > out.txt";

fn inquiry(line: &str) -> Inquiry {
    let action = Action::Command {
        line: line.to_owned(),
    };
    Inquiry::new("shell", &json!({ "command": line }), vec![action])
}

fn facts(inquiry: &Inquiry) -> Facts {
    let questions = inquiry.questions();
    let path = |given: &str| PathFact {
        resolved: format!("/home/ada/work/{given}").into(),
        kind: PathKind::File,
        through_link: false,
        other_names: false,
        identity: None,
        below: mesoclaw_agent::policy::Below::Unknown,
        matches: Some(Vec::new()),
    };
    let program = |name: &str| ProgramFact {
        resolved: Some(format!("/usr/bin/{name}").into()),
        identity: Some(FileIdentity::default()),
        untrusted: None,
    };
    Facts {
        roots: Roots {
            workspace: Some("/home/ada/work".into()),
            cwd: "/home/ada/work".into(),
            temp: "/tmp/meso".into(),
            home: Some("/home/ada".into()),
            own: vec!["/home/ada/.config/mesoclaw".into()],
            readable: Vec::new(),
        },
        paths: questions
            .paths
            .into_iter()
            .map(|question| (question.clone(), path(&question.given)))
            .collect(),
        programs: questions
            .programs
            .into_iter()
            .map(|name| (name.clone(), program(&name)))
            .collect(),
        processes: std::collections::BTreeMap::new(),
        environment: CHILD_ENVIRONMENT
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        repository: Some(RepositoryFact::default()),
        ..Facts::default()
    }
}

fn main() {
    let now = Timestamp::from_unix_ms(0);
    let situation = Situation {
        autonomy: Autonomy::Supervised,
        surface: Surface::Tui,
        taint: None,
        grants: &[],
        session_id: None,
        now: &now,
    };
    let started = Instant::now();
    black_box(decide(&inquiry(LINE), &facts(&inquiry(LINE)), &situation));
    println!(
        "first decision, which reads the tables: {:?}",
        started.elapsed()
    );
    let known = facts(&inquiry(LINE));
    let mut times: Vec<_> = (0..2000)
        .map(|_| {
            let started = Instant::now();
            let read = inquiry(black_box(LINE));
            black_box(decide(&read, &known, &situation));
            started.elapsed()
        })
        .collect();
    times.sort();
    println!(
        "{} characters: median {:?}, 99 of 100 below {:?}",
        LINE.len(),
        times[1000],
        times[1980]
    );
    println!("of these, reading: {:?}", {
        let started = Instant::now();
        for _ in 0..1000 {
            black_box(inquiry(black_box(LINE)));
        }
        started.elapsed() / 1000
    });
    for (name, line) in hostile() {
        let started = Instant::now();
        let read = inquiry(&line);
        let known = facts(&read);
        black_box(decide(&read, &known, &situation));
        println!("{name} ({} bytes): {:?}", line.len(), started.elapsed());
    }
}

/// Lines that are made to take long.
fn hostile() -> Vec<(&'static str, String)> {
    let n = 16 * 1024;
    let fill = |piece: &str| piece.repeat(n / piece.len());
    let nested = |open: &str, close: &str, depth: usize| {
        format!("{}ls{}", open.repeat(depth), close.repeat(depth))
    };
    vec![
        ("words", format!("ls {}", fill("x "))),
        ("one word", fill("x")),
        ("parts", fill("ls;")),
        ("pipes", fill("ls|")),
        ("groups", nested("( ", " )", 16)),
        ("open groups", fill("( ")),
        ("16 open groups", "( ".repeat(16)),
        ("braces", nested("{ ", "; }", 16)),
        ("16 open braces", "{ ls; ".repeat(16)),
        ("conditions", nested("if ls; then ", "; fi", 16)),
        ("16 open conditions", "if ls; then ".repeat(16)),
        ("16 open loops", "while ls; do ".repeat(16)),
        ("mixed open", "( if ls; then { while ( ls ); do ".repeat(3)),
        ("quotes", format!("echo {}", fill("''\"\""))),
        ("redirections", format!("ls {}", fill("<a "))),
        ("directories", fill("cd a && ")),
        ("stars", format!("ls {}", fill("* "))),
        ("keywords", format!("echo {}", fill("if "))),
        ("bangs", fill("! ")),
        ("assignments", fill("CI=1 ")),
        (
            "shells",
            (0..12).fold("ls".to_owned(), |line, _| {
                let line = format!("sh -c '{}'", line.replace('\'', "'\\''"));
                if line.len() < n {
                    line
                } else {
                    "ls".to_owned()
                }
            }),
        ),
        ("wrappers", "nice ".repeat(15) + "ls"),
    ]
}
