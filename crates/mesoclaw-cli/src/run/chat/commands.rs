//! What the slash commands of the line chat do.

use std::path::Path;

use mesoclaw_api::ops::chat::{CancelParams, ContinueParams, TurnCancel, TurnContinue};
use mesoclaw_api::ops::session::{
    CreateParams, ListParams, QueueList, QueueParams, QueueRemove, QueueUpdate, QueueUpdateParams,
    ResolveParams, Session, SessionCreate, SessionGet, SessionList, SessionParams, SessionResolve,
};
use mesoclaw_api::{ApiError, ErrorCode, SessionId};

use crate::cmd::queue::{find, listed};
use crate::cmd::session::{all_items, state_word, summary_rows};
use crate::cmd::usage::usage_text;
use crate::exit::CliResult;
use crate::output::table;
use crate::run::chat::{Chat, Flow};
use crate::run::slash::{HELP, Slash};
use crate::transcript;
use crate::workspace;

/// Sessions `/sessions` lists.
const SESSIONS_LISTED: u32 = 20;

impl Chat {
    /// Runs a slash command.
    pub(super) async fn run_command(&mut self, command: Slash) -> CliResult<Flow> {
        match command {
            Slash::Help => self.editor.print(HELP)?,
            Slash::New(name) => return self.begin(name).await,
            Slash::Session => self.describe_session().await?,
            Slash::Sessions => self.list_sessions().await?,
            Slash::Switch(name) => return self.switch(name).await,
            Slash::Model(model) => self.choose_model(model).await?,
            Slash::Queue => self.list_queue().await?,
            Slash::QueueEdit(wanted, text) => self.edit_queued(&wanted, text).await?,
            Slash::QueueDrop(wanted) => self.drop_queued(&wanted).await?,
            Slash::Continue => return self.go_on().await,
            Slash::Cancel => self.cancel().await?,
            Slash::Approvals => return self.answer_waiting().await,
            Slash::Undo => self.undo().await?,
            Slash::Policy => self.tell_policy().await?,
            Slash::Workspace => self.tell_workspace().await?,
            Slash::Usage => self.count_usage().await?,
            Slash::Image(Some(file)) => self.attach_image(&file)?,
            Slash::Image(None) => self.drop_images()?,
            Slash::Export(file) => self.export(&file).await?,
            Slash::Detach => {
                self.say_how_to_return()?;
                return Ok(Flow::Leave(0));
            }
            Slash::Quit => return Ok(Flow::Leave(0)),
        }
        Ok(Flow::Go)
    }

    async fn begin(&mut self, name: Option<String>) -> CliResult<Flow> {
        if name.is_some() {
            let params = CreateParams {
                title: name,
                workspace: workspace::here(),
            };
            let session = self.conversation.call::<SessionCreate>(params).await?;
            self.enter(session).await?;
        } else {
            // Without a name the first message makes the session and names it.
            self.conversation.follow_everything().await?;
            self.title = None;
        }
        let session = self.title.as_deref().unwrap_or("new");
        self.editor.print(&format!("(session {session})\n"))?;
        Ok(Flow::Go)
    }

    async fn enter(&mut self, session: Session) -> CliResult<()> {
        self.conversation.follow_session(session.id).await?;
        self.title = Some(session.title);
        Ok(())
    }

    async fn switch(&mut self, name: String) -> CliResult<Flow> {
        let params = ResolveParams {
            name,
            create: false,
        };
        let resolved = self.conversation.call::<SessionResolve>(params).await?;
        let title = resolved.session.title.clone();
        let elsewhere = workspace::elsewhere(&resolved.session, workspace::here().as_deref());
        self.enter(resolved.session).await?;
        self.editor.print(&format!("(session {title})\n"))?;
        if let Some(text) = elsewhere {
            self.editor.print(&format!("({text})\n"))?;
        }
        self.take_up().await
    }

