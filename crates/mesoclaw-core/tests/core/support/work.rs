//! A core with the real tools and a directory to work in.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use mesoclaw_agent::model::{ModelMessage, StopReason};
use mesoclaw_agent::tool::Tool;
use mesoclaw_api::ops::approval::{
    Answer, Approval, ApprovalResolve, ApprovalScope, Resolution, ResolveParams,
};
use mesoclaw_api::ops::audit::{AuditEntry, AuditList, AuditVerify, ListParams, VerifyParams};
use mesoclaw_api::ops::chat::{ChatSend, SendParams, Sent};
use mesoclaw_api::ops::tool::{ExecuteParams, ToolExecute, ToolRun};
use mesoclaw_api::{ApiResult, Event, ItemBody, SessionId};
use mesoclaw_net::{Guard, GuardOptions};
use mesoclaw_sandbox::{Level, Sandbox};
use mesoclaw_tools::{SearchOptions, ToolOptions, ToolParts, builtin};
use serde_json::Value;

use crate::support::{Bench, ModelCallHandle};

/// Settings with a model, and approvals that wait as long as the tests.
const CONFIG: &str = "provider_name = \"local\"\nprovider_model_id = \"m\"\n\
     approval_timeout_secs = 60\n";

/// See the module documentation.
pub struct Work {
    pub bench: Bench,
    /// The workspace.
    pub root: PathBuf,
    extra: Vec<Arc<dyn Tool>>,
}

/// What becomes of a call.
#[derive(Debug)]
pub enum Met {
    /// A person is asked.
    Asked(Box<Approval>),
    /// It has a result.
    Answered { output: String, success: bool },
}

impl Met {
    pub fn asked(self) -> Approval {
        match self {
            Self::Asked(approval) => *approval,
            Self::Answered { output, .. } => panic!("nobody was asked: {output}"),
        }
    }

    pub fn output(self) -> String {
        match self {
            Self::Answered { output, .. } => output,
            Self::Asked(approval) => panic!("asked: {}", approval.reason),
        }
    }

    /// `asked`, `ran` or `refused`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Asked(_) => "asked",
            Self::Answered { success: true, .. } => "ran",
            Self::Answered { success: false, .. } => "refused",
        }
    }
}

/// An answer to a request, for this one call.
pub fn answer_of(approval: &Approval, answer: Answer) -> ResolveParams {
    ResolveParams {
        approval_id: approval.id.clone(),
        answer,
        reason: None,
        scope: ApprovalScope::Once,
        patterns: None,
        expires_in_secs: None,
        digest: None,
    }
}

fn tools(extra: &[Arc<dyn Tool>]) -> Vec<Arc<dyn Tool>> {
    let mut tools = builtin(ToolParts {
        options: Arc::new(ToolOptions::default),
        environment: std::collections::BTreeMap::new(),
        sandbox: Arc::new(|| Sandbox {
            level: Level::Off,
            helper: None,
        }),
        guard: Arc::new(|| Arc::new(Guard::new(GuardOptions::default()))),
        search: Arc::new(|| Box::pin(async { SearchOptions::default() })),
    });
    tools.extend(extra.iter().cloned());
    tools
}

impl Work {
    pub async fn start() -> Self {
        Self::with("", Vec::new()).await
    }

    pub async fn configured(more: &str) -> Self {
        Self::with(more, Vec::new()).await
    }

    pub async fn with(more: &str, extra: Vec<Arc<dyn Tool>>) -> Self {
        let bench = Bench::with(&format!("{CONFIG}{more}"), tools(&extra)).await;
        let root = bench.home.path().canonicalize().unwrap().join("work");
        std::fs::create_dir(&root).unwrap();
        Self { bench, root, extra }
    }

    /// As [`Bench::crash_and_restart`].
    pub async fn crash_and_restart(self) -> Self {
        let bench = self.bench.crash_and_restart(tools(&self.extra)).await;
        Self { bench, ..self }
    }

