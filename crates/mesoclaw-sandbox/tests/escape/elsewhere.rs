//! Systems without a sandbox of ours say so.

use std::process::ExitCode;

use mesoclaw_sandbox::probe;

pub fn main() -> ExitCode {
    let is_honest = probe().rows().iter().all(|(_, state)| !state.is_some());
    if is_honest {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
