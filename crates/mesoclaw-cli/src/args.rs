//! From words to a command: decides whether the words are a prompt or a command, and catches a
//! mistyped command before it is sent to a model as a prompt.

use std::ffi::OsString;

use clap::CommandFactory;

use crate::cli::Cli;

/// The words with `run` put in where they are a prompt without a command.
pub fn with_command(words: Vec<OsString>) -> Vec<OsString> {
    let tree = Cli::command();
    if !is_prompt(&tree, &words) {
        return words;
    }
    let mut words = words;
    words.insert(1, OsString::from("run"));
    words
}

/// The command that was probably meant, when the prompt looks like a mistyped one.
///
/// A prompt of one word is looked at; of two words only when the second is a command below the
/// first (`sesion list`).
pub fn probably_meant(prompt: &[String]) -> Option<String> {
    let tree = Cli::command();
    if let Some(meant) = key_command(&tree, prompt) {
        return Some(meant);
    }
    let (word, below) = match prompt {
        [word] => (word, None),
        [word, below] => (word, Some(below)),
        _ => return None,
    };
    if word.contains(char::is_whitespace) || word.starts_with('-') {
        return None;
    }
    let near = subcommand_names(&tree)
        .filter(|name| is_near(word, name))
        .min_by_key(|name| strsim::damerau_levenshtein(word, name));
    if let Some(below) = below {
        let parent = tree.find_subcommand(near?)?;
        let child = parent.find_subcommand(below)?;
        return Some(format!("{} {}", parent.get_name(), child.get_name()));
    }
    near.map(str::to_owned).or_else(|| {
        // `mesoclaw status` and `mesoclaw queue` are never questions.
        ["daemon", "session"].into_iter().find_map(|parent| {
            let child = tree.find_subcommand(parent)?.find_subcommand(word)?;
            Some(format!("{parent} {}", child.get_name()))
        })
    })
}

/// A mistyped `key set PROVIDER ...` would send a secret to a model: it is caught however many words
/// follow.
fn key_command(tree: &clap::Command, prompt: &[String]) -> Option<String> {
    let [word, below, ..] = prompt else {
        return None;
    };
    let word = word.to_lowercase();
    let is_near = word.starts_with('k') && strsim::damerau_levenshtein(&word, "key") <= 1;
    let child = tree.find_subcommand("key")?.find_subcommand(below)?;
    is_near.then(|| format!("key {}", child.get_name()))
}

fn subcommand_names(tree: &clap::Command) -> impl Iterator<Item = &str> {
    tree.get_subcommands()
        .map(clap::Command::get_name)
        .chain(std::iter::once("help"))
}

/// Whether a word is a slip of the finger away from a name. Short words are ordinary language
/// (`what` is no mistyped `chat`), so they get less room.
fn is_near(word: &str, name: &str) -> bool {
    let word = word.to_lowercase();
    if word == name {
        return true;
    }
    let distance = strsim::damerau_levenshtein(&word, name);
    let same_start = word.chars().next() == name.chars().next();
    match word.chars().count().min(name.chars().count()) {
        0..=3 => false,
        4..=5 => distance == 1 && same_start,
        _ => distance == 1 || (distance == 2 && same_start),
    }
}

/// Whether the first word that is no option and no value of one is not a command.
fn is_prompt(tree: &clap::Command, words: &[OsString]) -> bool {
    let takes_value = |found: &dyn Fn(&clap::Arg) -> bool| {
        tree.get_arguments()
            .any(|arg| !arg.is_positional() && found(arg) && arg.get_action().takes_values())
    };
    let mut rest = words.iter().skip(1);
    while let Some(word) = rest.next() {
        // A word that is not UTF-8 is no option of ours.
        let Some(text) = word.to_str() else {
            return true;
        };
        if text == "--" {
            return true;
        }
        if let Some(long) = text.strip_prefix("--") {
            if takes_value(&|arg| arg.get_long() == Some(long)) {
                rest.next();
            }
        } else if let Some(shorts) = text.strip_prefix('-').filter(|rest| !rest.is_empty()) {
            // In `-cs NAME` the last letter takes the next word; in `-sNAME` it is in the word.
            let value_at = shorts
                .char_indices()
                .find(|(_, short)| takes_value(&|arg| arg.get_short() == Some(*short)));
            if value_at.is_some_and(|(at, short)| at + short.len_utf8() == shorts.len()) {
                rest.next();
            }
        } else {
            return !subcommand_names(tree).any(|name| text == name);
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_become_run_and_commands_stay() {
        let check = |words: &str, is_run: bool| {
            let words: Vec<OsString> = words.split(' ').map(OsString::from).collect();
            let mut expected = words.clone();
            if is_run {
                expected.insert(1, "run".into());
            }
            assert_eq!(with_command(words.clone()), expected, "{words:?}");
        };
        check("mesoclaw", false);
        check("mesoclaw --json", false);
        check("mesoclaw -s demo", false);
        check("mesoclaw --help", false);
        check("mesoclaw session list", false);
        check("mesoclaw --json session list", false);
        check("mesoclaw --config f.toml daemon run", false);
        check("mesoclaw help session", false);
        check("mesoclaw hello", true);
        check("mesoclaw what is a session", true);
        check("mesoclaw -s session hello", true);
        check("mesoclaw -ssession hello", true);
        check("mesoclaw -s session", false);
        check("mesoclaw --session=session chat", false);
        check("mesoclaw -qs demo run", false);
        check("mesoclaw -", true);
        check("mesoclaw -- session", true);
        check("mesoclaw --model a:b session?", true);
        check("mesoclaw --timeout 5 -q hi", true);
    }

    #[test]
    fn mistyped_commands_are_recognised() {
        let check = |prompt: &[&str], expected: Option<&str>| {
            let prompt: Vec<String> = prompt.iter().map(|word| (*word).to_owned()).collect();
            assert_eq!(probably_meant(&prompt).as_deref(), expected, "{prompt:?}");
        };
        check(&["sesion"], Some("session"));
        check(&["sessions"], Some("session"));
        check(&["Chat"], Some("chat"));
        check(&["caht"], Some("chat"));
        check(&["deamon"], Some("daemon"));
        check(&["doctr"], Some("doctor"));
        check(&["modle"], Some("model"));
        check(&["provders"], Some("provider"));
        check(&["sesion", "list"], Some("session list"));
        check(&["keys", "set", "openai", "sk-1"], Some("key set"));
        check(&["kye", "set", "openai"], Some("key set"));
        check(&["hey", "set", "a", "timer"], None);
        check(&["keys", "are", "lost"], None);
        check(&["status"], Some("daemon status"));
        check(&["stop"], Some("daemon stop"));
        check(&["hello"], None);
        check(&["what"], None);
        check(&["hi"], None);
        check(&["test"], None);
        check(&["sesion is a typo"], None);
        check(&["sesion", "of", "parliament"], None);
        check(&["sesion", "please"], None);
        check(&[], None);
    }
}
