//! Grants: whether one covers a step, and why not.

use std::path::Path;

use mesoclaw_api::ops::grant::{Grant, GrantScope};

use super::decide::{Situation, is_tainted};
use super::facts::Facts;
use super::inquiry::Inquiry;
use super::judge::{Judged, judge};
use super::pattern::Pattern;
use super::programs::Level;

/// What a pattern would do for one call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Coverage {
    /// Whether every part of the call that is not of low risk is covered.
    pub covers: bool,
    /// Why not.
    pub reason: Option<String>,
}

/// The first grant that covers a step which would ask.
pub(super) fn covering<'a>(
    step: &Judged,
    inquiry: &Inquiry,
    facts: &Facts,
    situation: &Situation<'a>,
) -> Option<&'a Grant> {
    if step.level >= Level::Always || is_tainted(step, situation) {
        return None;
    }
    situation.grants.iter().find(|grant| {
        counts(grant, inquiry, facts, situation)
            && is_same_program(grant, step)
            && Pattern::parse(&grant.tool, &grant.pattern)
                .is_ok_and(|pattern| pattern.covers(step, &facts.roots))
    })
}

/// Whether a grant counts here and now.
fn counts(grant: &Grant, inquiry: &Inquiry, facts: &Facts, situation: &Situation<'_>) -> bool {
    let is_alive = grant.revoked_at.is_none()
        && grant
            .expires_at
            .as_ref()
            .is_none_or(|expires_at| situation.now < expires_at);
    let is_here = match (&grant.project, &facts.roots.workspace) {
        (Some(project), Some(root)) => Path::new(project) == root,
        (Some(_), None) => false,
        (None, _) => grant.scope != GrantScope::Project,
    };
    let is_ours = match grant.scope {
        GrantScope::Session => {
            grant.session_id.is_some() && grant.session_id.as_ref() == situation.session_id
        }
        GrantScope::Project | GrantScope::Always => true,
    };
    let here_matters = grant.scope != GrantScope::Always;
    grant.tool == inquiry.tool && is_alive && is_ours && (is_here || !here_matters)
}

/// A grant covers the programs that were found when it was given, and no other of the same name.
fn is_same_program(grant: &Grant, step: &Judged) -> bool {
    step.step.program.as_ref().is_none_or(|program| {
        grant
            .programs
            .iter()
            .any(|granted| Path::new(granted) == program)
    })
}

/// What a grant with this pattern would do for a call.
pub fn would_cover(pattern: &Pattern, inquiry: &Inquiry, facts: &Facts) -> Coverage {
    for step in judge(inquiry, facts) {
        if step.level == Level::Low || pattern.covers(&step, &facts.roots) {
            continue;
        }
        let why = if step.level == Level::Forbidden {
            "it is never run"
        } else if step.changeable {
            "its program can be changed by what it grants"
        } else if step.level == Level::Always {
            "it asks every time"
        } else {
            "the pattern does not cover it"
        };
        return Coverage {
            covers: false,
            reason: Some(format!("`{}`: {why}", step.step.what)),
        };
    }
    Coverage {
        covers: true,
        reason: None,
    }
}
