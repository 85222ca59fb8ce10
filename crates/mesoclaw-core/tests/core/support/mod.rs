//! A core on a temporary home, with a model the test plays itself.

mod endpoint;
mod work;

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt;
use mesoclaw_agent::model::{
    ModelClient, ModelDelta, ModelError, ModelRequest, ModelStream, StopReason, ToolDefinition,
};
use mesoclaw_agent::model_files::{
    CancelToken, ModelFiles, ModelFilesError, ModelFilesErrorKind, ProgressSink,
};
use mesoclaw_agent::policy::{Action, SandboxFact};
use mesoclaw_agent::tool::{Tool, ToolCx, ToolOutput, ToolRegistry, ToolSpec};
use mesoclaw_api::ops::chat::{ChatSend, SendParams, Sent};
use mesoclaw_api::ops::events::{Delivery, EventSource, EventStream, SubscribeParams};
use mesoclaw_api::ops::model::{ImportParams, ModelFile, PullParams};
use mesoclaw_api::ops::session::{ItemsParams, SessionItems};
use mesoclaw_api::{
    ApiResult, BoxFuture, CallCtx, CallerExt, Event, Item, Operation, Secret, SessionId, Surface,
    Timestamp, TurnOutcome,
};
use mesoclaw_config::{Locations, Paths, Sources};
use mesoclaw_core::{
    BootOptions, Core, DaemonFacts, GroundOptions, KeyStore, KeyStoreOptions, LocalParts, Redactor,
};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use endpoint::{authorization, endpoint, texts_of};
pub use work::{Met, Work, answer_of, play};

/// What a test hears of one model call.
pub struct ModelCallHandle {
    pub request: ModelRequest,
    tx: mpsc::Sender<Result<ModelDelta, ModelError>>,
}

impl ModelCallHandle {
    pub async fn text(&self, text: &str) {
        self.send(Ok(ModelDelta::Text(text.to_owned()))).await;
    }

    pub async fn call(&self, index: u32, id: &str, tool: &str, args: &Value) {
        self.send(Ok(ModelDelta::ToolCall {
            index,
            id: id.to_owned(),
            name: tool.to_owned(),
            arguments: args.to_string(),
        }))
        .await;
    }

    pub async fn stop(&self, reason: StopReason) {
        self.send(Ok(ModelDelta::Stop(reason))).await;
    }

    pub async fn fail(&self, error: ModelError) {
        self.send(Err(error)).await;
    }

    /// Resolves when the daemon no longer wants this answer.
    pub async fn dropped(&self) {
        self.tx.closed().await;
    }

    async fn send(&self, delta: Result<ModelDelta, ModelError>) {
        self.tx.send(delta).await.expect("the call is still wanted");
    }
}

/// A model whose answers the test gives, call by call.
pub struct PlayedModel {
    calls: mpsc::Sender<ModelCallHandle>,
}

impl ModelClient for PlayedModel {
    fn stream(&self, request: ModelRequest) -> ModelStream {
        let (tx, rx) = mpsc::channel(64);
        self.calls
            .try_send(ModelCallHandle { request, tx })
            .expect("the test takes the calls");
        Box::pin(futures_util::stream::unfold(rx, |mut rx| async move {
            let delta = rx.recv().await?;
            Some((delta, rx))
        }))
    }
}

/// Model files of which one, `m`, is installed.
struct OneModel;

fn model_file(id: &str) -> ModelFile {
    ModelFile {
        id: id.to_owned(),
        name: id.to_owned(),
        is_installed: id == "m",
        is_in_catalogue: true,
        path: None,
        size_bytes: None,
        sha256: None,
        is_verified: false,
        licence: None,
        parameters_millions: None,
        ram_mib: None,
        context_tokens: None,
        architecture: None,
        sources: Vec::new(),
        note: None,
    }
}

