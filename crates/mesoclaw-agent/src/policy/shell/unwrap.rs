//! From the words of a command to the program that really runs: wrappers are taken off one by
//! one, and each of them is a part of its own.

use super::bases::{Bases, join};
use super::grammar::check_assignment;
use super::script::{Part, Run};
use super::words::Word;
use super::{DEPTH_MAX, PARTS_MAX, Unclear, read_from};
use crate::policy::programs::{Inner, Level, assess, is_builtin};
use crate::policy::rules::rule;

/// Adds the parts that these words run. `direct` says whether a shell runs them, which does some
/// itself.
pub(super) fn run_words(
    words: Vec<Word>,
    bases: &Bases,
    depth: usize,
    direct: bool,
    parts: &mut Vec<Part>,
) -> Result<(), Unclear> {
    if depth > DEPTH_MAX || parts.len() > PARTS_MAX {
        return Err(Unclear::forbidden(
            rule::SHELL_TOO_DEEP,
            format!("the command starts programs more than {DEPTH_MAX} levels deep"),
        ));
    }
    let Some(name) = words.first() else {
        return Ok(());
    };
    check_name(name)?;
    let is_built_in = direct && is_builtin(&name.text);
    let programs = if is_built_in {
        Vec::new()
    } else if name.text.contains('/') {
        bases
            .all()
            .iter()
            .map(|base| join(base, &name.text))
            .collect()
    } else {
        vec![name.text.clone()]
    };
    let mut assessment = assess(&words, bases.all(), is_built_in);
    if assessment.repository && *bases != Bases::start() {
        assessment.raise(
            Level::Medium,
            rule::PROGRAM_REPOSITORY,
            "it looks at a repository in another directory, which may start programs",
        );
    }
    let inner = assessment.inner.clone();
    parts.push(Part::Run(Run {
        words,
        programs,
        assessment,
    }));
    match inner {
        None => Ok(()),
        Some(Inner::Words {
            words,
            assignments,
            direct: inner_direct,
        }) => {
            assignments.iter().try_for_each(check_assignment)?;
            if words.first().is_some_and(|word| word.text == "cd") {
                return Err(Unclear::new("`cd` behind another program"));
            }
            run_words(words, bases, depth + 1, direct && inner_direct, parts)
        }
        Some(Inner::Line(line)) => {
            parts.extend(read_from(&line, depth + 1, bases)?);
            Ok(())
        }
    }
}

/// The name of a program must be plain: nothing that looks like another name, nothing that the
/// shell may still change.
fn check_name(name: &Word) -> Result<(), Unclear> {
    if name.glob.is_some() {
        return Err(Unclear::new("a wildcard in the name of a program"));
    }
    if name.tilde {
        return Err(Unclear::new("a program named through `~`"));
    }
    if name.text.is_empty() || !name.text.is_ascii() {
        return Err(Unclear::new(
            "the name of a program with other than plain letters",
        ));
    }
    let is_plain = name.text.chars().all(|c| {
        c.is_ascii_alphanumeric()
            || matches!(c, '/' | '.' | '_' | '-' | '+' | '[' | ':' | '@' | ',')
    });
    if !is_plain || name.text.starts_with('-') {
        return Err(Unclear::new("an unusual name of a program"));
    }
    Ok(())
}
