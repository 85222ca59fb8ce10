//! The line chat: append-only, one prompt at a time, made for any terminal down to a serial line.
//! Commands are in `chat/commands.rs`, reading of lines in `editor.rs`.

mod approvals;
mod at_prompt;
mod commands;
mod cost;
mod files;
mod model;
mod news;
mod opening;

use std::time::Duration;

use mesoclaw_api::ops::chat::SendParams;
use mesoclaw_api::ops::provider::DefaultModel;
use mesoclaw_api::ops::session::{
    ItemsParams, SessionGet, SessionItems, SessionParams, SessionState,
};
use mesoclaw_api::{Item, SessionId, TurnId, TurnOutcome};
use tokio::time::{Instant, sleep_until};

use crate::cli::{ChatArgs, Global};
use crate::connect::{Home, runtime};
use crate::exit::{CliError, CliResult, FAILED, OK, of_outcome};
use crate::output::{Console, error_text};
use crate::run::answer_file::Target;
use crate::run::attach::Attachments;
use crate::run::audience::{Audience, Ending};
use crate::run::background::Background;
use crate::run::conversation::Conversation;
use crate::run::editor::{Editor, Input};
use crate::run::follow::Follower;
use crate::run::input::DEFAULT_MAX_INPUT;
use crate::run::offer::{self, Offered};
use crate::run::render::{Renderer, Style, ending_text};
use crate::run::setup;
use crate::run::slash::{message, parse};
use crate::run::stops::{Stop, Stops};
use crate::term::{self, TerminalMode};
use crate::transcript;
use crate::workspace;
use at_prompt::AtPrompt;

/// The prompt for a message.
pub const PROMPT: &str = "> ";

/// The prompt for the rest of a message whose line ended with `\`.
const MORE: &str = ". ";

/// Items shown when a session is taken up again.
const TAIL_ITEMS: u32 = 8;

/// Between two tries to reach a daemon that went away while nothing is asked.
const RETRY: Duration = Duration::from_secs(1);

/// What to do after a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flow {
    /// The next line.
    Go,
    /// Leave with this exit code.
    Leave(u8),
}

/// A running line chat.
pub struct Chat {
    conversation: Conversation,
    editor: Editor,
    stops: Stops,
    /// The model of this chat; `None` = the session's, else the default.
    model: Option<String>,
    /// Whether `model` becomes the session's as soon as there is one.
    is_model_for_session: bool,
    title: Option<String>,
    /// Where tools work, in words.
    place: Option<String>,
    target: Target,
    /// Said with the next message.
    attachments: Attachments,
    offered: Offered,
    background: Background,
    draft: Vec<String>,
    interrupts: u32,
    retry_at: Option<Instant>,
    last_code: u8,
}

/// Runs `mesoclaw chat`.
///
/// # Errors
/// The daemon cannot be reached, or the session does not exist.
pub fn main(console: Console, global: &Global, args: ChatArgs) -> CliResult {
    let home = Home::find(global.config.clone())?;
    let mode = TerminalMode::save();
    let runtime = runtime()?;
    runtime.block_on(async {
        let mut chat = opening::open(console, home, args).await?;
        let result = chat.run().await;
        if chat.editor.is_asking() {
            mode.restore(chat.editor.can_edit());
        }
        result
    })
}

impl Chat {
    async fn run(&mut self) -> CliResult {
        if self.conversation.session_id.is_some()
            && let Flow::Leave(code) = self.take_up().await?
        {
            return Ok(code);
        }
        loop {
            let prompt = if self.draft.is_empty() { PROMPT } else { MORE };
            self.editor.ask(prompt);
            let flow = tokio::select! {
                biased;
                stop = self.stops.next() => self.stopped(stop)?,
                input = self.editor.next() => self.take_input(input).await?,
                news = self.conversation.next(), if self.retry_at.is_none() => {
                    self.take_news(news).await?;
                    Flow::Go
                }
                () = sleep_until(self.retry_at.unwrap_or_else(Instant::now)),
                    if self.retry_at.is_some() => {
                    self.connect_again().await?;
                    Flow::Go
                }
            };
            if let Flow::Leave(code) = flow {
                return Ok(code);
            }
        }
    }

