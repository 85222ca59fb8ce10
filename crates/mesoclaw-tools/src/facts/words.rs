//! Words at the start of a path that mean directories of the user: `Desktop`, `Downloads`,
//! `Documents`, `Home`, in any case.

use std::path::{Path, PathBuf};

use mesoclaw_agent::policy::Roots;

/// The largest `user-dirs.dirs` that is read.
const USER_DIRS_MAX_BYTES: u64 = 64 * 1024;

/// The path with its first word replaced; `None` when it starts with none of them, or when the
/// current directory has an entry of exactly that name.
pub(super) fn resolve(given: &str, roots: &Roots) -> Option<PathBuf> {
    let (word, rest) = given.split_once('/').unwrap_or((given, ""));
    let home = roots.home.as_deref()?;
    let directory = match word.to_ascii_lowercase().as_str() {
        "home" => home.to_path_buf(),
        "desktop" => user_directory(home, "Desktop"),
        "downloads" => user_directory(home, "Downloads"),
        "documents" => user_directory(home, "Documents"),
        _ => return None,
    };
    let is_entry = std::fs::symlink_metadata(roots.cwd.join(word)).is_ok();
    let rest = rest.trim_start_matches('/');
    (!is_entry).then(|| match rest {
        "" => directory,
        rest => directory.join(rest),
    })
}

/// Desktops in other languages name these directories in `user-dirs.dirs`.
fn user_directory(home: &Path, name: &str) -> PathBuf {
    let named = named_in_user_dirs(home, name).filter(|path| path.is_dir());
    named.unwrap_or_else(|| home.join(name))
}

fn named_in_user_dirs(home: &Path, name: &str) -> Option<PathBuf> {
    let key = match name {
        "Desktop" => "XDG_DESKTOP_DIR=",
        "Downloads" => "XDG_DOWNLOAD_DIR=",
        "Documents" => "XDG_DOCUMENTS_DIR=",
        _ => return None,
    };
    let home = home.canonicalize().ok()?;
    let file = home.join(".config").join("user-dirs.dirs");
    let mut file = crate::workspace::OpenFile::open(&file).ok()?;
    let bytes = file.read_up_to(USER_DIRS_MAX_BYTES).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let value = text
        .lines()
        .find_map(|line| line.trim().strip_prefix(key))?;
    let value = value.trim().trim_matches('"');
    match value.strip_prefix("$HOME") {
        Some(rest) => Some(home.join(rest.trim_start_matches('/'))),
        None => Some(PathBuf::from(value)).filter(|path| path.is_absolute()),
    }
}
