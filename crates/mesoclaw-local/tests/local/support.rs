//! The real test model, an engine for it, and small tools of the engine's tests.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::StreamExt;
use mesoclaw_agent::model::{
    GenerationParams, ModelClient, ModelDelta, ModelError, ModelMessage, ModelRequest, StopReason,
};
use mesoclaw_agent::model_files::{CancelToken, ModelFiles, ProgressSink, PullProgress};
use mesoclaw_api::Usage;
use mesoclaw_api::ops::model::PullParams;
use mesoclaw_local::{FLOOR_MODEL, LocalEngine, LocalOptions};

/// Options for a folder.
pub fn options(models_dir: &Path) -> LocalOptions {
    LocalOptions {
        models_dir: models_dir.to_owned(),
        // Two tests run at once on two cores; more threads would only wait for each other.
        threads: 1,
        context_tokens: 2048,
        repeat_penalty: 1.1,
        idle_unload_secs: 0,
    }
}

/// The path of SmolLM2-135M: named by `MESOCLAW_TEST_MODEL`, or fetched once with the product's
/// own pull. No weights is a failure.
pub fn model_file() -> PathBuf {
    if let Some(path) = std::env::var_os("MESOCLAW_TEST_MODEL") {
        return PathBuf::from(path);
    }
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .parent()
        .unwrap()
        .join("test-models");
    std::fs::create_dir_all(&dir).unwrap();
    let path = dir.join(format!("{FLOOR_MODEL}.gguf"));
    let lock = File::create(dir.join("lock")).unwrap();
    lock.lock().unwrap();
    if !path.is_file() {
        // A thread of its own: the caller may be inside a runtime already.
        let fetching = std::thread::spawn(move || fetch_into(&dir));
        fetching.join().unwrap();
    }
    path
}

fn fetch_into(dir: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let engine = LocalEngine::new(options(dir));
    let pulled = runtime.block_on(engine.pull(
        pull_params(FLOOR_MODEL),
        Arc::new(Recorder::default()),
        Arc::new(Flag::default()),
    ));
    pulled.expect("the test model must be had: set MESOCLAW_TEST_MODEL or make pip work");
}

/// A folder in which the test model is installed, and the folder's owner.
pub fn home_with_model() -> (tempfile::TempDir, LocalOptions) {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join(format!("{FLOOR_MODEL}.gguf"));
    std::os::unix::fs::symlink(model_file(), path).unwrap();
    let options = options(home.path());
    (home, options)
}

/// An engine with the test model.
pub fn engine() -> (tempfile::TempDir, LocalEngine) {
    let (home, options) = home_with_model();
    (home, LocalEngine::new(options))
}

pub fn pull_params(model_id: &str) -> PullParams {
    PullParams {
        model_id: model_id.to_owned(),
        source: None,
        sha256: None,
    }
}

pub fn user(text: &str) -> ModelMessage {
    ModelMessage::User {
        text: text.to_owned(),
        images: Vec::new(),
    }
}

pub fn assistant(text: &str) -> ModelMessage {
    ModelMessage::Assistant {
        text: text.to_owned(),
        calls: Vec::new(),
    }
}

/// A greedy request.
pub fn request(messages: Vec<ModelMessage>) -> ModelRequest {
    ModelRequest {
        model: FLOOR_MODEL.to_owned(),
        cache_key: "test".to_owned(),
        system: "You are a helpful assistant.".to_owned(),
        messages,
        tools: Vec::new(),
        params: GenerationParams {
            max_tokens: Some(64),
            temperature: Some(0.0),
            ..GenerationParams::default()
        },
    }
}

/// A whole answer.
#[derive(Clone, PartialEq, Debug)]
pub struct Answer {
    pub text: String,
    pub usage: Usage,
    pub stop: StopReason,
    pub n_pieces: usize,
}

/// Reads an answer to its end.
pub async fn answer(engine: &LocalEngine, request: ModelRequest) -> Result<Answer, ModelError> {
    let mut stream = engine.stream(request);
    let mut answer = Answer {
        text: String::new(),
        usage: Usage::default(),
        stop: StopReason::Filtered,
        n_pieces: 0,
    };
    let mut is_over = false;
    while let Some(delta) = stream.next().await {
        assert!(!is_over, "something came after the stop");
        match delta? {
            ModelDelta::Text(text) => {
                answer.n_pieces += 1;
                answer.text.push_str(&text);
            }
            ModelDelta::Usage(usage) => answer.usage = usage,
            ModelDelta::Stop(reason) => {
                answer.stop = reason;
                is_over = true;
            }
            other => panic!("unexpected {other:?}"),
        }
    }
    assert!(is_over, "the stream ended without a stop");
    Ok(answer)
}

/// Keeps what a transfer told.
#[derive(Default)]
pub struct Recorder(pub Mutex<Vec<PullProgress>>);

impl ProgressSink for Recorder {
    fn progress(&self, progress: PullProgress) {
        self.0.lock().unwrap().push(progress);
    }
}

/// A cancel token a test can set.
#[derive(Default)]
pub struct Flag(pub AtomicBool);

impl CancelToken for Flag {
    fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// Waits until something is so, at most 20 s.
pub async fn until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let mut tick = tokio::time::interval(std::time::Duration::from_millis(5));
    while !is_so() {
        assert!(std::time::Instant::now() < deadline, "never: {what}");
        tick.tick().await;
    }
}