    fn greet(&mut self, model: Option<&str>, default: Option<&DefaultModel>) -> CliResult<()> {
        if !self.editor.is_terminal() {
            return Ok(());
        }
        let model = match (model, default) {
            (Some(model), _) => model.to_owned(),
            (None, Some(default)) => format!("{}:{}", default.provider_id, default.model_id),
            (None, None) => "no model is set up: mesoclaw setup".to_owned(),
        };
        let session = match &self.title {
            Some(title) => format!("session {title}"),
            None => "new session".to_owned(),
        };
        self.editor.print(&format!(
            "mesoclaw: {session} ({model}). ? help, /detach leaves it running\n"
        ))?;
        if let Some(place) = &self.place {
            self.editor.print(&format!("workspace: {place}\n"))?;
        }
        Ok(())
    }

    /// Shows the end of the session, and what still runs or broke off in it.
    async fn take_up(&mut self) -> CliResult<Flow> {
        let Some(session_id) = self.conversation.session_id.clone() else {
            return Ok(Flow::Go);
        };
        let detail = self
            .conversation
            .call::<SessionGet>(SessionParams {
                session_id: session_id.clone(),
            })
            .await?;
        let page = self.last_items(session_id).await?;
        let runs = matches!(
            detail.summary.state,
            SessionState::Running | SessionState::Waiting
        );
        let running = page
            .last()
            .filter(|_| runs)
            .and_then(|item| item.turn_id.clone());
        let tail: String = page
            .iter()
            .filter(|item| running.is_none() || item.turn_id != running)
            .filter_map(transcript::chat_line)
            .collect();
        self.editor.print(&tail)?;
        if let Some(turn_id) = running {
            return self.watch(turn_id).await;
        }
        if let Some(text) = detail.last_outcome.as_ref().and_then(ending_text) {
            self.editor.print(&format!("{text}\n"))?;
        }
        self.tell_waiting().await?;
        Ok(Flow::Go)
    }

    /// Follows the turn that runs in the session, where one does.
    async fn watch_running(&mut self) -> CliResult<Flow> {
        let Some(session_id) = self.conversation.session_id.clone() else {
            return Ok(Flow::Go);
        };
        let page = self.last_items(session_id).await?;
        match page.last().and_then(|item| item.turn_id.clone()) {
            Some(turn_id) => self.watch(turn_id).await,
            None => Ok(Flow::Go),
        }
    }

    async fn watch(&mut self, turn_id: TurnId) -> CliResult<Flow> {
        self.editor.print("(a turn runs in this session)\n")?;
        let ending = self
            .with_follower(async |follower| follower.watch(turn_id, false).await)
            .await;
        self.ended(ending)
    }

    async fn last_items(&self, session_id: SessionId) -> CliResult<Vec<Item>> {
        let params = ItemsParams {
            session_id,
            before: None,
            after: None,
            limit: Some(TAIL_ITEMS),
        };
        Ok(self.conversation.call::<SessionItems>(params).await?.items)
    }

    async fn take_input(&mut self, input: Input) -> CliResult<Flow> {
        let line = match input {
            Input::Line(line) => line,
            Input::Interrupt => return self.stopped(Stop::Interrupt),
            Input::End => {
                if self.editor.is_terminal() {
                    self.editor.print("\n")?;
                }
                return Ok(Flow::Leave(self.last_code));
            }
        };
        self.interrupts = 0;
        if let Some(part) = line.strip_suffix('\\') {
            self.draft.push(part.to_owned());
            return Ok(Flow::Go);
        }
        self.draft.push(line);
        let text = std::mem::take(&mut self.draft).join("\n");
        if text.trim().is_empty() {
            return Ok(Flow::Go);
        }
        let flow = match parse(&text) {
            Some(Ok(command)) => self.run_command(command).await,
            Some(Err(advice)) => self.editor.print(&format!("{advice}\n")).map(|()| Flow::Go),
            None => self.say(message(&text).to_owned()).await,
        };
        match flow {
            // A failed command is told; the conversation goes on.
            Err(CliError::Api(error)) => {
                self.last_code = error.code.exit_code();
                self.editor.print(&format!("{}\n", error_text(&error)))?;
                Ok(Flow::Go)
            }
            other => other,
        }
    }

