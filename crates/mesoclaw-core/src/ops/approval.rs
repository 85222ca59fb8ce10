//! Handlers of `approval.*`.

use mesoclaw_agent::policy::Pattern;
use mesoclaw_api::item::ApprovalDecision;
use mesoclaw_api::ops::approval::{
    Answer, Approval, ApprovalApi, GetParams, ListParams, Resolution, ResolveParams,
};
use mesoclaw_api::ops::grant::{Grant, GrantScope};
use mesoclaw_api::ops::session::Workspace;
use mesoclaw_api::{ApiError, ApiResult, ApprovalId, CallCtx, ErrorCode, GrantId, Timestamp};
use mesoclaw_store::repo::{approval, session};

use crate::approvals::Answered;
use crate::core::Core;
use crate::error::{from_store, one};
use crate::session::Command;

/// Longest time a grant may be asked for: beyond it, leave the time out.
const MAX_EXPIRES_SECS: u64 = 10 * 366 * 24 * 3_600;

impl ApprovalApi for Core {
    async fn list(&self, _cx: CallCtx, params: ListParams) -> ApiResult<Vec<Approval>> {
        self.inner
            .store
            .read(move |conn| {
                let session_id = params.session_id.as_ref();
                if params.include_resolved {
                    approval::list_latest(conn, session_id)
                } else {
                    approval::list_open(conn, session_id)
                }
            })
            .await
            .map_err(from_store)
    }

    async fn get(&self, _cx: CallCtx, params: GetParams) -> ApiResult<Approval> {
        self.approval(params.approval_id).await
    }

    async fn resolve(&self, cx: CallCtx, params: ResolveParams) -> ApiResult<Resolution> {
        let approval = self.approval(params.approval_id.clone()).await?;
        let answer = match params.answer {
            Answer::Approve => {
                check_approvable(&approval, params.digest.as_deref())?;
                Answered {
                    decision: ApprovalDecision::Approved,
                    reason: None,
                    by: cx.surface,
                    scope: params.scope,
                    grants: self.grants(&approval, &params).await?,
                }
            }
            Answer::Deny => Answered {
                decision: ApprovalDecision::Denied,
                reason: params.reason.clone(),
                by: cx.surface,
                scope: params.scope,
                grants: Vec::new(),
            },
        };
        let decision = answer.decision;
        let grants: Vec<GrantId> = answer.grants.iter().map(|grant| grant.id.clone()).collect();
        let approval = self.inner.approvals.resolve(approval.id, answer).await?;
        // The actor is started when there is none: after a restart the answer takes the
        // interrupted turn up again.
        if let Some(session_id) = &approval.session_id {
            let sessions = &self.inner.sessions;
            if approval.turn_id.is_some() {
                let command = || Command::Approval {
                    surface: cx.surface,
                    call_id: approval.call_id.clone(),
                    approval_id: approval.id.clone(),
                    decision,
                    reason: params.reason.clone(),
                };
                sessions.deliver(session_id, command).await?;
            }
            if !grants.is_empty() {
                let granted = Command::Granted {
                    surface: cx.surface,
                    scope: params.scope,
                };
                sessions.send_if_live(session_id, granted);
            }
        }
        Ok(Resolution { approval, grants })
    }
}

impl Core {
    /// The request a person means.
    async fn approval(&self, id: ApprovalId) -> ApiResult<Approval> {
        let name = id.clone();
        let found = self
            .inner
            .store
            .read(move |conn| approval::find(conn, name.as_str()))
            .await
            .map_err(from_store)?;
        one(found, "request for approval", id.as_str())
            .map_err(|error| error.with_hint("`mesoclaw approval list --all` shows them"))
    }

