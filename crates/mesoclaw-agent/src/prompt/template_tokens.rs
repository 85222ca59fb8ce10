//! Marks that chat templates, providers and our own prompts put between messages. In text of
//! somebody else they would end a message or begin one, so they are broken up: a space is put
//! into them, and a person still reads what stood there.

use std::borrow::Cow;

/// Marks between `<` and `>` that are not of the general form `<|word|>`.
const ANGLED: [&str; 23] = [
    "<s>",
    "</s>",
    "<bos>",
    "<eos>",
    "<pad>",
    "<unk>",
    "<sop>",
    "<eop>",
    "<start_of_turn>",
    "<end_of_turn>",
    "<start_of_image>",
    "<end_of_image>",
    "<start_function_call>",
    "<end_function_call>",
    "<start_function_response>",
    "<end_function_response>",
    "<fim_prefix>",
    "<fim_middle>",
    "<fim_suffix>",
    "<think>",
    "</think>",
    "<<SYS>>",
    "<</SYS>>",
];

/// Marks in square brackets.
const BRACKETED: [&str; 15] = [
    "[INST]",
    "[/INST]",
    "[SYSTEM_PROMPT]",
    "[/SYSTEM_PROMPT]",
    "[AVAILABLE_TOOLS]",
    "[/AVAILABLE_TOOLS]",
    "[TOOL_CALLS]",
    "[TOOL_RESULTS]",
    "[/TOOL_RESULTS]",
    "[TOOL_CONTENT]",
    "[CALL_ID]",
    "[ARGS]",
    "[THINK]",
    "[/THINK]",
    "[gMASK]",
];

/// Names of elements that mean something in our own prompts, whatever stands behind the name and
/// in whatever case: models read them loosely.
const ELEMENTS: [&str; 4] = ["untrusted", "tool_call", "tool_result", "tool_response"];

/// Speakers of prompts that are one text; each stands after an empty line.
const SPEAKERS: [&str; 2] = ["Human:", "Assistant:"];

/// The bar of DeepSeek's marks.
const WIDE_BAR: char = '\u{FF5C}';

/// The text with a space inside of every mark.
pub(super) fn broken_up(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut from = 0;
    for (at, byte) in text.bytes().enumerate() {
        let place = match byte {
            // The last is the first byte of the wide bar, and of many other characters.
            b'<' | b'[' | b'H' | b'A' | 0xEF => place_in_mark(text, at),
            _ => None,
        };
        let Some(place) = place else {
            continue;
        };
        out.push_str(text.get(from..place).unwrap_or_default());
        out.push(' ');
        from = place;
    }
    if from == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(text.get(from..).unwrap_or_default());
    Cow::Owned(out)
}

/// Where a space breaks the mark that begins at `at`; `None` when there is none.
fn place_in_mark(text: &str, at: usize) -> Option<usize> {
    let rest = text.get(at..)?;
    let first = rest.chars().next()?;
    match first {
        '<' => begins_angled(rest).then_some(at + 1),
        '[' => starts_with_one(rest, &BRACKETED).then_some(at + 1),
        WIDE_BAR => rest
            .strip_prefix(WIDE_BAR)?
            .starts_with('>')
            .then_some(at + WIDE_BAR.len_utf8()),
        _ => {
            let speaker = SPEAKERS.iter().find(|mark| rest.starts_with(**mark))?;
            let before = text.get(..at)?;
            // The line before the text may be empty too.
            let is_paragraph = before.ends_with("\n\n") || before.is_empty() || before == "\n";
            is_paragraph.then_some(at + speaker.len() - 1)
        }
    }
}

fn begins_angled(rest: &str) -> bool {
    let inner = rest.get(1..).unwrap_or_default();
    let name = inner.strip_prefix('/').unwrap_or(inner);
    starts_with_one(rest, &ANGLED)
        || name.starts_with(WIDE_BAR)
        || ELEMENTS.iter().any(|element| {
            name.get(..element.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(element))
        })
        || is_barred(inner)
}

/// `|word|>`, `|word>` or `word|>`. The word ends at the next `<`, so no part of a text is looked
/// at twice.
fn is_barred(inner: &str) -> bool {
    let after_bar = inner.strip_prefix('|');
    let word = after_bar.unwrap_or(inner);
    let ends_word = |c: char| matches!(c, '<' | '>' | '|') || c.is_whitespace();
    let Some(end) = word.find(ends_word) else {
        return false;
    };
    let after = word.get(end..).unwrap_or_default();
    let is_closed = after.starts_with("|>") || (after_bar.is_some() && after.starts_with('>'));
    end > 0 && is_closed
}

fn starts_with_one(text: &str, marks: &[&str]) -> bool {
    marks.iter().any(|mark| text.starts_with(mark))
}
