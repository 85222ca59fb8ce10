//! Which owners and permission bits the program can give to files.
//!
//! The file rules of the kernel cover neither, wherever a file lies. A filter sees the numbers of
//! a call but not the path, so it refuses what no program of a workspace needs: a program that
//! runs with the rights of its owner, and files of somebody else.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use seccompiler::{BackendError, SeccompCmpOp};

use super::syscalls::{Rules, has_bits, rule};

/// "Leave it as it is", as an owner or a group.
const UNCHANGED: u64 = 0xffff_ffff;

/// A call number that `libc` does not have for every architecture.
const FCHMODAT2: i64 = 452;

/// Calls with the argument that is the mode.
const MODES: &[(i64, u8)] = &[
    (libc::SYS_fchmod, 1),
    (libc::SYS_fchmodat, 2),
    (FCHMODAT2, 2),
    (libc::SYS_mknodat, 2),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_chmod, 1),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_creat, 1),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_mknod, 1),
];

/// Calls with the arguments that are the flags and the mode, which counts only with some flags.
const OPENS: &[(i64, u8, u8)] = &[
    (libc::SYS_openat, 2, 3),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_open, 1, 2),
];

/// The flag that makes a file without a name, without the flag for directories in it.
const UNNAMED: i32 = libc::O_TMPFILE & !libc::O_DIRECTORY;

/// Calls with the arguments that are the owner and the group.
const OWNERS: &[(i64, u8, u8)] = &[
    (libc::SYS_fchown, 1, 2),
    (libc::SYS_fchownat, 2, 3),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_chown, 1, 2),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_lchown, 1, 2),
];

/// What a workspace already has and its programs therefore may give.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Own {
    owner: u32,
    groups: Vec<u32>,
    /// A directory of a team has the set-group-id bit, and every program that copies a directory
    /// in it sets that bit again.
    shares_group: bool,
}

impl Own {
    /// This process, and the places that can be written.
    pub fn of<'a>(writable: impl Iterator<Item = &'a Path>) -> Self {
        let mut own = Self {
            owner: rustix::process::geteuid().as_raw(),
            groups: vec![rustix::process::getegid().as_raw()],
            shares_group: false,
        };
        for place in writable.filter_map(|path| path.metadata().ok()) {
            own.shares_group |= place.is_dir() && place.mode() & libc::S_ISGID != 0;
            if !own.groups.contains(&place.gid()) {
                own.groups.push(place.gid());
            }
        }
        own
    }
}

/// Refuses set-user-id and set-group-id bits, and owners and groups other than these.
pub fn add(rules: &mut Rules, own: &Own) -> Result<(), BackendError> {
    let bits: &[u32] = if own.shares_group {
        &[libc::S_ISUID]
    } else {
        &[libc::S_ISUID, libc::S_ISGID]
    };
    for (call, mode) in MODES {
        let refused = bits
            .iter()
            .map(|bit| rule(&[has_bits(*mode, (*bit).into())]));
        rules.insert(*call, refused.collect::<Result<_, _>>()?);
    }
    for (call, flags, mode) in OPENS {
        let mut refused = Vec::new();
        for bit in bits {
            for flag in [libc::O_CREAT, UNNAMED] {
                let makes = has_bits(*flags, u64::from(flag.unsigned_abs()));
                refused.push(rule(&[makes, has_bits(*mode, (*bit).into())])?);
            }
        }
        rules.insert(*call, refused);
    }
    for (call, owner, group) in OWNERS {
        let not = |argument, number| (argument, SeccompCmpOp::Ne, number);
        let owners = [not(*owner, UNCHANGED), not(*owner, own.owner.into())];
        let mut groups = vec![not(*group, UNCHANGED)];
        groups.extend(own.groups.iter().map(|own| not(*group, (*own).into())));
        rules.insert(*call, vec![rule(&owners)?, rule(&groups)?]);
    }
    Ok(())
}
