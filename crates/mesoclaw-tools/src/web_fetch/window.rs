//! A part of a long text, and the note that says how to get the rest.

/// The characters from `offset`, at most `max_chars` of them and `max_bytes` bytes, and a note if
/// that is not the whole text.
///
/// # Errors
/// A sentence when the text ends before `offset`.
pub(crate) fn window(
    text: &str,
    offset: usize,
    max_chars: usize,
    max_bytes: usize,
) -> Result<(&str, Option<String>), String> {
    let n_chars = text.chars().count();
    if offset > 0 && offset >= n_chars {
        return Err(format!(
            "`offset` {offset} is past the end: the text has {n_chars} characters."
        ));
    }
    let start = text
        .char_indices()
        .nth(offset)
        .map_or(text.len(), |(at, _)| at);
    let (_, rest) = text.split_at(start);
    let by_chars = rest
        .char_indices()
        .nth(max_chars)
        .map_or(rest.len(), |(at, _)| at);
    let end = rest.floor_char_boundary(by_chars.min(max_bytes));
    let part = at_line_end(rest, end);
    let shown_to = offset + part.chars().count();
    if offset == 0 && shown_to == n_chars {
        return Ok((part, None));
    }
    let note = if shown_to == n_chars {
        format!("[characters {offset} to {n_chars}, the end]")
    } else {
        format!(
            "[characters {offset} to {shown_to} of {n_chars}; for more call again with \
             `offset` {shown_to}]"
        )
    };
    Ok((part, Some(note)))
}

/// Not in the middle of a line, where a line ends shortly before.
fn at_line_end(text: &str, end: usize) -> &str {
    const NEAR_BYTES: usize = 200;
    let (part, rest) = text.split_at(end);
    if rest.is_empty() {
        return part;
    }
    match part.rfind('\n') {
        Some(at) if at + NEAR_BYTES >= end && at > 0 => part.split_at(at + 1).0,
        Some(_) | None => part,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_join_to_the_whole_and_say_where_they_are() {
        let lines = (0..200).map(|n| format!("Zeile {n} grün\n"));
        let text = lines.collect::<Vec<_>>().concat();
        for (max_chars, max_bytes) in [(100, 10_000), (10_000, 100), (7, 9), (10_000, 10_000)] {
            let (mut joined, mut offset) = (String::new(), 0);
            loop {
                let (part, note) = window(&text, offset, max_chars, max_bytes).unwrap();
                joined.push_str(part);
                offset += part.chars().count();
                let is_more = note
                    .as_deref()
                    .is_some_and(|note| note.contains("for more"));
                assert!(!part.is_empty() && part.len() <= max_bytes);
                if !is_more {
                    break;
                }
                assert!(note.unwrap().contains(&format!("`offset` {offset}]")));
            }
            assert_eq!(joined, text, "{max_chars} {max_bytes}");
        }
    }

    #[test]
    fn a_short_text_has_no_note_and_a_wrong_offset_is_told() {
        assert_eq!(window("abc", 0, 10, 10), Ok(("abc", None)));
        assert_eq!(window("", 0, 10, 10), Ok(("", None)));
        let end = Some("[characters 1 to 3, the end]".to_owned());
        assert_eq!(window("abc", 1, 10, 10), Ok(("bc", end)));
        assert_eq!(
            window("abc", 3, 10, 10),
            Err("`offset` 3 is past the end: the text has 3 characters.".to_owned())
        );
    }
}
