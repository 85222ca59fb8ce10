//! What Unix does in its own way: file modes, the user id, the path of the socket.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::paths::{Locations, fnv1a};

/// The kernel takes 108 bytes on Linux and 104 on macOS, with the zero at the end.
const LONGEST_SOCKET_PATH_BYTES: usize = 100;

pub(crate) fn create_private_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

pub(crate) fn create_private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

/// Makes a rename in the directory survive a power cut.
pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

pub(crate) fn user_id() -> u32 {
    rustix::process::getuid().as_raw()
}

pub(crate) fn is_own_directory(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|found| found.is_dir() && found.uid() == user_id())
}

/// The socket in the runtime directory, or a hashed name in a short one when that is too long.
pub(crate) fn socket_endpoint(runtime_dir: &Path, locations: &Locations) -> PathBuf {
    let usual = runtime_dir.join("daemon.sock");
    if fits(&usual) {
        return usual;
    }
    let name = format!(
        "mc-{:016x}.sock",
        fnv1a(usual.as_os_str().as_encoded_bytes())
    );
    let in_session = locations
        .session_runtime_dir
        .as_ref()
        .map(|dir| dir.join(&name));
    in_session.filter(|path| fits(path)).unwrap_or_else(|| {
        PathBuf::from(format!("/tmp/mesoclaw-{}", locations.user_id)).join(&name)
    })
}

fn fits(path: &Path) -> bool {
    path.as_os_str().len() <= LONGEST_SOCKET_PATH_BYTES
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::write::write_private;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn files_and_directories_are_private() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("new/deep/config.toml");
        write_private(&path, "x = 1\n").unwrap();
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(&home.path().join("new")), 0o700);
        assert_eq!(mode(&home.path().join("new/deep")), 0o700);
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
        write_private(&path, "x = 2\n").unwrap();
        assert_eq!(mode(&path), 0o600);
    }

    #[test]
    fn a_write_is_a_new_file_under_the_old_name() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("config.toml");
        write_private(&path, "old\n").unwrap();
        let before = File::open(&path).unwrap();
        let inode = std::fs::metadata(&path).unwrap().ino();
        write_private(&path, "new\n").unwrap();
        assert_ne!(std::fs::metadata(&path).unwrap().ino(), inode);
        // A reader that had the old file open still sees all of the old text.
        assert_eq!(std::io::read_to_string(before).unwrap(), "old\n");
    }

    #[test]
    fn a_link_to_the_file_stays_a_link() {
        let home = tempfile::tempdir().unwrap();
        let (target, link) = (
            home.path().join("dotfiles.toml"),
            home.path().join("config.toml"),
        );
        std::fs::write(&target, "old\n").unwrap();
        symlink(&target, &link).unwrap();
        write_private(&link, "new\n").unwrap();
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "new\n");
    }

    #[test]
    fn only_an_existing_directory_of_the_user_is_its_own() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("file"), "").unwrap();
        assert!(is_own_directory(home.path()));
        assert!(!is_own_directory(&home.path().join("file")));
        assert!(!is_own_directory(&home.path().join("none")));
    }

    #[test]
    fn socket_paths_fit_the_kernel() {
        let short = "/run/user/1000";
        let long_session = format!("/run/{}", "s".repeat(90));
        // The socket name with its slash has 12 bytes.
        let exact = format!("/{}", "x".repeat(87));
        let over = format!("/{}", "x".repeat(88));
        let hashed = format!(
            "mc-{:016x}.sock",
            fnv1a(format!("{over}/daemon.sock").as_bytes())
        );
        let cases = [
            (
                "/home/ada/run",
                Some(short),
                "/home/ada/run/daemon.sock".to_owned(),
            ),
            (&*exact, Some(short), format!("{exact}/daemon.sock")),
            (&*over, Some(short), format!("{short}/{hashed}")),
            (&*over, None, format!("/tmp/mesoclaw-7/{hashed}")),
            (
                &*over,
                Some(&*long_session),
                format!("/tmp/mesoclaw-7/{hashed}"),
            ),
        ];
        for (runtime_dir, session, expected) in cases {
            let locations = Locations {
                session_runtime_dir: session.map(PathBuf::from),
                user_id: 7,
                ..Locations::default()
            };
            let endpoint = socket_endpoint(Path::new(runtime_dir), &locations);
            assert_eq!(endpoint, Path::new(&expected));
            assert!(fits(&endpoint));
        }
    }
}
