//! Handlers of `session.*` and `queue.*`.

use mesoclaw_api::ops::Done;
use mesoclaw_api::ops::chat::QueuedMessage;
use mesoclaw_api::ops::session::{
    CreateParams, ForkParams, ItemPage, ItemsParams, ListParams, QueueParams, QueueUpdateParams,
    RenameParams, ResolveParams, Resolved, SearchHit, SearchParams, Session, SessionApi,
    SessionDetail, SessionParams, SessionState, SessionSummary, SetModelParams,
};
use mesoclaw_api::{
    ApiError, ApiResult, CallCtx, ErrorCode, Event, SessionId, Timestamp, TurnOutcome,
};
use mesoclaw_store::repo::session::SessionRow;
use mesoclaw_store::repo::{item, queue, session};
use tokio::sync::oneshot;

use crate::core::Core;
use crate::error::{from_store, shutting_down};
use crate::models::Wanted;
use crate::ops::chat::check_length;
use crate::ops::new_session;
use crate::session::Command;

/// Longest session name, in characters.
const MAX_TITLE_CHARS: usize = 200;
/// Shortest beginning of an id that names a session.
const MIN_ID_PREFIX: usize = 4;

impl SessionApi for Core {
    async fn create(&self, cx: CallCtx, params: CreateParams) -> ApiResult<Session> {
        let title = match params.title {
            Some(title) => checked_title(&title)?,
            None => String::new(),
        };
        let mut session = new_session(title, cx.surface);
        if let Some(dir) = params.workspace {
            session.workspace = Some(self.inner.toolbox.ground.workspace_of(dir).await?);
        }
        self.insert_session(session).await
    }

    async fn list(&self, _cx: CallCtx, params: ListParams) -> ApiResult<Vec<SessionSummary>> {
        let limit = in_range(params.limit, 1000, 10_000, "limit")?;
        let offset = params.offset.unwrap_or(0);
        let rows = self
            .inner
            .store
            .read(move |conn| session::list(conn, limit, offset))
            .await
            .map_err(from_store)?;
        Ok(rows.into_iter().map(|row| self.summary(row)).collect())
    }

    async fn resolve(&self, cx: CallCtx, params: ResolveParams) -> ApiResult<Resolved> {
        let name = params.name.trim().to_owned();
        if let Some(session) = self.find_session(&name).await? {
            return Ok(Resolved {
                session,
                created: false,
            });
        }
        if !params.create {
            return Err(no_session(&name));
        }
        let session = new_session(checked_title(&name)?, cx.surface);
        Ok(Resolved {
            session: self.insert_session(session).await?,
            created: true,
        })
    }

    async fn search(&self, _cx: CallCtx, params: SearchParams) -> ApiResult<Vec<SearchHit>> {
        let limit = in_range(params.limit, 20, 200, "limit")?;
        self.inner
            .store
            .read(move |conn| item::search(conn, &params.query, params.session_id.as_ref(), limit))
            .await
            .map_err(from_store)
    }

    async fn get(&self, _cx: CallCtx, params: SessionParams) -> ApiResult<SessionDetail> {
        let id = params.session_id.clone();
        let (row, usage) = self
            .inner
            .store
            .read(move |conn| Ok((session::row(conn, &id)?, session::usage(conn, &id)?)))
            .await
            .map_err(from_store)?;
        let row = row.ok_or_else(|| no_session(params.session_id.as_str()))?;
        let last_outcome = row.last_outcome.clone().filter(|_| !row.is_running);
        Ok(SessionDetail {
            summary: self.summary(row),
            usage,
            last_outcome,
        })
    }

    async fn rename(&self, _cx: CallCtx, params: RenameParams) -> ApiResult<Session> {
        let title = checked_title(&params.title)?;
        let id = params.session_id.clone();
        let renamed = self
            .inner
            .store
            .write(move |tx| session::rename(tx, &id, &title, &Timestamp::now()))
            .await
            .map_err(from_store)?;
        let session = renamed.ok_or_else(|| no_session(params.session_id.as_str()))?;
        self.tell_session(&session);
        Ok(session)
    }