impl ModelFiles for OneModel {
    fn list(&self) -> BoxFuture<'_, Result<Vec<ModelFile>, ModelFilesError>> {
        Box::pin(async { Ok(vec![model_file("m"), model_file("absent")]) })
    }
    fn info(&self, model_id: &str) -> BoxFuture<'_, Result<ModelFile, ModelFilesError>> {
        let file = model_file(model_id);
        Box::pin(async move { Ok(file) })
    }
    fn pull(
        &self,
        _params: PullParams,
        _progress: Arc<dyn ProgressSink>,
        cancel: Arc<dyn CancelToken>,
    ) -> BoxFuture<'_, Result<ModelFile, ModelFilesError>> {
        Box::pin(async move {
            while !cancel.is_cancelled() {
                tokio::task::yield_now().await;
            }
            Err(ModelFilesError {
                kind: ModelFilesErrorKind::Cancelled,
                message: "stopped".to_owned(),
                hint: None,
            })
        })
    }
    fn import(&self, _: ImportParams) -> BoxFuture<'_, Result<ModelFile, ModelFilesError>> {
        Box::pin(async { Ok(model_file("m")) })
    }
    fn remove(&self, _: &str) -> BoxFuture<'_, Result<(), ModelFilesError>> {
        Box::pin(async { Ok(()) })
    }
    fn loaded(&self) -> Option<String> {
        None
    }
    fn recommended(&self) -> String {
        "m".to_owned()
    }
}

/// A tool that answers with its arguments; its risk stands in them.
pub struct EchoTool {
    spec: ToolSpec,
    pub runs: Arc<Mutex<Vec<Value>>>,
}

impl EchoTool {
    pub fn new(name: &str) -> Arc<Self> {
        Arc::new(Self {
            spec: ToolSpec {
                definition: ToolDefinition {
                    name: name.to_owned(),
                    description: "repeats its arguments".to_owned(),
                    parameters: json!({"type": "object"}),
                },
                aliases: &[],
            },
            runs: Arc::default(),
        })
    }
}

impl Tool for EchoTool {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }
    fn plan(&self, args: &Value) -> Result<Vec<Action>, String> {
        Ok(vec![match args.get("risky") {
            Some(what) => Action::Other {
                what: what.to_string(),
            },
            None => Action::Inspect,
        }])
    }
    fn run(&self, cx: ToolCx, args: Value) -> BoxFuture<'static, ToolOutput> {
        self.runs.lock().unwrap().push(args.clone());
        Box::pin(async move {
            assert!(args.get("panic").is_none(), "a tool that panics");
            if args.get("hang").is_some() {
                (cx.progress)("hanging".to_owned());
                std::future::pending::<()>().await;
            }
            ToolOutput::done(args.to_string())
        })
    }
}

/// A core on a temporary home.
pub struct Bench {
    pub home: tempfile::TempDir,
    pub db_path: PathBuf,
    pub core: Core,
    pub calls: mpsc::Receiver<ModelCallHandle>,
    pub events: EventStream,
    /// What the daemon's own environment holds.
    pub variables: Variables,
    tracker: TaskTracker,
}

/// Variables of an environment that a test may change while the core runs.
pub type Variables = Arc<Mutex<BTreeMap<String, String>>>;

/// Settings under which nothing is tried twice and nothing is waited for long.
pub const QUICK: &str = "provider_name = \"one\"\nprovider_model_id = \"m\"\n\
     provider_max_retries = 0\nprovider_connect_timeout_secs = 1\n\
     provider_first_token_timeout_secs = 1\nprovider_idle_timeout_secs = 1\n";

const DEFAULT_LOCAL: &str = "provider_name = \"local\"\nprovider_model_id = \"m\"\n";

impl Bench {
    pub async fn start() -> Self {
        Self::with_tools(Vec::new()).await
    }

    pub async fn with_tools(tools: Vec<Arc<dyn Tool>>) -> Self {
        Self::with(
            &format!("{DEFAULT_LOCAL}approval_timeout_secs = 5\n"),
            tools,
        )
        .await
    }

    /// A core with this configuration and nothing else in it.
    pub async fn configured(config: &str) -> Self {
        Self::with(config, Vec::new()).await
    }

