//! Arguments that are no options: what the table says of their places, and what that makes of
//! the paths in them.

use super::Call;
use super::arguments::Arguments;
use super::assessment::{Assessment, Certainty, Created, PathUse, Role, escape_glob, questions_of};
use super::table::Argument;
use crate::policy::rules::rule;
use crate::policy::shell::Word;

/// Judges the arguments that are no options.
pub(super) fn positionals(
    call: &Call<'_>,
    arguments: &Arguments,
    assessment: &mut Assessment,
) -> Result<(), String> {
    let entry = call.entry;
    let places = &arguments.positional;
    let has_first = entry.first.is_some()
        && !entry
            .first_unless
            .0
            .iter()
            .any(|option| arguments.options.contains(option));
    let mut seen_glob = false;
    for (nth, at) in places.iter().enumerate() {
        let Some(word) = call.words.get(*at) else {
            continue;
        };
        let is_last = nth + 1 == places.len();
        let mut roles = Vec::new();
        match entry.last {
            Some(last) if is_last && (places.len() > 1 || word.glob.is_some()) => roles.push(last),
            _ if has_first && nth == 0 => roles.extend(entry.first),
            _ => roles.push(entry.args),
        }
        // A wildcard may become any number of arguments, and moves those behind it.
        if word.glob.is_some() || seen_glob {
            roles.push(entry.args);
            roles.extend(entry.last.filter(|_| is_last));
        }
        seen_glob |= word.glob.is_some();
        roles.dedup();
        for role in roles {
            positional(call, *at, word, role, assessment)?;
            if role == Argument::Dest {
                add_into(call, places, *at, word, assessment);
            }
        }
    }
    if let Some(level) = entry.args_risk.filter(|_| !places.is_empty()) {
        assessment.raise(
            level,
            rule::PROGRAM_KNOWN,
            format!("`{}` with arguments changes something", call.name),
        );
    }
    Ok(())
}

fn positional(
    call: &Call<'_>,
    at: usize,
    word: &Word,
    role: Argument,
    assessment: &mut Assessment,
) -> Result<(), String> {
    let text = word.text.as_str();
    if call.entry.words.0.iter().any(|known| known == text) && word.glob.is_none() {
        return Ok(());
    }
    let is_fine = match role {
        Argument::None => false,
        Argument::Plain => is_plain(text) && word.glob.is_none(),
        Argument::Format => text.starts_with('+'),
        Argument::Mode => is_mode(text),
        // A variable of a build, or a package from elsewhere.
        Argument::Code => !text.contains(['=', '@']),
        Argument::Text => !reaches(&call.entry.never.0, text),
        // What would be created below its matches is not known.
        Argument::Dest => word.glob.is_none(),
        _ => true,
    };
    if !is_fine {
        return Err(format!("the argument `{text}`"));
    }
    let path_role = match role {
        Argument::None | Argument::Plain | Argument::Format | Argument::Mode | Argument::Text => {
            Role::Text
        }
        Argument::List => Role::List,
        Argument::Read | Argument::Maybe => Role::Read,
        Argument::Write | Argument::Dest => Role::Write,
        Argument::Delete => Role::Delete,
        Argument::Code => Role::Code,
    };
    if (path_role == Role::Text && word.glob.is_none()) || text == "-" {
        return Ok(());
    }
    let mut path_use = PathUse::of_word(word, Some(at), path_role, call.bases);
    if role == Argument::Maybe {
        path_use.certainty = Certainty::Maybe;
        // `HEAD:file` is a file as it was.
        if let Some((_, file)) = text.split_once(':').filter(|(_, file)| !file.is_empty()) {
            let mut of_file = path_use.clone();
            of_file.questions = questions_of(&Word::literal(file), call.bases);
            assessment.uses.push(of_file);
        }
    }
    if call.entry.strips {
        add_unpacked(call, at, word, assessment)?;
    }
    assessment.uses.push(path_use);
    Ok(())
}

/// Names that the other arguments would get below the last one, if that is a directory. What is
/// there already may be a link, so each is looked up.
fn add_into(
    call: &Call<'_>,
    places: &[usize],
    target: usize,
    directory: &Word,
    assessment: &mut Assessment,
) {
    let mut into = Vec::new();
    for word in places
        .iter()
        .filter(|at| **at != target)
        .filter_map(|at| call.words.get(*at))
    {
        let below = |name: &str| format!("{}/{name}", directory.text.trim_end_matches('/'));
        let (child, sources) = match &word.glob {
            None => (below(&base_name(&word.text)), Vec::new()),
            Some(_) => (directory.text.clone(), questions_of(word, call.bases)),
        };
        let mut child = Word {
            text: child,
            tilde: directory.tilde,
            ..Word::default()
        };
        if let Some(pattern) = &word.glob {
            let base = escape_glob(directory.text.trim_end_matches('/'));
            child.glob = Some(format!("{base}/{}", base_name(pattern)));
        }
        into.push(Created {
            questions: questions_of(&child, call.bases),
            sources,
        });
    }
    if let Some(last) = assessment.uses.last_mut() {
        last.into = into;
    }
}

/// Programs that unpack in place drop the end of the name.
fn add_unpacked(
    call: &Call<'_>,
    at: usize,
    word: &Word,
    assessment: &mut Assessment,
) -> Result<(), String> {
    if word.glob.is_some() {
        return Err(format!("`{}`, a wildcard", word.text));
    }
    let name = base_name(&word.text);
    for mark in ['.', '-', '_'] {
        let Some((start, end)) = name.rsplit_once(mark) else {
            continue;
        };
        let length = word.text.trim_end_matches('/').len() - end.len() - 1;
        let unpacked = Word {
            text: word.text.get(..length).unwrap_or_default().to_owned(),
            ..word.clone()
        };
        if !start.is_empty() {
            let path_use = PathUse::of_word(&unpacked, Some(at), Role::Write, call.bases);
            assessment.uses.push(path_use);
        }
    }
    Ok(())
}

/// Whether one of the words stands in a text, not as a part of a longer name.
fn reaches(never: &[String], text: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    never.iter().any(|word| {
        text.match_indices(word.as_str()).any(|(at, _)| {
            let before = text.get(..at).and_then(|before| before.chars().last());
            let after = text
                .get(at + word.len()..)
                .and_then(|after| after.chars().next());
            !before.is_some_and(|c| is_name(c) || c == '.') && !after.is_some_and(is_name)
        })
    })
}

/// The last part of a path, as it would be called in another directory.
pub(super) fn base_name(text: &str) -> String {
    text.trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .to_owned()
}

fn is_plain(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '/' | ':' | '@' | '-'))
}

/// Permissions in octal or letters, without set-user, set-group and sticky bits.
fn is_mode(text: &str) -> bool {
    let is_octal = matches!(text.len(), 3 | 4)
        && (text.len() == 3 || text.starts_with('0'))
        && text.chars().all(|c| matches!(c, '0'..='7'));
    let is_letters = text.contains(['+', '-', '='])
        && text.chars().all(|c| {
            matches!(
                c,
                'u' | 'g' | 'o' | 'a' | '+' | '-' | '=' | 'r' | 'w' | 'x' | 'X' | ','
            )
        });
    is_octal || is_letters
}
