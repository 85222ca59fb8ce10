//! Which system calls the program can make: filters on the calling thread.
//!
//! A list of what is refused, not of what is allowed: compilers, runtimes and test suites use
//! nearly everything else. Calls newer than this list are answered like by an older kernel.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, apply_filter, sock_filter,
};

use super::owners::{self, Own};
use super::wire::Refusal;

/// The newest call that was looked at for this list (`file_setattr`).
const NEWEST_CALL: u32 = 469;

/// Other processes, the machine, and ways around the other restrictions.
const REFUSED: &[i64] = &[
    libc::SYS_acct,
    libc::SYS_add_key,
    libc::SYS_adjtimex,
    libc::SYS_bpf,
    libc::SYS_chroot,
    libc::SYS_clock_adjtime,
    libc::SYS_clock_settime,
    libc::SYS_delete_module,
    libc::SYS_fanotify_init,
    libc::SYS_finit_module,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_init_module,
    libc::SYS_kcmp,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_lookup_dcookie,
    libc::SYS_migrate_pages,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_move_pages,
    // Queues and semaphores of other programs of the user, like the segments below.
    libc::SYS_mq_getsetattr,
    libc::SYS_mq_notify,
    libc::SYS_mq_open,
    libc::SYS_mq_timedreceive,
    libc::SYS_mq_timedsend,
    libc::SYS_mq_unlink,
    libc::SYS_msgctl,
    libc::SYS_msgget,
    libc::SYS_msgrcv,
    libc::SYS_msgsnd,
    libc::SYS_nfsservctl,
    libc::SYS_open_by_handle_at,
    libc::SYS_open_tree,
    libc::SYS_perf_event_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pivot_root,
    libc::SYS_process_madvise,
    libc::SYS_process_mrelease,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_ptrace,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_reboot,
    libc::SYS_request_key,
    libc::SYS_semctl,
    libc::SYS_semget,
    libc::SYS_semop,
    libc::SYS_semtimedop,
    libc::SYS_setdomainname,
    libc::SYS_sethostname,
    libc::SYS_setns,
    libc::SYS_settimeofday,
    // Segments of other programs of the user are there to be attached.
    libc::SYS_shmat,
    libc::SYS_shmctl,
    libc::SYS_shmget,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_syslog,
    libc::SYS_umount2,
    libc::SYS_unshare,
    libc::SYS_userfaultfd,
    libc::SYS_vhangup,
];

/// Answered like by a kernel that does not have them, so that programs fall back to older calls:
/// what they do cannot be seen by a filter.
const ABSENT: &[i64] = &[
    libc::SYS_clone3,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_uring_setup,
    libc::SYS_openat2,
];

/// A new namespace is a new set of rights.
const NAMESPACES: &[i32] = &[
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWUTS,
];

/// Puts text into a terminal's input as if a person had typed it.
const TERMINAL_INPUT: &[u64] = &[0x5412, 0x541c];

/// The part of a socket's type that is not a flag.
const SOCKET_TYPE: u64 = 0xf;

/// An old spelling of packet sockets, as a type.
const SOCK_PACKET: u64 = 10;

/// Refused calls, each with the rules of which one has to hold; none = always.
pub type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Filters the calls of the calling thread and of what it starts.
pub fn restrict(network: bool, own: &Own) -> Result<(), Refusal> {
    let failed = |error: &dyn std::fmt::Display| Refusal::restrict("system calls", error);
    let programs = programs(network, own).map_err(|error| failed(&error))?;
    for program in programs {
        apply_filter(&program).map_err(|error| failed(&error))?;
    }
    Ok(())
}

fn programs(network: bool, own: &Own) -> Result<Vec<BpfProgram>, seccompiler::BackendError> {
    let absent = ABSENT.iter().map(|call| (*call, vec![])).collect();
    Ok(vec![
        known_calls(),
        program(absent, libc::ENOSYS)?,
        program(refused(own)?, libc::EPERM)?,
        program(sockets(network)?, libc::EACCES)?,
    ])
}

/// Refuses calls above the newest known one. On x86-64 that covers the second numbering of all
/// calls (x32), which would go around every other filter.
fn known_calls() -> BpfProgram {
    let absent = u32::from(SeccompAction::Errno(libc::ENOSYS as u32));
    let instruction = |code, jt, jf, k| sock_filter { code, jt, jf, k };
    vec![
        // Load the number of the call; above the newest, the answer is that there is none.
        instruction(0x20, 0, 0, 0),
        instruction(0x25, 0, 1, NEWEST_CALL),
        instruction(0x06, 0, 0, absent),
        instruction(0x06, 0, 0, u32::from(SeccompAction::Allow)),
    ]
}

