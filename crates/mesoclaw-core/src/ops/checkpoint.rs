//! Handlers of `checkpoint.*`.

use mesoclaw_api::ops::audit::AuditKind;
use mesoclaw_api::ops::checkpoint::{Checkpoint, CheckpointApi, ListParams, UndoParams, Undone};
use mesoclaw_api::{ApiError, ApiResult, CallCtx, ErrorCode};
use mesoclaw_store::repo::audit::NewEntry;
use mesoclaw_store::repo::checkpoint::{self, CheckpointRow};

use crate::core::Core;
use crate::error::from_store;
use crate::tools::audit::of_person;

impl CheckpointApi for Core {
    async fn list(&self, _cx: CallCtx, params: ListParams) -> ApiResult<Vec<Checkpoint>> {
        self.require_session(&params.session_id).await?;
        let rows = self
            .inner
            .store
            .read(move |conn| checkpoint::list(conn, &params.session_id))
            .await
            .map_err(from_store)?;
        Ok(rows.iter().map(CheckpointRow::to_api).collect())
    }

    async fn undo(&self, cx: CallCtx, params: UndoParams) -> ApiResult<Undone> {
        self.require_session(&params.session_id).await?;
        if self.inner.sessions.state(&params.session_id).is_some() {
            return Err(
                ApiError::new(ErrorCode::Conflict, "a turn is running in this session")
                    .with_hint("wait for its end, or stop it first"),
            );
        }
        let session_id = params.session_id.clone();
        let files = &self.inner.toolbox.files;
        let undone = files
            .undo(params.session_id, params.turn_id, params.dry_run)
            .await?;
        if !params.dry_run {
            let restored: Vec<&str> = undone
                .files
                .iter()
                .filter(|file| file.is_restored)
                .map(|file| file.path.as_str())
                .collect();
            let outcome = if restored.len() == undone.files.len() {
                "ok"
            } else {
                "failed"
            };
            let words = format!("put back: {}", restored.join(", "));
            let entry = of_person(
                AuditKind::Undone,
                cx.surface,
                words,
                outcome,
                &self.inner.keys,
            );
            self.append_audit(NewEntry {
                session_id: Some(session_id),
                turn_id: Some(undone.turn_id.clone()),
                ..entry
            })
            .await?;
        }
        Ok(undone)
    }
}
