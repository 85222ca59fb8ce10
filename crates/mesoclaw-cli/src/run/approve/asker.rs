//! Reads a line that answers a question: typed after the question was there, alone, and only until
//! somebody else answered it.

use std::io::{PipeWriter, Write};

use tokio::sync::oneshot;

use crate::exit::CliResult;
use crate::term::read_fresh_line;

/// What came.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Typed {
    /// A line, without its end.
    Line(String),
    /// Several lines at once: they were pasted or typed ahead.
    Several,
    /// The end of the input.
    End,
    /// The question was taken back.
    Withdrawn,
}

/// Which stream the prompt is written to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stream {
    /// The chat.
    Stdout,
    /// Everything whose stdout is a result.
    Stderr,
}

/// A reader of answers. At most one question is open at a time.
#[derive(Debug)]
pub struct Asker {
    stream: Stream,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    wake: PipeWriter,
    typed: oneshot::Receiver<Typed>,
}

impl Asker {
    /// A reader that writes its prompts there.
    pub fn new(stream: Stream) -> Self {
        Self { stream, open: None }
    }

    /// Forgets what was typed until now, shows the prompt and begins to read.
    ///
    /// # Errors
    /// The system gives no thread or no pipe.
    pub fn ask(&mut self, prompt: String) -> CliResult<()> {
        let (woken, wake) = std::io::pipe()?;
        let (answer, typed) = oneshot::channel();
        let stream = self.stream;
        // On a thread of its own, because a blocked read hears no signal.
        std::thread::Builder::new()
            .name("answer".to_owned())
            .spawn(move || {
                let line = read_fresh_line(&woken, &|| write_prompt(stream, &prompt));
                // A terminal that is gone says no more. Nobody waits any more after a stop.
                answer.send(line.unwrap_or(Typed::End)).ok();
            })?;
        self.open = Some(Open { wake, typed });
        Ok(())
    }

    /// What is typed.
    ///
    /// # Cancellation
    /// Cancel safe.
    pub async fn next(&mut self) -> Typed {
        let Some(open) = &mut self.open else {
            return Typed::End;
        };
        let typed = (&mut open.typed).await.unwrap_or(Typed::End);
        self.open = None;
        typed
    }

    /// Takes the question back; what is being typed is forgotten.
    pub async fn withdraw(&mut self) {
        let Some(Open { mut wake, typed }) = self.open.take() else {
            return;
        };
        // A thread that is gone needs no waking.
        wake.write_all(b"x").ok();
        typed.await.ok();
    }
}

fn write_prompt(stream: Stream, prompt: &str) {
    let bytes = prompt.as_bytes();
    // A terminal that is gone shows itself when it is read.
    match stream {
        Stream::Stdout => {
            let mut stdout = std::io::stdout().lock();
            stdout.write_all(bytes).and_then(|()| stdout.flush()).ok();
        }
        Stream::Stderr => {
            let mut stderr = std::io::stderr().lock();
            stderr.write_all(bytes).and_then(|()| stderr.flush()).ok();
        }
    }
}
