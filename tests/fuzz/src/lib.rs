//! What more than one target needs: a made-up machine for the policy, and verdicts on it.

use std::path::{Component, Path, PathBuf};

use mesoclaw_agent::policy::{
    Action, Autonomy, Decision, Facts, FileIdentity, GlobMatch, Inquiry, PathFact, PathKind,
    PathQuestion, ProgramFact, RepositoryFact, Roots, SandboxFact, Situation, Verdict, decide,
};
use mesoclaw_api::{Surface, Timestamp};
use serde_json::Value;

/// A call of a tool that does this.
pub fn inquiry(tool: &str, args: &Value, action: Action) -> Inquiry {
    Inquiry::new(tool, args, vec![action])
}

/// Places of the made-up machine.
pub fn roots() -> Roots {
    let workspace = PathBuf::from("/srv/project");
    Roots {
        workspace: Some(workspace.clone()),
        cwd: workspace,
        temp: PathBuf::from("/run/user/1000/session"),
        home: Some(PathBuf::from("/srv/people/ada")),
        own: vec![PathBuf::from("/srv/people/ada/.config/mesoclaw")],
        readable: Vec::new(),
    }
}

/// A machine that has every program and file that is asked for, and no links.
pub fn facts(inquiry: &Inquiry) -> Facts {
    let questions = inquiry.questions();
    let roots = roots();
    let paths = questions.paths.into_iter().map(|question| {
        let fact = path_fact(&question, &roots);
        (question, fact)
    });
    let programs = questions.programs.into_iter().map(|name| {
        let fact = ProgramFact {
            resolved: Some(normal(&Path::new("/usr/bin").join(&name))),
            identity: Some(FileIdentity::default()),
            untrusted: None,
        };
        (name, fact)
    });
    Facts {
        paths: paths.collect(),
        programs: programs.collect(),
        sandbox: SandboxFact::default(),
        repository: Some(RepositoryFact::default()),
        environment: [("PATH".to_owned(), "/usr/bin".to_owned())].into(),
        roots,
    }
}

fn path_fact(question: &PathQuestion, roots: &Roots) -> PathFact {
    let file = |text: &str| PathFact {
        resolved: resolved(text, roots),
        kind: PathKind::File,
        through_link: false,
        other_names: false,
        matches: None,
    };
    if !question.is_glob {
        return file(&question.given);
    }
    let before = question.given.split(['*', '?', '[']).next();
    let directory = before.and_then(|before| before.rsplit_once('/'));
    let directory = directory.map_or("", |(directory, _)| directory);
    let matches = ["one", "two"].map(|name| {
        let text = format!("{directory}/{name}");
        let fact = file(&text);
        GlobMatch { text, fact }
    });
    PathFact {
        kind: PathKind::Directory,
        matches: Some(matches.into()),
        ..file(directory)
    }
}

/// Where a path leads on a machine without links.
pub fn resolved(given: &str, roots: &Roots) -> PathBuf {
    let home = roots.home.as_deref().unwrap_or(Path::new("/"));
    match given.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => {
            normal(&home.join(rest.trim_start_matches('/')))
        }
        _ => normal(&roots.cwd.join(given)),
    }
}

fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                out.pop();
            }
            Component::CurDir => {}
            other => out.push(other),
        }
    }
    out
}

/// The verdict at a level, without grants.
pub fn judge(inquiry: &Inquiry, facts: &Facts, autonomy: Autonomy) -> Decision {
    let situation = Situation {
        autonomy,
        surface: Surface::Cli,
        taint: None,
        grants: &[],
        session_id: None,
        now: &Timestamp::from_unix_ms(0),
    };
    decide(inquiry, facts, &situation)
}

/// Whether it would run without a question.
pub fn runs(decision: &Decision) -> bool {
    matches!(decision.verdict, Verdict::Allow { .. })
}

/// The verdicts at all levels: what a narrower level lets run, a wider one does, and what is
/// denied at one level is denied at all.
pub fn judge_at_all_levels(inquiry: &Inquiry, facts: &Facts) -> [Decision; 3] {
    let decisions = Autonomy::ALL.map(|level| judge(inquiry, facts, level));
    for pair in decisions.windows(2) {
        assert!(!runs(&pair[0]) || runs(&pair[1]), "{decisions:?}");
        let denied = pair
            .iter()
            .map(|one| matches!(one.verdict, Verdict::Deny { .. }));
        assert_eq!(
            denied.clone().next(),
            denied.clone().last(),
            "{decisions:?}"
        );
        assert_eq!(
            pair[0].digest, pair[1].digest,
            "the level is not part of the call"
        );
        assert_eq!(pair[0].risk, pair[1].risk);
    }
    decisions
}
