//! Which files the program can open: Landlock rules on the calling thread.

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, BitFlags, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreated,
    RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
};
use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags, fstat, openat2};

use super::wire::{Order, Refusal};
use crate::toolchain::all_except;

/// The newest rules known here. An older kernel enforces those of them that it has.
const NEWEST: ABI = ABI::V10;

/// Readable for every program: what the system itself is made of.
const SYSTEM: &[&str] = &[
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/opt",
    "/nix",
    "/gnu",
    "/snap",
    "/run/current-system",
    "/var/lib/dpkg",
    // Environment, memory and open files of processes outside are refused by the kernel, because
    // they belong to another domain.
    "/proc",
    "/sys/devices/system",
    "/sys/fs/cgroup",
    "/sys/kernel/mm",
];

/// What of `/etc` holds secrets. Ordinary users cannot read these anyway; root can.
const ETC_SECRETS: &[&str] = &[
    "shadow*",
    "gshadow*",
    "sudoers*",
    "krb5.keytab",
    "wireguard",
    "ipsec.secrets",
    "ppp",
    "security/opasswd",
    "ssh/ssh_host_*",
    "ssl/private",
    "pki/tls/private",
    "letsencrypt",
    "NetworkManager/system-connections",
    "docker",
    "kubernetes",
    "rancher",
];

/// Devices without content of their own.
const DEVICES: &[&str] = &[
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
];

/// Restricts the calling thread, and what it starts, to the files of the order. Abstract local
/// sockets and signals stay inside where the kernel can do that.
pub fn restrict(order: &Order) -> Result<(), Refusal> {
    let failed = |error: RulesetError| Refusal::restrict("files", error);
    let ruleset = Ruleset::default()
        .handle_access(AccessFs::from_all(NEWEST))
        .and_then(|ruleset| ruleset.scope(Scope::from_all(NEWEST)))
        .and_then(Ruleset::create)
        .map_err(failed)?;
    let ruleset = with_rules(ruleset, order)?;
    let status = RulesetCreated::restrict_self(ruleset).map_err(failed)?;
    if status.ruleset == RulesetStatus::NotEnforced {
        return Err(Refusal::restrict("files", "the kernel enforces no rule"));
    }
    Ok(())
}

/// Adds the rules one by one: each file is open only for as long as that takes, because the number
/// of open files is limited already.
fn with_rules(mut rules: RulesetCreated, order: &Order) -> Result<RulesetCreated, Refusal> {
    let read = AccessFs::from_read(NEWEST);
    for path in system_reads() {
        // What cannot be opened does not exist here or is nobody's to read.
        if let Ok(file) = PathFd::new(&path) {
            rules = add(rules, file, read)?;
        }
    }
    // Names alone: programs list the directory, but its contents are granted one by one.
    if let Ok(etc) = PathFd::new("/etc") {
        rules = add(rules, etc, AccessFs::ReadDir.into())?;
    }
    for device in DEVICES {
        if let Ok(file) = PathFd::new(device) {
            let use_it = read | AccessFs::WriteFile | AccessFs::IoctlDev;
            rules = add(rules, file, use_it)?;
        }
    }
    for path in order.read() {
        match open(path) {
            Ok(file) => rules = add(rules, file, read)?,
            Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR) => {}
            Err(errno) => return Err(refusal(path, errno)),
        }
    }
    for path in order.list().filter(|path| path.is_dir()) {
        let file = open(path).map_err(|errno| refusal(path, errno))?;
        rules = add(rules, file, AccessFs::ReadDir.into())?;
    }
    // New devices would be doors to the machine's own.
    let write = AccessFs::from_all(NEWEST) & !(AccessFs::MakeChar | AccessFs::MakeBlock);
    for path in order.write() {
        let file = open(path).map_err(|errno| refusal(path, errno))?;
        rules = add(rules, file, write)?;
    }
    Ok(rules)
}

fn refusal(path: &Path, errno: rustix::io::Errno) -> Refusal {
    Refusal::Grant {
        path: path.display().to_string(),
        errno: Some(errno.raw_os_error()),
    }
}

/// Adds a rule with those of the rights that fit what the file is.
fn add(
    rules: RulesetCreated,
    file: impl AsFd,
    access: BitFlags<AccessFs>,
) -> Result<RulesetCreated, Refusal> {
    let is_dir =
        fstat(&file).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory);
    let access = if is_dir {
        access
    } else {
        access & AccessFs::from_file(NEWEST)
    };
    rules
        .add_rule(PathBeneath::new(file, access))
        .map_err(|error| Refusal::restrict("files", error))
}

/// Opens a path to refer to it, refusing a symbolic link in any part of it.
fn open(path: &Path) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    openat2(CWD, path, flags, Mode::empty(), ResolveFlags::NO_SYMLINKS)
}

fn system_reads() -> Vec<PathBuf> {
    let mut reads: Vec<PathBuf> = SYSTEM.iter().map(PathBuf::from).collect();
    all_except(Path::new("/etc"), ETC_SECRETS, &mut reads);
    reads
}
