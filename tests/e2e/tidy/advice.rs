//! The commands that texts of the program name are commands of the program.

use std::collections::BTreeMap;
use std::path::Path;

use mesoclaw_testkit::home::TestHome;

use super::assert_none;
use crate::process::command;
use crate::tree;

/// The commands in backquotes in a source, each as its words; what stands for something else ends
/// a command. Comments and what follows the tests of a file are not said by the program.
fn advice(source: &str) -> Vec<Vec<String>> {
    let said: Vec<&str> = source
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default()
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with("//"))
        .collect();
    let said = said.join("\n").replace("\\\n", "");
    said.match_indices("`mesoclaw ")
        .filter_map(|(at, mark)| {
            let command = said[at + mark.len()..].split('`').next()?;
            let words = command.split_whitespace().take_while(|word| is_word(word));
            let words: Vec<String> = words.map(str::to_owned).collect();
            (!words.is_empty()).then_some(words)
        })
        .collect()
}

/// A subcommand or an option, and no place for one.
fn is_word(word: &str) -> bool {
    word.chars().all(|c| c.is_ascii_lowercase() || c == '-')
}

/// What is wrong with a command, by what its help says.
fn complaint(words: &[String], help: &str) -> Option<String> {
    let usage = help
        .lines()
        .find_map(|line| line.strip_prefix("Usage: mesoclaw "))
        .unwrap_or_default();
    let path: Vec<&str> = usage
        .split_whitespace()
        .take_while(|word| is_word(word))
        .collect();
    let is_command = !path.is_empty() && path.len() <= words.len();
    if !is_command || path.iter().zip(words).any(|(known, word)| known != word) {
        return Some(format!("there is no command `{}`", words.join(" ")));
    }
    let mut options = words.iter().filter(|word| word.starts_with("--"));
    options
        .find(|option| !help.contains(option.as_str()))
        .map(|option| format!("`{}` takes no {option}", path.join(" ")))
}

#[test]
fn commands_in_texts_of_the_program_are_commands() {
    let mut places = BTreeMap::new();
    for path in tree::files() {
        let is_rust = Path::new(&path).extension().is_some_and(|end| end == "rs");
        let is_source = is_rust && path.starts_with("crates/") && path.contains("/src/");
        let is_product = is_source && !path.starts_with("crates/mesoclaw-bench/");
        let is_test = path.ends_with("/tests.rs") || path.contains("/tests/");
        if !is_product || is_test {
            continue;
        }
        for words in advice(&tree::text(&path).unwrap_or_default()) {
            places.entry(words).or_insert(path.clone());
        }
    }
    assert!(places.len() > 20, "{places:?}");
    let home = TestHome::new();
    let complaints = places.iter().filter_map(|(words, path)| {
        let path_words = words.iter().filter(|word| !word.starts_with('-'));
        let mut args: Vec<&str> = path_words.map(String::as_str).collect();
        args.push("--help");
        let help = command(&home, &args).stdout;
        complaint(words, &help).map(|complaint| format!("{path}: {complaint}"))
    });
    assert_none(complaints.collect());
}

#[test]
fn commands_are_found_in_texts_only() {
    let source = "// `mesoclaw comment`\n/// `mesoclaw doc`\nlet x = \"`mesoclaw key set {id}` or \
                  `mesoclaw config unset \\\n    --all`, `mesoclaw TEXT`\";\n#[cfg(test)]\nmod \
                  tests {\n\"`mesoclaw test`\"";
    assert_eq!(
        advice(source),
        [vec!["key", "set"], vec!["config", "unset", "--all"]]
    );
}

#[test]
fn a_command_that_is_none_is_found() {
    let check = |words: &[&str], help: &str, expected: Option<&str>| {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        assert_eq!(complaint(&words, help).as_deref(), expected);
    };
    let help = "x\n\nUsage: mesoclaw key store [OPTIONS] [PLACE]\n\n  --passphrase";
    check(&["key", "store", "file", "--passphrase"], help, None);
    let no_option = "`key store` takes no --frob";
    check(&["key", "store", "--frob"], help, Some(no_option));
    let no_command = "there is no command `frob`";
    let whole = "Usage: mesoclaw [OPTIONS] [PROMPT]...";
    check(&["frob"], whole, Some(no_command));
    check(&["frob"], "", Some(no_command));
}
