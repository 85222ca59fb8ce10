//! `Tool`: what the agent can do, and the registry of it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use mesoclaw_api::{BoxFuture, CallId, SessionId, Surface};
use serde_json::Value;

use crate::model::ToolDefinition;
use crate::model_files::CancelToken;
use crate::policy::{Action, Facts};

/// What a tool is, apart from running it.
#[derive(Clone, PartialEq, Debug)]
pub struct ToolSpec {
    /// Name, description and argument schema, as a model sees them.
    pub definition: ToolDefinition,
    /// Other names it answers to; models are not told them.
    pub aliases: &'static [&'static str],
}

/// What a tool knows about the call besides its arguments.
pub struct ToolCx {
    /// The session; `None` for a tool that was run by itself.
    pub session_id: Option<SessionId>,
    /// The call.
    pub call_id: CallId,
    /// Who started the turn.
    pub surface: Surface,
    /// Set when the call should end.
    pub cancel: Arc<dyn CancelToken>,
    /// Takes news for the person who watches.
    pub progress: Arc<dyn Fn(String) + Send + Sync>,
    /// What was found out before the verdict: the tool uses the paths and programs that were
    /// judged, never what the arguments say a second time.
    pub facts: Arc<Facts>,
    /// Whether the verdict lets programs use the network.
    pub network: bool,
    /// Places outside the workspace that the verdict lets programs read.
    pub reads: Vec<PathBuf>,
    /// Directories outside the workspace of which the verdict lets programs see names only.
    pub lists: Vec<PathBuf>,
    /// Places outside the workspace that the verdict lets programs write.
    pub writes: Vec<PathBuf>,
    /// Those of `writes` that are only opened: a right to the file itself is enough.
    pub opened: Vec<PathBuf>,
    /// Whether the verdict rests on the call only looking: it gets no right to change the
    /// workspace then.
    pub looks_only: bool,
    /// Keeps what files are before they change.
    pub checkpoints: Arc<dyn Checkpoints>,
}

/// What a file is, or was.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileImage {
    /// The content; `None` when it is too large to be kept.
    pub content: Option<Vec<u8>>,
    /// Size in bytes.
    pub bytes: u64,
    /// Permission bits.
    pub mode: u32,
}

/// Keeps what files are before they change.
pub trait Checkpoints: Send + Sync {
    /// Largest content that is kept, in bytes: tools need not read more for it.
    fn max_file_bytes(&self) -> u64;

    /// To be called before a file changes, with what is there (`None` = nothing). Only the first
    /// call for a path counts in a turn.
    ///
    /// # Errors
    /// A sentence: the file must not be changed then.
    fn before_write(
        &self,
        path: PathBuf,
        before: Option<FileImage>,
    ) -> BoxFuture<'static, Result<(), String>>;

    /// To be called after it changed, with the SHA-256 of the new content (`None` = it is gone):
    /// undoing looks whether somebody else changed it since.
    fn after_write(
        &self,
        path: PathBuf,
        sha256: Option<[u8; 32]>,
    ) -> BoxFuture<'static, Result<(), String>>;
}

/// What a tool answers.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct ToolOutput {
    /// The text the model sees.
    pub output: String,
    /// Whether the tool did its work.
    pub success: bool,
    /// What changed in files, as a unified diff, for people.
    pub diff: Option<String>,
    /// Where the text comes from, where that is not the tool itself: `file notes.md`, `shell`,
    /// `web https://docs.rs/`.
    pub source: Option<Source>,
}

/// Where a text comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Source {
    /// The place, for people and models.
    pub name: String,
    /// Whether it is outside the workspace: web, other files, plugins, channels.
    pub taints: bool,
}

impl ToolOutput {
    /// The tool did its work.
    pub fn done(output: impl Into<String>) -> Self {
        Self {
            output: output.into(),
            success: true,
            ..Self::default()
        }
    }

    /// It did not; `output` is a sentence that says what to do.
    pub fn failed(output: impl Into<String>) -> Self {
        Self {
            output: output.into(),
            ..Self::default()
        }
    }

    /// The text is somebody else's, from this place.
    pub fn from_source(mut self, name: impl Into<String>, taints: bool) -> Self {
        self.source = Some(Source {
            name: name.into(),
            taints,
        });
        self
    }

    /// With what changed in files.
    pub fn with_diff(mut self, diff: impl Into<String>) -> Self {
        self.diff = Some(diff.into());
        self
    }
}

/// Something the agent can do.
pub trait Tool: Send + Sync {
    /// What it is.
    fn spec(&self) -> &ToolSpec;

    /// What the call would do. Pure: nothing is looked up.
    ///
    /// # Errors
    /// A sentence for the model: what is wrong with the arguments.
    fn plan(&self, args: &Value) -> Result<Vec<Action>, String>;

    /// What would change in files, as a unified diff, for the person who is asked.
    fn preview(&self, _facts: Arc<Facts>, _args: Value) -> BoxFuture<'static, Option<String>> {
        Box::pin(std::future::ready(None))
    }

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
    aliases: BTreeMap<&'static str, String>,
}

impl ToolRegistry {
    /// A registry of these tools; of two with one name the last wins.
    pub fn new(tools: impl IntoIterator<Item = Arc<dyn Tool>>) -> Self {
        let mut registry = Self::default();
        for tool in tools {
            let spec = tool.spec();
            let name = spec.definition.name.clone();
            for alias in spec.aliases {
                registry.aliases.insert(alias, name.clone());
            }
            registry.tools.insert(name, tool);
        }
        registry
    }

    /// The tool of this name, or the one that answers to it.
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Tool>> {
        let alias = || self.tools.get(self.aliases.get(name)?);
        self.tools.get(name).or_else(alias)
    }

    /// All tools, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn Tool>> {
        self.tools.values()
    }

    /// All tools as a model sees them.
    pub fn definitions(&self) -> Vec<ToolDefinition> {
        self.iter()
            .map(|tool| tool.spec().definition.clone())
            .collect()
    }
}
