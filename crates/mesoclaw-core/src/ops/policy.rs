//! Handlers of `policy.*`, and judging a call without running it.

use mesoclaw_agent::policy::{Autonomy, Verdict, known_programs, rules};
use mesoclaw_api::ops::NoParams;
use mesoclaw_api::ops::policy::{
    Judged as JudgedCall, KnownProgram, Policy, PolicyApi, Rule, TestParams, VerdictWord,
};
use mesoclaw_api::{ApiError, ApiResult, CallCtx, CallId, ErrorCode, SessionId, Surface};
use serde_json::json;

use crate::core::Core;
use crate::tools::autonomy;
use crate::tools::judge::{Asked, Place};

impl PolicyApi for Core {
    async fn show(&self, _cx: CallCtx, _params: NoParams) -> ApiResult<Policy> {
        let config = self.inner.config.current();
        let level = autonomy(&config.config);
        let notice = Autonomy::parse(&config.config.security_autonomy_level)
            .map_or_else(|error| Some(error.to_string()), |(_, notice)| notice);
        let ground = &self.inner.toolbox.ground;
        Ok(Policy {
            autonomy: level.to_string(),
            autonomy_text: level.describe().to_owned(),
            notice,
            sandbox: ground.sandbox(&config.config).note,
            program_dirs: ground.program_dirs(),
            rules: rules()
                .iter()
                .map(|rule| Rule {
                    id: rule.id.to_owned(),
                    text: rule.text.to_owned(),
                    leads_to: rule.level.to_owned(),
                })
                .collect(),
            programs: known_programs()
                .iter()
                .map(|program| KnownProgram {
                    name: program.name.clone(),
                    risk: program.risk.to_string(),
                    note: program.note.clone(),
                })
                .collect(),
        })
    }

    async fn test(&self, _cx: CallCtx, params: TestParams) -> ApiResult<JudgedCall> {
        let (tool, args) = match (&params.command, &params.tool) {
            (Some(command), None) => ("shell".to_owned(), json!({"command": command})),
            (None, Some(tool)) => {
                let args = params.args.clone().unwrap_or_else(|| json!({}));
                (tool.clone(), args)
            }
            (Some(_), Some(_)) | (None, None) => {
                return Err(ApiError::new(
                    ErrorCode::InvalidParams,
                    "give either `command` or `tool` with `args`",
                ));
            }
        };
        self.inner.toolbox.require(&tool)?;
        let autonomy = match &params.autonomy {
            Some(word) => Some(
                word.parse::<Autonomy>()
                    .map_err(|error| ApiError::new(ErrorCode::Validation, error.to_string()))?,
            ),
            None => None,
        };
        let asked = Asked {
            call_id: CallId::random(),
            tool,
            args,
            place: self
                .place(params.session_id.as_ref(), params.workspace.as_deref())
                .await?,
            session_id: params.session_id,
            turn_id: None,
            // The question is what a person at a terminal would be asked.
            surface: Surface::Cli,
            taint: params.tainted.then(|| "text from outside".to_owned()),
        };
        let judged = self
            .inner
            .toolbox
            .judge_at(&asked, autonomy)
            .await
            .map_err(|refused| ApiError::new(ErrorCode::Validation, refused.reason))?;
        let (verdict, reason) = match &judged.decision.verdict {
            Verdict::Allow { .. } => (VerdictWord::Allow, "nothing in it asks".to_owned()),
            Verdict::Ask { reason, .. } => (VerdictWord::Ask, reason.clone()),
            Verdict::Deny { reason, .. } => (VerdictWord::Deny, reason.clone()),
        };
        Ok(JudgedCall {
            verdict,
            reason,
            rule: judged.decision.verdict.rule().to_owned(),
            risk: judged.decision.risk,
            steps: judged.steps(),
            patterns: judged.decision.patterns.clone(),
            grant: judged.decision.grants.first().cloned(),
            network: judged.decision.network,
            sandbox: judged.sandbox(),
        })
    }
}

impl Core {
    /// Where a call would work that belongs to no turn: the given directory, else the workspace of
    /// the session, else nowhere.
    pub(crate) async fn place(
        &self,
        session_id: Option<&SessionId>,
        workspace: Option<&str>,
    ) -> ApiResult<Place> {
        if let Some(id) = session_id {
            self.require_session(id).await?;
        }
        match workspace {
            Some(dir) => {
                let ground = &self.inner.toolbox.ground;
                Ok(Place::At(Some(ground.workspace_of(dir.to_owned()).await?)))
            }
            None if session_id.is_some() => Ok(Place::OfSession),
            None => Ok(Place::At(None)),
        }
    }
}
