//! How what a turn shows looks: bytes for stdout or a file, and notes for stderr. Pure.

mod calls;
mod json_lines;
mod words;

use mesoclaw_api::{ApiError, CallId, SessionId, TurnId};
use serde_json::json;

use crate::output::Console;
use crate::run::view::Show;
use crate::sanitise::for_terminal;
use json_lines::push_json;
use words::{approval_text, call_text, decision_text, result_text};

pub use words::ending_text;

/// Columns of a line where nobody said otherwise.
const USUAL_COLUMNS: usize = 80;

/// Version of the lines of `--stream-json`.
const STREAM_VERSION: u32 = 1;

/// A form of output.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Style {
    /// The answer alone, token by token.
    Text,
    /// The answer alone, line by line.
    Lines,
    /// Nothing while it runs; the caller prints one object at the end.
    Json,
    /// One object an event.
    JsonLines,
    /// The line chat.
    Chat,
}

impl Style {
    /// Whether the answer stands alone in the output.
    pub fn is_plain(self) -> bool {
        matches!(self, Self::Text | Self::Lines)
    }

    /// Whether notes of the conversation go to stderr; elsewhere they are part of the output.
    pub fn says_notes(self) -> bool {
        matches!(self, Self::Text | Self::Lines | Self::Json)
    }

    /// Whether somebody reads what a turn cost.
    pub fn wants_footer(self, console: Console) -> bool {
        match self {
            Self::Text | Self::Lines => console.stderr_is_terminal && !console.quiet,
            Self::Json => true,
            Self::JsonLines | Self::Chat => false,
        }
    }
}

/// Turns [`Show`]s into bytes.
#[derive(Debug)]
pub struct Renderer {
    style: Style,
    /// Whether the bytes go to a terminal: text of others is sanitised then.
    for_terminal: bool,
    answer: String,
    held: String,
    model: Option<String>,
    /// Session and turn of a `start` line that waits for the name of the model.
    waiting_start: Option<(Option<SessionId>, Option<TurnId>)>,
    at_line_start: bool,
    tools: Vec<CallId>,
    open_tool: Option<CallId>,
    has_prefix: bool,
    /// Whether text from outside was told of in this turn.
    is_tainted: bool,
    /// Columns of a line.
    columns: usize,
    /// Whether somebody else shows requests for approval.
    is_asking: bool,
}

impl Renderer {
    /// A renderer for one turn.
    pub fn new(style: Style, for_terminal: bool) -> Self {
        Self {
            style,
            for_terminal,
            answer: String::new(),
            held: String::new(),
            model: None,
            waiting_start: Some((None, None)),
            at_line_start: true,
            tools: Vec::new(),
            open_tool: None,
            has_prefix: false,
            is_tainted: false,
            columns: USUAL_COLUMNS,
            is_asking: false,
        }
    }

    /// The same renderer for lines of so many columns. Requests for approval are shown by whoever
    /// asks the person.
    pub fn asking(mut self, columns: usize) -> Self {
        self.columns = columns;
        self.is_asking = true;
        self
    }

    /// The form.
    pub fn style(&self) -> Style {
        self.style
    }

    /// The answer so far, as it was written; kept only for [`Style::Json`].
    pub fn answer(&self) -> &str {
        &self.answer
    }

    /// The model that answers.
    pub fn model(&self) -> Option<&str> {
        self.model.as_deref()
    }

    /// The message was taken: what the `start` line says.
    pub fn start(&mut self, session_id: Option<SessionId>, turn_id: Option<TurnId>) {
        if self.waiting_start.is_some() {
            self.waiting_start = Some((session_id, turn_id));
        }
    }

    /// Ends `--stream-json`: an error if there was one, then the last line.
    pub fn end_lines(
        &mut self,
        status: &str,
        error: Option<&ApiError>,
        exit_code: u8,
        out: &mut Vec<u8>,
    ) {
        self.push_start(out);
        if let Some(error) = error {
            push_json(
                out,
                &json!({
                    "type": "error",
                    "error_code": error.code,
                    "message": error.message,
                    "hint": error.hint,
                }),
            );
        }
        push_json(
            out,
            &json!({"type": "end", "outcome": status, "exit_code": exit_code}),
        );
    }

    /// The `start` line is always the first, and it is there once.
    fn push_start(&mut self, out: &mut Vec<u8>) {
        if let Some((session_id, turn_id)) = self.waiting_start.take() {
            let line = json!({
                "type": "start",
                "version": STREAM_VERSION,
                "session_id": session_id,
                "turn_id": turn_id,
                "model": self.model,
            });
            push_json(out, &line);
        }
    }

