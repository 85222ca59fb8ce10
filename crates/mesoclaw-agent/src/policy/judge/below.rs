//! What lies below a directory that is read as a whole.

use super::file::Finding;
use crate::policy::decision::Effect;
use crate::policy::facts::{Below, Facts, PathFact, PathKind};
use crate::policy::inquiry::PathQuestion;
use crate::policy::programs::Level;
use crate::policy::rules::rule;
use crate::policy::show::escaped;

/// Adds what is read below a path, or below what a wildcard matches.
pub(super) fn judge(question: &PathQuestion, facts: &Facts, finding: &mut Finding) {
    let Some(fact) = facts.paths.get(question) else {
        return;
    };
    match &fact.matches {
        Some(matches) if question.is_glob => {
            for found in matches {
                one(&found.text, &found.fact, finding);
            }
        }
        _ => one(&question.given, fact, finding),
    }
}

fn one(given: &str, fact: &PathFact, finding: &mut Finding) {
    if fact.kind != PathKind::Directory {
        return;
    }
    let shown = escaped(given);
    let (level, rule, reason) = match &fact.below {
        Below::Plain => return,
        Below::Secret(path) => (
            Level::High,
            rule::PATH_SECRET,
            format!(
                "below {shown} lies {}, which usually holds secrets",
                escaped(&path.to_string_lossy())
            ),
        ),
        Below::TooMuch | Below::Unknown => (
            Level::Medium,
            rule::PATH_SECRET,
            format!("it is not known whether something below {shown} holds secrets"),
        ),
    };
    finding.merge(Finding::new(level, rule, reason, Effect::Look));
}
