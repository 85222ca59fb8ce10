//! What this kernel can enforce, asked of the kernel itself.

use std::path::Path;

use landlock::{ABI, Access, AccessFs, CompatLevel, Compatible, Ruleset, RulesetAttr, Scope};

use crate::{Enforced, Enforcement};

/// Lists the actions of a kernel that has system call filters.
const SECCOMP_ACTIONS: &str = "/proc/sys/kernel/seccomp/actions_avail";

/// What no version of the file rules covers.
const BITS: &str = "permission bits and dates of your own files elsewhere are not covered, nor are command lines of other programs";

/// What a kernel has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kernel {
    /// The newest version of the file rules, up to the one that closes the last known gap.
    pub files: Option<ABI>,
    /// Whether signals can be kept inside.
    pub signals: bool,
    /// Whether system calls can be filtered.
    pub syscalls: bool,
}

impl Kernel {
    /// Asks the kernel. Restricts nothing.
    pub fn ask() -> Self {
        let versions = [ABI::V3, ABI::V2, ABI::V1];
        let has_files = |abi: &ABI| {
            Ruleset::default()
                .set_compatibility(CompatLevel::HardRequirement)
                .handle_access(AccessFs::from_all(*abi))
                .and_then(Ruleset::create)
                .is_ok()
        };
        let signals = Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .scope(Scope::Signal)
            .and_then(Ruleset::create)
            .is_ok();
        let has_filter = seccompiler::TargetArch::try_from(std::env::consts::ARCH).is_ok();
        Self {
            files: versions.into_iter().find(has_files),
            signals,
            syscalls: has_filter && Path::new(SECCOMP_ACTIONS).exists(),
        }
    }

    /// In words, for a child without the network right.
    pub fn enforced(self) -> Enforced {
        Enforced {
            filesystem: match self.files {
                None => Enforcement::none("this kernel has no Landlock, or it is switched off"),
                Some(ABI::V1 | ABI::V2) => Enforcement::Partial(format!(
                    "files that may not be written can be emptied (before Linux 6.2), and {BITS}"
                )),
                Some(_) => Enforcement::partial(BITS),
            },
            network: if self.syscalls {
                Enforcement::Full
            } else {
                Enforcement::none("this kernel does not filter system calls")
            },
            syscalls: if self.syscalls {
                Enforcement::Full
            } else {
                Enforcement::none("this kernel does not filter system calls")
            },
            processes: if self.signals {
                Enforcement::Full
            } else {
                Enforcement::partial("processes outside can be sent signals (before Linux 6.12)")
            },
            limits: if rustix::process::geteuid().is_root() {
                Enforcement::partial("the kernel does not bound the number of root's processes")
            } else {
                Enforcement::Full
            },
        }
    }
}

/// What this kernel enforces on a child without the network right. Takes well under a millisecond
/// and restricts nothing.
pub fn probe() -> Enforced {
    Kernel::ask().enforced()
}
