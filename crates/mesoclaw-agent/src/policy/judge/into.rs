//! What a copy would create in a directory, under the names it brings along.

use std::path::Path;

use super::file::{Finding, From, judge as judge_path, known};
use crate::policy::decision::Effect;
use crate::policy::facts::{Facts, PathFact, PathKind};
use crate::policy::paths::{lexical, place};
use crate::policy::programs::{Level, PathUse, Role};
use crate::policy::rules::rule;
use crate::policy::show::escaped;

/// Judges what would be created in the directory of the `nth` question.
pub(super) fn judge(path_use: &PathUse, nth: usize, facts: &Facts) -> Vec<Finding> {
    let directory = path_use
        .questions
        .get(nth)
        .and_then(|at| facts.paths.get(at));
    // What is missing may be made by the command itself before.
    let Some(directory) = directory.filter(|fact| fact.kind != PathKind::File) else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    for into in &path_use.into {
        let Some(question) = into.questions.get(nth) else {
            continue;
        };
        match into.sources.get(nth) {
            None => findings.push(judge_path(question, Role::Write, From::Maybe, facts)),
            Some(source) => {
                let names = facts
                    .paths
                    .get(source)
                    .and_then(|fact| fact.matches.as_ref());
                let there = facts
                    .paths
                    .get(question)
                    .and_then(|fact| fact.matches.as_ref());
                match (names, there) {
                    (Some(names), Some(there)) => {
                        let names = names.iter().map(|found| found.text.as_str());
                        let there = there.iter().map(|found| (found.text.as_str(), &found.fact));
                        findings.extend(matched(directory, names, there, facts));
                    }
                    _ => findings.push(Finding::new(
                        Level::High,
                        rule::PATH_GLOB,
                        "it is not known what a wildcard would create".to_owned(),
                        Effect::Change,
                    )),
                }
            }
        }
    }
    findings
}

/// Names by text, and what is there already by what it is: it may be a link.
fn matched<'a>(
    directory: &PathFact,
    names: impl Iterator<Item = &'a str>,
    there: impl Iterator<Item = (&'a str, &'a PathFact)> + Clone,
    facts: &Facts,
) -> Vec<Finding> {
    let roots = &facts.roots;
    let mut findings = Vec::new();
    for name in names {
        let Some(name) = Path::new(name).file_name() else {
            continue;
        };
        let path = directory.resolved.join(name);
        if let Some(what) = place(&path, roots).protected {
            findings.push(Finding::new(
                Level::Always,
                rule::PATH_PROTECTED,
                format!("{} belongs to {what}", escaped(&path.to_string_lossy())),
                Effect::Change,
            ));
        }
        for (text, fact) in there.clone() {
            if Path::new(text).file_name() == Some(name) {
                let lexical = lexical(text, roots);
                findings.push(known(&escaped(text), &lexical, Role::Write, fact, roots));
            }
        }
    }
    findings
}
