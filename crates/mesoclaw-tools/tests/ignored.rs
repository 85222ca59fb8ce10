//! What is ignored is not even opened: the kernel is asked which files were.
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::fs;
use std::mem::MaybeUninit;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use mesoclaw_agent::model_files::CancelToken;
use mesoclaw_tools::Stop;
use mesoclaw_tools::parts::{Query, grep, matcher};
use rustix::fs::inotify::{CreateFlags, Reader, WatchFlags, add_watch, init};
use rustix::io::Errno;

struct Never;

impl CancelToken for Never {
    fn is_cancelled(&self) -> bool {
        false
    }
}

#[test]
fn a_search_of_content_opens_no_ignored_file() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    for (name, text) in [
        (".gitignore", "/built/\n*.log\n"),
        ("kept.txt", "needle\n"),
        ("trace.log", "needle\n"),
        ("below/kept.md", "needle\n"),
        ("below/trace.log", "needle\n"),
        ("built/made.txt", "needle\n"),
        (".git/packed.txt", "needle\n"),
    ] {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let events = init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).unwrap();
    for place in ["", "below", "built", ".git"] {
        add_watch(&events, root.join(place), WatchFlags::OPEN).unwrap();
    }

    let query = Query {
        matcher: matcher("needle", false).unwrap(),
        glob: None,
        context: 0,
        max_results: 100,
    };
    let stop = Stop::new(Arc::new(Never), Duration::from_mins(1));
    let found = grep(&root, &query, &|_: &Path| false, &stop).unwrap();

    assert_eq!((found.n_matches, found.n_files), (2, 2));
    let mut buffer = [MaybeUninit::uninit(); 4096];
    let mut reader = Reader::new(&events, &mut buffer);
    let mut opened = BTreeSet::new();
    loop {
        match reader.next() {
            Ok(event) => {
                let name = event
                    .file_name()
                    .map(|name| name.to_string_lossy().into_owned());
                opened.extend(name);
            }
            Err(Errno::AGAIN) => break,
            Err(errno) => panic!("{errno}"),
        }
    }
    // The directory `below` is opened as an entry of the root.
    let expected = [".gitignore", "below", "kept.md", "kept.txt"];
    assert_eq!(opened, expected.map(str::to_owned).into());
}
