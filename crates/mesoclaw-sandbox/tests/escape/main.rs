//! Programs that try to get out of the sandbox, on the real kernel, under every level, as this user
//! and, when that is root, once more as a user without rights.
//!
//! This program is also the helper: called with the hidden word it enters the sandbox. That is why
//! it has a main function of its own. Arguments are parts of names of the cases to run.

#[cfg(target_os = "linux")]
#[path = "linux.rs"]
mod cases;
#[cfg(not(target_os = "linux"))]
#[path = "elsewhere.rs"]
mod cases;

use std::process::ExitCode;

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(mesoclaw_sandbox::HELPER_WORD) {
        return mesoclaw_sandbox::enter();
    }
    cases::main()
}
