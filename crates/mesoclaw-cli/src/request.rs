//! How a request for approval looks: everything a person has to see before saying yes. Pure.
//!
//! Every word of a command, a path or a reason is spelled out: no character of it is hidden, and no
//! line of it can pass for a line of ours, because each carries a bar in front.

use mesoclaw_api::ops::approval::{Approval, Risk, Step};
use serde_json::Value;

use crate::output::push;
use crate::sanitise::{outside_ascii, visible};

/// Most lines of a diff or of an argument at a prompt; `show` has all of them.
pub const MOST_LINES: usize = 20;

/// Bytes from which on an argument stands in lines of its own.
const LONG_VALUE: usize = 400;

/// Most characters of a call in a list.
const IN_A_LIST: usize = 120;

/// How much of a request is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Extent {
    /// Long diffs and arguments are cut, with a note.
    AtPrompt,
    /// Everything.
    Whole,
}

/// A risk in a word.
pub fn risk_word(risk: Risk) -> &'static str {
    match risk {
        Risk::Low => "low",
        Risk::Medium => "medium",
        Risk::High => "high",
    }
}

/// The call in a line for lists: the tool, and what it would do.
pub fn in_a_line(tool: &str, args: &Value) -> String {
    let text = format!("{}: {}", visible(tool), visible(&main_argument(args)));
    let text = text.replace('\n', "^J");
    match text.char_indices().nth(IN_A_LIST) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// What is asked, and which rule asks.
pub fn headline(approval: &Approval, width: usize) -> String {
    let mut text = format!(
        "approval needed: {}   risk {}\n",
        visible(&approval.tool).replace('\n', "^J"),
        risk_word(approval.risk)
    );
    let why = format!(
        "{} ({})",
        visible(&approval.reason),
        visible(&approval.rule)
    );
    push_wrapped(&mut text, "  ", "  ", &why.replace('\n', " "), width);
    text
}

/// A request with everything that belongs to it, for lines of `width` characters.
pub fn body(approval: &Approval, extent: Extent, width: usize) -> String {
    let mut text = String::new();
    let is_in_diff = approval.diff.is_some() && extent == Extent::AtPrompt;
    push_args(&mut text, &approval.args, extent, is_in_diff, width);
    push_field(&mut text, "in ", &approval.cwd, width);
    for step in &approval.steps {
        push_step(&mut text, step, width);
    }
    text.push_str(network_line(approval.network));
    push_sandbox(&mut text, &approval.sandbox, width);
    if let Some(strange) = strange_characters(approval) {
        push_field(&mut text, "careful: ", &strange, width);
    }
    if let Some(diff) = &approval.diff {
        push_bounded(&mut text, diff, extent, width);
    }
    match approval.patterns.as_slice() {
        [] => text.push_str("  no rule can cover this call: it asks every time\n"),
        patterns => {
            for pattern in patterns {
                push_field(&mut text, "rule: ", pattern, width);
            }
        }
    }
    text
}

/// Text behind bars, cut to `width`, every line of it.
pub fn barred(text: &str, width: usize) -> String {
    let mut out = String::new();
    for line in visible(text).lines() {
        push_wrapped(&mut out, "  | ", "  | ", line, width);
    }
    out
}

/// A unified diff behind bars, cut where it is long; `rest` says where the other lines are.
pub fn diff_text(diff: &str, most: usize, rest: &str, width: usize) -> String {
    let whole = barred(diff, width);
    let more = whole.lines().count().saturating_sub(most);
    if more == 0 {
        return whole;
    }
    let mut out: String = whole.split_inclusive('\n').take(most).collect();
    push(&mut out, format_args!("  ({more} more lines: {rest})\n"));
    out
}

/// A step with its risk, its rule and the program that would run.
pub fn push_step(text: &mut String, step: &Step, width: usize) {
    let first = format!("  - {:<6} ", risk_word(step.risk));
    let what = visible(&step.what).replace('\n', "^J");
    push_wrapped(text, &first, "      ", &what, width);
    let why = format!("{}: {}", visible(&step.rule), visible(&step.reason));
    push_wrapped(text, "      ", "      ", &why.replace('\n', " "), width);
    if let Some(program) = &step.program {
        push_field_at(text, "      runs ", "      ", program, width);
    }
}

/// Whether a call could use the network, in a line.
pub fn network_line(may_use: bool) -> &'static str {
    if may_use {
        "  network: yes\n"
    } else {
        "  network: no\n"
    }
}

