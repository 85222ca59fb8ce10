//! `Decision`: the verdict on a call with everything a person needs to check it.

use std::path::PathBuf;

use mesoclaw_api::GrantId;
use mesoclaw_api::ops::approval::Risk;

/// Whether a call may run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It may.
    Allow {
        /// Id of the rule.
        rule: &'static str,
    },
    /// A person must say so.
    Ask {
        /// Why, in a sentence.
        reason: String,
        /// Id of the rule.
        rule: &'static str,
    },
    /// It may not.
    Deny {
        /// Why, in a sentence; the model sees it.
        reason: String,
        /// Id of the rule.
        rule: &'static str,
    },
}

impl Verdict {
    /// Id of the rule.
    pub fn rule(&self) -> &'static str {
        match self {
            Self::Allow { rule } | Self::Ask { rule, .. } | Self::Deny { rule, .. } => rule,
        }
    }
}

/// What a step does to the world.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Effect {
    /// Looks only.
    Look,
    /// Changes, runs or ends something.
    Change,
    /// Reaches the network or another person.
    Send,
}

/// One part of what a call would do, judged.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// As one line, every character visible: `rm -rf target`, `write src/main.rs`.
    pub what: String,
    /// The words of a command, or the parts of what a pattern is held against.
    pub words: Vec<String>,
    /// How much it could harm.
    pub risk: Risk,
    /// What it does to the world.
    pub effect: Effect,
    /// Id of the rule that judged it.
    pub rule: &'static str,
    /// Why, in a sentence.
    pub reason: String,
    /// The program that would run.
    pub program: Option<PathBuf>,
}

/// The verdict on a call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decision {
    /// Whether it may run.
    pub verdict: Verdict,
    /// How much it could harm: the worst of its steps.
    pub risk: Risk,
    /// Its parts in the order in which they stand.
    pub steps: Vec<Step>,
    /// Patterns a grant for this call would have, one for each step that asks; empty when no
    /// grant can cover it.
    pub patterns: Vec<String>,
    /// Programs those patterns start with, absolute: what belongs into the grant.
    pub programs: Vec<PathBuf>,
    /// The grants that cover what would ask without them.
    pub grants: Vec<GrantId>,
    /// SHA-256 of everything this decision rests on.
    pub digest: String,
    /// Whether it needs the network.
    pub network: bool,
    /// Files and directories it would change, resolved, as far as they are known.
    pub writes: Vec<PathBuf>,
    /// Those of `writes` that it opens as files, and neither renames nor removes.
    pub opened: Vec<PathBuf>,
    /// Files and directories outside the workspace it would read, resolved.
    pub reads: Vec<PathBuf>,
    /// Files and directories outside the workspace of which it would see names and properties.
    pub lists: Vec<PathBuf>,
}

impl Decision {
    /// Whether nothing in it does more than look: then it needs no right to change anything.
    pub fn looks_only(&self) -> bool {
        self.risk == Risk::Low
            && self.writes.is_empty()
            && self.steps.iter().all(|step| step.effect == Effect::Look)
    }
}
