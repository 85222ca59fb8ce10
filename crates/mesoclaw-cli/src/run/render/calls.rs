//! Calls of tools in the line chat: what runs, how it went, what it changed.

use crate::request::{MOST_LINES, barred, diff_text};
use crate::run::render::Renderer;
use crate::run::render::words::{call_text, result_text};
use crate::run::view::Show;
use crate::sanitise::one_line;

impl Renderer {
    /// A call begins its line; the result ends it.
    pub(super) fn show_call(&mut self, show: &Show, out: &mut Vec<u8>) {
        let Show::ToolCall {
            call_id,
            tool,
            args,
        } = show
        else {
            return;
        };
        self.close_line(out);
        self.tools.push(call_id.clone());
        let line = format!("[tool {}] {}", self.tools.len(), call_text(tool, args));
        self.push_raw(&(line + " ..."), out);
        self.open_tool = Some(call_id.clone());
    }

    /// How a call went, why it did not run, what it changed.
    pub(super) fn show_result(&mut self, show: &Show, out: &mut Vec<u8>) {
        let Show::ToolResult {
            call_id,
            tool,
            success,
            duration_ms,
            output,
            diff,
            outside,
        } = show
        else {
            return;
        };
        let ending = result_text(*success, *duration_ms);
        if self.open_tool.as_ref() == Some(call_id) {
            self.push_raw(&format!(" {ending}\n"), out);
            self.open_tool = None;
        } else {
            let number = self.tools.iter().position(|id| id == call_id);
            let number = number.map_or(0, |at| at + 1);
            self.chat_line(&format!("[tool {number}] {tool} {ending}"), out);
        }
        if !*success && duration_ms.is_none() {
            // It did not run: why is worth a line.
            let why = output.lines().next().unwrap_or_default();
            self.push_raw(&barred(why, self.columns), out);
        }
        if let Some(diff) = diff {
            let text = diff_text(diff, MOST_LINES, "session show has all", self.columns);
            self.push_raw(&text, out);
        }
        if let (Some(source), false) = (outside, self.is_tainted) {
            self.is_tainted = true;
            let source = one_line(source);
            let text = format!("  ({source} is text from outside: changes ask from here on)\n");
            self.push_raw(&text, out);
        }
        self.has_prefix = false;
    }
}
