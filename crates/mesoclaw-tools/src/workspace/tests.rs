//! Tests of the module beside.

use std::ffi::OsStr;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::*;
use crate::error::FileError;
use crate::testing::Ground;

fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    OpenFile::open(path)?.read_up_to(1 << 20)
}

fn replace(path: &Path, content: &str) -> Result<(), FileError> {
    let place = Place::create(path)?;
    let before = place.existing()?.map(|file| *file.seen());
    place.replace(content.as_bytes(), before.as_ref())
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Case 28.
#[test]
fn links_to_files_and_directories_are_never_followed() {
    let ground = Ground::new();
    let secret = ground.outside_file("secret", "secret");
    symlink(&secret, ground.root.join("file")).unwrap();
    symlink(&ground.outside, ground.root.join("dir")).unwrap();
    symlink(ground.outside.join("new"), ground.root.join("dangling")).unwrap();
    for name in ["file", "dir/secret", "dangling"] {
        let path = ground.root.join(name);
        assert!(
            matches!(
                read(&path),
                Err(FileError::FollowLink { .. } | FileError::Enter { .. })
            ),
            "read {name}"
        );
        assert!(replace(&path, "x").is_err(), "write {name}");
    }
    assert!(replace(&ground.root.join("dir/sub/new"), "x").is_err());
    assert_eq!(names(&ground.outside), ["secret"]);
    assert_eq!(std::fs::read_to_string(secret).unwrap(), "secret");
}

#[test]
fn the_way_without_openat2_follows_no_links_either() {
    let ground = Ground::new();
    let file = ground.file("a/b/file", "x");
    symlink(ground.root.join("a"), ground.root.join("link")).unwrap();
    let cwd = rustix::fs::CWD;
    let walk = super::platform::step_by_step;
    assert!(walk(cwd, file.parent().unwrap()).is_ok());
    assert!(walk(cwd, &ground.root.join("link")).is_err());
    assert!(walk(cwd, &ground.root.join("link/b")).is_err());
    assert!(walk(cwd, &ground.root.join("a/../a")).is_err());
}

fn exchange(a: &Path, b: &Path) {
    let (cwd, flags) = (rustix::fs::CWD, rustix::fs::RenameFlags::EXCHANGE);
    rustix::fs::renameat_with(cwd, a, cwd, b, flags).unwrap();
}

/// Case 29: one thread swaps a directory for a link and back, the other reads and writes.
#[test]
fn no_swap_between_check_and_open_escapes() {
    let ground = Ground::new();
    let secret = ground.outside_file("file", "outside");
    let inside = ground.file("dir/file", "inside");
    let (dir, link) = (ground.root.join("dir"), ground.root.join("link"));
    symlink(&ground.outside, &link).unwrap();
    let is_over = AtomicBool::new(false);
    let (n_read, n_refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let deadline = Instant::now() + Duration::from_secs(5);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                exchange(&dir, &link);
            }
        });
        for n in 0..4000 {
            match read(&inside) {
                Ok(content) => {
                    assert_ne!(content, b"outside");
                    n_read.fetch_add(1, Ordering::Relaxed);
                }
                Err(_) => {
                    n_refused.fetch_add(1, Ordering::Relaxed);
                }
            }
            if n % 4 == 0 {
                // Whether it succeeds depends on the moment; where it writes does not.
                replace(&inside, "inside").ok();
            }
            if Instant::now() > deadline {
                break;
            }
        }
        is_over.store(true, Ordering::Relaxed);
    });
    assert_eq!(std::fs::read_to_string(secret).unwrap(), "outside");
    assert_eq!(names(&ground.outside), ["file"]);
    assert!(
        n_read.into_inner() > 0 && n_refused.into_inner() > 0,
        "the swap was never felt"
    );
}

/// Case 29, for the file itself.
#[test]
fn no_swap_of_the_file_itself_escapes() {
    let ground = Ground::new();
    ground.outside_file("secret", "outside");
    let file = ground.file("file", "inside");
    let link = ground.root.join("link");
    symlink(ground.outside.join("secret"), &link).unwrap();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                exchange(&file, &link);
            }
        });
        for _ in 0..4000 {
            if let Ok(content) = read(&file) {
                assert_eq!(content, b"inside");
            }
        }
        is_over.store(true, Ordering::Relaxed);
    });
}

