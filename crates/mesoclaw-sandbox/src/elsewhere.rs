//! Systems without a sandbox of ours: programs run with their own environment, closed input and
//! caps, and nothing else is claimed.

use std::process::ExitCode;

use crate::direct::Direct;
use crate::{Enforced, Level, RunOptions, Sandbox, SandboxError, Spec};

pub(crate) use crate::direct::Word;

const WHY: &str = "this system has no sandbox that mesoclaw can use";

/// What this system enforces: nothing.
pub fn probe() -> Enforced {
    Enforced::nothing(WHY)
}

/// There is no helper on this system.
pub fn enter() -> ExitCode {
    ExitCode::FAILURE
}

/// A running program.
pub(crate) struct Child(Direct);

impl Child {
    pub async fn start(
        sandbox: &Sandbox,
        spec: &Spec,
        _options: &RunOptions,
        _temp: &std::path::Path,
    ) -> Result<Self, SandboxError> {
        match sandbox.level {
            Level::Require => Err(SandboxError::NotEnforceable {
                missing: "any restriction".to_owned(),
            }),
            Level::Off | Level::BestEffort => Direct::start(spec, WHY).map(Self),
        }
    }

    pub fn outputs(&mut self) -> crate::pump::Pump {
        self.0.outputs()
    }

    pub async fn next_word(&mut self) -> Word {
        self.0.next_word().await
    }

    pub fn kill(&mut self) {
        self.0.kill();
    }

    pub async fn finish(self, grace: std::time::Duration) {
        self.0.finish(grace).await;
    }
}