/// What keeps a call inside its bounds; the sentence may begin with the word itself.
pub fn push_sandbox(text: &mut String, sentence: &str, width: usize) {
    let is_named = sentence.to_ascii_lowercase().starts_with("sandbox");
    push_field(
        text,
        if is_named { "" } else { "sandbox: " },
        sentence,
        width,
    );
}

/// A line with a name in front, wrapped.
pub fn push_field(text: &mut String, name: &str, value: &str, width: usize) {
    push_field_at(text, &format!("  {name}"), "      ", value, width);
}

fn push_field_at(text: &mut String, first: &str, rest: &str, value: &str, width: usize) {
    let value = visible(value).replace('\n', "^J");
    push_wrapped(text, first, rest, &value, width);
}

/// `is_in_diff`: what has several lines is told by the diff below.
fn push_args(text: &mut String, args: &Value, extent: Extent, is_in_diff: bool, width: usize) {
    let fields = match args {
        Value::Object(fields) => fields,
        other => {
            text.push_str(&barred(&plain(other), width));
            return;
        }
    };
    // What a shell would run is whole wherever it is shown.
    if let (1, Some(Value::String(command))) = (fields.len(), fields.get("command")) {
        text.push_str(&barred(command, width));
        return;
    }
    let mut names: Vec<&String> = fields.keys().collect();
    names.sort();
    for name in names {
        let value = fields.get(name).map(plain).unwrap_or_default();
        let is_short = !value.contains('\n') && value.len() <= LONG_VALUE;
        if name == "command" {
            push(text, format_args!("  command:\n{}", barred(&value, width)));
        } else if is_in_diff && !is_short {
            let count = value.lines().count();
            let note = format!("({count} lines: see the changes below, 6 shows all)");
            push_field(text, &format!("{}: ", visible(name)), &note, width);
        } else if is_short {
            push_field(text, &format!("{}: ", visible(name)), &value, width);
        } else {
            push(text, format_args!("  {}:\n", visible(name)));
            push_bounded(text, &value, extent, width);
        }
    }
}

fn push_bounded(text: &mut String, value: &str, extent: Extent, width: usize) {
    let most = match extent {
        Extent::AtPrompt => MOST_LINES,
        Extent::Whole => usize::MAX,
    };
    text.push_str(&diff_text(value, most, "6 shows all", width));
}

/// The argument that says it all, else all of them.
fn main_argument(args: &Value) -> String {
    match args {
        Value::Object(fields) if fields.len() == 1 => {
            fields.values().next().map(plain).unwrap_or_default()
        }
        other => plain(other),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            value.to_string()
        }
    }
}

/// Characters that may look like others, by number: nobody sees that an `а` is Cyrillic.
fn strange_characters(approval: &Approval) -> Option<String> {
    let mut judged = String::new();
    if let Some(command) = approval.args.get("command").and_then(Value::as_str) {
        judged.push_str(command);
    }
    for step in &approval.steps {
        judged.push_str(&step.what);
        judged.push_str(step.program.as_deref().unwrap_or_default());
    }
    let found = outside_ascii(&judged);
    (!found.is_empty()).then(|| format!("characters outside ASCII: {}", found.join(", ")))
}

/// Adds a line in pieces of at most `width` characters, each with something in front.
pub fn push_wrapped(text: &mut String, first: &str, rest: &str, line: &str, width: usize) {
    let mut lead = first;
    let mut left: Vec<char> = line.chars().collect();
    loop {
        let room = width.saturating_sub(lead.chars().count()).max(8);
        let end = if left.len() <= room {
            left.len()
        } else {
            // At a blank where there is one in the last third, so that words stay whole.
            let blank = left.iter().take(room).rposition(|c| *c == ' ');
            blank.map_or(room, |at| if at > room * 2 / 3 { at + 1 } else { room })
        };
        let tail = left.split_off(end);
        let piece: String = left.into_iter().collect();
        let piece = if tail.is_empty() {
            piece.as_str()
        } else {
            piece.trim_end()
        };
        text.push_str(lead);
        text.push_str(piece);
        text.push('\n');
        if tail.is_empty() {
            return;
        }
        left = tail;
        lead = rest;
    }
}

/// A request for tests.
#[cfg(test)]
pub fn sample() -> Approval {
    tests::sample()
}

/// A diff for tests that adds so many lines.
#[cfg(test)]
pub fn added_lines(count: usize) -> String {
    tests::lines(count)
}

#[cfg(test)]
mod tests;
