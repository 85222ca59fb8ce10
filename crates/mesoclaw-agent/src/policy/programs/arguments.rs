//! Options and arguments of a call, read by what the table knows. A name counts only as it is
//! written there: programs accept abbreviations, this does not.

use super::assessment::{Assessment, Certainty, Inner, Level, PathUse, Role};
use super::positional::positionals;
use super::table::{Argument, Entry, OptionInfo, Takes};
use super::{Call, assess_call, here};
use crate::policy::rules::rule;
use crate::policy::shell::Word;

/// A call taken apart.
pub(super) struct Arguments {
    /// Options, by name, in order.
    pub options: Vec<String>,
    /// Values of options that are paths, with the place of their word.
    pub paths: Vec<(Word, usize, Role)>,
    /// Places of the words that are no options.
    pub positional: Vec<usize>,
    /// Values of options that are no paths, by name.
    pub values: Vec<(String, String)>,
    /// Places of values that are words of their own.
    pub value_places: Vec<usize>,
    /// The most severe option.
    pub level: Level,
    /// Whether `--` stood there.
    pub has_dashes: bool,
}

/// Judges a call by its table entry.
pub(super) fn assess(call: &Call<'_>) -> Assessment {
    let entry = call.entry;
    let stops = entry.has_subs() || entry.wraps || entry.ordered;
    let arguments = match split(call, stops) {
        Ok(arguments) => arguments,
        Err(what) => return call.unknown(&what),
    };
    if entry.has_subs() {
        return with_sub(call, &arguments);
    }
    let mut assessment = call.plain();
    if arguments.level > assessment.level {
        assessment.raise(
            arguments.level,
            rule::PROGRAM_OPTION,
            format!("`{}` with options that change something", call.name),
        );
    }
    add_option_paths(&mut assessment, call, &arguments);
    if entry.wraps {
        return wrapped(call, assessment, &arguments);
    }
    if let Some(max) = entry.max
        && arguments.positional.len() > max
    {
        return call.unknown("more arguments than are known");
    }
    let n_before = assessment.uses.len();
    if let Err(what) = positionals(call, &arguments, &mut assessment) {
        return call.unknown(&what);
    }
    let n_paths = assessment.uses.len() - n_before;
    here::deepen(&mut assessment, call, &arguments, n_before);
    here::add(&mut assessment, call, n_paths > 0);
    assessment
}

/// Takes the arguments apart; `Err` says what is not known.
pub(super) fn split(call: &Call<'_>, stops: bool) -> Result<Arguments, String> {
    let mut found = Arguments {
        options: Vec::new(),
        paths: Vec::new(),
        values: Vec::new(),
        value_places: Vec::new(),
        positional: Vec::new(),
        level: Level::Low,
        has_dashes: false,
    };
    let mut at = call.start;
    while let Some(word) = call.words.get(at) {
        let text = word.text.as_str();
        let is_over =
            found.has_dashes || call.entry.any_options || (stops && !found.positional.is_empty());
        let is_option = text.starts_with('-') && text != "-" && !is_over;
        // Where an option is misjudged to take no value, `--` would be its value, and what follows
        // would be options. Programs that take any text there have no such option.
        let is_hiding = found.has_dashes
            && text.starts_with('-')
            && text != "-"
            && call.entry.args != Argument::Text;
        if is_hiding {
            return Err(format!("`{text}` after `--`"));
        }
        if !is_option {
            found.positional.push(at);
            if stops {
                found.positional.extend(at + 1..call.words.len());
                break;
            }
        } else if text == "--" {
            found.has_dashes = true;
        } else if word.glob.is_some() {
            return Err(format!("`{text}`, a wildcard in an option"));
        } else {
            at = option(call, at, &mut found)?;
        }
        at += 1;
    }
    Ok(found)
}

/// Reads the option at `at`; returns the place of its last word.
fn option(call: &Call<'_>, at: usize, found: &mut Arguments) -> Result<usize, String> {
    let Some(word) = call.words.get(at) else {
        return Ok(at);
    };
    let text = word.text.as_str();
    let entry = call.entry;
    if entry.numbers && text.get(1..).is_some_and(is_number) {
        return Ok(at);
    }
    if text.starts_with("--") || entry.long_dash {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        };
        if let Some((name, info)) = numbered(entry, text) {
            found.take(name, info);
            return Ok(at);
        }
        let info = known(entry, name)?;
        found.take(name, info);
        return match (info.takes, value) {
            (Takes::Nothing, Some(_)) => Err(format!("`{text}`")),
            (Takes::Nothing | Takes::Optional, None) => Ok(at),
            (Takes::Optional | Takes::Value, Some(value)) => {
                found.values.push((name.to_owned(), value.to_owned()));
                Ok(at)
            }
            (Takes::Path(role), Some(value)) => {
                found.paths.push((Word::literal(value), at, role));
                Ok(at)
            }
            (Takes::Value | Takes::Path(_), None) => next_value(call, at, name, info, found),
        };
    }
    for (place, letter) in text.char_indices().skip(1) {
        let name = format!("-{letter}");
        let info = known(entry, &name)?;
        found.take(&name, info);
        let rest = text.get(place + letter.len_utf8()..).unwrap_or_default();
        match info.takes {
            Takes::Nothing => {}
            // Whatever follows in the same word is its value.
            Takes::Optional => {
                found.values.push((name, rest.to_owned()));
                return Ok(at);
            }
            Takes::Value if !rest.is_empty() => {
                found.values.push((name, rest.to_owned()));
                return Ok(at);
            }
            Takes::Path(role) if !rest.is_empty() => {
                found.paths.push((Word::literal(rest), at, role));
                return Ok(at);
            }
            Takes::Value | Takes::Path(_) => return next_value(call, at, &name, info, found),
        }
    }
    Ok(at)
}

