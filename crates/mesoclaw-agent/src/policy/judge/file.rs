//! One path, judged by where it lies and what is done to it.

use std::path::{Path, PathBuf};

use super::kernel;
use crate::policy::decision::Effect;
use crate::policy::facts::{Facts, PathFact, PathKind, Roots};
use crate::policy::given::check_given;
use crate::policy::inquiry::PathQuestion;
use crate::policy::paths::{Area, Place, is_vital, lexical, place};
use crate::policy::programs::{Level, Role};
use crate::policy::rules::rule;
use crate::policy::show::escaped;

/// Where a path was named.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum From {
    /// In the arguments of a tool.
    Tool,
    /// In a command.
    Command,
    /// In a command, where it may be something else than a path.
    Maybe,
}

/// What a path means.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    pub level: Level,
    pub rule: &'static str,
    pub reason: String,
    pub effect: Effect,
    /// Whether only a pattern that names it covers it.
    pub is_far: bool,
    pub machine: bool,
    pub subject: Option<PathBuf>,
    pub reads: Vec<PathBuf>,
    pub lists: Vec<PathBuf>,
    pub writes: Vec<PathBuf>,
}

impl Finding {
    pub fn new(
        level: Level,
        rule: &'static str,
        reason: impl Into<String>,
        effect: Effect,
    ) -> Self {
        Self {
            level,
            rule,
            reason: reason.into(),
            effect,
            is_far: level >= Level::Medium,
            machine: false,
            subject: None,
            reads: Vec::new(),
            lists: Vec::new(),
            writes: Vec::new(),
        }
    }

    pub fn merge(&mut self, other: Self) {
        self.effect = self.effect.max(other.effect);
        self.is_far |= other.is_far;
        self.machine |= other.machine;
        self.reads.extend(other.reads);
        self.lists.extend(other.lists);
        self.writes.extend(other.writes);
        if other.level > self.level {
            self.level = other.level;
            self.rule = other.rule;
            self.reason = other.reason;
        }
    }
}

/// Judges a path.
pub(super) fn judge(question: &PathQuestion, role: Role, from: From, facts: &Facts) -> Finding {
    let shown = escaped(&question.given);
    if let Some(finding) = stream(&question.given, role) {
        return finding;
    }
    if from != From::Maybe
        && let Err(error) = check_given(&question.given)
    {
        let level = if from == From::Tool {
            Level::Forbidden
        } else {
            Level::High
        };
        return Finding::new(
            level,
            rule::PATH_TEXT,
            format!("{error}: {shown}"),
            effect(role),
        );
    }
    let Some(fact) = facts.paths.get(question) else {
        return Finding::new(
            Level::Always,
            rule::FACTS_MISSING,
            format!("nothing is known about {shown}"),
            effect(role),
        );
    };
    if !question.is_glob {
        let lexical = lexical(&question.given, &facts.roots);
        return known(&shown, &lexical, role, fact, &facts.roots);
    }
    glob(question, &shown, role, fact, facts)
}

fn glob(
    question: &PathQuestion,
    shown: &str,
    role: Role,
    fact: &PathFact,
    facts: &Facts,
) -> Finding {
    let role = if role == Role::Text { Role::List } else { role };
    let Some(matches) = &fact.matches else {
        return Finding::new(
            Level::High,
            rule::PATH_GLOB,
            format!("{shown} matches too much to be judged"),
            effect(role),
        );
    };
    let fixed = question.given.split(['*', '?']).next().unwrap_or_default();
    let fixed = fixed
        .rsplit_once('/')
        .map_or("", |(directory, _)| directory);
    let mut finding = if matches.is_empty() {
        let missing = PathFact {
            kind: PathKind::Missing,
            resolved: fact.resolved.join("*"),
            matches: None,
            ..fact.clone()
        };
        known(
            shown,
            &lexical(fixed, &facts.roots).join("*"),
            role,
            &missing,
            &facts.roots,
        )
    } else {
        Finding::new(Level::Low, rule::PATH_WORKSPACE_READ, "", Effect::Look)
    };
    for found in matches {
        let name = escaped(&found.text);
        if found.text.starts_with('-') {
            finding.merge(Finding::new(
                Level::High,
                rule::PATH_GLOB,
                format!("{shown} matches `{name}`, which would be read as an option"),
                effect(role),
            ));
        }
        let lexical = lexical(&found.text, &facts.roots);
        finding.merge(known(&name, &lexical, role, &found.fact, &facts.roots));
    }
    finding
}

pub(super) fn effect(role: Role) -> Effect {
    match role {
        Role::Text | Role::List | Role::Read => Effect::Look,
        Role::Code | Role::Write | Role::Delete => Effect::Change,
    }
}

/// The few devices that are only streams.
fn stream(given: &str, role: Role) -> Option<Finding> {
    let is_stream = match given {
        "/dev/null" => role != Role::Delete && role != Role::Code,
        "/dev/stdout" | "/dev/stderr" => role == Role::Write,
        "/dev/zero" | "/dev/urandom" | "/dev/random" | "/dev/stdin" => {
            matches!(role, Role::Read | Role::List)
        }
        _ => false,
    };
    is_stream.then(|| {
        Finding::new(
            Level::Low,
            rule::PATH_WORKSPACE_READ,
            format!("{given} is only a stream"),
            Effect::Look,
        )
    })
}