    /// The grants an answer stores.
    async fn grants(&self, approval: &Approval, params: &ResolveParams) -> ApiResult<Vec<Grant>> {
        let Some(scope) = params.scope.grant() else {
            return Ok(Vec::new());
        };
        let expires_at = expiry(params.expires_in_secs)?;
        let patterns = params.patterns.as_ref().unwrap_or(&approval.patterns);
        if patterns.is_empty() {
            return Err(ApiError::new(
                ErrorCode::Validation,
                "no grant can cover this call: it can be allowed only once at a time",
            )
            .with_hint("answer without a scope"));
        }
        let workspace = self.workspace_of_approval(approval).await?;
        let root = workspace.as_ref().map(|workspace| workspace.root.clone());
        let project = project_of(approval, scope, root)?;
        let mut grants = Vec::new();
        for text in patterns {
            let pattern = Pattern::parse(&approval.tool, text)
                .map_err(|error| ApiError::new(ErrorCode::Validation, error.to_string()))?;
            let programs = self
                .inner
                .toolbox
                .ground
                .programs_of(
                    &pattern,
                    workspace.clone(),
                    &self.inner.config.current().config,
                )
                .await
                .map_err(|sentence| ApiError::new(ErrorCode::Validation, sentence))?;
            grants.push(Grant {
                id: GrantId::random(),
                scope,
                tool: approval.tool.clone(),
                pattern: text.clone(),
                session_id: (scope == GrantScope::Session)
                    .then(|| approval.session_id.clone())
                    .flatten(),
                project: project.clone(),
                programs,
                approval_id: approval.id.clone(),
                created_at: Timestamp::now(),
                expires_at: expires_at.clone(),
                revoked_at: None,
                uses: 0,
            });
        }
        Ok(grants)
    }

    /// The workspace a request is about.
    async fn workspace_of_approval(&self, approval: &Approval) -> ApiResult<Option<Workspace>> {
        let Some(id) = approval.session_id.clone() else {
            // A tool that was run by itself runs in the root of its workspace.
            let ground = &self.inner.toolbox.ground;
            return Ok(ground.workspace_of(approval.cwd.clone()).await.ok());
        };
        let session = self
            .inner
            .store
            .read(move |conn| session::get(conn, &id))
            .await
            .map_err(from_store)?;
        Ok(session.and_then(|session| session.workspace))
    }
}

/// The workspace a grant is bound to.
fn project_of(
    approval: &Approval,
    scope: GrantScope,
    root: Option<String>,
) -> ApiResult<Option<String>> {
    match (scope, root, &approval.session_id) {
        (GrantScope::Session, _, None) => Err(ApiError::new(
            ErrorCode::Validation,
            "this request belongs to no session",
        )
        .with_hint("allow it once, for the project, or always")),
        (GrantScope::Project, None, _) => Err(ApiError::new(
            ErrorCode::Validation,
            "the session of this request has no workspace",
        )
        .with_hint("allow it once, for the session, or always")),
        (GrantScope::Session | GrantScope::Project, root, _) => Ok(root),
        (GrantScope::Always, ..) => Ok(None),
    }
}

/// Whether a request can be approved, and is what the person looked at.
fn check_approvable(approval: &Approval, seen: Option<&str>) -> ApiResult<()> {
    if approval.digest.is_empty() {
        return Err(ApiError::new(
            ErrorCode::Conflict,
            "the request is from an older version that did not write down what exactly would run",
        )
        .with_hint("deny it, and let the agent ask again"));
    }
    if seen.is_some_and(|seen| seen != approval.digest) {
        return Err(ApiError::new(
            ErrorCode::Conflict,
            "the request is not the one that was looked at",
        )
        .with_hint("look at it again: `mesoclaw approval show ID`"));
    }
    Ok(())
}

fn expiry(secs: Option<u64>) -> ApiResult<Option<Timestamp>> {
    match secs {
        None => Ok(None),
        Some(secs @ 1..=MAX_EXPIRES_SECS) => {
            let after = std::time::Duration::from_secs(secs);
            Ok(Some(Timestamp::now().plus(after)))
        }
        Some(secs) => Err(ApiError::new(
            ErrorCode::Validation,
            format!("a grant ends after 1 to {MAX_EXPIRES_SECS} seconds, not {secs}"),
        )),
    }
}
