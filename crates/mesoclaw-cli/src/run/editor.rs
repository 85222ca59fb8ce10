//! Reads lines from a person, on a thread of its own so that news can be shown meanwhile: a line
//! editor with history where the terminal can do that, plain lines everywhere else.

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc as sync;

use rustyline::config::{BellStyle, Configurer};
use rustyline::error::ReadlineError;
use rustyline::{Config, DefaultEditor, ExternalPrinter};
use tokio::sync::mpsc;

use crate::exit::CliResult;
use crate::sanitise::for_terminal;
use crate::term::{Terminal, make_private};

/// Lines the history keeps.
const HISTORY_LINES: usize = 1000;

/// What a person did at the prompt.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Input {
    /// A line, without its end.
    Line(String),
    /// Ctrl-C.
    Interrupt,
    /// Ctrl-D, or stdin ended.
    End,
}

/// The reader of lines.
pub struct Editor {
    /// One request is answered before the next is made; full cannot happen.
    requests: sync::SyncSender<String>,
    /// One answer for each request; full: the thread waits.
    inputs: mpsc::Receiver<Input>,
    printer: Option<Box<dyn ExternalPrinter + Send>>,
    prompt: Option<String>,
    can_edit: bool,
    is_terminal: bool,
}

impl Editor {
    /// Starts the thread.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(history: PathBuf) -> CliResult<Self> {
        let is_terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
        let can_edit = is_terminal && Terminal::of_process().can_edit;
        let (requests, wanted) = sync::sync_channel(1);
        let (answers, inputs) = mpsc::channel(1);
        let mut rich = if can_edit { open_rich(&history) } else { None };
        let printer = rich.as_mut().and_then(|editor| {
            let printer = editor.create_external_printer().ok()?;
            Some(Box::new(printer) as Box<dyn ExternalPrinter + Send>)
        });
        std::thread::Builder::new()
            .name("editor".to_owned())
            .spawn(move || match rich {
                Some(editor) => edit_lines(editor, &history, &wanted, &answers),
                None => read_lines(is_terminal, &wanted, &answers),
            })?;
        Ok(Self {
            requests,
            inputs,
            can_edit: printer.is_some(),
            printer,
            prompt: None,
            is_terminal,
        })
    }

    /// Whether a person sits there.
    pub fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// Whether the line editor is in use.
    pub fn can_edit(&self) -> bool {
        self.can_edit
    }

    /// Shows the prompt; [`Editor::next`] then gives what is typed. Nothing when one is shown already.
    pub fn ask(&mut self, prompt: &str) {
        if self.prompt.is_none() && self.requests.send(prompt.to_owned()).is_ok() {
            self.prompt = Some(prompt.to_owned());
        }
    }

    /// What was typed.
    ///
    /// # Cancellation
    /// Cancel safe: the line stays for the next call.
    pub async fn next(&mut self) -> Input {
        // A thread that is gone has lost its terminal.
        let input = self.inputs.recv().await.unwrap_or(Input::End);
        self.prompt = None;
        input
    }

    /// Whether a prompt waits for a line.
    pub fn is_asking(&self) -> bool {
        self.prompt.is_some()
    }

    /// Shows lines above the prompt without disturbing what is being typed.
    ///
    /// # Errors
    /// The reader of stdout is gone.
    pub fn print(&mut self, text: &str) -> CliResult<()> {
        if let (Some(printer), Some(_)) = (&mut self.printer, &self.prompt) {
            // The line editor fails to print only when its terminal is gone, which ends it too.
            printer.print(for_terminal(text).into_owned()).ok();
            return Ok(());
        }
        let mut stdout = io::stdout().lock();
        if let (Some(prompt), true) = (&self.prompt, self.is_terminal) {
            write!(stdout, "\n{}{prompt}", for_terminal(text))?;
        } else if self.is_terminal {
            stdout.write_all(for_terminal(text).as_bytes())?;
        } else {
            stdout.write_all(text.as_bytes())?;
        }
        stdout.flush()?;
        Ok(())
    }
}

fn open_rich(history: &Path) -> Option<DefaultEditor> {
    let config = Config::builder()
        .max_history_size(HISTORY_LINES)
        .ok()?
        .bell_style(BellStyle::None)
        .bracketed_paste(true)
        .auto_add_history(false)
        .build();
    let mut editor = DefaultEditor::with_config(config).ok()?;
    editor.set_history_ignore_space(true);
    // There is none on the first day.
    editor.load_history(history).ok();
    Some(editor)
}

fn edit_lines(
    mut editor: DefaultEditor,
    history: &Path,
    wanted: &sync::Receiver<String>,
    answers: &mpsc::Sender<Input>,
) {
    while let Ok(prompt) = wanted.recv() {
        let input = match editor.readline(&prompt) {
            Ok(line) => {
                remember(&mut editor, history, &prompt, &line);
                Input::Line(line)
            }
            Err(ReadlineError::Interrupted) => Input::Interrupt,
            Err(_) => Input::End,
        };
        if answers.blocking_send(input).is_err() {
            return;
        }
    }
}

/// Only messages go to the history, not answers to questions.
fn remember(editor: &mut DefaultEditor, history: &Path, prompt: &str, line: &str) {
    let is_message = prompt == crate::run::chat::PROMPT;
    if !is_message || !editor.add_history_entry(line).unwrap_or(false) {
        return;
    }
    let is_new = !history.exists();
    // A history that cannot be kept is no reason to stop talking.
    if editor.append_history(history).is_ok() && is_new {
        make_private(history).ok();
    }
}

fn read_lines(is_terminal: bool, wanted: &sync::Receiver<String>, answers: &mpsc::Sender<Input>) {
    while let Ok(prompt) = wanted.recv() {
        if is_terminal {
            let mut stdout = io::stdout().lock();
            // A terminal that is gone shows itself when it is read.
            stdout
                .write_all(prompt.as_bytes())
                .and_then(|()| stdout.flush())
                .ok();
        }
        let mut line = Vec::new();
        let input = match io::stdin().lock().read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => Input::End,
            Ok(_) => {
                let text = String::from_utf8_lossy(&line);
                Input::Line(text.trim_end_matches(['\n', '\r']).to_owned())
            }
        };
        if answers.blocking_send(input).is_err() {
            return;
        }
    }
}
