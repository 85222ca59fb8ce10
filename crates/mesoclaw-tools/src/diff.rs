//! Unified differences for people.

use std::time::Duration;

use similar::{Algorithm, ChangeTag, TextDiff};

/// Longest difference that is shown, in bytes.
const DIFF_MAX_BYTES: usize = 256 * 1024;

/// How long the search for the shortest difference may take before a longer one will do.
const DIFF_TIME: Duration = Duration::from_millis(500);

/// What changes from `before` to `after` (`None` = no file), as a unified diff. Empty when nothing
/// does.
pub fn unified(name: &str, before: Option<&[u8]>, after: Option<&[u8]>) -> String {
    let old = match before {
        Some(_) => format!("a/{name}"),
        None => "/dev/null".to_owned(),
    };
    let new = match after {
        Some(_) => format!("b/{name}"),
        None => "/dev/null".to_owned(),
    };
    let texts = (
        std::str::from_utf8(before.unwrap_or_default()),
        std::str::from_utf8(after.unwrap_or_default()),
    );
    let (Ok(from), Ok(to)) = texts else {
        return format!("Binary files {old} and {new} differ\n");
    };
    // Lines end with a line feed only: a lone carriage return is a character like any other.
    let from: Vec<&str> = from.split_inclusive('\n').collect();
    let to: Vec<&str> = to.split_inclusive('\n').collect();
    let diff = TextDiff::configure()
        .algorithm(Algorithm::Myers)
        .timeout(DIFF_TIME)
        .newline_terminated(true)
        .diff_slices(&from, &to);
    let mut text = String::new();
    for hunk in diff.unified_diff().context_radius(3).iter_hunks() {
        if text.is_empty() {
            text = format!("--- {old}\n+++ {new}\n");
        }
        text.push_str(&hunk.header().to_string());
        text.push('\n');
        for change in hunk.iter_changes() {
            push_line(&mut text, change.tag(), change.value());
        }
    }
    bounded(text)
}

/// A line with its sign. What ends a line is a line feed and nothing else, so the mark of a last
/// line without one is written here.
fn push_line(text: &mut String, tag: ChangeTag, line: &str) {
    text.push(match tag {
        ChangeTag::Equal => ' ',
        ChangeTag::Delete => '-',
        ChangeTag::Insert => '+',
    });
    text.push_str(line);
    if !line.ends_with('\n') {
        text.push_str("\n\\ No newline at end of file\n");
    }
}

fn bounded(mut text: String) -> String {
    if text.len() > DIFF_MAX_BYTES {
        let end = crate::output::floor_char_boundary(&text, DIFF_MAX_BYTES);
        let end = text
            .get(..end)
            .and_then(|kept| kept.rfind('\n'))
            .map_or(0, |at| at + 1);
        let cut = text.len() - end;
        text.truncate(end);
        let note = format!("[{cut} more bytes of changes are not shown]\n");
        text.push_str(&note);
    }
    text
}

/// Lines added and removed.
pub fn counts(diff: &str) -> (usize, usize) {
    let body = || diff.lines().skip(2);
    let added = body().filter(|line| line.starts_with('+')).count();
    let removed = body().filter(|line| line.starts_with('-')).count();
    (added, removed)
}
