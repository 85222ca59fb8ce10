//! Handlers of `grant.*`.

use std::collections::BTreeSet;

use mesoclaw_agent::policy::{Pattern, would_cover};
use mesoclaw_api::ops::audit::AuditKind;
use mesoclaw_api::ops::grant::{Grant, GrantApi, ListParams, RevokeParams, TestParams, Tested};
use mesoclaw_api::{ApiError, ApiResult, CallCtx, CallId, ErrorCode, Surface, Timestamp};
use mesoclaw_store::repo::grant::Revoke;
use mesoclaw_store::repo::{Lookup, audit, grant, tool_call};
use serde_json::{Value, json};

use crate::core::Core;
use crate::error::{from_store, one};
use crate::tools::audit::of_person;
use crate::tools::judge::{Asked, Place};

/// Calls of the past that are looked at.
const PAST_CALLS: u32 = 500;
/// Different ones of them that are held against a pattern.
const TRIED_CALLS: usize = 100;
/// Those of them that are told.
const TOLD_CALLS: usize = 20;

impl GrantApi for Core {
    async fn list(&self, _cx: CallCtx, params: ListParams) -> ApiResult<Vec<Grant>> {
        self.inner
            .store
            .read(move |conn| grant::list(conn, params.include_ended, &Timestamp::now()))
            .await
            .map_err(from_store)
    }

    async fn test(&self, cx: CallCtx, params: TestParams) -> ApiResult<Tested> {
        let tool = params.tool.clone().unwrap_or_else(|| "shell".to_owned());
        let tool = self.inner.toolbox.require(&tool)?;
        let name = tool.spec().definition.name.clone();
        let pattern = Pattern::parse(&name, &params.pattern)
            .map_err(|error| ApiError::new(ErrorCode::Validation, error.to_string()))?;
        let args = match (&params.command, &params.args) {
            (Some(command), _) => Some(json!({"command": command})),
            (None, args) => args.clone(),
        };
        let place = self
            .place(params.session_id.as_ref(), params.workspace.as_deref())
            .await?;
        let tried = Tried {
            tool: name.clone(),
            pattern: params.pattern,
            place,
        };
        let (covers, reason) = match args {
            Some(args) => {
                let (covers, reason) = self.would_cover(cx.surface, &tried, args).await?;
                (Some(covers), (!covers).then_some(reason))
            }
            None => (None, None),
        };
        Ok(Tested {
            allows: pattern.describe(),
            past: self.past(cx.surface, &tried).await?,
            covers,
            reason,
        })
    }

    async fn revoke(&self, cx: CallCtx, params: RevokeParams) -> ApiResult<Grant> {
        let name = params.grant_id.as_str().to_owned();
        let keys = std::sync::Arc::clone(&self.inner.keys);
        let id = name.clone();
        let revoked = self
            .inner
            .store
            .write(move |tx| {
                let revoked = grant::revoke(tx, &id, &Timestamp::now())?;
                if let Revoke::Done(grant) = &revoked {
                    let words = format!("{}: {}", grant.tool, grant.pattern);
                    let entry = of_person(AuditKind::Revoked, cx.surface, words, "revoked", &keys);
                    audit::append(
                        tx,
                        audit::NewEntry {
                            session_id: grant.session_id.clone(),
                            tool: Some(grant.tool.clone()),
                            rule: Some(format!("grant {}", grant.id)),
                            ..entry
                        },
                    )?;
                }
                Ok(revoked)
            })
            .await
            .map_err(from_store)?;
        match revoked {
            Revoke::Done(grant) | Revoke::AlreadyRevoked(grant) => Ok(grant),
            Revoke::Ambiguous => one(Lookup::Ambiguous, "grant", &name),
            Revoke::NotFound => one(Lookup::NotFound, "grant", &name)
                .map_err(|error: ApiError| error.with_hint("`mesoclaw grant list` shows them")),
        }
    }
}

/// A pattern to be held against calls.
struct Tried {
    tool: String,
    pattern: String,
    place: Place,
}

impl Core {
    /// Whether a grant of this pattern would cover a call, and why not.
    async fn would_cover(
        &self,
        surface: Surface,
        tried: &Tried,
        args: Value,
    ) -> ApiResult<(bool, String)> {
        let asked = Asked {
            call_id: CallId::random(),
            tool: tried.tool.clone(),
            args,
            session_id: None,
            turn_id: None,
            surface,
            place: tried.place.clone(),
            taint: None,
        };
        let invalid = |sentence| ApiError::new(ErrorCode::Validation, sentence);
        let judged = self.inner.toolbox.judge(&asked).await;
        let judged = judged.map_err(|refused| invalid(refused.reason))?;
        let pattern = Pattern::parse(&tried.tool, &tried.pattern)
            .map_err(|error| invalid(error.to_string()))?;
        let coverage = would_cover(&pattern, &judged.inquiry, &judged.facts);
        Ok((coverage.covers, coverage.reason.unwrap_or_default()))
    }

    /// Calls of the past that a pattern would have covered, the latest first.
    async fn past(&self, surface: Surface, tried: &Tried) -> ApiResult<Vec<String>> {
        let tool = tried.tool.clone();
        let calls = self
            .inner
            .store
            .read(move |conn| tool_call::latest(conn, &tool, PAST_CALLS))
            .await
            .map_err(from_store)?;
        let mut seen = BTreeSet::new();
        let mut covered = Vec::new();
        for call in calls {
            if covered.len() == TOLD_CALLS || seen.len() == TRIED_CALLS {
                break;
            }
            let text = match call.args.get("command").and_then(Value::as_str) {
                Some(command) => command.to_owned(),
                None => call.args.to_string(),
            };
            if !seen.insert(text.clone()) {
                continue;
            }
            // A call of another version may have other arguments: it is just not covered.
            let covers = self.would_cover(surface, tried, call.args).await;
            if covers.is_ok_and(|(covers, _)| covers) {
                covered.push(self.inner.keys.redact(text));
            }
        }
        Ok(covered)
    }
}