/// A program that answers the calls of `rules` with an error. A call of another architecture (a
/// 32-bit program) ends the process.
fn program(rules: Rules, errno: i32) -> Result<BpfProgram, seccompiler::BackendError> {
    let arch = TargetArch::try_from(std::env::consts::ARCH)?;
    let answer = SeccompAction::Errno(errno as u32);
    SeccompFilter::new(rules, SeccompAction::Allow, answer, arch)?.try_into()
}

fn refused(own: &Own) -> Result<Rules, seccompiler::BackendError> {
    let mut rules: Rules = REFUSED.iter().map(|call| (*call, vec![])).collect();
    let namespaces = NAMESPACES
        .iter()
        .map(|flag| rule(&[has_bits(0, *flag as u64)]))
        .collect::<Result<_, _>>()?;
    rules.insert(libc::SYS_clone, namespaces);
    let inputs = TERMINAL_INPUT
        .iter()
        .map(|request| rule(&[(1, SeccompCmpOp::Eq, *request)]))
        .collect::<Result<_, _>>()?;
    rules.insert(libc::SYS_ioctl, inputs);
    // Limits of other processes.
    let others = vec![rule(&[(0, SeccompCmpOp::Ne, 0)])?];
    rules.insert(libc::SYS_prlimit64, others);
    owners::add(&mut rules, own)?;
    Ok(rules)
}

/// Which sockets are refused. Local sockets by name always are: behind them listen key agents,
/// container and session managers and the daemon itself, and most kernels cannot tell them apart.
/// Connected pairs remain, except those that can be pointed at a name afterwards.
fn sockets(network: bool) -> Result<Rules, seccompiler::BackendError> {
    let inet = [libc::AF_INET as u64, libc::AF_INET6 as u64];
    let netlink = libc::AF_NETLINK as u64;
    let mut denied = Vec::new();
    if network {
        denied.push(rule(&[
            (0, SeccompCmpOp::Ne, inet[0]),
            (0, SeccompCmpOp::Ne, inet[1]),
            (0, SeccompCmpOp::Ne, netlink),
        ])?);
        // Of the kernel's own sockets, those that list addresses and routes.
        denied.push(rule(&[
            (0, SeccompCmpOp::Eq, netlink),
            (2, SeccompCmpOp::Ne, libc::NETLINK_ROUTE as u64),
        ])?);
        // Hand-made packets.
        for kind in [libc::SOCK_RAW as u64, SOCK_PACKET] {
            for family in inet {
                let is_kind = (1, SeccompCmpOp::MaskedEq(SOCKET_TYPE), kind);
                denied.push(rule(&[(0, SeccompCmpOp::Eq, family), is_kind])?);
            }
        }
    }
    let mut pairs = vec![rule(&[(0, SeccompCmpOp::Ne, libc::AF_UNIX as u64)])?];
    for kind in [libc::SOCK_DGRAM as u64, libc::SOCK_RAW as u64] {
        let is_kind = (1, SeccompCmpOp::MaskedEq(SOCKET_TYPE), kind);
        pairs.push(rule(&[is_kind])?);
    }
    // Without a rule, every socket is refused.
    Ok(Rules::from([
        (libc::SYS_socket, denied),
        (libc::SYS_socketpair, pairs),
    ]))
}

/// Whether these bits of an argument are all set.
pub fn has_bits(index: u8, bits: u64) -> (u8, SeccompCmpOp, u64) {
    (index, SeccompCmpOp::MaskedEq(bits), bits)
}

/// A rule that holds when all conditions do. Arguments are compared by their lower half, as the kernel reads them.
pub fn rule(
    conditions: &[(u8, SeccompCmpOp, u64)],
) -> Result<SeccompRule, seccompiler::BackendError> {
    let conditions = conditions
        .iter()
        .map(|(index, operator, value)| {
            SeccompCondition::new(*index, SeccompCmpArgLen::Dword, operator.clone(), *value)
        })
        .collect::<Result<_, _>>()?;
    SeccompRule::new(conditions)
}