pub(super) fn known(
    shown: &str,
    lexical: &Path,
    role: Role,
    fact: &PathFact,
    roots: &Roots,
) -> Finding {
    if role == Role::Text {
        return Finding::new(Level::Low, rule::PATH_WORKSPACE_READ, "", Effect::Look);
    }
    let effect = effect(role);
    let place = place(&fact.resolved, roots);
    if let Some(finding) = refused(shown, lexical, role, fact, place, roots) {
        return finding;
    }
    let mut finding = match role {
        Role::Write | Role::Delete => changed(shown, role, fact, place),
        Role::Text | Role::List | Role::Read | Role::Code => {
            looked_at(shown, role, fact, place, roots)
        }
    };
    finding.effect = effect;
    finding.subject = Some(fact.resolved.clone());
    let is_inside = matches!(place.area, Area::Workspace | Area::Temp);
    finding.is_far = !is_inside || finding.level >= Level::Always;
    match role {
        Role::Write | Role::Delete => finding.writes.push(fact.resolved.clone()),
        Role::List => {
            if !is_inside {
                finding.lists.push(fact.resolved.clone());
            }
        }
        Role::Text | Role::Read | Role::Code => {
            if !is_inside {
                finding.reads.push(fact.resolved.clone());
            }
        }
    }
    finding
}

/// What is never done, whatever the level.
fn refused(
    shown: &str,
    lexical: &Path,
    role: Role,
    fact: &PathFact,
    place: Place,
    roots: &Roots,
) -> Option<Finding> {
    let refuse =
        |rule, reason: String| Some(Finding::new(Level::Forbidden, rule, reason, effect(role)));
    if let PathKind::Special(what) = &fact.kind {
        return refuse(rule::PATH_SPECIAL, format!("{shown} is {what}"));
    }
    if place.area == Area::Kernel {
        return Some(kernel::judge(shown, role, fact));
    }
    let is_inside = matches!(place.area, Area::Workspace | Area::Temp);
    let names_inside = roots
        .workspace
        .as_ref()
        .is_some_and(|root| lexical.starts_with(root));
    if fact.through_link && names_inside && !is_inside {
        return refuse(
            rule::PATH_LINK_OUT,
            format!("{shown} leaves the workspace through a link"),
        );
    }
    if role == Role::Delete && is_vital(&fact.resolved, roots) {
        return refuse(
            rule::PATH_ROOT_DELETE,
            format!("{shown} would take away a root with everything in it"),
        );
    }
    None
}

fn changed(shown: &str, role: Role, fact: &PathFact, place: Place) -> Finding {
    if let Some(what) = place.protected {
        return Finding::new(
            Level::Always,
            rule::PATH_PROTECTED,
            format!("{shown} belongs to {what}"),
            Effect::Change,
        );
    }
    if !matches!(place.area, Area::Workspace | Area::Temp) {
        return Finding::new(
            Level::High,
            rule::PATH_OUTSIDE_WRITE,
            format!("{shown} lies outside the workspace"),
            Effect::Change,
        );
    }
    if fact.other_names && fact.kind == PathKind::File {
        return Finding::new(
            Level::High,
            rule::PATH_HARD_LINK,
            format!("{shown} has further names, maybe outside the workspace"),
            Effect::Change,
        );
    }
    if role == Role::Delete {
        return Finding::new(
            Level::High,
            rule::PATH_WORKSPACE_DELETE,
            format!("{shown} would go away"),
            Effect::Change,
        );
    }
    Finding::new(
        Level::Medium,
        rule::PATH_WORKSPACE_WRITE,
        format!("{shown} would be changed"),
        Effect::Change,
    )
}

fn looked_at(shown: &str, role: Role, fact: &PathFact, place: Place, roots: &Roots) -> Finding {
    let look = |level, rule, reason: String| Finding::new(level, rule, reason, Effect::Look);
    if let Some(what) = place.secret {
        let level = if role == Role::List {
            Level::High
        } else {
            Level::Always
        };
        return look(
            level,
            rule::PATH_SECRET,
            format!("{shown} belongs to {what}"),
        );
    }
    let is_inside = matches!(place.area, Area::Workspace | Area::Temp);
    if role == Role::Code && !is_inside {
        return look(
            Level::High,
            rule::PROGRAM_UNTRUSTED,
            format!("{shown} holds code from outside the workspace"),
        );
    }
    if is_inside || place.area == Area::Readable {
        if fact.other_names && fact.kind == PathKind::File && is_inside {
            return look(
                Level::Medium,
                rule::PATH_HARD_LINK,
                format!("{shown} has further names, maybe outside the workspace"),
            );
        }
        return look(
            Level::Low,
            rule::PATH_WORKSPACE_READ,
            format!("{shown} lies inside the workspace"),
        );
    }
    // A whole tree outside may hold secrets that nobody named.
    let is_tree = role == Role::Read && fact.kind == PathKind::Directory;
    let level = match (is_tree, is_vital(&fact.resolved, roots)) {
        (true, true) => Level::Always,
        (true, false) => Level::High,
        (false, _) => Level::Medium,
    };
    look(
        level,
        rule::PATH_OUTSIDE_READ,
        format!("{shown} lies outside the workspace"),
    )
}
