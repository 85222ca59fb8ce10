//! A disk that exists only in tests: answers the questions of an inquiry without looking anywhere.

use std::path::{Component, Path, PathBuf};

use mesoclaw_agent::policy::{
    Action, Autonomy, Below, CHILD_ENVIRONMENT, Decision, Facts, FileIdentity, GlobMatch, Inquiry,
    PathFact, PathKind, ProgramFact, RepositoryFact, Roots, SandboxFact, Situation, Verdict,
    decide,
};
use mesoclaw_api::ops::grant::Grant;
use mesoclaw_api::{Surface, Timestamp};
use serde_json::json;

pub const ROOT: &str = "/home/ada/work";

/// Files of the workspace that wildcards find.
const FILES: [&str; 11] = [
    "a.txt",
    "b.txt",
    "src/main.rs",
    "src/lib.rs",
    "keys/server.pem",
    "odd/-rf",
    "odd/file",
    "evil/hook",
    "evil/plain.txt",
    "evil/start/sitecustomize.py",
    "docs/hook",
];

pub fn roots() -> Roots {
    Roots {
        workspace: Some(ROOT.into()),
        cwd: ROOT.into(),
        temp: "/tmp/meso-s1".into(),
        home: Some("/home/ada".into()),
        own: vec![
            "/home/ada/.config/mesoclaw".into(),
            "/home/ada/.local/share/mesoclaw".into(),
        ],
        readable: vec!["/usr/share/doc".into()],
    }
}

pub fn lexical(given: &str) -> PathBuf {
    let given = match given.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("/home/ada{rest}"),
        _ => given.to_owned(),
    };
    let mut path = PathBuf::from(ROOT);
    for part in Path::new(&given).components() {
        match part {
            Component::RootDir => path = "/".into(),
            Component::ParentDir => {
                path.pop();
            }
            Component::Normal(name) => path.push(name),
            Component::CurDir | Component::Prefix(_) => {}
        }
    }
    path
}

pub fn path_fact(given: &str) -> PathFact {
    let path = lexical(given);
    let text = path.to_str().unwrap();
    let mut fact = PathFact {
        resolved: path.clone(),
        kind: PathKind::File,
        through_link: false,
        other_names: text.ends_with("hard.txt"),
        identity: None,
        below: Below::Plain,
        matches: None,
    };
    if let Some(rest) = text.strip_prefix("/home/ada/work/link-out") {
        fact.through_link = true;
        fact.resolved = PathBuf::from(format!("/etc{rest}"));
    } else if let Some(rest) = text.strip_prefix("/home/ada/work/link-in") {
        fact.through_link = true;
        fact.resolved = PathBuf::from(format!("/home/ada/work/src{rest}"));
    } else if text == "/home/ada/work/docs/hook" {
        fact.through_link = true;
        fact.resolved = PathBuf::from("/home/ada/work/.git/hooks/pre-commit");
    }
    // The workspace holds a `.env`, its `target` more than anybody looks at.
    if path == Path::new(ROOT) {
        fact.below = Below::Secret(path.join(".env"));
    } else if text == "/home/ada/work/target" {
        fact.below = Below::TooMuch;
    }
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or("");
    if name == "fifo" {
        fact.kind = PathKind::Special("a named pipe".to_owned());
    } else if name.is_empty()
        || [
            "work", "src", "keys", "odd", "target", "ada", "etc", "home", "usr", "tmp", "hooks",
            ".git", ".ssh", "docs", "bin", "evil", "start",
        ]
        .contains(&name)
    {
        fact.kind = PathKind::Directory;
    } else if name.starts_with("new") {
        fact.kind = PathKind::Missing;
    }
    fact
}