    async fn describe_session(&mut self) -> CliResult<()> {
        let Some(session_id) = self.conversation.session_id.clone() else {
            return self
                .editor
                .print("(a new session: the first message makes it)\n");
        };
        let params = SessionParams { session_id };
        let detail = self.conversation.call::<SessionGet>(params).await?;
        let session = &detail.summary.session;
        self.editor.print(&format!(
            "{}  {}\n{} messages, {}, {}\nworkspace: {}\n",
            session.id,
            session.title,
            detail.summary.message_count,
            state_word(detail.summary.state),
            usage_text(&detail.usage),
            workspace::text(session.workspace.as_ref()),
        ))
    }

    async fn list_sessions(&mut self) -> CliResult<()> {
        let params = ListParams {
            limit: Some(SESSIONS_LISTED),
            offset: None,
        };
        let sessions = self.conversation.call::<SessionList>(params).await?;
        self.editor.print(&table(&summary_rows(&sessions)))
    }

    async fn list_queue(&mut self) -> CliResult<()> {
        let session_id = self.current()?;
        let params = SessionParams { session_id };
        let queue = self.conversation.call::<QueueList>(params).await?;
        self.editor.print(&listed(&queue))
    }

    async fn edit_queued(&mut self, wanted: &str, text: String) -> CliResult<()> {
        let session_id = self.current()?;
        let params = SessionParams {
            session_id: session_id.clone(),
        };
        let queue = self.conversation.call::<QueueList>(params).await?;
        let params = QueueUpdateParams {
            session_id,
            queue_id: find(&queue, wanted)?,
            text,
        };
        self.conversation.call::<QueueUpdate>(params).await?;
        self.editor.print("(changed)\n")
    }

    async fn drop_queued(&mut self, wanted: &str) -> CliResult<()> {
        let session_id = self.current()?;
        let params = SessionParams {
            session_id: session_id.clone(),
        };
        let queue = self.conversation.call::<QueueList>(params).await?;
        let params = QueueParams {
            session_id,
            queue_id: find(&queue, wanted)?,
        };
        self.conversation.call::<QueueRemove>(params).await?;
        self.editor.print("(taken back)\n")
    }

    async fn go_on(&mut self) -> CliResult<Flow> {
        let params = ContinueParams {
            session_id: self.current()?,
            model: self.model.clone(),
        };
        let sent = self.conversation.call::<TurnContinue>(params).await?;
        let Some(turn_id) = sent.turn_id else {
            self.editor.print("(it goes on after what runs now)\n")?;
            return Ok(Flow::Go);
        };
        let ending = self
            .with_follower(async |follower| follower.watch(turn_id, true).await)
            .await;
        self.ended(ending)
    }

    async fn cancel(&mut self) -> CliResult<()> {
        let params = CancelParams {
            session_id: self.current()?,
            turn_id: None,
        };
        let answer = self.conversation.call::<TurnCancel>(params).await?;
        self.editor.print(if answer.cancelled {
            "(stopped)\n"
        } else {
            "(nothing runs)\n"
        })
    }

    async fn export(&mut self, file: &str) -> CliResult<()> {
        let session_id = self.current()?;
        let params = SessionParams {
            session_id: session_id.clone(),
        };
        let detail = self.conversation.call::<SessionGet>(params).await?;
        let items = all_items(&self.conversation.link.client, &session_id).await?;
        let text = transcript::markdown(&detail.summary.session, &items);
        transcript::write_new(Path::new(file), &text)?;
        self.editor.print(&format!("(written to {file})\n"))
    }

    fn say_how_to_return(&mut self) -> CliResult<()> {
        match &self.conversation.session_id {
            Some(session_id) => self
                .editor
                .print(&format!("to come back: mesoclaw chat -s {session_id}\n")),
            None => Ok(()),
        }
    }

    pub(super) fn current(&self) -> CliResult<SessionId> {
        self.conversation.session_id.clone().ok_or_else(|| {
            ApiError::new(ErrorCode::NotFound, "there is no session yet")
                .with_hint("the first message makes it, or /switch NAME")
                .into()
        })
    }
}