    /// Takes one thing to show. What belongs to stderr is pushed to `notes`.
    pub fn show(&mut self, show: &Show, out: &mut Vec<u8>, notes: &mut Vec<String>) {
        if let Show::Model(model) | Show::ModelChanged { model, .. } = show {
            self.model = Some(model.clone());
        }
        match self.style {
            Style::Text | Style::Lines => self.show_text(show, out, notes),
            Style::Json => match show {
                Show::Text(text) => self.answer.push_str(text),
                Show::NewPart if !self.answer.ends_with('\n') => self.answer.push('\n'),
                other => push_notes(other, notes),
            },
            // It says nothing that the caller did not say.
            Style::JsonLines if matches!(show, Show::User(_)) => {}
            Style::JsonLines => {
                self.push_start(out);
                json_lines::show(show, out);
            }
            Style::Chat => self.show_chat(show, out),
        }
    }

    /// Ends what is open when the turn will say no more: the held line, the last line.
    pub fn close(&mut self, out: &mut Vec<u8>) {
        let held = std::mem::take(&mut self.held);
        out.extend_from_slice(held.as_bytes());
        if !self.at_line_start {
            out.push(b'\n');
            self.at_line_start = true;
        }
        self.open_tool = None;
    }

    fn show_text(&mut self, show: &Show, out: &mut Vec<u8>, notes: &mut Vec<String>) {
        match show {
            Show::Text(text) => self.push_answer(text, out),
            Show::NewPart if !self.at_line_start => self.push_answer("\n", out),
            Show::Finished { .. } => self.close(out),
            Show::Approval(_) if self.is_asking => self.close_line(out),
            other => push_notes(other, notes),
        }
    }

    fn push_answer(&mut self, text: &str, out: &mut Vec<u8>) {
        let safe = if self.for_terminal {
            for_terminal(text)
        } else {
            text.into()
        };
        if let Some(last) = safe.chars().last() {
            self.at_line_start = last == '\n';
        }
        if self.style == Style::Lines {
            self.held.push_str(&safe);
            if let Some(end) = self.held.rfind('\n') {
                let rest = self.held.split_off(end + 1);
                out.extend_from_slice(self.held.as_bytes());
                self.held = rest;
            }
        } else {
            out.extend_from_slice(safe.as_bytes());
        }
    }

    fn show_chat(&mut self, show: &Show, out: &mut Vec<u8>) {
        match show {
            Show::Text(text) => {
                self.close_tool(out);
                if !self.has_prefix {
                    self.has_prefix = true;
                    out.extend_from_slice(b"meso: ");
                }
                self.push_answer(text, out);
            }
            Show::NewPart => {
                self.close_line(out);
                self.has_prefix = false;
            }
            Show::User(text) => self.chat_line(&format!("> {text}"), out),
            Show::ToolCall { .. } => self.show_call(show, out),
            Show::ToolResult { .. } => self.show_result(show, out),
            Show::Approval(approval) => {
                self.close_line(out);
                if !self.is_asking {
                    self.chat_line(&approval_text(approval), out);
                }
                self.has_prefix = false;
            }
            Show::Decided { decision, by, .. } => {
                self.chat_line(&decision_text(*decision, *by), out);
            }
            Show::Notice(text) | Show::Note(text) => self.chat_line(&format!("({text})"), out),
            Show::Finished { outcome, .. } => {
                self.close_line(out);
                if let Some(text) = ending_text(outcome) {
                    self.chat_line(&text, out);
                }
                // The next turn is shown with the same renderer.
                self.has_prefix = false;
                self.is_tainted = false;
                self.tools.clear();
            }
            // The note that belongs to a change is stored and shown with the conversation.
            Show::Model(_) | Show::ModelChanged { .. } | Show::Reasoning(_) => {}
        }
    }

    fn chat_line(&mut self, text: &str, out: &mut Vec<u8>) {
        self.close_line(out);
        self.push_raw(&format!("{text}\n"), out);
    }

    fn push_raw(&mut self, text: &str, out: &mut Vec<u8>) {
        self.push_answer(text, out);
    }

    fn close_tool(&mut self, out: &mut Vec<u8>) {
        if self.open_tool.is_some() {
            self.close_line(out);
            self.has_prefix = false;
        }
    }

    fn close_line(&mut self, out: &mut Vec<u8>) {
        self.open_tool = None;
        if !self.at_line_start {
            out.push(b'\n');
            self.at_line_start = true;
        }
    }
}

fn push_notes(show: &Show, notes: &mut Vec<String>) {
    notes.extend(match show {
        Show::ToolCall { tool, args, .. } => Some(format!("tool {}", call_text(tool, args))),
        Show::ToolResult {
            tool,
            success,
            duration_ms,
            ..
        } => Some(format!(
            "tool {tool} {}",
            result_text(*success, *duration_ms)
        )),
        Show::Approval(approval) => Some(approval_text(approval)),
        Show::Decided { decision, by, .. } => Some(decision_text(*decision, *by)),
        Show::Notice(text) => Some(text.clone()),
        // The follower says notes aloud, also where nobody looks.
        Show::Note(_)
        | Show::Model(_)
        | Show::ModelChanged { .. }
        | Show::User(_)
        | Show::Text(_)
        | Show::NewPart
        | Show::Reasoning(_)
        | Show::Finished { .. } => None,
    });
}

#[cfg(test)]
mod tests;