/// Case 30.
#[test]
fn special_files_are_refused_before_they_are_opened() {
    let ground = Ground::new();
    let pipe = ground.root.join("pipe");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .unwrap();
    let socket = ground.root.join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    for (path, kind) in [
        (pipe.as_path(), "a named pipe"),
        (socket.as_path(), "a socket"),
        (Path::new("/dev/zero"), "a device"),
        (Path::new("/dev/null"), "a device"),
    ] {
        for error in [read(path).unwrap_err(), replace(path, "x").unwrap_err()] {
            assert!(
                matches!(&error, FileError::OpenSpecial { kind: found, .. } if *found == kind),
                "{error:?}"
            );
        }
    }
    assert!(matches!(
        read(&ground.root),
        Err(FileError::OpenDirectory { .. })
    ));
    assert!(matches!(
        read(Path::new("/")),
        Err(FileError::OpenDirectory { .. })
    ));
}

/// Case 30.
#[test]
fn reading_a_sparse_file_of_a_terabyte_is_bounded() {
    let ground = Ground::new();
    let path = ground.file("sparse", "start");
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(1 << 40).unwrap();
    let mut open = OpenFile::open(&path).unwrap();
    assert_eq!(open.read_up_to(4096).unwrap().len(), 4096);
    assert_eq!(open.seen().identity.size_bytes, 1 << 40);
}

#[test]
fn replacing_keeps_the_mode_and_breaks_no_other_name() {
    let ground = Ground::new();
    let path = ground.file("script", "old");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o4751)).unwrap();
    let other = ground.outside.join("other");
    std::fs::hard_link(&path, &other).unwrap();
    replace(&path, "new").unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
    assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o7777, 0o751);
    assert_eq!(std::fs::read_to_string(&other).unwrap(), "old");
    assert_eq!(names(&ground.root), ["script"]);
}

#[test]
fn a_file_that_changed_since_it_was_read_is_left_alone() {
    let ground = Ground::new();
    let path = ground.file("file", "old");
    let place = Place::open(&path).unwrap();
    let before = *place.existing().unwrap().unwrap().seen();
    std::fs::write(&path, "theirs").unwrap();
    let changed = |result| assert!(matches!(result, Err(FileError::ReplaceChanged { .. })));
    changed(place.replace(b"ours", Some(&before)));
    changed(place.remove(&before));
    changed(place.replace(b"ours", None));
    std::fs::remove_file(&path).unwrap();
    changed(place.replace(b"ours", Some(&before)));
    assert_eq!(names(&ground.root), Vec::<String>::new());
}

#[test]
fn missing_directories_are_made_on_the_way() {
    let ground = Ground::new();
    let path = ground.root.join("a/b/c/file");
    assert!(matches!(Place::open(&path), Err(FileError::Find { .. })));
    replace(&path, "x").unwrap();
    assert_eq!(read(&path).unwrap(), b"x");
    assert!(replace(&path.join("below"), "x").is_err());
}

#[test]
fn a_listing_tells_what_each_entry_is() {
    let ground = Ground::new();
    ground.file("file", "x");
    ground.file("dir/x", "x");
    symlink("file", ground.root.join("link")).unwrap();
    let directory = Directory::open(&ground.root).unwrap();
    let mut entries = Vec::new();
    directory
        .entries(|entry| {
            entries.push((entry.name.into_string().unwrap(), entry.kind));
            true
        })
        .unwrap();
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(
        entries,
        [
            ("dir".to_owned(), EntryKind::Directory),
            ("file".to_owned(), EntryKind::File),
            ("link".to_owned(), EntryKind::Link),
        ]
    );
    assert_eq!(directory.size_of(OsStr::new("file")), Some(1));
}

#[test]
fn a_failed_write_leaves_nothing_behind() {
    let ground = Ground::new();
    let path = ground.file("file", "old");
    let place = Place::open(&path).unwrap();
    assert!(place.replace(b"new", None).is_err());
    assert_eq!(names(&ground.root), ["file"]);
    assert_eq!(ground.text("file"), "old");
}
