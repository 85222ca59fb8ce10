//! `Verdict`: what a turn needs to know of a decision of the policy.

use crate::policy;

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

impl From<policy::Verdict> for Verdict {
    fn from(verdict: policy::Verdict) -> Self {
        match verdict {
            policy::Verdict::Allow { .. } => Self::Allow,
            policy::Verdict::Ask { reason, .. } => Self::Ask { reason },
            policy::Verdict::Deny { reason, .. } => Self::Deny { reason },
        }
    }
}
