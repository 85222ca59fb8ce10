//! Characters that nobody sees are left out: they carry text past the reader.

/// Whether a character may stay; `before` is the last one that stayed.
pub(crate) fn is_visible(c: char, before: Option<char>) -> bool {
    match c {
        '\n' | '\t' => true,
        // Joiners shape words of many scripts and emoji, but say nothing between Latin letters.
        '\u{200c}' | '\u{200d}' => before.is_some_and(|c| !c.is_ascii() && !is_joiner(c)),
        // Emoji style.
        '\u{fe0f}' => before.is_some_and(|c| c != '\u{fe0f}'),
        '\u{00ad}'
        | '\u{034f}'
        | '\u{061c}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{17b4}'
        | '\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}'
        | '\u{fe00}'..='\u{fe0e}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}' => false,
        c => !c.is_control(),
    }
}

fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

/// The visible characters of a text, line ends kept.
pub(crate) fn visible(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut before = None;
    for c in text.chars() {
        if is_visible(c, before) {
            kept.push(c);
            before = Some(c);
        }
    }
    kept
}

/// The visible characters of a text in one line, every run of blanks as one, at most `max_chars`.
pub(crate) fn one_line(text: &str, max_chars: usize) -> String {
    let text = visible(text);
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(max_chars) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default().trim_end()),
        None => line,
    }
}
