//! `decide`: whether a call may run. Pure: facts come in, a verdict goes out.

use mesoclaw_api::Surface;
use mesoclaw_api::ops::approval::Risk;

/// Whether a call may run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It may.
    Allow,
    /// A person must say so.
    Ask {
        /// Why.
        reason: String,
    },
    /// It may not.
    Deny {
        /// Why; the model sees it.
        reason: String,
    },
}

/// Low risk runs; everything else asks where somebody can be asked, and is denied where not.
pub fn decide(tool: &str, risk: Risk, surface: Surface) -> Verdict {
    match (risk, surface.is_interactive()) {
        (Risk::Low, _) => Verdict::Allow,
        (Risk::Medium | Risk::High, true) => Verdict::Ask {
            reason: format!("`{tool}` changes something"),
        },
        (Risk::Medium | Risk::High, false) => Verdict::Deny {
            reason: format!(
                "`{tool}` needs the approval of a person, and nobody can be asked here"
            ),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_low_risk_runs_unasked() {
        for (risk, surface, expected) in [
            (Risk::Low, Surface::Pipe, "allow"),
            (Risk::Low, Surface::Tui, "allow"),
            (Risk::Medium, Surface::Tui, "ask"),
            (Risk::High, Surface::Cli, "ask"),
            (Risk::Medium, Surface::Pipe, "deny"),
            (Risk::High, Surface::Job, "deny"),
        ] {
            let word = match decide("t", risk, surface) {
                Verdict::Allow => "allow",
                Verdict::Ask { .. } => "ask",
                Verdict::Deny { .. } => "deny",
            };
            assert_eq!(word, expected, "{risk:?} {surface:?}");
        }
    }
}
