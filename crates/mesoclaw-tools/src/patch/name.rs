//! Whether a patch is for the file it is applied to.

use super::parse::{FilePatch, LineKind};

impl FilePatch {
    /// Whether there must be text to apply it to.
    pub fn needs_old_text(&self) -> bool {
        self.hunks
            .iter()
            .flat_map(|hunk| &hunk.lines)
            .any(|line| line.kind != LineKind::Added)
    }

    /// Checks that the names of the header are of this file.
    ///
    /// # Errors
    /// A sentence: it is of another file.
    pub fn check_name(&self, path: &str) -> Result<(), String> {
        let names: Vec<&str> = [&self.old_name, &self.new_name]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .filter(|name| *name != "/dev/null" && !name.is_empty())
            .collect();
        let agrees = |name: &&str| {
            let bare = name.strip_prefix("a/").or_else(|| name.strip_prefix("b/"));
            is_same_file(path, name) || bare.is_some_and(|bare| is_same_file(path, bare))
        };
        match names.iter().find(|name| !agrees(name)) {
            None => Ok(()),
            Some(other) => Err(format!(
                "The patch is for `{}`, but `file_path` is `{path}`: patch one file with each call, and name the same file in both.",
                mesoclaw_agent::policy::escaped(other)
            )),
        }
    }
}

/// Whether one path ends with the other, part by part.
fn is_same_file(path: &str, name: &str) -> bool {
    let parts = |path: &str| -> Vec<String> {
        path.split('/')
            .filter(|part| !matches!(*part, "" | "." | "~"))
            .map(str::to_owned)
            .collect()
    };
    let (path, name) = (parts(path), parts(name));
    !name.is_empty() && !path.is_empty() && (path.ends_with(&name) || name.ends_with(&path))
}
