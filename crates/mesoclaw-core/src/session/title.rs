//! Titles without a model: the beginning of the first message.

/// Longest title, in characters.
const TITLE_CHARS: usize = 60;

/// A title from a message: its first line with something in it, cut at a word.
pub(crate) fn title_from(text: &str) -> String {
    let line = text
        .lines()
        .map(|line| {
            line.split(|c: char| c.is_whitespace() || c.is_control())
                .filter(|word| !word.is_empty())
                .collect::<Vec<_>>()
                .join(" ")
        })
        .find(|line| !line.is_empty())
        .unwrap_or_default();
    if line.chars().count() <= TITLE_CHARS {
        return line;
    }
    // One character more than fits: a word that ends exactly at the limit stays whole.
    let cut: String = line.chars().take(TITLE_CHARS).collect();
    let cut: String = match cut.rsplit_once(' ') {
        Some((words, _)) if words.chars().count() > TITLE_CHARS / 2 => words.to_owned(),
        Some(_) | None => cut.chars().take(TITLE_CHARS - 1).collect(),
    };
    format!("{}…", cut.trim_end_matches([',', '.', ';', ':']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_one_short_line() {
        for (text, expected) in [
            ("hello", "hello"),
            ("\n\n  two\twords \nmore", "two words"),
            ("", ""),
            ("esc \u{1b}[31m red", "esc [31m red"),
            (
                "why did the nightly backup job on the old server fail again last night, please?",
                "why did the nightly backup job on the old server fail again…",
            ),
        ] {
            assert_eq!(title_from(text), expected);
        }
        assert_eq!(title_from(&"x".repeat(100)).chars().count(), TITLE_CHARS);
    }
}
