//! What a path is now: every link resolved step by step, as the system would, but noticing where
//! links were followed.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::Metadata;
use std::path::{Component, Path, PathBuf};

use mesoclaw_agent::policy::{Below, PathFact, PathKind, Roots};

use crate::workspace::{identity_of, kind_of_special, links, user_may_write};

/// As many links as the system itself follows.
const LINKS_MAX: usize = 40;

/// Looks at an absolute path; `.` and `..` may be in it.
pub(super) fn fact(path: &Path, roots: &Roots) -> PathFact {
    let mut walk = Walk {
        reached: PathBuf::new(),
        pending: VecDeque::new(),
        n_links: 0,
        through_link: false,
        roots,
        users_may_write: false,
    };
    walk.queue(path);
    walk.run()
}

struct Walk<'a> {
    reached: PathBuf,
    pending: VecDeque<OsString>,
    n_links: usize,
    through_link: bool,
    roots: &'a Roots,
    /// Whether a directory on the way so far lets a user put a link into it.
    users_may_write: bool,
}

impl Walk<'_> {
    /// Puts the parts of a path before what is still to walk.
    fn queue(&mut self, path: &Path) {
        for component in path.components().rev() {
            match component {
                Component::Normal(name) => self.pending.push_front(name.to_owned()),
                Component::ParentDir => self.pending.push_front("..".into()),
                Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
            }
        }
        if path.has_root()
            && let Some(root) = path.ancestors().last()
        {
            self.reached = root.to_path_buf();
            self.users_may_write = false;
        }
    }

    fn run(mut self) -> PathFact {
        while let Some(name) = self.pending.pop_front() {
            if name == ".." {
                self.reached.pop();
                continue;
            }
            let next = self.reached.join(&name);
            let Ok(metadata) = std::fs::symlink_metadata(&next) else {
                return self.missing(next);
            };
            if let Some(kind) = kernel_kind(&next, &metadata) {
                return self.special(next, kind);
            }
            if !metadata.is_symlink() {
                self.reached = next;
                continue;
            }
            self.n_links += 1;
            self.through_link |= self.is_counted();
            if self.n_links > LINKS_MAX {
                return self.special(next, "a loop of links");
            }
            match std::fs::read_link(&next) {
                Ok(target) => self.queue(&target),
                Err(_) => return self.special(next, "a link that cannot be read"),
            }
        }
        self.found()
    }

    /// Whether a link in the directory reached may have been put there by somebody without
    /// rights: links of the system, as `/bin`, are none of our business.
    fn is_counted(&mut self) -> bool {
        let in_workspace = |root: &PathBuf| self.reached.starts_with(root);
        if self.users_may_write || self.roots.workspace.as_ref().is_some_and(in_workspace) {
            return true;
        }
        self.users_may_write = self.reached.ancestors().any(user_may_write);
        self.users_may_write
    }

    fn found(self) -> PathFact {
        let Ok(metadata) = std::fs::symlink_metadata(&self.reached) else {
            let reached = self.reached.clone();
            return self.missing(reached);
        };
        let kind = if metadata.is_file() {
            PathKind::File
        } else if metadata.is_dir() {
            PathKind::Directory
        } else {
            PathKind::Special(kind_of_special(metadata.file_type()).to_owned())
        };
        PathFact {
            other_names: metadata.is_file() && links(&metadata) > 1,
            identity: metadata.is_file().then(|| identity_of(&metadata)),
            resolved: self.reached,
            kind,
            through_link: self.through_link,
            below: Below::Unknown,
            matches: None,
        }
    }

    /// Nothing is at `next`: the rest is joined as text.
    fn missing(self, next: PathBuf) -> PathFact {
        let mut resolved = next;
        for name in &self.pending {
            if name == ".." {
                resolved.pop();
            } else {
                resolved.push(name);
            }
        }
        self.answer(resolved, PathKind::Missing)
    }

    fn special(self, at: PathBuf, kind: &str) -> PathFact {
        self.answer(at, PathKind::Special(kind.to_owned()))
    }

    fn answer(self, resolved: PathBuf, kind: PathKind) -> PathFact {
        PathFact {
            resolved,
            kind,
            through_link: self.through_link,
            other_names: false,
            identity: None,
            below: Below::Unknown,
            matches: None,
        }
    }
}

/// What the kernel shows as a file and is not one: the insides of processes, with links that lead
/// past every permission, and its own memory. `/proc/self` itself is a harmless link.
fn kernel_kind(path: &Path, metadata: &Metadata) -> Option<&'static str> {
    let inside = path.strip_prefix("/proc").ok()?;
    let mut parts = inside.components().map(Component::as_os_str);
    let first = parts.next()?.to_str().unwrap_or_default();
    let is_process = !first.is_empty() && first.bytes().all(|byte| byte.is_ascii_digit());
    let is_memory = matches!(first, "kcore" | "kmem" | "kmsg" | "sysrq-trigger" | "keys");
    if is_process && parts.next().is_some() {
        Some("the inside of a process")
    } else if is_memory && !metadata.is_dir() {
        Some("the inside of the kernel")
    } else {
        None
    }
}
