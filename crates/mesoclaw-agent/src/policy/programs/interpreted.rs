//! Files an interpreter is given: whatever option names them, they may be the code that runs.

use super::Call;
use super::assessment::{Assessment, Certainty, Level, PathUse, Role};
use super::special::Special;
use crate::policy::shell::Word;

/// A longer word names no file.
const NAME_MAX_BYTES: usize = 4096;

/// Adds the words of a call that may name a file with code.
pub(super) fn add(assessment: &mut Assessment, call: &Call<'_>) {
    let is_interpreter = call.entry.interpreter
        || matches!(
            call.entry.special,
            Some(Special::Sed | Special::Shell | Special::Python)
        );
    if !is_interpreter || assessment.level < Level::High {
        return;
    }
    for (at, word) in call.words.iter().enumerate().skip(1) {
        if word.text.len() > NAME_MAX_BYTES {
            continue;
        }
        for name in names(word) {
            let mut path_use = PathUse::of_word(&name, Some(at), Role::Code, call.bases);
            path_use.certainty = Certainty::File;
            path_use.is_bound = true;
            assessment.uses.push(path_use);
        }
    }
}

/// What of a word may be a name: `FILE`, `--option=FILE` and `-fFILE`.
fn names(word: &Word) -> Vec<Word> {
    let text = word.text.as_str();
    if !text.starts_with('-') || word.glob.is_some() {
        return vec![word.clone()];
    }
    let value = match text.split_once('=') {
        Some((_, value)) => value,
        None if text.starts_with("--") => "",
        None => {
            let mut rest = text.chars();
            rest.by_ref().take(2).for_each(drop);
            rest.as_str()
        }
    };
    let is_name = value.chars().any(char::is_alphanumeric);
    is_name.then(|| Word::literal(value)).into_iter().collect()
}
