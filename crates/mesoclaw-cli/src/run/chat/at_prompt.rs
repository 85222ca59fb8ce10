//! Asks the person at the prompt to decide about a call.

use mesoclaw_api::BoxFuture;
use mesoclaw_api::ops::approval::{Answer, Approval};

use crate::run::audience::Judge;
use crate::run::editor::{Editor, Input};
use crate::term::discard_typed;

/// Asks the person at the prompt.
pub(super) struct AtPrompt<'a> {
    /// Where it asks.
    pub editor: &'a mut Editor,
}

impl Judge for AtPrompt<'_> {
    fn decide<'a>(&'a mut self, _approval: &'a Approval) -> BoxFuture<'a, Option<Answer>> {
        Box::pin(async move {
            if !self.editor.is_terminal() {
                return Some(Answer::Deny);
            }
            // What was typed before the question was seen must not answer it.
            discard_typed();
            // Without a stdout there is nobody to answer either.
            self.editor.print("  1 allow once  2 deny\n").ok();
            for _ in 0..3 {
                self.editor.ask("choice [2]: ");
                match self.editor.next().await {
                    Input::Line(line) => match line.trim() {
                        "1" => return Some(Answer::Approve),
                        "" | "2" => return Some(Answer::Deny),
                        _ => {}
                    },
                    Input::Interrupt => return None,
                    Input::End => return Some(Answer::Deny),
                }
            }
            Some(Answer::Deny)
        })
    }
}
