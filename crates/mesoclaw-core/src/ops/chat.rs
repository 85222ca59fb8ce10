//! Handlers of `chat.*` and `turn.*`.

use mesoclaw_api::ops::chat::{
    CancelAnswer, CancelParams, ChatApi, ContinueParams, SendParams, Sent,
};
use mesoclaw_api::ops::session::{Session, Workspace};
use mesoclaw_api::{ApiError, ApiResult, CallCtx, ErrorCode, Event, SessionId, Surface, Timestamp};
use mesoclaw_store::repo::{client_message, session};
use tokio::sync::oneshot;

use crate::core::Core;
use crate::error::{from_store, shutting_down};
use crate::images;
use crate::models::Wanted;
use crate::session::{Command, Message, title_from};

/// Longest message, in bytes: a line on the socket holds it with room for escapes.
const MAX_MESSAGE_BYTES: usize = 4 * 1024 * 1024;
/// Longest name a client may give its message.
const MAX_CLIENT_ID_BYTES: usize = 200;

impl ChatApi for Core {
    async fn send(&self, cx: CallCtx, params: SendParams) -> ApiResult<Sent> {
        check(&params)?;
        // Sending twice with one name must say it once, also when both arrive together.
        let _lane = match &params.client_message_id {
            Some(id) => Some(self.inner.lanes.hold(format!("message {id}")).await),
            None => None,
        };
        if let Some(sent) = self.already_sent(params.client_message_id.clone()).await? {
            return Ok(sent);
        }
        let title = title_from(&params.text);
        let workspace = match params.workspace {
            Some(dir) => Some(self.inner.toolbox.ground.workspace_of(dir).await?),
            None => None,
        };
        let mut of_session = None;
        let (session_id, new_session) = if let Some(id) = params.session_id {
            let session = self.require_session(&id).await?;
            of_session = session.model;
            if let (None, Some(workspace)) = (session.workspace, workspace) {
                self.set_workspace(&id, workspace).await?;
            }
            (id, None)
        } else {
            let mut session = new_session(title.clone(), cx.surface);
            session.workspace = workspace;
            (session.id.clone(), Some(session))
        };
        // Said before anything is stored: a person who has no model set up should not find
        // sessions that nothing ever answered.
        let resolved = self
            .inner
            .models
            .resolve(Wanted {
                model: params.model.as_deref().or(of_session.as_deref()),
                connection: cx.connection,
            })
            .await?;
        let images = images::checked(params.images)?;
        if !images.is_empty() && resolved.facts.supports_vision == Some(false) {
            return Err(blind(&resolved.display));
        }
        let (reply, answer) = oneshot::channel();
        let message = Message {
            surface: cx.surface,
            text: params.text,
            images,
            connection: cx.connection,
            client_message_id: params.client_message_id,
            model: params.model,
            resolved,
            new_session,
            title: Some(title),
        };
        let message = Box::new(message);
        self.inner
            .sessions
            .send(&session_id, Command::Send { message, reply })?;
        answer.await.map_err(|_| shutting_down())?
    }

    async fn cancel(&self, _cx: CallCtx, params: CancelParams) -> ApiResult<CancelAnswer> {
        self.require_session(&params.session_id).await?;
        let (reply, answer) = oneshot::channel();
        let command = Command::Cancel {
            turn_id: params.turn_id,
            reply,
        };
        let cancelled = self
            .inner
            .sessions
            .send_if_live(&params.session_id, command)
            && answer.await.map_err(|_| shutting_down())??;
        Ok(CancelAnswer { cancelled })
    }

    async fn resume(&self, cx: CallCtx, params: ContinueParams) -> ApiResult<Sent> {
        self.require_session(&params.session_id).await?;
        let (reply, answer) = oneshot::channel();
        let command = Command::Continue {
            surface: cx.surface,
            model: params.model,
            connection: cx.connection,
            reply,
        };
        self.inner.sessions.send(&params.session_id, command)?;
        answer.await.map_err(|_| shutting_down())?
    }
}

impl Core {
    /// Gives a session that has none a directory to work in.
    async fn set_workspace(&self, id: &SessionId, workspace: Workspace) -> ApiResult<()> {
        let id = id.clone();
        let session = self
            .inner
            .store
            .write(move |tx| session::set_workspace_if_none(tx, &id, &workspace))
            .await
            .map_err(from_store)?;
        if let Some(session) = session {
            self.inner.bus.publish(Event::SessionChanged { session });
        }
        Ok(())
    }

    /// What became of a message with this name, if there was one.
    async fn already_sent(&self, client_message_id: Option<String>) -> ApiResult<Option<Sent>> {
        let Some(id) = client_message_id else {
            return Ok(None);
        };
        let known = self
            .inner
            .store
            .read(move |conn| client_message::find(conn, &id))
            .await
            .map_err(from_store)?;
        Ok(known.map(|known| Sent {
            session_id: known.session_id,
            turn_id: known.turn_id,
            queue_id: known.queue_id,
            item_id: known.item_id,
            is_duplicate: true,
        }))
    }
}

/// A model that cannot see was sent an image.
fn blind(model: &str) -> ApiError {
    ApiError::new(
        ErrorCode::ModelCapability,
        format!("{model} cannot see images"),
    )
    .with_hint("choose one that can: `--model PROVIDER:MODEL`, or `--model hint:vision`")
}

/// A session made by its first message.
pub(crate) fn new_session(title: String, surface: Surface) -> Session {
    let now = Timestamp::now();
    Session {
        id: SessionId::random(),
        title,
        created_at: now.clone(),
        updated_at: now,
        source: source(surface).to_owned(),
        channel_key: None,
        model: None,
        workspace: None,
    }
}

/// The word in a session's `source`.
pub(crate) fn source(surface: Surface) -> &'static str {
    match surface {
        Surface::Tui => "tui",
        Surface::Cli => "cli",
        Surface::Pipe => "pipe",
        Surface::Http => "web",
        Surface::Tool => "tool",
        Surface::Job => "job",
        Surface::Internal => "internal",
    }
}

fn check(params: &SendParams) -> ApiResult<()> {
    if params.text.trim().is_empty() {
        return Err(ApiError::new(ErrorCode::Validation, "the message is empty"));
    }
    check_length(&params.text)?;
    let id_bytes = params.client_message_id.as_ref().map_or(1, String::len);
    if id_bytes == 0 || id_bytes > MAX_CLIENT_ID_BYTES {
        return Err(ApiError::new(
            ErrorCode::Validation,
            format!("a client_message_id has 1 to {MAX_CLIENT_ID_BYTES} bytes"),
        ));
    }
    Ok(())
}

/// A message fits on a line of the socket.
pub(crate) fn check_length(text: &str) -> ApiResult<()> {
    if text.len() > MAX_MESSAGE_BYTES {
        return Err(ApiError::new(
            ErrorCode::Validation,
            format!(
                "the message has {} bytes, at most {MAX_MESSAGE_BYTES} are taken",
                text.len()
            ),
        )
        .with_hint("send a part of it, or a file name the agent can read"));
    }
    Ok(())
}