    pub async fn with(config: &str, tools: Vec<Arc<dyn Tool>>) -> Self {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("config.toml"), config).unwrap();
        Self::on(home, tools, Variables::default()).await
    }

    /// Ends the core the way a crash does (nothing is closed) and starts another on the same home.
    pub async fn crash_and_restart(self, tools: Vec<Arc<dyn Tool>>) -> Self {
        let Self {
            home,
            core,
            calls,
            events,
            variables,
            tracker,
            ..
        } = self;
        // The old core keeps its connection but gets no more commands; its tasks see the end of
        // their senders.
        drop((core, calls, events, tracker));
        Self::on(home, tools, variables).await
    }

    async fn on(home: tempfile::TempDir, tools: Vec<Arc<dyn Tool>>, variables: Variables) -> Self {
        let locations = Locations::of_process(Some(home.path().to_owned()), None).unwrap();
        let sources = Sources::new(locations.config_file.clone(), [], []);
        let snapshot = mesoclaw_config::load(&sources).unwrap();
        let paths = Paths::resolve(&locations, &snapshot.config).unwrap();
        paths.create_directories().unwrap();
        let (calls_tx, calls) = mpsc::channel(64);
        let tracker = TaskTracker::new();
        let redactor = Redactor::new();
        let environment = Arc::clone(&variables);
        let core = mesoclaw_core::boot::boot(BootOptions {
            db_path: paths.db_path.clone(),
            sources,
            snapshot,
            local: Some(LocalParts {
                client: Arc::new(PlayedModel { calls: calls_tx }),
                files: Arc::new(OneModel),
                apply: Arc::new(|_| {}),
            }),
            tools: Box::new(move |_| ToolRegistry::new(tools)),
            ground: ground(home.path(), &paths),
            checkpoint_dir: paths.data_dir.join("checkpoints"),
            environment: Box::new(move |name| {
                let variables = environment.lock().unwrap();
                variables.get(name).cloned().map(Secret::new)
            }),
            key_store: KeyStore::open(KeyStoreOptions {
                redactor: redactor.clone(),
                // Whoever runs the tests keeps their own keys.
                service_id: "org.example.mesoclaw-tests".to_owned(),
                // And a keyring that asks its owner first is one that does not work.
                keyring_limit: Duration::from_secs(1),
                ..KeyStoreOptions::new(paths.data_dir.join("keys"))
            }),
            redactor,
            on_config: Box::new(|_| {}),
            facts: daemon_facts(),
            tracker: tracker.clone(),
            shutdown: CancellationToken::new(),
        })
        .await
        .unwrap();
        let (_, events) = EventSource::subscribe(&core, SubscribeParams::default());
        Self {
            home,
            db_path: paths.db_path,
            core,
            calls,
            events,
            variables,
            tracker,
        }
    }

    pub async fn call<O: Operation>(&self, params: O::Params) -> ApiResult<O::Output> {
        self.call_over::<O>(1, params).await
    }

    /// The same over another connection.
    pub async fn call_over<O: Operation>(
        &self,
        connection: u64,
        params: O::Params,
    ) -> ApiResult<O::Output> {
        self.call_from::<O>(Surface::Cli, connection, params).await
    }

    pub async fn call_from<O: Operation>(
        &self,
        surface: Surface,
        connection: u64,
        params: O::Params,
    ) -> ApiResult<O::Output> {
        let cx = CallCtx {
            surface,
            connection,
        };
        self.core.call_typed::<O>(cx, params).await
    }

    pub async fn send(&self, session_id: Option<&SessionId>, text: &str) -> ApiResult<Sent> {
        self.call::<ChatSend>(SendParams {
            session_id: session_id.cloned(),
            text: text.to_owned(),
            ..SendParams::default()
        })
        .await
    }

    /// Sends a message to a model, in a session of its own.
    pub async fn say_to(&self, model: &str, text: &str) -> ApiResult<Sent> {
        self.call::<ChatSend>(SendParams {
            text: text.to_owned(),
            model: Some(model.to_owned()),
            ..SendParams::default()
        })
        .await
    }

    pub async fn model_call(&mut self) -> ModelCallHandle {
        within(self.calls.recv()).await.expect("a model call")
    }

    /// The next event that `wanted` maps to something.
    pub async fn event<T>(&mut self, mut wanted: impl FnMut(&Event) -> Option<T>) -> T {
        within(async {
            loop {
                match self.events.next().await {
                    Some(Delivery::Event(frame)) => {
                        if let Some(found) = wanted(&frame.event) {
                            return found;
                        }
                    }
                    Some(Delivery::Lagged { skipped }) => panic!("lagged by {skipped}"),
                    None => panic!("the events ended"),
                }
            }
        })
        .await
    }

    /// Waits for the end of a turn and gives its status word.
    pub async fn finished(&mut self) -> &'static str {
        self.outcome().await.status()
    }

    /// Waits for the end of a turn and gives it.
    pub async fn outcome(&mut self) -> TurnOutcome {
        self.until_finished().await.1
    }

    /// Waits for the end of a turn and gives everything that was told before it, and the end.
    pub async fn until_finished(&mut self) -> (Vec<Event>, TurnOutcome) {
        let mut told = Vec::new();
        let outcome = self
            .event(|event| {
                told.push(event.clone());
                match event {
                    Event::TurnFinished { outcome, .. } => Some(outcome.clone()),
                    _ => None,
                }
            })
            .await;
        (told, outcome)
    }

    /// Sends a message in a session of its own and waits for the end of its turn.
    pub async fn say(&mut self, text: &str) -> (SessionId, TurnOutcome) {
        let sent = self.send(None, text).await.unwrap();
        (sent.session_id, self.outcome().await)
    }

    pub async fn items(&self, session_id: &SessionId) -> Vec<Item> {
        self.call::<SessionItems>(ItemsParams {
            session_id: session_id.clone(),
            before: None,
            after: None,
            limit: Some(1000),
        })
        .await
        .unwrap()
        .items
    }

    /// The items of a session as short words, for comparison.
    pub async fn story(&self, session_id: &SessionId) -> Vec<String> {
        self.items(session_id)
            .await
            .iter()
            .map(|item| {
                let body = serde_json::to_value(&item.body).unwrap();
                let detail = ["text", "tool", "decision"]
                    .iter()
                    .find_map(|key| body.get(*key).and_then(Value::as_str))
                    .or_else(|| body["outcome"]["status"].as_str())
                    .unwrap_or_default();
                format!("{} {detail}", body["kind"].as_str().unwrap())
            })
            .collect()
    }
}

