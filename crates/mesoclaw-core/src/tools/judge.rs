//! Judges a call: facts from the disk, grants from the database, then the pure policy.

use std::sync::Arc;

use mesoclaw_agent::policy::{
    Action, Autonomy, Decision, Facts, Inquiry, Situation, Verdict, decide,
};
use mesoclaw_agent::tool::Tool;
use mesoclaw_api::ops::approval::Step;
use mesoclaw_api::ops::grant::Grant;
use mesoclaw_api::ops::session::Workspace;
use mesoclaw_api::{ApiResult, CallId, SessionId, Surface, Timestamp, TurnId};
use mesoclaw_store::repo::{grant, session};
use serde_json::Value;

use crate::error::from_store;
use crate::tools::{Toolbox, autonomy};

/// The rule of calls of tools that do not exist.
pub(crate) const UNKNOWN_TOOL: &str = "tool.unknown";
/// The rule of calls that begin too soon after others.
pub(crate) const RATE_LIMIT: &str = "rate.limit";

/// Where the call would work.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// In the workspace of its session.
    OfSession,
    /// There, whatever the session says.
    At(Option<Workspace>),
}

/// A call to be judged.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub call_id: CallId,
    pub tool: String,
    pub args: Value,
    pub session_id: Option<SessionId>,
    pub turn_id: Option<TurnId>,
    pub surface: Surface,
    pub place: Place,
    /// Source of text from outside that the turn has read.
    pub taint: Option<String>,
}

/// A judged call.
pub(crate) struct Judged {
    pub tool: Arc<dyn Tool>,
    pub args: Value,
    pub decision: Decision,
    pub inquiry: Inquiry,
    pub facts: Arc<Facts>,
    /// Whether it would run a command, whose changes nobody can put back.
    pub is_command: bool,
}

/// A call that the policy did not even look at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Refused {
    /// The sentence for the model.
    pub reason: String,
    /// Id of the rule.
    pub rule: &'static str,
}

impl Refused {
    pub fn new(rule: &'static str, reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            rule,
        }
    }
}

impl Toolbox {
    /// Judges a call.
    ///
    /// # Errors
    /// There is no such tool, its arguments are wrong, or something could not be looked up.
    pub async fn judge(&self, asked: &Asked) -> Result<Judged, Refused> {
        self.judge_at(asked, None).await
    }

    /// Judges a call that begins, if no more than allowed began of late.
    ///
    /// # Errors
    /// As for [`Self::judge`], or too many began.
    pub async fn judge_next(&self, asked: &Asked) -> Result<Judged, Refused> {
        let config = self.config.current();
        self.rate
            .count(asked.session_id.as_ref(), &config.config)
            .map_err(|reason| Refused::new(RATE_LIMIT, reason))?;
        self.judge(asked).await
    }

    /// Judges a call at another level than the one that holds; `None` = that one.
    ///
    /// # Errors
    /// As for [`Self::judge`].
    pub async fn judge_at(
        &self,
        asked: &Asked,
        level: Option<Autonomy>,
    ) -> Result<Judged, Refused> {
        let tool = self
            .find(&asked.tool)
            .map_err(|reason| Refused::new(UNKNOWN_TOOL, reason))?;
        let actions = tool
            .plan(&asked.args)
            .map_err(|reason| Refused::new("tool.arguments", reason))?;
        let (workspace, grants) = self.circumstances(asked).await.map_err(|error| {
            tracing::warn!(%error, "grants not read");
            let reason = format!("the call could not be judged: {error}");
            Refused::new("policy.unreadable", reason)
        })?;
        let config = self.config.current();
        let is_command = actions
            .iter()
            .any(|action| matches!(action, Action::Command { .. } | Action::Foreign { .. }));
        let inquiry = Inquiry::new(&tool.spec().definition.name, &asked.args, actions);
        let (inquiry, facts) = self
            .ground
            .gather(
                inquiry,
                workspace,
                asked.session_id.as_ref(),
                &config.config,
            )
            .await
            .map_err(|reason| Refused::new("policy.unreadable", reason))?;
        let decision = decide(
            &inquiry,
            &facts,
            &Situation {
                autonomy: level.unwrap_or_else(|| autonomy(&config.config)),
                surface: asked.surface,
                taint: asked.taint.clone(),
                grants: &grants,
                session_id: asked.session_id.as_ref(),
                now: &Timestamp::now(),
            },
        );
        Ok(Judged {
            tool,
            args: asked.args.clone(),
            decision,
            inquiry,
            facts: Arc::new(facts),
            is_command,
        })
    }

    /// The workspace, and the grants that count there.
    async fn circumstances(&self, asked: &Asked) -> ApiResult<(Option<Workspace>, Vec<Grant>)> {
        let session_id = asked.session_id.clone();
        let place = asked.place.clone();
        self.store
            .read(move |conn| {
                let workspace = match (place, &session_id) {
                    (Place::At(workspace), _) => workspace,
                    (Place::OfSession, None) => None,
                    (Place::OfSession, Some(id)) => {
                        session::get(conn, id)?.and_then(|session| session.workspace)
                    }
                };
                let project = workspace.as_ref().map(|workspace| workspace.root.as_str());
                let grants = grant::active(conn, session_id.as_ref(), project, &Timestamp::now())?;
                Ok((workspace, grants))
            })
            .await
            .map_err(from_store)
    }
}

impl Judged {
    /// The verdict in one word.
    pub fn word(&self) -> &'static str {
        match self.decision.verdict {
            Verdict::Allow { .. } => "allow",
            Verdict::Ask { .. } => "ask",
            Verdict::Deny { .. } => "deny",
        }
    }

    /// The call as one line for people.
    pub fn text(&self) -> String {
        let parts: Vec<&str> = self
            .decision
            .steps
            .iter()
            .map(|step| step.what.as_str())
            .collect();
        parts.join("; ")
    }

    /// Its parts as they go over the wire.
    pub fn steps(&self) -> Vec<Step> {
        steps(&self.decision)
    }

    /// What keeps it inside its bounds.
    pub fn sandbox(&self) -> String {
        self.facts.sandbox.note.clone()
    }

    /// The directory it would run in.
    pub fn cwd(&self) -> String {
        self.facts.roots.cwd.display().to_string()
    }
}

/// The parts of a call as they go over the wire.
pub(crate) fn steps(decision: &Decision) -> Vec<Step> {
    decision
        .steps
        .iter()
        .map(|step| Step {
            what: step.what.clone(),
            risk: step.risk,
            rule: step.rule.to_owned(),
            reason: step.reason.clone(),
            program: step
                .program
                .as_ref()
                .map(|program| program.display().to_string()),
        })
        .collect()
}
