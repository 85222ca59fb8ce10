//! What keeps the agent inside its bounds: how much runs without a question, and what the kernel
//! enforces on programs.

use mesoclaw_agent::policy::Autonomy;
use mesoclaw_sandbox::{Enforced, Enforcement, Level, probe};

use super::{Check, Status};

/// The checks.
pub(super) fn checks(autonomy_word: &str, sandbox_word: &str) -> Vec<Check> {
    vec![autonomy(autonomy_word), sandbox(level(sandbox_word), probe)]
}

fn autonomy(word: &str) -> Check {
    let name = "autonomy";
    match Autonomy::parse(word) {
        Ok((level, None)) => Check::new(name, Status::Ok, format!("{level}: {}", level.describe())),
        Ok((level, Some(notice))) => Check::new(name, Status::Warning, notice).with_fix(format!(
            "`mesoclaw config set security_autonomy_level {level}`"
        )),
        Err(error) => Check::new(name, Status::Problem, error.to_string())
            .with_fix("`mesoclaw config set security_autonomy_level supervised`"),
    }
}

/// Configuration is checked when it is read; a word that is none counts as the narrowest level, as
/// it does when a program runs.
fn level(word: &str) -> Level {
    word.parse().unwrap_or(Level::Require)
}

/// The level, and every kind of restriction with how far it holds.
fn sandbox(level: Level, probe: impl FnOnce() -> Enforced) -> Check {
    let name = "sandbox";
    if level == Level::Off {
        let detail = "off: programs that the agent runs can read and change whatever you can";
        return Check::new(name, Status::Warning, detail)
            .with_fix("`mesoclaw config set security_sandbox best_effort`");
    }
    let enforced = probe();
    let parts: Vec<String> = enforced
        .rows()
        .iter()
        .map(|(what, how)| format!("{what} {how}"))
        .collect();
    let detail = format!("{level}: {}", parts.join("; "));
    let has_files = enforced.filesystem.is_some();
    let has_required = has_files && enforced.syscalls.is_some();
    if level == Level::Require && !has_required {
        return Check::new(name, Status::Problem, detail).with_fix(
            "no program runs: this kernel cannot do what `security_sandbox = \"require\"` asks; \
             `mesoclaw config set security_sandbox best_effort` runs programs without it",
        );
    }
    let is_full = enforced
        .rows()
        .iter()
        .all(|(_, how)| matches!(how, Enforcement::Full));
    let status = if has_files && (is_full || enforced.network.is_some()) {
        Status::Ok
    } else {
        Status::Warning
    };
    let check = Check::new(name, status, detail);
    if has_files {
        check
    } else {
        check.with_fix("a Linux kernel of 5.13 or later with Landlock keeps files out of reach")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_that_enforces_nothing_is_told() {
        let nothing = || Enforced::nothing("no Landlock");
        let full = || Enforced {
            filesystem: Enforcement::Full,
            network: Enforcement::Full,
            syscalls: Enforcement::Full,
            processes: Enforcement::Full,
            limits: Enforcement::Full,
        };
        let no_network = || Enforced {
            network: Enforcement::None("an old kernel".to_owned()),
            ..full()
        };
        for (level, enforced, expected) in [
            (Level::Off, full(), Status::Warning),
            (Level::BestEffort, full(), Status::Ok),
            (Level::BestEffort, no_network(), Status::Warning),
            (Level::BestEffort, nothing(), Status::Warning),
            (Level::Require, full(), Status::Ok),
            (Level::Require, nothing(), Status::Problem),
        ] {
            assert_eq!(sandbox(level, || enforced).status, expected, "{level}");
        }
    }

    #[test]
    fn a_word_of_another_system_is_told() {
        for (word, expected) in [
            ("supervised", Status::Ok),
            ("full", Status::Warning),
            ("yolo", Status::Problem),
        ] {
            assert_eq!(autonomy(word).status, expected, "{word}");
        }
    }
}