    async fn delete(&self, _cx: CallCtx, params: SessionParams) -> ApiResult<Done> {
        self.require_session(&params.session_id).await?;
        self.inner.sessions.delete(&params.session_id).await;
        let id = params.session_id.clone();
        let deleted = self
            .inner
            .store
            .write(move |tx| session::delete(tx, &id))
            .await;
        self.inner.sessions.deleted(&params.session_id);
        deleted.map_err(from_store)?;
        self.inner.bus.publish(Event::SessionDeleted {
            session_id: params.session_id,
        });
        Ok(Done {})
    }

    async fn set_model(&self, cx: CallCtx, params: SetModelParams) -> ApiResult<Session> {
        self.require_session(&params.session_id).await?;
        if let Some(model) = &params.model {
            // What cannot answer is said now, not at the next message.
            self.inner
                .models
                .resolve(Wanted {
                    model: Some(model),
                    connection: cx.connection,
                })
                .await?;
        }
        let id = params.session_id.clone();
        self.inner
            .store
            .write(move |tx| {
                session::set_model(tx, &id, params.model.as_deref(), &Timestamp::now())
            })
            .await
            .map_err(from_store)?;
        let session = self.require_session(&params.session_id).await?;
        self.inner.bus.publish(Event::SessionChanged {
            session: session.clone(),
        });
        Ok(session)
    }

    async fn fork(&self, cx: CallCtx, params: ForkParams) -> ApiResult<Session> {
        let from = self.require_session(&params.session_id).await?;
        let title = match &params.title {
            Some(title) => checked_title(title)?,
            None => fork_title(&from.title),
        };
        let copy = Session {
            workspace: from.workspace.clone(),
            ..new_session(title, cx.surface)
        };
        let new = copy.clone();
        let copied = self
            .inner
            .store
            .write(move |tx| session::fork(tx, &from.id, &new, params.until.as_ref()))
            .await
            .map_err(from_store)?;
        if copied.is_none() {
            return Err(ApiError::new(
                ErrorCode::NotFound,
                "the item to fork at is not in this session",
            ));
        }
        self.tell_session(&copy);
        Ok(copy)
    }

    async fn items(&self, _cx: CallCtx, params: ItemsParams) -> ApiResult<ItemPage> {
        if params.before.is_some() && params.after.is_some() {
            return Err(ApiError::new(
                ErrorCode::Validation,
                "`before` and `after` cannot be given together",
            ));
        }
        let limit = in_range(params.limit, 200, 1000, "limit")?;
        let id = params.session_id.clone();
        let (found, page) = self
            .inner
            .store
            .read(move |conn| {
                let page = item::page(conn, &id, params.before, params.after, limit)?;
                let found = !page.items.is_empty() || session::get(conn, &id)?.is_some();
                Ok((found, page))
            })
            .await
            .map_err(from_store)?;
        if found {
            Ok(page)
        } else {
            Err(no_session(params.session_id.as_str()))
        }
    }

    async fn queue_list(
        &self,
        _cx: CallCtx,
        params: SessionParams,
    ) -> ApiResult<Vec<QueuedMessage>> {
        self.require_session(&params.session_id).await?;
        self.inner
            .store
            .read(move |conn| queue::list(conn, &params.session_id))
            .await
            .map_err(from_store)
    }

    async fn queue_update(
        &self,
        _cx: CallCtx,
        params: QueueUpdateParams,
    ) -> ApiResult<QueuedMessage> {
        self.require_session(&params.session_id).await?;
        if params.text.trim().is_empty() {
            return Err(ApiError::new(ErrorCode::Validation, "the message is empty")
                .with_hint("`queue.remove` takes a message back"));
        }
        check_length(&params.text)?;
        let (reply, answer) = oneshot::channel();
        let command = Command::QueueUpdate {
            queue_id: params.queue_id,
            text: params.text,
            reply,
        };
        self.inner.sessions.send(&params.session_id, command)?;
        answer.await.map_err(|_| shutting_down())?
    }

