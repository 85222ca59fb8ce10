//! `decide`: the verdict.

use std::path::PathBuf;

use mesoclaw_api::ops::grant::Grant;
use mesoclaw_api::{SessionId, Surface, Timestamp};

use super::autonomy::Autonomy;
use super::decision::{Decision, Effect, Verdict};
use super::digest::digest;
use super::facts::Facts;
use super::grant::covering;
use super::inquiry::Inquiry;
use super::judge::{Judged, judge, risk};
use super::paths::check_workspace;
use super::pattern::suggest;
use super::programs::Level;
use super::rules::rule;

/// Who asks, and what holds at the moment.
#[derive(Clone, Debug)]
pub struct Situation<'a> {
    /// How much runs without a question.
    pub autonomy: Autonomy,
    /// Where the call comes from.
    pub surface: Surface,
    /// Where text from outside came from that was read in this turn; `None` when there was none.
    pub taint: Option<String>,
    /// All grants there are. Those that ended, were taken back or belong to another session or
    /// workspace do not count.
    pub grants: &'a [Grant],
    /// The session.
    pub session_id: Option<&'a SessionId>,
    /// Now.
    pub now: &'a Timestamp,
}

/// Judges a call. The same inquiry, facts and situation give the same decision.
pub fn decide(inquiry: &Inquiry, facts: &Facts, situation: &Situation<'_>) -> Decision {
    let checked;
    // A root that is no workspace is none, whoever set it.
    let facts = match &facts.roots.workspace {
        Some(root) if check_workspace(root, facts.roots.home.as_deref()).is_err() => {
            checked = Facts {
                roots: super::facts::Roots {
                    workspace: None,
                    ..facts.roots.clone()
                },
                ..facts.clone()
            };
            &checked
        }
        _ => facts,
    };
    let judged = judge(inquiry, facts);
    let mut open = Vec::new();
    let mut grants = Vec::new();
    for step in &judged {
        if runs_unasked(step, facts, situation) {
            continue;
        }
        match covering(step, inquiry, facts, situation) {
            Some(grant) => {
                if !grants.contains(&grant.id) {
                    grants.push(grant.id.clone());
                }
            }
            None => open.push(step),
        }
    }
    let verdict = verdict(&open, !grants.is_empty(), facts, situation);
    let can_be_granted = open
        .iter()
        .all(|step| step.level < Level::Always && !step.changeable);
    let granted: &[&Judged] = if can_be_granted { &open } else { &[] };
    let mut patterns: Vec<String> = granted.iter().map(|step| suggest(step, facts)).collect();
    patterns.dedup();
    let mut programs: Vec<_> = granted
        .iter()
        .filter_map(|step| step.step.program.clone())
        .collect();
    programs.sort();
    programs.dedup();
    let network = judged.iter().any(|step| step.network);
    let worst = judged.iter().map(|step| step.level).max();
    Decision {
        verdict,
        risk: risk(worst.unwrap_or(Level::High)),
        patterns,
        programs,
        grants,
        digest: digest(inquiry, facts, network),
        network,
        writes: unique(judged.iter().flat_map(|step| step.writes.iter())),
        opened: opened(&judged),
        lists: unique(judged.iter().flat_map(|step| step.lists.iter())),
        reads: unique(judged.iter().flat_map(|step| step.reads.iter())),
        steps: judged.into_iter().map(|step| step.step).collect(),
    }
}

/// What is only opened: no other step renames or removes it.
fn opened(judged: &[Judged]) -> Vec<PathBuf> {
    let is_renamed = |path: &PathBuf| {
        judged
            .iter()
            .any(|step| step.writes.contains(path) && !step.opened.contains(path))
    };
    let opened = judged.iter().flat_map(|step| step.opened.iter());
    unique(opened.filter(|path| !is_renamed(path)))
}

fn unique<'a, T: Ord + Clone + 'a>(items: impl Iterator<Item = &'a T>) -> Vec<T> {
    let mut items: Vec<T> = items.cloned().collect();
    items.sort();
    items.dedup();
    items
}

/// Whether the level alone lets it run.
fn runs_unasked(step: &Judged, facts: &Facts, situation: &Situation<'_>) -> bool {
    if is_tainted(step, situation) {
        return false;
    }
    // Without a workspace only harmless facts of the machine are nobody's business.
    if facts.roots.workspace.is_none() && !(step.machine && step.level == Level::Low) {
        return false;
    }
    match situation.autonomy {
        Autonomy::Strict => {
            step.level == Level::Low && !step.machine && step.step.effect == Effect::Look
        }
        Autonomy::Supervised => step.level == Level::Low,
        Autonomy::Autonomous => step.level <= Level::Medium,
    }
}

/// Whether it does something that text from outside may have asked for.
pub(super) fn is_tainted(step: &Judged, situation: &Situation<'_>) -> bool {
    situation.taint.is_some() && step.step.effect != Effect::Look
}

fn verdict(
    open: &[&Judged],
    has_grants: bool,
    facts: &Facts,
    situation: &Situation<'_>,
) -> Verdict {
    let level_rule = match situation.autonomy {
        Autonomy::Strict => rule::LEVEL_STRICT,
        Autonomy::Supervised => rule::LEVEL_SUPERVISED,
        Autonomy::Autonomous => rule::LEVEL_AUTONOMOUS,
    };
    // Of equally severe steps the first one decides.
    let worst = open
        .iter()
        .rev()
        .max_by_key(|step| (step.level, is_tainted(step, situation)));
    let Some(worst) = worst else {
        let rule = if has_grants { rule::GRANT } else { level_rule };
        return Verdict::Allow { rule };
    };
    let reason = format!("`{}`: {}", worst.step.what, worst.step.reason);
    if worst.level == Level::Forbidden {
        return Verdict::Deny {
            reason,
            rule: worst.step.rule,
        };
    }
    let (reason, rule) = match &situation.taint {
        Some(source) if is_tainted(worst, situation) && worst.level < Level::Always => (
            format!(
                "{reason}; the turn has read text from {}",
                super::show::escaped(source)
            ),
            rule::TAINT,
        ),
        _ if facts.roots.workspace.is_none() && worst.level < Level::High => (
            format!("{reason}; there is no workspace"),
            rule::WORKSPACE_NONE,
        ),
        _ => (reason, worst.step.rule),
    };
    if situation.surface.is_interactive() {
        return Verdict::Ask { reason, rule };
    }
    Verdict::Deny {
        reason: format!(
            "{reason}; this needs the approval of a person, and nobody can be asked here"
        ),
        rule: rule::SURFACE_NOBODY,
    }
}
