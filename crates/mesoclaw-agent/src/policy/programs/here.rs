//! What a call does to directories that nobody names: the one it runs in, and what lies below.

use super::Call;
use super::arguments::Arguments;
use super::assessment::{Assessment, PathUse, Role};
use super::table::Argument;
use crate::policy::shell::Word;

/// Ends of names that patterns of a search may ask for: files of this kind hold no secrets, also
/// when they are hidden.
const PLAIN_ENDS: [&str; 36] = [
    "rs", "toml", "md", "txt", "py", "js", "mjs", "cjs", "ts", "tsx", "jsx", "go", "c", "h", "cc",
    "cpp", "hpp", "java", "kt", "rb", "php", "json", "yaml", "yml", "html", "css", "scss", "sh",
    "sql", "lock", "vue", "svelte", "swift", "proto", "lua", "xml",
];

/// Adds the directory the call runs in, where it counts: code of the project runs there, or no
/// path was named. Where a line starts is inside the workspace.
pub(super) fn add(assessment: &mut Assessment, call: &Call<'_>, has_path: bool) {
    let entry = call.entry;
    let is_moved = call.bases.iter().any(|base| !base.is_empty());
    let role = match entry.here {
        _ if entry.code && is_moved => Role::Code,
        Some(Argument::Code) if is_moved => Role::Code,
        Some(Argument::Read) if !has_path => Role::Read,
        Some(Argument::List) if !has_path => Role::List,
        _ => return,
    };
    let is_deep = assessment.is_deep && role == Role::Read;
    if !is_moved && !is_deep {
        return;
    }
    let here = Word::literal(".");
    let mut path_use = PathUse::of_word(&here, Some(call.start), role, call.bases);
    path_use.is_deep = is_deep;
    assessment.uses.push(path_use);
}

/// Marks the paths from `from` on as read with everything below them, if they are.
pub(super) fn deepen(
    assessment: &mut Assessment,
    call: &Call<'_>,
    arguments: &Arguments,
    from: usize,
) {
    let deep = &call.entry.deep.0;
    let is_named = |name: &String| deep.contains(name);
    assessment.is_deep = deep.iter().any(|name| name == "always")
        || arguments
            .options
            .iter()
            .any(|name| is_named(name) && !name.ends_with("glob") && name != "-g")
        || arguments
            .values
            .iter()
            .any(|(name, value)| is_named(name) && !is_plain_pattern(value));
    if assessment.is_deep {
        for path_use in assessment.uses.iter_mut().skip(from) {
            path_use.is_deep = path_use.role == Role::Read;
        }
    }
}

/// Whether a pattern that chooses files cannot bring up hidden ones that hold secrets.
fn is_plain_pattern(pattern: &str) -> bool {
    if pattern.starts_with('!') {
        return true;
    }
    let has_hidden = pattern.split('/').any(|part| part.starts_with('.'));
    let Some((_, ends)) = pattern.rsplit_once("*.").filter(|_| !has_hidden) else {
        return false;
    };
    let ends = ends
        .strip_prefix('{')
        .and_then(|ends| ends.strip_suffix('}'))
        .unwrap_or(ends);
    ends.split(',').all(|end| PLAIN_ENDS.contains(&end))
}