fn ground(home: &Path, paths: &Paths) -> GroundOptions {
    GroundOptions {
        home: Some(home.to_owned()),
        own: vec![paths.data_dir.clone()],
        config_dir: paths.config_dir.clone(),
        scratch: home.join("scratch"),
        environment: BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]),
        sandbox: Box::new(|_| SandboxFact {
            enforced: false,
            note: "nothing keeps programs inside in these tests".to_owned(),
        }),
    }
}

fn daemon_facts() -> DaemonFacts {
    DaemonFacts {
        pid: std::process::id(),
        version: "0",
        started_at: Timestamp::now(),
        socket: String::new(),
        data_dir: String::new(),
        clients: Box::new(|| 0),
    }
}

/// A change of the configuration.
pub fn patch(values: Value) -> serde_json::Map<String, Value> {
    match values {
        Value::Object(patch) => patch,
        other => panic!("not an object: {other}"),
    }
}

/// A test that waits longer than this hangs.
pub async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), future)
        .await
        .expect("it happened within 30 s")
}

/// Plays one plain answer.
pub async fn answer(bench: &mut Bench, pieces: &[&str]) {
    let call = bench.model_call().await;
    for piece in VecDeque::from(pieces.to_vec()) {
        call.text(piece).await;
    }
    call.stop(StopReason::End).await;
}