fn glob_fact(given: &str) -> PathFact {
    let fixed = given.split(['*', '?']).next().unwrap();
    let directory = fixed
        .rsplit_once('/')
        .map_or("", |(directory, _)| directory);
    let mut fact = path_fact(if directory.is_empty() { "." } else { directory });
    let matches = FILES
        .iter()
        .filter(|file| {
            file.matches('/').count() == given.matches('/').count()
                && !given.starts_with(['/', '~', '.'])
                && glob(given.as_bytes(), file.as_bytes())
        })
        .map(|file| GlobMatch {
            text: (*file).to_owned(),
            fact: path_fact(file),
        })
        .collect();
    fact.matches = Some(matches);
    if given == "/*" {
        fact.matches = Some(
            ["/etc", "/home"]
                .iter()
                .map(|text| GlobMatch {
                    text: (*text).to_owned(),
                    fact: path_fact(text),
                })
                .collect(),
        );
    }
    if given.starts_with("many") {
        fact.matches = None;
    }
    if given == "*" {
        fact.matches.as_mut().unwrap().push(GlobMatch {
            text: "src".to_owned(),
            fact: path_fact("src"),
        });
    }
    fact
}

fn glob(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => {
            glob(rest, text) || (!text.is_empty() && text[0] != b'/' && glob(pattern, &text[1..]))
        }
        (Some((b'?', rest)), Some((c, text))) => *c != b'/' && glob(rest, text),
        (Some((p, rest)), Some((c, text))) => p == c && glob(rest, text),
        _ => false,
    }
}

pub fn program_fact(name: &str) -> ProgramFact {
    let resolved = if name.contains('/') {
        lexical(name)
    } else {
        Path::new("/usr/bin").join(name)
    };
    let untrusted = (!resolved.starts_with("/usr/bin") && !resolved.starts_with("/bin"))
        .then(|| "it does not lie in a trusted directory".to_owned());
    if name == "nosuch" {
        return ProgramFact::default();
    }
    ProgramFact {
        resolved: Some(if name.ends_with("sneaky") {
            "/usr/bin/sudo".into()
        } else {
            resolved
        }),
        identity: Some(FileIdentity {
            device: 1,
            inode: 2,
            size_bytes: 3,
            modified_ns: 4,
        }),
        untrusted,
    }
}

/// All answers.
pub fn facts(inquiry: &Inquiry) -> Facts {
    let questions = inquiry.questions();
    let mut environment: std::collections::BTreeMap<String, String> = CHILD_ENVIRONMENT
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    environment.insert("HOME".to_owned(), "/home/ada".to_owned());
    Facts {
        roots: roots(),
        paths: questions
            .paths
            .into_iter()
            .map(|question| {
                let fact = if question.is_glob {
                    glob_fact(&question.given)
                } else {
                    path_fact(&question.given)
                };
                (question, fact)
            })
            .collect(),
        programs: questions
            .programs
            .into_iter()
            .map(|name| {
                let fact = program_fact(&name);
                (name, fact)
            })
            .collect(),
        processes: std::collections::BTreeMap::new(),
        environment,
        sandbox: SandboxFact {
            enforced: true,
            note: "imagined".to_owned(),
        },
        repository: Some(RepositoryFact::default()),
    }
}

pub fn shell(line: &str) -> Inquiry {
    Inquiry::new(
        "shell",
        &json!({ "command": line }),
        vec![Action::Command {
            line: line.to_owned(),
        }],
    )
}

pub fn decided(
    inquiry: &Inquiry,
    autonomy: Autonomy,
    taint: Option<&str>,
    grants: &[Grant],
) -> Decision {
    let now = Timestamp::from_unix_ms(1_000);
    let situation = Situation {
        autonomy,
        surface: Surface::Tui,
        taint: taint.map(str::to_owned),
        grants,
        session_id: None,
        now: &now,
    };
    decide(inquiry, &facts(inquiry), &situation)
}

/// `low`, `medium`, `high` or `deny`: what the levels let through.
pub fn class(inquiry: &Inquiry) -> &'static str {
    let runs = |autonomy| decided(inquiry, autonomy, None, &[]).verdict;
    match runs(Autonomy::Supervised) {
        Verdict::Allow { .. } => "low",
        Verdict::Deny { .. } => "deny",
        Verdict::Ask { .. } => match runs(Autonomy::Autonomous) {
            Verdict::Allow { .. } => "medium",
            Verdict::Ask { .. } | Verdict::Deny { .. } => "high",
        },
    }
}
