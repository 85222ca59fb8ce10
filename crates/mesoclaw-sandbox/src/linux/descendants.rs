//! Ends every process that a program has started, however it tried to get away.
//!
//! The helper is the reaper of its descendants: one whose parent ends becomes the helper's own
//! child, so a double fork or a new session hides nothing. Where the kernel keeps signals inside a
//! Landlock domain, one `kill(-1)` from inside the helper's domain reaches all of them at once and
//! nothing else, which no fork can outrun.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use landlock::{
    AccessFs, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreated,
    RulesetCreatedAttr, RulesetStatus, Scope,
};
use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, getpid, getppid, kill_process, kill_process_group, test_kill_process,
};

/// Proof that signals from this process reach its own descendants alone.
#[derive(Clone, Copy, Debug)]
pub struct Enclosed(());

/// Encloses the calling thread, and every thread and process it starts from now on, in a domain out
/// of which no signal goes. `None` when the kernel cannot do that.
pub fn enclose() -> Option<Enclosed> {
    let daemon = getppid()?;
    // The word of the kernel is checked by what it does: `kill(-1)` in a process that is not
    // enclosed would end everything the user runs. A process that could be signalled before and
    // cannot be afterwards is the proof.
    test_kill_process(daemon).ok()?;
    // A domain without a word about moving files to another directory refuses it everywhere.
    let everywhere = PathBeneath::new(PathFd::new("/").ok()?, AccessFs::Refer);
    let status = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::Refer)
        .and_then(|ruleset| ruleset.scope(Scope::Signal))
        .and_then(Ruleset::create)
        .and_then(|ruleset| ruleset.add_rule(everywhere))
        .and_then(RulesetCreated::restrict_self)
        .ok()?;
    let is_enforced = status.ruleset == RulesetStatus::FullyEnforced;
    let is_closed = test_kill_process(daemon) == Err(Errno::PERM);
    (is_enforced && is_closed).then_some(Enclosed(()))
}

/// Kills every descendant of this process once. What forks while it is being killed may need
/// another round where there is no proof of enclosure.
pub fn kill_all(enclosed: Option<Enclosed>) {
    if enclosed.is_some() {
        // The group of 1, negated, addresses every process that may be signalled, except this one.
        // That there is none left is no error.
        kill_process_group(Pid::INIT, Signal::KILL).ok();
        return;
    }
    let rows = processes();
    for pid in descendants_of(getpid().as_raw_nonzero().get(), &rows) {
        kill(pid);
    }
}

/// Kills every process of a session: what is left of a helper that was itself killed.
pub fn kill_session(session: u32) {
    let Ok(session) = i32::try_from(session) else {
        return;
    };
    for row in processes() {
        if row.session == session {
            kill(row.pid);
        }
    }
}

fn kill(pid: i32) {
    if let Some(pid) = Pid::from_raw(pid).filter(|pid| *pid != Pid::INIT) {
        // It may have ended in the meantime.
        kill_process(pid, Signal::KILL).ok();
    }
}

/// A process as `/proc` shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Row {
    pid: i32,
    parent: i32,
    session: i32,
}

fn processes() -> Vec<Row> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let pids = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter_map(|pid| row(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?))
        .collect()
}

/// Reads a line of `/proc/PID/stat`. The name in it may hold spaces and parentheses.
fn row(stat: &str) -> Option<Row> {
    let (pid, rest) = stat.split_once(' ')?;
    let (_, rest) = rest.rsplit_once(") ")?;
    let mut fields = rest.split(' ').skip(1);
    let parent = fields.next()?.parse().ok()?;
    let session = fields.nth(1)?.parse().ok()?;
    Some(Row {
        pid: pid.parse().ok()?,
        parent,
        session,
    })
}

fn descendants_of(root: i32, rows: &[Row]) -> Vec<i32> {
    let mut children: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    for row in rows {
        children.entry(row.parent).or_default().push(row.pid);
    }
    let mut found = Vec::new();
    let mut seen = BTreeSet::from([root]);
    let mut todo = vec![root];
    while let Some(parent) = todo.pop() {
        for pid in children.get(&parent).into_iter().flatten() {
            if seen.insert(*pid) {
                found.push(*pid);
                todo.push(*pid);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_parentheses_does_not_shift_the_fields() {
        let expected = Row {
            pid: 42,
            parent: 7,
            session: 9,
        };
        assert_eq!(row("42 (a) S 1 (b) R 7 8 9 0 -1 4194304"), Some(expected));
        assert_eq!(row("42 (a"), None);
        assert_eq!(row(""), None);
    }

    #[test]
    fn descendants_are_found_through_every_generation() {
        let row = |pid, parent| Row {
            pid,
            parent,
            session: 1,
        };
        let rows = [row(2, 1), row(3, 2), row(4, 3), row(5, 1), row(6, 6)];
        let mut found = descendants_of(2, &rows);
        found.sort_unstable();
        assert_eq!(found, [3, 4]);
    }
}
