//! Commands: each part judged with the facts about its program and its paths.

use super::{Judged, Subject, below, file, into};
use crate::policy::decision::Effect;
use crate::policy::facts::{Facts, PathFact, PathKind};
use crate::policy::inquiry::PathQuestion;
use crate::policy::paths::is_inside;
use crate::policy::programs::{Certainty, Level, PathUse, Role, is_forbidden};
use crate::policy::rules::rule;
use crate::policy::shell::{Cd, Part, Redirect, Run, Script, Word};
use crate::policy::show::{escaped, shell_words};

/// Programs that open the files they write, and neither rename nor remove any.
const OPENERS: [&str; 3] = ["dd", "tee", "touch"];

/// The steps of a command line.
pub(super) fn judge(script: &Script, facts: &Facts) -> Vec<Judged> {
    if let Some(unclear) = &script.unclear {
        let level = if unclear.forbidden {
            Level::Forbidden
        } else {
            Level::Always
        };
        let mut judged = Judged::new(
            level,
            unclear.rule,
            escaped(&script.line),
            unclear.reason.clone(),
            Effect::Send,
        );
        judged.network = true;
        return vec![judged];
    }
    if script.parts.is_empty() {
        return vec![Judged::new(
            Level::Low,
            rule::SHELL_EMPTY,
            escaped(&script.line),
            "it does nothing".to_owned(),
            Effect::Look,
        )];
    }
    let mut steps: Vec<Judged> = script.parts.iter().map(|part| one(part, facts)).collect();
    check_home(script, facts, &mut steps);
    check_opened(&mut steps);
    steps
}

/// `~` is what the child's `HOME` says, which must be the home that was asked about.
fn check_home(script: &Script, facts: &Facts, steps: &mut [Judged]) {
    let uses_home = script
        .parts
        .iter()
        .flat_map(Part::uses)
        .flat_map(|path_use| &path_use.questions)
        .any(|question| question.given == "~" || question.given.starts_with("~/"));
    let home = facts.roots.home.as_deref().and_then(|home| home.to_str());
    if uses_home && facts.environment.get("HOME").map(String::as_str) != home {
        for step in steps {
            step.raise(
                Level::Always,
                rule::FACTS_MISSING,
                "`~` means another directory for the command".to_owned(),
            );
        }
    }
}

/// What is opened for one program of a line is open to all of them: code of the project must not
/// get at a tree that another one only lists.
fn check_opened(steps: &mut [Judged]) {
    if !steps.iter().any(|step| step.opens) {
        return;
    }
    for step in steps.iter_mut().filter(|step| step.code) {
        step.raise(
            Level::High,
            rule::PATH_OUTSIDE_READ,
            "it could look below a directory outside that the command opens".to_owned(),
        );
    }
}

fn one(part: &Part, facts: &Facts) -> Judged {
    match part {
        Part::Run(run) => running(run, facts),
        Part::Redirect(redirect) => redirecting(redirect, facts),
        Part::Cd(cd) => entering(cd, facts),
    }
}

fn texts(words: &[Word]) -> Vec<String> {
    words.iter().map(|word| word.text.clone()).collect()
}

fn step(level: Level, rule: &'static str, words: Vec<String>, reason: String) -> Judged {
    let mut judged = Judged::new(level, rule, shell_words(&words), reason, Effect::Look);
    judged.step.words.clone_from(&words);
    judged.subject = Subject::Words(words);
    judged
}

fn running(run: &Run, facts: &Facts) -> Judged {
    let assessment = &run.assessment;
    let mut judged = step(
        assessment.level,
        assessment.rule,
        texts(&run.words),
        assessment.reason.clone(),
    );
    judged.step.effect = assessment.effect;
    judged.network = assessment.network;
    if assessment.network {
        judged.step.effect = Effect::Send;
    }
    judged.machine = assessment.machine;
    judged.code = assessment.code;
    if judged.code && !facts.sandbox.enforced {
        judged.raise(
            Level::High,
            rule::PROGRAM_UNBOUND,
            "it runs code of the project, and nothing keeps that inside the workspace".to_owned(),
        );
    }
    for (nth, name) in run.programs.iter().enumerate() {
        program(name, nth == 0, facts, &mut judged);
    }
    if assessment.repository {
        repository(facts, &mut judged);
    }
    use_paths(&assessment.uses, facts, &mut judged);
    let name = run.words.first().map(|word| word.text.as_str());
    if name.is_some_and(|name| OPENERS.contains(&name)) {
        judged.opened.clone_from(&judged.writes);
    }
    judged
}