    pub fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.root.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// The content of a file of the workspace; `None` when it is not there.
    pub fn content(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.root.join(name)).ok()
    }

    pub async fn say(&self, session_id: Option<&SessionId>) -> SessionId {
        self.say_in(session_id, &self.root)
            .await
            .unwrap()
            .session_id
    }

    pub async fn say_in(&self, session_id: Option<&SessionId>, root: &Path) -> ApiResult<Sent> {
        self.bench
            .call::<ChatSend>(SendParams {
                session_id: session_id.cloned(),
                text: "do it".to_owned(),
                workspace: Some(root.to_str().unwrap().to_owned()),
                ..SendParams::default()
            })
            .await
    }

    /// Says something and has the model make these calls.
    pub async fn ask(
        &mut self,
        session_id: Option<&SessionId>,
        calls: &[(&str, Value)],
    ) -> SessionId {
        let session_id = self.say(session_id).await;
        self.make(calls).await;
        session_id
    }

    /// Has the model make these calls.
    pub async fn make(&mut self, calls: &[(&str, Value)]) {
        let model = self.bench.model_call().await;
        play(&model, calls).await;
    }

    /// Says something, has the model make one call, and waits for what becomes of it.
    pub async fn begin(
        &mut self,
        session_id: Option<&SessionId>,
        tool: &str,
        args: Value,
    ) -> (SessionId, Met) {
        let session_id = self.ask(session_id, &[(tool, args)]).await;
        (session_id, self.met().await)
    }

    /// What becomes of the next call that something becomes of.
    pub async fn met(&mut self) -> Met {
        self.bench
            .event(|event| match event {
                Event::ApprovalRequested { approval } => Some(Met::Asked(approval.clone())),
                Event::ItemStored { item } => match &item.body {
                    ItemBody::ToolResult {
                        output, success, ..
                    } => Some(Met::Answered {
                        output: output.clone(),
                        success: *success,
                    }),
                    _ => None,
                },
                _ => None,
            })
            .await
    }

    pub async fn asked(&mut self) -> Approval {
        self.met().await.asked()
    }

    /// Ends the turn with an answer; gives what the model saw of its calls.
    pub async fn end(&mut self) -> Vec<String> {
        let model = self.bench.model_call().await;
        let seen = results(&model);
        model.text("done").await;
        model.stop(StopReason::End).await;
        assert_eq!(self.bench.finished().await, "completed");
        seen
    }

    /// A whole turn with one call. Whoever is asked says no.
    pub async fn attempt(
        &mut self,
        session_id: Option<&SessionId>,
        tool: &str,
        args: Value,
    ) -> (SessionId, &'static str) {
        let (session_id, met) = self.begin(session_id, tool, args).await;
        let word = met.word();
        if let Met::Asked(approval) = met {
            self.deny(&approval, None).await;
        }
        self.end().await;
        (session_id, word)
    }

    /// A whole turn with one call that is approved for a scope.
    pub async fn approved(
        &mut self,
        session_id: Option<&SessionId>,
        tool: &str,
        args: Value,
        scope: ApprovalScope,
    ) -> (SessionId, Resolution) {
        let (session_id, met) = self.begin(session_id, tool, args).await;
        let resolved = self.approve(&met.asked(), scope).await;
        assert_eq!(self.met().await.word(), "ran");
        self.end().await;
        (session_id, resolved)
    }

    pub async fn approve(&self, approval: &Approval, scope: ApprovalScope) -> Resolution {
        let params = ResolveParams {
            scope,
            ..answer_of(approval, Answer::Approve)
        };
        self.bench.call::<ApprovalResolve>(params).await.unwrap()
    }

    pub async fn deny(&self, approval: &Approval, reason: Option<&str>) {
        let params = ResolveParams {
            reason: reason.map(str::to_owned),
            ..answer_of(approval, Answer::Deny)
        };
        self.bench.call::<ApprovalResolve>(params).await.unwrap();
    }

    /// Runs a tool by itself in the workspace.
    pub async fn execute(&self, tool: &str, args: Value) -> ApiResult<ToolRun> {
        self.bench
            .call::<ToolExecute>(self.execution(tool, args))
            .await
    }

    pub fn execution(&self, tool: &str, args: Value) -> ExecuteParams {
        ExecuteParams {
            name: tool.to_owned(),
            args,
            call_id: None,
            session_id: None,
            workspace: Some(self.root.to_str().unwrap().to_owned()),
        }
    }

    pub async fn audit(&self) -> Vec<AuditEntry> {
        let params = ListParams {
            limit: Some(1000),
            ..ListParams::default()
        };
        self.bench.call::<AuditList>(params).await.unwrap()
    }

    /// The audit in short words: `decision ask shell`. Its chain is whole.
    pub async fn audit_words(&self) -> Vec<String> {
        let verified = self
            .bench
            .call::<AuditVerify>(VerifyParams::default())
            .await
            .unwrap();
        assert!(verified.is_intact, "{verified:?}");
        let entries = self.audit().await;
        assert_eq!(verified.entries, entries.len() as u64);
        entries
            .iter()
            .map(|entry| {
                let kind = format!("{:?}", entry.kind).to_lowercase();
                let tool = entry.tool.as_deref().unwrap_or("-");
                format!("{kind} {} {tool}", entry.outcome)
            })
            .collect()
    }
}

/// Has the model make these calls.
pub async fn play(model: &ModelCallHandle, calls: &[(&str, Value)]) {
    for (index, (tool, args)) in calls.iter().enumerate() {
        let index = u32::try_from(index).unwrap();
        model.call(index, &format!("c{index}"), tool, args).await;
    }
    model.stop(StopReason::ToolCalls).await;
}

/// What a model sees of the results of all calls so far.
fn results(model: &ModelCallHandle) -> Vec<String> {
    model
        .request
        .messages
        .iter()
        .filter_map(|message| match message {
            ModelMessage::ToolResult { output, .. } => Some(output.clone()),
            ModelMessage::User { .. } | ModelMessage::Assistant { .. } => None,
        })
        .collect()
}
