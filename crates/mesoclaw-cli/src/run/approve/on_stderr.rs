//! Asks a person whose stdout is a result: one question, one tool.

use mesoclaw_api::BoxFuture;

use crate::exit::CliResult;
use crate::output::Console;
use crate::run::approve::asker::{Asker, Stream, Typed};
use crate::run::approve::dialog::Judge;
use crate::term;

/// Asks on stderr.
pub struct OnStderr {
    console: Console,
    asker: Asker,
}

impl OnStderr {
    /// A judge that speaks there.
    pub fn new(console: Console) -> Self {
        Self {
            console,
            asker: Asker::new(Stream::Stderr),
        }
    }
}

impl Judge for OnStderr {
    fn is_present(&self) -> bool {
        self.console.can_ask()
    }

    fn say(&mut self, text: &str) -> CliResult<()> {
        self.console.say(text);
        Ok(())
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
