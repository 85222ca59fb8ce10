//! Programs that start other programs: what they start is found and judged by itself.

use super::arguments::{add_option_paths, assess as assess_arguments, split};
use super::assessment::{Assessment, Inner, Level};
use super::table::find;
use super::{Call, assess_call};
use crate::policy::rules::rule;
use crate::policy::shell::Word;

/// `env [-i] [-u NAME] [NAME=VALUE]... [PROGRAM [ARGUMENT]...]`.
pub(super) fn env(call: &Call<'_>) -> Assessment {
    let arguments = match split(call, true) {
        Ok(arguments) => arguments,
        Err(what) => return call.unknown(&what),
    };
    let mut assessment = call.plain();
    add_option_paths(&mut assessment, call, &arguments);
    let words: Vec<Word> = arguments
        .positional
        .iter()
        .filter_map(|at| call.words.get(*at))
        .cloned()
        .collect();
    let program = words
        .iter()
        .position(|word| !word.text.contains('='))
        .unwrap_or(words.len());
    let (assignments, program) = words.split_at(program);
    assessment.inner = Some(Inner::Words {
        words: program.to_vec(),
        assignments: assignments.to_vec(),
        direct: false,
    });
    assessment
}

/// `export NAME=VALUE...`.
pub(super) fn export(call: &Call<'_>) -> Assessment {
    let mut assessment = call.plain();
    if call
        .args()
        .iter()
        .any(|word| word.text.starts_with('-') || !word.text.contains('='))
    {
        return call.unknown("something else than a variable with its value");
    }
    assessment.inner = Some(Inner::Words {
        words: Vec::new(),
        assignments: call.args().to_vec(),
        direct: false,
    });
    assessment
}

/// `command -v NAME...` or `command PROGRAM [ARGUMENT]...`.
pub(super) fn command(call: &Call<'_>) -> Assessment {
    let is_question = call
        .args()
        .first()
        .is_some_and(|word| matches!(word.text.as_str(), "-v" | "-V"));
    if is_question {
        let is_plain = call.args().iter().all(|word| word.glob.is_none());
        return if is_plain {
            Assessment::new(
                Level::Low,
                rule::PROGRAM_KNOWN,
                format!("`{}` tells where a program is", call.name),
            )
        } else {
            call.unknown("a wildcard")
        };
    }
    assess_arguments(call)
}

/// `xargs [OPTIONS] PROGRAM [ARGUMENT]...`: what it appends is not known before it runs.
pub(super) fn xargs(call: &Call<'_>) -> Assessment {
    let mut assessment = assess_arguments(call);
    let Some(Inner::Words { words, .. }) = &assessment.inner else {
        return assessment;
    };
    let name = words
        .first()
        .map_or("", |word| word.text.rsplit('/').next().unwrap_or_default());
    let takes_anything = find(name).is_some_and(|entry| entry.any_args);
    if !takes_anything {
        let reason = format!("`{name}` would get arguments that are known only when it runs");
        assessment.raise(Level::Always, rule::PROGRAM_OPEN_ENDED, reason);
    }
    assessment
}

/// `sh -c LINE [NAME [ARGUMENT]...]`: the line is read like any other.
pub(super) fn shell(call: &Call<'_>) -> Assessment {
    let mut args = call.args().iter();
    let mut next = args.next();
    while let Some(word) = next
        && matches!(
            word.text.as_str(),
            "-e" | "-u" | "-eu" | "-ue" | "--norc" | "--noprofile"
        )
    {
        next = args.next();
    }
    let is_command = next.is_some_and(|word| matches!(word.text.as_str(), "-c" | "-ec" | "-euc"));
    let line = args
        .next()
        .filter(|word| word.glob.is_none() && !word.tilde && !word.text.starts_with(['-', '+']));
    let (true, Some(line)) = (is_command, line) else {
        return Assessment::new(
            Level::High,
            rule::PROGRAM_INTERPRETER,
            format!("`{}` runs whatever it is given", call.name),
        );
    };
    if args.any(|word| word.glob.is_some()) {
        return call.unknown("a wildcard");
    }
    let mut assessment = Assessment::new(
        Level::Low,
        rule::PROGRAM_WRAPPER,
        format!(
            "`{}` runs the line that follows, which is judged",
            call.name
        ),
    );
    assessment.inner = Some(Inner::Line(line.text.clone()));
    assessment
}

/// `python -m MODULE`, for modules that are tools of a project.
pub(super) fn python(call: &Call<'_>) -> Assessment {
    if let [option, module, ..] = call.args()
        && option.text == "-m"
        && let Some(entry) = match module.text.as_str() {
            "pytest" => find("pytest"),
            "unittest" => find("python-unittest"),
            _ => None,
        }
    {
        let name = format!("{} -m {}", call.name, module.text);
        return assess_call(&Call {
            name: &name,
            entry,
            start: call.start + 2,
            ..*call
        });
    }
    if let [only] = call.args()
        && matches!(only.text.as_str(), "-V" | "--version")
    {
        return Assessment::new(
            Level::Low,
            rule::PROGRAM_KNOWN,
            format!("`{}` tells about itself", call.name),
        );
    }
    call.plain()
}

/// `set -e`, `set -u`, `set -o pipefail`: less runs than without.
pub(super) fn set(call: &Call<'_>) -> Assessment {
    let mut args = call.args().iter().map(|word| word.text.as_str());
    while let Some(arg) = args.next() {
        let is_fine = match arg {
            "-e" | "-u" | "-eu" | "-ue" => true,
            "-o" | "-eo" | "-euo" | "-ueo" => {
                matches!(args.next(), Some("pipefail" | "errexit" | "nounset"))
            }
            _ => false,
        };
        if !is_fine {
            return call.unknown(&format!("`{arg}`"));
        }
    }
    call.plain()
}
