//! Tests of file modes and links.

use std::os::unix::fs::symlink;

use super::*;
use crate::error::StoreError;
use crate::file::beside;
use crate::inspect::inspect;
use crate::migrate::MIGRATIONS;
use crate::open::open;

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn files_and_new_directories_are_private() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("deep/data/meso.db");
    let opened = open(&path, MIGRATIONS).unwrap();
    opened
        .writer
        .execute("INSERT INTO settings VALUES ('k', '1')", [])
        .unwrap();
    for suffix in ["", "-wal", "-shm"] {
        assert_eq!(mode(&beside(&path, suffix)), 0o600, "{suffix}");
    }
    assert_eq!(mode(&home.path().join("deep")), 0o700);
    assert_eq!(mode(&home.path().join("deep/data")), 0o700);
    drop(opened);
    std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    let next = [MIGRATIONS, &["CREATE TABLE next (x TEXT) STRICT"]].concat();
    let opened = open(&path, &next).unwrap();
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(&opened.report.backup.unwrap()), 0o600);
}

#[test]
fn a_link_in_place_of_the_database_is_refused_and_its_target_left_alone() {
    let home = tempfile::tempdir().unwrap();
    let (target, link) = (home.path().join("target.db"), home.path().join("meso.db"));
    symlink(&target, &link).unwrap();
    let is_refused = || {
        assert!(matches!(
            inspect(&link),
            Err(StoreError::SymbolicLink { .. })
        ));
        matches!(
            open(&link, MIGRATIONS),
            Err(StoreError::SymbolicLink { .. })
        )
    };
    assert!(is_refused());
    assert!(!target.exists());
    drop(open(&target, MIGRATIONS).unwrap());
    let before = std::fs::read(&target).unwrap();
    assert!(is_refused());
    assert_eq!(std::fs::read(&target).unwrap(), before);
}

#[test]
fn links_beside_the_database_are_not_written_through() {
    let home = tempfile::tempdir().unwrap();
    let victim = home.path().join("victim");
    std::fs::write(&victim, "precious").unwrap();
    for suffix in [".new", "-wal", "-shm", "-journal"] {
        let path = home.path().join("meso.db");
        symlink(&victim, beside(&path, suffix)).unwrap();
        drop(open(&path, MIGRATIONS).unwrap());
        assert_eq!(std::fs::read(&victim).unwrap(), b"precious", "{suffix}");
        std::fs::remove_file(&path).unwrap();
    }
}

#[test]
fn a_linked_directory_is_fine() {
    let home = tempfile::tempdir().unwrap();
    let (real, link) = (home.path().join("real"), home.path().join("link"));
    std::fs::create_dir(&real).unwrap();
    symlink(&real, &link).unwrap();
    drop(open(&link.join("meso.db"), MIGRATIONS).unwrap());
    assert!(real.join("meso.db").is_file());
    assert_eq!(inspect(&link.join("meso.db")).unwrap().sessions, Some(0));
}
