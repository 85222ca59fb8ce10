//! Asks the person at the prompt to decide about a call.

use mesoclaw_api::BoxFuture;

use crate::exit::CliResult;
use crate::run::approve::asker::{Asker, Stream, Typed};
use crate::run::approve::dialog::Judge;
use crate::run::editor::Editor;
use crate::term;

/// Asks the person at the prompt. The line editor rests meanwhile: what it may hold of typed ahead
/// lines never answers a question.
pub(super) struct AtPrompt<'a> {
    editor: &'a mut Editor,
    asker: Asker,
}

impl<'a> AtPrompt<'a> {
    /// A judge that shows requests with this editor.
    pub fn new(editor: &'a mut Editor) -> Self {
        Self {
            editor,
            asker: Asker::new(Stream::Stdout),
        }
    }
}

impl Judge for AtPrompt<'_> {
    fn is_present(&self) -> bool {
        self.editor.is_terminal()
    }

    fn say(&mut self, text: &str) -> CliResult<()> {
        self.editor.print(text)
    }

    fn columns(&self) -> usize {
        term::columns()
    }

    fn ask(&mut self, prompt: String) -> CliResult<()> {
        self.asker.ask(prompt)
    }

    fn next(&mut self) -> BoxFuture<'_, Typed> {
        Box::pin(self.asker.next())
    }

    fn withdraw(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(self.asker.withdraw())
    }
}