fn known(entry: &Entry, name: &str) -> Result<OptionInfo, String> {
    entry
        .options
        .get(name)
        .copied()
        .ok_or_else(|| format!("`{name}`"))
}

/// `-c16`, of a program whose options are words: a number behind the name of an option.
fn numbered<'a>(entry: &Entry, text: &'a str) -> Option<(&'a str, OptionInfo)> {
    let (name, number) = text.split_at_checked(2)?;
    let info = entry.options.get(name).copied()?;
    (entry.long_dash && info.takes == Takes::Value && is_number(number)).then_some((name, info))
}

fn next_value(
    call: &Call<'_>,
    at: usize,
    name: &str,
    info: OptionInfo,
    found: &mut Arguments,
) -> Result<usize, String> {
    let Some(value) = call.words.get(at + 1) else {
        return Err("an option without its value".to_owned());
    };
    if value.glob.is_some() {
        return Err(format!(
            "`{}`, a wildcard as the value of an option",
            value.text
        ));
    }
    // Where an option is misjudged to take a value, this would be an option.
    if value.text.starts_with('-')
        && value.text.len() > 1
        && !value.text.get(1..).is_some_and(is_number)
    {
        return Err(format!("`{}` as the value of an option", value.text));
    }
    if let Takes::Path(role) = info.takes {
        found.paths.push((value.clone(), at + 1, role));
    } else {
        found.values.push((name.to_owned(), value.text.clone()));
        found.value_places.push(at + 1);
    }
    Ok(at + 1)
}

impl Arguments {
    fn take(&mut self, name: &str, info: OptionInfo) {
        self.options.push(name.to_owned());
        self.level = self.level.max(info.level);
    }
}

/// Adds the paths that options name. `-` is the standard input or output. A value that is a word
/// of its own counts as a path, too, if something is there: a program of another make may not
/// take a value, and then it is an argument.
pub(super) fn add_option_paths(
    assessment: &mut Assessment,
    call: &Call<'_>,
    arguments: &Arguments,
) {
    for (word, arg, role) in &arguments.paths {
        if word.text != "-" {
            let mut path_use = PathUse::of_word(word, Some(*arg), *role, call.bases);
            path_use.is_bound = *role == Role::Code;
            assessment.uses.push(path_use);
        }
    }
    for at in &arguments.value_places {
        let Some(word) = call.words.get(*at).filter(|word| could_be_path(word)) else {
            continue;
        };
        let mut path_use = PathUse::of_word(word, Some(*at), Role::Read, call.bases);
        path_use.certainty = Certainty::Value;
        assessment.uses.push(path_use);
    }
}

/// Numbers and marks alone are no files worth asking for.
fn could_be_path(word: &Word) -> bool {
    let has_letter = || word.text.contains(|c: char| c.is_alphabetic());
    word.tilde || has_letter() && word.text.len() > 1
}

fn with_sub(call: &Call<'_>, arguments: &Arguments) -> Assessment {
    let Some(at) = arguments.positional.first().copied() else {
        let mut assessment = call.plain();
        add_option_paths(&mut assessment, call, arguments);
        return assessment;
    };
    let Some(word) = call.words.get(at).filter(|word| word.glob.is_none()) else {
        return call.unknown("a wildcard as its subcommand");
    };
    let Some(sub) = call.entry.sub(&word.text) else {
        return call.unknown(&format!("the subcommand `{}`", word.text));
    };
    let name = format!("{} {}", call.name, word.text);
    let mut assessment = assess_call(&Call {
        name: &name,
        entry: sub,
        start: at + 1,
        ..*call
    });
    if arguments.level > assessment.level {
        assessment.raise(
            arguments.level,
            rule::PROGRAM_OPTION,
            format!("`{}` with options that change something", call.name),
        );
    }
    add_option_paths(&mut assessment, call, arguments);
    here::add(&mut assessment, call, false);
    assessment
}

fn wrapped(call: &Call<'_>, mut assessment: Assessment, arguments: &Arguments) -> Assessment {
    let mut places = arguments.positional.iter().copied().skip(call.entry.skip);
    let Some(first) = places.next() else {
        return assessment;
    };
    // A wildcard before the program could shift it.
    let before = call.words.get(call.start..first).unwrap_or_default();
    if before.iter().any(|word| word.glob.is_some()) {
        return call.unknown("a wildcard before the program");
    }
    assessment.inner = Some(Inner::Words {
        words: call.words.get(first..).unwrap_or_default().to_vec(),
        assignments: Vec::new(),
        direct: call.is_built_in && call.name != "exec",
    });
    assessment
}

pub(super) fn is_number(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_digit())
}