fn program(name: &str, is_first: bool, facts: &Facts, judged: &mut Judged) {
    let shown = escaped(name);
    let Some(fact) = facts.programs.get(name) else {
        return judged.raise(
            Level::Always,
            rule::FACTS_MISSING,
            format!("nothing is known about the program `{shown}`"),
        );
    };
    let Some(resolved) = &fact.resolved else {
        return judged.raise(
            Level::High,
            rule::PROGRAM_MISSING,
            format!("there is no program `{shown}` in the trusted directories"),
        );
    };
    if is_first {
        judged.step.program = Some(resolved.clone());
    }
    let file_name = resolved.file_name().and_then(|name| name.to_str());
    if file_name.is_some_and(is_forbidden) {
        return judged.raise(
            Level::Forbidden,
            rule::PROGRAM_FORBIDDEN,
            format!(
                "`{shown}` is {}, which is never run",
                escaped(&resolved.to_string_lossy())
            ),
        );
    }
    let is_inside = is_inside(resolved, &facts.roots);
    let why = match &fact.untrusted {
        Some(why) => Some(why.clone()),
        None if is_inside => Some("the agent can change it".to_owned()),
        None => None,
    };
    if let Some(why) = why {
        judged.step.effect = judged.step.effect.max(Effect::Change);
        judged.changeable = true;
        judged.raise(
            Level::High,
            rule::PROGRAM_UNTRUSTED,
            format!("`{shown}` is not trusted: {why}"),
        );
    }
}

fn repository(facts: &Facts, judged: &mut Judged) {
    let reason = match &facts.repository {
        Some(repository) if repository.runs.is_empty() => return,
        Some(repository) => format!(
            "the repository's configuration may start programs: {}",
            escaped(&repository.runs.join(", "))
        ),
        None => "the repository's configuration is not known, and may start programs".to_owned(),
    };
    judged.step.effect = judged.step.effect.max(Effect::Change);
    judged.raise(Level::Medium, rule::PROGRAM_REPOSITORY, reason);
}

fn redirecting(redirect: &Redirect, facts: &Facts) -> Judged {
    let words = vec![redirect.op.to_owned(), redirect.target.text.clone()];
    let mut judged = step(
        Level::Low,
        rule::SHELL_REDIRECT,
        words,
        "only a stream".to_owned(),
    );
    use_paths(&redirect.uses, facts, &mut judged);
    // The shell opens the file and gives it to the program.
    judged.opened.clone_from(&judged.writes);
    judged
}

fn entering(cd: &Cd, facts: &Facts) -> Judged {
    let words = vec!["cd".to_owned(), cd.target.text.clone()];
    let mut judged = step(
        Level::Low,
        rule::SHELL_CD,
        words,
        "the commands that follow run there".to_owned(),
    );
    use_paths(&cd.uses, facts, &mut judged);
    judged
}

fn use_paths(uses: &[PathUse], facts: &Facts, judged: &mut Judged) {
    for path_use in uses {
        for (nth, question) in path_use.questions.iter().enumerate() {
            let (role, from) = match path_use.certainty {
                Certainty::Path => (path_use.role, file::From::Command),
                Certainty::Maybe => (path_use.role, file::From::Maybe),
                Certainty::Value => match facts.paths.get(question).map(|fact| &fact.kind) {
                    Some(PathKind::Missing) => continue,
                    Some(PathKind::Directory) => (Role::List, file::From::Maybe),
                    _ => (path_use.role, file::From::Maybe),
                },
                Certainty::File => match interpreted(question, facts) {
                    Some(role) => (role, file::From::Maybe),
                    None => continue,
                },
            };
            let mut finding = file::judge(question, role, from, facts);
            if path_use.is_deep {
                below::judge(question, facts, &mut finding);
            }
            for other in into::judge(path_use, nth, facts) {
                finding.merge(other);
            }
            judged.step.effect = judged.step.effect.max(finding.effect);
            judged.machine |= finding.machine;
            judged.opens |=
                opens(question, facts) && !(finding.reads.is_empty() && finding.lists.is_empty());
            if finding.is_far
                && let Some(arg) = path_use.arg
                && !judged.far.contains(&arg)
            {
                judged.far.push(arg);
            }
            judged.reads.extend(finding.reads);
            judged.lists.extend(finding.lists);
            judged.writes.extend(finding.writes);
            judged.raise(finding.level, finding.rule, finding.reason);
        }
    }
}

/// What an interpreter may do with the file it is given; `None` when there is none. The kernel's
/// own files are data.
fn interpreted(question: &PathQuestion, facts: &Facts) -> Option<Role> {
    let fact = facts.paths.get(question)?;
    let is_file = match &fact.matches {
        Some(matches) if question.is_glob => matches
            .iter()
            .any(|found| found.fact.kind == PathKind::File),
        None if question.is_glob => true,
        _ => fact.kind == PathKind::File,
    };
    let is_kernel = ["/proc", "/sys"]
        .iter()
        .any(|kernel| fact.resolved.starts_with(kernel));
    is_file.then_some(if is_kernel { Role::Read } else { Role::Code })
}

/// Whether a path, or something a wildcard matches, is a directory.
fn opens(question: &PathQuestion, facts: &Facts) -> bool {
    let is_directory = |fact: &PathFact| fact.kind == PathKind::Directory;
    facts
        .paths
        .get(question)
        .is_some_and(|fact| match &fact.matches {
            Some(matches) if question.is_glob => {
                matches.iter().any(|found| is_directory(&found.fact))
            }
            _ => is_directory(fact),
        })
}
