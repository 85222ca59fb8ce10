//! `find`, `test`, `tar` and `dd`.

use super::Call;
use super::assessment::{Assessment, Level, PathUse, Role};
use super::table::Takes;
use crate::policy::rules::rule;
use crate::policy::shell::Word;

fn use_path(assessment: &mut Assessment, call: &Call<'_>, at: usize, word: &Word, role: Role) {
    if word.text != "-" {
        let path_use = PathUse::of_word(word, Some(at), role, call.bases);
        assessment.uses.push(path_use);
    }
}

/// `find PATH... EXPRESSION`: tests are known, actions other than printing are not.
pub(super) fn find(call: &Call<'_>) -> Assessment {
    let mut assessment = call.plain();
    let mut words = call.words.iter().enumerate().skip(call.start).peekable();
    let mut has_path = false;
    while let Some((at, word)) =
        words.next_if(|(_, word)| !word.text.starts_with(['-', '(', ')', '!', ',']))
    {
        has_path = true;
        use_path(&mut assessment, call, at, word, Role::List);
    }
    if !has_path {
        use_path(
            &mut assessment,
            call,
            call.start,
            &Word::literal("."),
            Role::List,
        );
    }
    while let Some((at, word)) = words.next() {
        let text = word.text.as_str();
        if matches!(text, "(" | ")" | "!" | ",") && word.glob.is_none() {
            continue;
        }
        let Some(info) = call.entry.options.get(text).filter(|_| word.glob.is_none()) else {
            return call.unknown(&format!("`{text}`"));
        };
        match info.takes {
            Takes::Nothing | Takes::Optional => {}
            Takes::Value => match words.next() {
                // An unquoted pattern that matches is replaced by names, which must not be read
                // as something else.
                Some((at, value)) if value.glob.is_some() => {
                    use_path(&mut assessment, call, at, value, Role::Text);
                }
                Some(_) => {}
                None => return call.unknown(&format!("`{text}` without its value")),
            },
            Takes::Path(role) => match words.next() {
                Some((at, value)) => use_path(&mut assessment, call, at, value, role),
                None => return call.unknown(&format!("`{text}` without its value at {at}")),
            },
        }
    }
    assessment
}

/// `test EXPRESSION` and `[ EXPRESSION ]`.
pub(super) fn test(call: &Call<'_>) -> Assessment {
    let mut assessment = call.plain();
    let mut words = call.words.iter().enumerate().skip(call.start);
    while let Some((_, word)) = words.next() {
        let text = word.text.as_str();
        match text {
            "-f" | "-d" | "-e" | "-r" | "-w" | "-x" | "-s" | "-L" | "-h" => {
                if let Some((at, path)) = words.next() {
                    use_path(&mut assessment, call, at, path, Role::List);
                }
            }
            "-n" | "-z" | "-eq" | "-ne" | "-lt" | "-le" | "-gt" | "-ge" | "-a" | "-o" | "!"
            | "(" | ")" => {}
            _ if text.starts_with('-') && text.len() > 1 => {
                return call.unknown(&format!("`{text}`"));
            }
            // Arithmetic of the shell must not get hold of something that it evaluates.
            _ if word.glob.is_some() || (text.contains('[') && text != "[") => {
                return call.unknown(&format!("`{text}`"));
            }
            _ => {}
        }
    }
    assessment
}

/// `tar`: listing an archive looks, making one writes it, unpacking one writes anything.
pub(super) fn tar(call: &Call<'_>) -> Assessment {
    let mut words = call.words.iter().enumerate().skip(call.start);
    let Some((_, mode)) = words.next() else {
        return call.unknown("no mode");
    };
    let letters = mode.text.strip_prefix('-').unwrap_or(&mode.text);
    let is_known = mode.glob.is_none()
        && letters
            .chars()
            .all(|c| matches!(c, 't' | 'c' | 'x' | 'f' | 'v' | 'z' | 'j' | 'J'))
        && letters.ends_with('f')
        && letters
            .chars()
            .filter(|c| matches!(c, 't' | 'c' | 'x'))
            .count()
            == 1;
    let Some((at, archive)) = words.next().filter(|_| is_known) else {
        return call.unknown(&format!("`{}`", mode.text));
    };
    // `host:file` is fetched through another program.
    if archive.text.contains(':') || archive.glob.is_some() || archive.text.starts_with('-') {
        return call.unknown(&format!("the archive `{}`", archive.text));
    }
    let mut assessment = Assessment::new(
        Level::Low,
        rule::PROGRAM_KNOWN,
        format!("`{}` lists an archive", call.name),
    );
    let makes = letters.contains('c');
    if makes {
        assessment.raise(
            Level::Medium,
            rule::PROGRAM_KNOWN,
            format!("`{}` makes an archive", call.name),
        );
    } else if letters.contains('x') {
        assessment.raise(
            Level::High,
            rule::PROGRAM_KNOWN,
            format!(
                "`{}` unpacks an archive, which may change any file",
                call.name
            ),
        );
    }
    let role = if makes { Role::Write } else { Role::Read };
    use_path(&mut assessment, call, at, archive, role);
    for (at, word) in words {
        if word.text.starts_with('-') {
            return call.unknown(&format!("`{}`", word.text));
        }
        let role = if makes { Role::Read } else { Role::Text };
        if role == Role::Read || word.glob.is_some() {
            use_path(&mut assessment, call, at, word, role);
            if let Some(last) = assessment.uses.last_mut() {
                last.is_deep = role == Role::Read;
            }
        }
    }
    assessment
}

/// `dd if=FILE of=FILE`.
pub(super) fn dd(call: &Call<'_>) -> Assessment {
    let mut assessment = call.plain();
    for (at, word) in call.words.iter().enumerate().skip(call.start) {
        let (name, value) = word.text.split_once('=').unwrap_or((&word.text, ""));
        let role = match name {
            "if" => Some(Role::Read),
            "of" => Some(Role::Write),
            "bs" | "ibs" | "obs" | "cbs" | "count" | "skip" | "seek" | "conv" | "iflag"
            | "oflag" | "status" => None,
            _ => return call.unknown(&format!("`{}`", word.text)),
        };
        if word.glob.is_some() {
            return call.unknown(&format!("`{}`", word.text));
        }
        if let Some(role) = role {
            use_path(&mut assessment, call, at, &Word::literal(value), role);
        }
    }
    assessment
}
