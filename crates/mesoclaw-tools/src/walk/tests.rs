//! Tests of the module beside.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use super::*;
use crate::testing::Ground;

struct Count<'a>(&'a AtomicUsize);

impl Visitor for Count<'_> {
    fn visit(&mut self, found: &Found<'_>) {
        assert_ne!(found.name, "secret");
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn stop(ground: &Ground) -> Stop {
    Stop::new(Arc::clone(&ground.cancel) as _, Duration::from_mins(1))
}

#[test]
fn every_entry_is_visited_once_whatever_the_number_of_threads() {
    let ground = Ground::new();
    for n in 0..2000 {
        ground.file(&format!("d{}/e{}/f{n}", n % 5, n % 3), "");
        ground.file(&format!("flat/f{n}"), "");
    }
    let root = Directory::open(&ground.root).unwrap();
    for n_threads in [1, 2, 8] {
        let count = AtomicUsize::new(0);
        let (visitors, report) = walk(&root, n_threads, &stop(&ground), || Count(&count));
        assert_eq!(visitors.len(), n_threads);
        assert_eq!(count.into_inner(), 4000 + 1 + 5 + 15);
        assert_eq!(
            report,
            WalkReport {
                n_entries: 4021,
                ..WalkReport::default()
            }
        );
    }
}

/// Case 29: directories turn into links and back while the walk runs.
#[cfg(unix)]
#[test]
fn a_walk_under_swaps_never_leaves_its_root() {
    let ground = Ground::new();
    ground.outside_file("secret", "x");
    for n in 0..50 {
        ground.file(&format!("dir/d{n}/f"), "");
    }
    let (dir, link) = (ground.root.join("dir"), ground.root.join("link"));
    std::os::unix::fs::symlink(&ground.outside, &link).unwrap();
    let root = Directory::open(&ground.root).unwrap();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (cwd, flags) = (rustix::fs::CWD, rustix::fs::RenameFlags::EXCHANGE);
            while !is_over.load(Ordering::Relaxed) {
                rustix::fs::renameat_with(cwd, &dir, cwd, &link, flags).unwrap();
            }
        });
        let count = AtomicUsize::new(0);
        for _ in 0..300 {
            walk(&root, 2, &stop(&ground), || Count(&count));
        }
        is_over.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_walk_ends_when_it_is_told_to() {
    let ground = Ground::new();
    ground.file("a/b/c", "");
    ground.cancel.set();
    let root = Directory::open(&ground.root).unwrap();
    let count = AtomicUsize::new(0);
    let (_, report) = walk(&root, 2, &stop(&ground), || Count(&count));
    assert_eq!(
        (count.into_inner(), report.stopped),
        (0, Some(StopReason::Cancelled))
    );
    let limit = Stop::new(Arc::new(crate::testing::Flag::default()), Duration::ZERO);
    let count = AtomicUsize::new(0);
    let (_, report) = walk(&root, 1, &limit, || Count(&count));
    assert_eq!(report.stopped, Some(StopReason::TimeLimit));
}