    async fn queue_remove(&self, _cx: CallCtx, params: QueueParams) -> ApiResult<Done> {
        self.require_session(&params.session_id).await?;
        let (reply, answer) = oneshot::channel();
        let command = Command::QueueRemove {
            queue_id: params.queue_id,
            reply,
        };
        self.inner.sessions.send(&params.session_id, command)?;
        answer.await.map_err(|_| shutting_down())??;
        Ok(Done {})
    }
}

impl Core {
    /// The session of an id.
    pub(crate) async fn require_session(&self, id: &SessionId) -> ApiResult<Session> {
        let wanted = id.clone();
        self.inner
            .store
            .read(move |conn| session::get(conn, &wanted))
            .await
            .map_err(from_store)?
            .ok_or_else(|| no_session(id.as_str()))
    }

    async fn insert_session(&self, session: Session) -> ApiResult<Session> {
        let new = session.clone();
        self.inner
            .store
            .write(move |tx| session::insert(tx, &new))
            .await
            .map_err(from_store)?;
        self.tell_session(&session);
        Ok(session)
    }

    async fn find_session(&self, name: &str) -> ApiResult<Option<Session>> {
        let wanted = name.to_owned();
        let (exact, mut beginning) = self
            .inner
            .store
            .read(move |conn| {
                let by_id = session::get(conn, &SessionId::from(wanted.as_str()))?;
                let exact = match by_id {
                    Some(session) => Some(session),
                    None => session::by_title(conn, &wanted)?,
                };
                let beginning = if exact.is_none() && wanted.len() >= MIN_ID_PREFIX {
                    session::by_id_prefix(conn, &wanted)?
                } else {
                    Vec::new()
                };
                Ok((exact, beginning))
            })
            .await
            .map_err(from_store)?;
        if exact.is_some() {
            return Ok(exact);
        }
        match beginning.len() {
            0 | 1 => Ok(beginning.pop()),
            _ => Err(ApiError::new(
                ErrorCode::Conflict,
                format!("several sessions begin with `{name}`"),
            )
            .with_hint("give more of the id; `mesoclaw session list` shows them")),
        }
    }

    fn summary(&self, row: SessionRow) -> SessionSummary {
        let state = match self.inner.sessions.state(&row.session.id) {
            Some(state) => state,
            None if row.last_outcome == Some(TurnOutcome::Interrupted) => SessionState::Interrupted,
            None => SessionState::Idle,
        };
        SessionSummary {
            session: row.session,
            message_count: row.message_count,
            state,
            queued: row.queued,
        }
    }

    fn tell_session(&self, session: &Session) {
        self.inner.bus.publish(Event::SessionChanged {
            session: session.clone(),
        });
    }
}

fn no_session(name: &str) -> ApiError {
    ApiError::not_found("session", name.escape_debug())
        .with_hint("`mesoclaw session list` shows the sessions")
}

fn checked_title(title: &str) -> ApiResult<String> {
    let title = title.trim();
    let chars = title.chars().count();
    if chars == 0 || chars > MAX_TITLE_CHARS || title.chars().any(char::is_control) {
        return Err(ApiError::new(
            ErrorCode::Validation,
            format!(
                "a session name has 1 to {MAX_TITLE_CHARS} characters and no control characters"
            ),
        ));
    }
    Ok(title.to_owned())
}

fn fork_title(title: &str) -> String {
    let suffix = " (fork)";
    let kept: String = title.chars().take(MAX_TITLE_CHARS - suffix.len()).collect();
    format!("{kept}{suffix}")
}

fn in_range(value: Option<u32>, default: u32, max: u32, name: &str) -> ApiResult<u32> {
    let value = value.unwrap_or(default);
    if (1..=max).contains(&value) {
        return Ok(value);
    }
    Err(ApiError::new(
        ErrorCode::Validation,
        format!("`{name}` is {value}, it must be 1 to {max}"),
    ))
}