    async fn say(&mut self, text: String) -> CliResult<Flow> {
        let (text, images) = self.with_files(&text)?;
        let params = SendParams {
            session_id: self.conversation.session_id.clone(),
            text,
            client_message_id: None,
            model: self.model.clone(),
            workspace: workspace::here(),
            images,
        };
        let is_new = params.session_id.is_none();
        let ending = self
            .with_follower(async |follower| follower.say(params).await)
            .await;
        if ending.is_ok() {
            self.attachments = Attachments::new(DEFAULT_MAX_INPUT);
        } else if self.attachments.summary().is_some() {
            self.editor
                .print("(the images wait for the next message; /image alone drops them)\n")?;
        }
        if is_new && ending.is_ok() {
            self.conversation.narrow().await?;
            self.keep_model().await?;
        }
        self.ended(ending)
    }

    /// Runs something with a follower that shows a turn in the chat.
    async fn with_follower(
        &mut self,
        run: impl AsyncFnOnce(&mut Follower<'_>) -> CliResult<Ending>,
    ) -> CliResult<Ending> {
        let before = self.spent().await;
        let ending = self.with_follower_for(run).await;
        if let (Ok(ending), Some(before)) = (&ending, before) {
            self.tell_cost(&ending.usage, &before).await?;
        }
        ending
    }

    async fn with_follower_for<T>(
        &mut self,
        run: impl AsyncFnOnce(&mut Follower<'_>) -> CliResult<T>,
    ) -> CliResult<T> {
        self.retry_at = None;
        let is_terminal = self.editor.is_terminal();
        let mut judge = AtPrompt::new(&mut self.editor);
        let renderer = Renderer::new(Style::Chat, is_terminal).asking(term::columns());
        let audience = Audience {
            renderer,
            target: &mut self.target,
            stops: &mut self.stops,
            judge: Some(&mut judge),
            shows_others: true,
        };
        let mut follower = Follower::new(&mut self.conversation, audience);
        run(&mut follower).await
    }

    fn ended(&mut self, ending: CliResult<Ending>) -> CliResult<Flow> {
        let ending = match ending {
            Ok(ending) => ending,
            Err(CliError::Api(error)) => {
                let error = setup::with_commands(error);
                return Err(offer::with_variable(error, &self.offered.refused).into());
            }
            Err(other) => return Err(other),
        };
        if let Some(TurnOutcome::Failed { error_code, .. }) = &ending.outcome
            && let Some(advice) = offer::advice(*error_code, &self.offered.refused)
        {
            self.editor.print(&format!("  {advice}\n"))?;
        }
        self.last_code = match &ending.outcome {
            Some(outcome) => of_outcome(outcome, ending.was_denied()),
            None => FAILED,
        };
        match ending.stop {
            Some(Stop::Terminate) => Ok(Flow::Leave(Stop::Terminate.exit_code())),
            Some(Stop::Interrupt | Stop::Timeout) if ending.wants_out => {
                self.editor.print("\n")?;
                Ok(Flow::Leave(Stop::Interrupt.exit_code()))
            }
            Some(Stop::Interrupt | Stop::Timeout) | None => Ok(Flow::Go),
        }
    }

    /// Ctrl-C at the prompt: clears, then leaves.
    fn stopped(&mut self, stop: Stop) -> CliResult<Flow> {
        if stop == Stop::Terminate {
            return Ok(Flow::Leave(stop.exit_code()));
        }
        self.draft.clear();
        self.interrupts += 1;
        if self.interrupts > 1 {
            self.editor.print("\n")?;
            return Ok(Flow::Leave(OK));
        }
        self.editor
            .print("(Ctrl-C again leaves; what runs goes on)\n")?;
        Ok(Flow::Go)
    }
}
