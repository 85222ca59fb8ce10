//! A stored conversation as text: for reading, for the chat, as Markdown.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use mesoclaw_api::item::{ApprovalDecision, ImageRef};
use mesoclaw_api::ops::session::Session;
use mesoclaw_api::{Item, ItemBody, TurnOutcome};

use crate::exit::{CliError, CliResult};
use crate::run::render::ending_text;
use crate::sanitise::one_line;

/// Most characters of one message at the start of a chat; the rest is in `session show`.
const CHAT_CHARS: usize = 600;

/// The whole conversation for reading.
pub fn plain(items: &[Item]) -> String {
    items.iter().filter_map(plain_entry).collect()
}

/// One entry at the start of a chat; `None` for what a chat does not repeat.
pub fn chat_line(item: &Item) -> Option<String> {
    match &item.body {
        ItemBody::User { text, images } => {
            Some(format!("> {}\n", with_images(&shortened(text), images)))
        }
        ItemBody::Assistant { text, .. } => Some(format!("meso: {}\n", shortened(text.trim_end()))),
        ItemBody::Reasoning { .. }
        | ItemBody::ToolCall { .. }
        | ItemBody::ToolResult { .. }
        | ItemBody::Approval { .. }
        | ItemBody::Notice { .. }
        | ItemBody::Outcome { .. }
        | ItemBody::System { .. } => None,
    }
}

/// A message with the names of its images below it.
pub fn with_images(text: &str, images: &[ImageRef]) -> String {
    let mut whole = text.to_owned();
    for image in images {
        let name = image.name.as_deref().unwrap_or(&image.media_type);
        whole.push_str("\n[image: ");
        whole.push_str(&one_line(name));
        whole.push(']');
    }
    whole
}

/// The conversation as Markdown.
pub fn markdown(session: &Session, items: &[Item]) -> String {
    let mut text = format!(
        "# {}\n\nSession {}, begun {}\n",
        session.title, session.id, session.created_at
    );
    for item in items {
        if let Some(entry) = markdown_entry(item) {
            text.push('\n');
            text.push_str(&entry);
        }
    }
    text
}

/// Writes a file that is replaced as a whole.
///
/// # Errors
/// It cannot be written.
pub fn write_new(path: &Path, text: &str) -> CliResult<()> {
    if path.is_dir() {
        return Err(CliError::usage(format!(
            "{} is a directory",
            path.display()
        )));
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let part = path.with_file_name(name);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&part)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        })
        .and_then(|()| std::fs::rename(&part, path));
    written.map_err(|error| {
        // What could not be put in place is not wanted either.
        std::fs::remove_file(&part).ok();
        CliError::file("write", path, &error)
    })
}

fn plain_entry(item: &Item) -> Option<String> {
    let entry = match &item.body {
        ItemBody::User { text, images } => format!("you: {}\n", with_images(text, images)),
        ItemBody::Assistant { text, complete, .. } => {
            let mark = if *complete { "" } else { " [unfinished]" };
            format!("meso: {}{mark}\n", text.trim_end())
        }
        ItemBody::Reasoning { text } => format!("(thought: {text})\n"),
        ItemBody::ToolCall { tool, args, .. } => format!("[tool] {tool} {args}\n"),
        ItemBody::ToolResult {
            tool,
            output,
            success,
            diff,
            ..
        } => {
            let word = if *success { "ok" } else { "failed" };
            let diff = diff.as_deref().map(|diff| format!("{}\n", diff.trim_end()));
            format!(
                "[tool] {tool} {word}: {output}\n{}",
                diff.unwrap_or_default()
            )
        }
        ItemBody::Approval {
            decision, reason, ..
        } => format!("[approval] {}\n", decided(*decision, reason.as_deref())),
        ItemBody::Notice { text } => format!("({text})\n"),
        ItemBody::System { text } => format!("system: {text}\n"),
        ItemBody::Outcome { outcome, .. } => format!("{}\n", ending_text(outcome)?),
    };
    Some(entry)
}

fn markdown_entry(item: &Item) -> Option<String> {
    let entry = match &item.body {
        ItemBody::User { text, images } => {
            format!("## You\n\n{}\n", with_images(text, images))
        }
        ItemBody::Assistant {
            text,
            complete,
            model,
        } => {
            let mark = if *complete { "" } else { ", unfinished" };
            format!("## {model}{mark}\n\n{}\n", text.trim_end())
        }
        ItemBody::Reasoning { text } => format!("> {}\n", text.replace('\n', "\n> ")),
        ItemBody::ToolCall { tool, args, .. } => format!("Tool `{tool}`: `{args}`\n"),
        ItemBody::ToolResult {
            tool, output, diff, ..
        } => {
            let diff = diff.as_deref().map(|diff| {
                let lines = diff.trim_end().replace('\n', "\n    ");
                format!("\nIt changed:\n\n    {lines}\n")
            });
            format!(
                "Tool `{tool}` answered:\n\n    {}\n{}",
                output.replace('\n', "\n    "),
                diff.unwrap_or_default()
            )
        }
        ItemBody::Approval {
            decision, reason, ..
        } => format!("Approval: {}\n", decided(*decision, reason.as_deref())),
        ItemBody::Notice { text } => format!("*{text}*\n"),
        ItemBody::System { text } => format!("## System\n\n{text}\n"),
        ItemBody::Outcome { outcome, .. } => match outcome {
            TurnOutcome::Completed => return None,
            TurnOutcome::Cancelled
            | TurnOutcome::Interrupted
            | TurnOutcome::LimitReached { .. }
            | TurnOutcome::Failed { .. } => format!("*{}*\n", ending_text(outcome)?),
        },
    };
    Some(entry)
}

fn decided(decision: ApprovalDecision, reason: Option<&str>) -> String {
    let word = match decision {
        ApprovalDecision::Approved => "approved",
        ApprovalDecision::Denied => "denied",
        ApprovalDecision::TimedOut => "timed out",
    };
    match reason {
        Some(reason) => format!("{word}: {reason}"),
        None => word.to_owned(),
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(CHAT_CHARS) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
