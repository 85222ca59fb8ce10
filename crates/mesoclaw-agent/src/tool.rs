//! `Tool`: what the agent can do, and the registry of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use mesoclaw_api::ops::approval::Risk;
use mesoclaw_api::{BoxFuture, CallId, SessionId, Surface};
use serde_json::Value;

use crate::model::ToolDefinition;
use crate::model_files::CancelToken;

/// What a tool is, apart from running it.
#[derive(Clone, PartialEq, Debug)]
pub struct ToolSpec {
    /// Name, description and argument schema, as a model sees them.
    pub definition: ToolDefinition,
}

/// What a tool knows about the call besides its arguments.
pub struct ToolCx {
    /// The session.
    pub session_id: SessionId,
    /// The call.
    pub call_id: CallId,
    /// Who started the turn.
    pub surface: Surface,
    /// Set when the call should end.
    pub cancel: Arc<dyn CancelToken>,
    /// Takes news for the person who watches.
    pub progress: Arc<dyn Fn(String) + Send + Sync>,
}

/// What a tool answers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ToolOutput {
    /// The text the model sees.
    pub output: String,
    /// Whether the tool did its work.
    pub success: bool,
}

/// Something the agent can do.
pub trait Tool: Send + Sync {
    /// What it is.
    fn spec(&self) -> &ToolSpec;

    /// How much this call could harm.
    fn risk(&self, args: &Value) -> Risk;

    /// Runs it.
    ///
    /// # Cancellation
    /// Dropping the future or setting the token of `cx` ends the call and everything it started.
    fn run(&self, cx: ToolCx, args: Value) -> BoxFuture<'static, ToolOutput>;
}

/// All tools, sorted by name: the order in the prompt never changes by itself.
#[derive(Clone, Default)]
pub struct ToolRegistry {
    tools: BTreeMap<String, Arc<dyn Tool>>,
}

impl ToolRegistry {
    /// A registry of these tools; of two with one name the last wins.
    pub fn new(tools: impl IntoIterator<Item = Arc<dyn Tool>>) -> Self {
        Self {
            tools: tools
                .into_iter()
                .map(|tool| (tool.spec().definition.name.clone(), tool))
                .collect(),
        }
    }

    /// The tool of this name.
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Tool>> {
        self.tools.get(name)
    }

    /// All tools as a model sees them.
    pub fn definitions(&self) -> Vec<ToolDefinition> {
        self.tools
            .values()
            .map(|tool| tool.spec().definition.clone())
            .collect()
    }
}
