//! What the helper gives up before the program starts: resources, capabilities, the way back.

use std::fs;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, clear_ambient_capability_set,
    remove_capability_from_bounding_set, set_capabilities,
};

use super::wire::Refusal;
use crate::Limits;

/// What a program of root keeps: to use files of a workspace that belongs to somebody else, which
/// the file rules bound, and low ports. It gives up changing owners and permission bits of files
/// that are not root's, becoming another user, and everything about the machine.
const KEPT: CapabilitySet = CapabilitySet::DAC_OVERRIDE.union(CapabilitySet::NET_BIND_SERVICE);

/// Sets the limits of this process, which its children inherit.
pub fn limit(limits: &Limits) -> Result<(), Refusal> {
    let mut wanted = vec![
        (Resource::Core, 0),
        (Resource::Cpu, limits.cpu_secs),
        (Resource::Fsize, limits.file_bytes),
        (Resource::Nofile, limits.open_files),
        (
            Resource::Nproc,
            threads_now().saturating_add(limits.processes),
        ),
    ];
    if let Some(memory_bytes) = limits.memory_bytes {
        // Not the address space: some runtimes reserve far more of that than they ever use.
        wanted.push((Resource::Data, memory_bytes));
    }
    for (resource, most) in wanted {
        let most = getrlimit(resource)
            .maximum
            .map_or(most, |hard| hard.min(most));
        let limit = Rlimit {
            current: Some(most),
            maximum: Some(most),
        };
        setrlimit(resource, limit)
            .map_err(|errno| Refusal::restrict("the use of resources", errno))?;
    }
    Ok(())
}

/// Threads on the whole machine. The kernel counts those of the user, whose number is nowhere to be
/// read at once; this is an upper bound of it.
fn threads_now() -> u64 {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ')
        .nth(3)
        .and_then(|field| field.split_once('/'))
        .and_then(|(_, total)| total.parse().ok())
        .unwrap_or(4096)
}

/// Takes from the calling thread, and from what it starts, every capability about the machine.
pub fn drop_capabilities() -> Result<(), Refusal> {
    let failed = |errno: rustix::io::Errno| Refusal::restrict("capabilities", errno);
    let held = capabilities(None).map_err(failed)?;
    if held.permitted.is_empty() {
        return Ok(());
    }
    clear_ambient_capability_set().map_err(failed)?;
    for capability in CapabilitySet::all().difference(KEPT).iter() {
        // A process that may not do this, or a kernel that does not know it, gives up what it
        // holds below; with "no new privileges" set it comes back from no program.
        remove_capability_from_bounding_set(capability).ok();
    }
    let kept = CapabilitySets {
        effective: held.effective & KEPT,
        permitted: held.permitted & KEPT,
        inheritable: CapabilitySet::empty(),
    };
    set_capabilities(None, kept).map_err(failed)
}

/// Makes this process, and what it starts from now on, the first to go when memory runs out.
pub fn prefer_to_kill(first: bool) {
    let score = if first { "500" } else { "0" };
    // A hint: where it cannot be given, the kernel chooses by itself.
    fs::write("/proc/self/oom_score_adj", score).ok();
}
