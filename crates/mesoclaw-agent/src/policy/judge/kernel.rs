//! `/dev`, `/proc` and `/sys`.

use super::file::{Finding, effect};
use crate::policy::decision::Effect;
use crate::policy::facts::{PathFact, PathKind};
use crate::policy::programs::{Level, Role};
use crate::policy::rules::rule;

/// The kernel's own files: a few tell about the machine, the rest is refused.
pub(super) fn judge(shown: &str, role: Role, fact: &PathFact) -> Finding {
    let text = fact.resolved.to_str().unwrap_or_default();
    let is_look = matches!(role, Role::Read | Role::List);
    let is_fact = matches!(
        text,
        "/proc/cpuinfo"
            | "/proc/meminfo"
            | "/proc/loadavg"
            | "/proc/uptime"
            | "/proc/version"
            | "/proc/stat"
    );
    if is_look && is_fact {
        let mut finding = Finding::new(
            Level::Low,
            rule::ACTION_INSPECT,
            format!("{shown} tells about the machine"),
            Effect::Look,
        );
        finding.machine = true;
        finding.reads.push(fact.resolved.clone());
        return finding;
    }
    let is_tree = fact.kind == PathKind::Directory && role == Role::Read;
    if is_look && !is_tree && text.starts_with("/sys/") {
        let mut finding = Finding::new(
            Level::Medium,
            rule::PATH_OUTSIDE_READ,
            format!("{shown} tells about the machine"),
            Effect::Look,
        );
        finding.reads.push(fact.resolved.clone());
        return finding;
    }
    Finding::new(
        Level::Forbidden,
        rule::PATH_SPECIAL,
        format!("{shown} belongs to the kernel"),
        effect(role),
    )
}
