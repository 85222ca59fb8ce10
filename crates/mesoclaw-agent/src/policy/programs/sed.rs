//! `sed`: its scripts can write files and run programs. Printing, deleting and replacing lines is
//! known; everything else is not.

use super::Call;
use super::arguments::{Arguments, add_option_paths, split};
use super::assessment::{Assessment, Level, PathUse, Role};
use crate::policy::rules::rule;
use crate::policy::shell::Word;

/// Judges the call.
pub(super) fn assess(call: &Call<'_>) -> Assessment {
    let arguments = match split(call, false) {
        Ok(arguments) => arguments,
        Err(what) => return call.unknown(&what),
    };
    let has = |name: &str| arguments.options.iter().any(|option| option == name);
    let mut scripts = Vec::new();
    let mut places = arguments.positional.iter().copied();
    if has("-e") || has("--expression") {
        match scripts_of_options(call) {
            Some(found) => scripts = found,
            None => return call.unknown("a script that is not in a word of its own"),
        }
    } else if let Some(word) = places.next().and_then(|at| call.words.get(at)) {
        if word.glob.is_some() {
            return call.unknown("a wildcard as its script");
        }
        scripts.push(word.text.clone());
    }
    if scripts.is_empty() || !scripts.iter().all(|script| is_simple(script)) {
        return Assessment::new(
            Level::High,
            rule::PROGRAM_OPTION,
            format!(
                "`{}` with a script that may write files or run programs",
                call.name
            ),
        );
    }
    let mut assessment = call.plain();
    add_option_paths(&mut assessment, call, &arguments);
    let in_place = has("-i") || has("--in-place");
    let Some(suffixes) = suffixes(&arguments) else {
        return call.unknown("a backup that is named by a pattern");
    };
    if in_place {
        assessment.raise(
            Level::Medium,
            rule::PROGRAM_KNOWN,
            format!("`{}` changes files in place", call.name),
        );
    }
    for at in places {
        if let Some(word) = call.words.get(at).filter(|word| word.text != "-") {
            let role = if in_place { Role::Write } else { Role::Read };
            assessment
                .uses
                .push(PathUse::of_word(word, Some(at), role, call.bases));
            for suffix in &suffixes {
                let Some(backup) = backup(word, suffix) else {
                    return call.unknown("a wildcard and an unusual name of backups");
                };
                let path_use = PathUse::of_word(&backup, Some(at), Role::Write, call.bases);
                assessment.uses.push(path_use);
            }
        }
    }
    assessment
}

/// What is put behind the names of files to name their backups; `None` when it names files
/// elsewhere, or by a pattern.
fn suffixes(arguments: &Arguments) -> Option<Vec<&str>> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '~' | '-');
    arguments
        .values
        .iter()
        .filter(|(name, suffix)| matches!(name.as_str(), "-i" | "--in-place") && !suffix.is_empty())
        .map(|(_, suffix)| suffix.chars().all(is_plain).then_some(suffix.as_str()))
        .collect()
}

/// The backup of a file, or of what a wildcard matches as far as its names are harmless.
fn backup(word: &Word, suffix: &str) -> Option<Word> {
    let is_fine = word.glob.is_none() || matches!(suffix, ".bak" | ".orig" | ".old" | "~");
    is_fine.then(|| Word {
        text: format!("{}{suffix}", word.text),
        glob: word.glob.as_ref().map(|glob| format!("{glob}{suffix}")),
        ..word.clone()
    })
}

/// Scripts given as `-e SCRIPT`; `None` when one is written in another way.
fn scripts_of_options(call: &Call<'_>) -> Option<Vec<String>> {
    let mut scripts = Vec::new();
    let mut words = call.args().iter();
    while let Some(word) = words.next() {
        let text = word.text.as_str();
        if text == "--" {
            break;
        }
        let is_script = text.starts_with('-')
            && !text.starts_with("--")
            && text.ends_with('e')
            && text
                .get(1..text.len() - 1)?
                .chars()
                .all(|c| matches!(c, 'n' | 'E' | 'r' | 's' | 'u'));
        if is_script {
            scripts.push(words.next()?.text.clone());
        } else if text.starts_with("--expression")
            || (text.starts_with('-') && !text.starts_with("--") && text.contains('e'))
        {
            return None;
        }
    }
    Some(scripts)
}

/// Whether a script only prints, deletes, replaces and stops.
pub(super) fn is_simple(script: &str) -> bool {
    let mut rest = script;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ';', '\n']);
        if rest.is_empty() {
            return true;
        }
        let Some(after) = command(rest) else {
            return false;
        };
        rest = after;
    }
}

/// Reads an address and a command; returns what follows it.
fn command(text: &str) -> Option<&str> {
    let mut rest = address(text)?;
    if let Some(second) = rest.strip_prefix(',') {
        let second = second.trim_start_matches('+');
        let after = address(second)?;
        if after.len() == second.len() {
            return None;
        }
        rest = after;
    }
    rest = rest.trim_start_matches([' ', '!']);
    let letter = rest.chars().next()?;
    let after = rest.get(letter.len_utf8()..)?;
    match letter {
        'p' | 'd' | 'q' | '=' | 'n' | 'N' | 'g' | 'G' | 'h' | 'H' | 'x' => ended(after),
        's' => {
            let (mark, after) = delimiter(after)?;
            let after = until(until(after, mark)?, mark)?;
            ended(after.trim_start_matches(|c: char| {
                matches!(c, 'g' | 'p' | 'i' | 'I') || c.is_ascii_digit()
            }))
        }
        'y' => {
            let (mark, after) = delimiter(after)?;
            ended(until(until(after, mark)?, mark)?)
        }
        _ => None,
    }
}

/// Whether a command ends here.
fn ended(text: &str) -> Option<&str> {
    let text = text.trim_start_matches([' ', '\t']);
    (text.is_empty() || text.starts_with([';', '\n'])).then_some(text)
}

/// Reads an address, if there is one.
fn address(text: &str) -> Option<&str> {
    let text = text.trim_start_matches(' ');
    if let Some(rest) = text.strip_prefix('$') {
        return Some(rest);
    }
    if let Some(rest) = text.strip_prefix('/') {
        return until(rest, '/').map(|rest| rest.trim_start_matches('I'));
    }
    if text.starts_with('\\') {
        return None;
    }
    Some(text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '~'))
}

/// The character that separates the parts of a replacement, and what follows it.
fn delimiter(text: &str) -> Option<(char, &str)> {
    let mark = text.chars().next()?;
    let is_mark = mark.is_ascii_punctuation() && mark != '\\';
    is_mark.then(|| (mark, text.get(mark.len_utf8()..).unwrap_or_default()))
}

/// What follows the next `mark` that is not escaped. Sets of characters and line breaks are not
/// followed: with them the end may lie elsewhere.
fn until(text: &str, mark: char) -> Option<&str> {
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            _ if c == mark => return text.get(at + c.len_utf8()..),
            '\\' => {
                chars.next().filter(|(_, c)| *c != '\n')?;
            }
            // In a set, the mark stands for itself.
            '[' => {
                let set = text.get(at + 1..)?;
                if set.trim_start_matches('^').starts_with(']') {
                    return None;
                }
                let (_, inside) = chars
                    .by_ref()
                    .find(|(_, c)| *c == ']' || *c == mark || *c == '[')?;
                if inside != ']' {
                    return None;
                }
            }
            '\n' => return None,
            _ => {}
        }
    }
    None
}
