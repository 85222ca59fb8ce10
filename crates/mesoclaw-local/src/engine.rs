//! The engine's thread: it alone owns model and context, takes requests from a bounded queue,
//! loads on first use and unloads when idle. No thread exists before the first request.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::model::params::LlamaModelParams;
use mesoclaw_agent::model::ModelRequest;
use tokio::sync::oneshot;

use crate::answer::Loaded;
use crate::error::LocalError;
use crate::files::Files;
use crate::outbox::Outbox;
use crate::stats::Counters;

/// Requests that may wait; one more is told that the model is busy.
const QUEUE: usize = 64;

/// How the engine works; a change counts from the next request on.
#[derive(Clone, PartialEq, Debug)]
pub struct LocalOptions {
    /// Folder of the model files.
    pub models_dir: PathBuf,
    /// Threads to compute with; 0 = all cores.
    pub threads: u32,
    /// Tokens of prompt and answer together; 0 = as many as the model was trained for.
    pub context_tokens: u32,
    /// How much tokens of the answer are avoided; 1 = not at all.
    pub repeat_penalty: f32,
    /// Seconds without a request after which the model leaves memory; 0 = never.
    pub idle_unload_secs: u64,
}

impl LocalOptions {
    pub(crate) fn n_threads(&self) -> u32 {
        if self.threads > 0 {
            return self.threads;
        }
        std::thread::available_parallelism()
            .map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(1))
    }

    /// Whether a model loaded under `other` can go on under these.
    fn fits(&self, other: &Self) -> bool {
        self.models_dir == other.models_dir
            && self.n_threads() == other.n_threads()
            && self.context_tokens == other.context_tokens
    }
}

/// What the thread and its owners both see.
pub(crate) struct Shared {
    options: Mutex<LocalOptions>,
    loaded: Mutex<Option<String>>,
    is_stopping: AtomicBool,
    pub(crate) counters: Counters,
}

impl Shared {
    pub(crate) fn options(&self) -> LocalOptions {
        lock(&self.options).clone()
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Relaxed)
    }
}

/// The owner's side of the engine.
pub(crate) struct Engine {
    pub(crate) shared: Arc<Shared>,
    worker: Mutex<Option<Worker>>,
}

struct Worker {
    queue: SyncSender<Command>,
    thread: JoinHandle<()>,
}

enum Command {
    Answer(Box<Job>),
    Unload {
        model_id: String,
        done: oneshot::Sender<()>,
    },
}

/// A request and where its answer goes.
pub(crate) struct Job {
    pub(crate) request: ModelRequest,
    /// Whether the answer has to begin with a call.
    pub(crate) must_call: bool,
    pub(crate) outbox: Outbox,
}

impl Engine {
    pub(crate) fn new(options: LocalOptions) -> Self {
        Self {
            shared: Arc::new(Shared {
                options: Mutex::new(options),
                loaded: Mutex::new(None),
                is_stopping: AtomicBool::new(false),
                counters: Counters::default(),
            }),
            worker: Mutex::new(None),
        }
    }

    pub(crate) fn set_options(&self, options: LocalOptions) {
        *lock(&self.shared.options) = options;
    }

    pub(crate) fn loaded(&self) -> Option<String> {
        lock(&self.shared.loaded).clone()
    }

    /// Queues a request; its fate is told through the outbox.
    pub(crate) fn submit(&self, job: Job) {
        if let Err((error, command)) = self.send(Command::Answer(Box::new(job)))
            && let Command::Answer(job) = command
        {
            job.outbox.fail(error);
        }
    }

    /// Unloads this model if it is the one in memory; waits for a running answer.
    pub(crate) async fn unload(&self, model_id: &str) -> Result<(), LocalError> {
        if lock(&self.worker).is_none() {
            return Ok(());
        }
        let (done, wait) = oneshot::channel();
        let command = Command::Unload {
            model_id: model_id.to_owned(),
            done,
        };
        self.send(command).map_err(|(error, _)| error)?;
        wait.await.map_err(|_| LocalError::Worker)
    }

    /// Ends the thread: a running answer stops at the next token, waiting ones get an error.
    pub(crate) fn shut_down(&self) {
        self.shared.is_stopping.store(true, Ordering::Relaxed);
        let worker = lock(&self.worker).take();
        if let Some(Worker { queue, thread }) = worker {
            drop(queue);
            if thread.join().is_err() {
                tracing::error!("the engine's thread had panicked");
            }
        }
    }

    fn send(&self, command: Command) -> Result<(), (LocalError, Command)> {
        if self.shared.is_stopping() {
            return Err((LocalError::ShutDown, command));
        }
        let mut worker = lock(&self.worker);
        let mut command = command;
        if let Some(running) = worker.as_ref() {
            match running.queue.try_send(command) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Full(command)) => {
                    return Err((LocalError::Busy { waiting: QUEUE }, command));
                }
                // The thread panicked; a new one takes over.
                Err(TrySendError::Disconnected(returned)) => command = returned,
            }
        }
        let (queue, commands) = sync_channel(QUEUE);
        let shared = Arc::clone(&self.shared);
        let started = std::thread::Builder::new()
            .name("local-engine".to_owned())
            .spawn(move || run(&shared, &commands));
        let thread = match started {
            Ok(thread) => thread,
            Err(source) => return Err((LocalError::Thread { source }, command)),
        };
        let sent = queue.try_send(command);
        *worker = Some(Worker { queue, thread });
        sent.map_err(|error| match error {
            TrySendError::Full(command) | TrySendError::Disconnected(command) => {
                (LocalError::Worker, command)
            }
        })
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // The thread ends by itself when its queue is gone; nobody has to wait for it here.
        self.shared.is_stopping.store(true, Ordering::Relaxed);
    }
}

fn run(shared: &Arc<Shared>, commands: &Receiver<Command>) {
    let mut next = None;
    loop {
        let command = match next.take() {
            Some(command) => command,
            None => match commands.recv() {
                Ok(command) => command,
                Err(_) => return,
            },
        };
        match command {
            Command::Unload { done, .. } => tell(done),
            Command::Answer(job) => match serve(shared, commands, *job) {
                Ok(command) => next = command,
                Err((error, outbox)) => outbox.fail(error),
            },
        }
    }
}

/// Loads a model and answers with it until something else is wanted.
fn serve(
    shared: &Arc<Shared>,
    commands: &Receiver<Command>,
    first: Job,
) -> Result<Option<Command>, (LocalError, Outbox)> {
    if shared.is_stopping() {
        return Err((LocalError::ShutDown, first.outbox));
    }
    if first.outbox.is_abandoned() {
        return Ok(None);
    }
    let started = Instant::now();
    let options = shared.options();
    let model_id = first.request.model.clone();
    let loading = load(shared, &options, &model_id);
    let (backend, model) = match loading {
        Ok(loaded) => loaded,
        Err(error) => return Err((error, first.outbox)),
    };
    let mut loaded = match Loaded::new(&backend, &model, Arc::clone(shared), started) {
        Ok(loaded) => loaded,
        Err(error) => return Err((error, first.outbox)),
    };
    *lock(&shared.loaded) = Some(model_id.clone());
    Counters::add(&shared.counters.loads, 1);
    tracing::info!(model = %model_id, ms = started.elapsed().as_millis() as u64, "model loaded");
    let unloading = Unloading(shared);

    loaded.answer(first);
    let next = loop {
        match wait(commands, shared.options().idle_unload_secs) {
            Some(Command::Answer(job)) => {
                if job.request.model != model_id || !shared.options().fits(&options) {
                    break Some(Command::Answer(job));
                }
                if !job.outbox.is_abandoned() {
                    loaded.answer(*job);
                }
            }
            Some(Command::Unload { model_id: id, done }) if id != model_id => tell(done),
            other => break other,
        }
    };
    drop(loaded);
    drop(model);
    drop(unloading);
    tracing::info!(model = %model_id, "model unloaded");
    Ok(next)
}

/// The next command; `None` after the idle time or when the owner is gone.
fn wait(commands: &Receiver<Command>, idle_secs: u64) -> Option<Command> {
    if idle_secs == 0 {
        return commands.recv().ok();
    }
    // Time over and owner gone come to the same: the model leaves memory.
    commands.recv_timeout(Duration::from_secs(idle_secs)).ok()
}

/// Takes the model off the books, also when the thread panics.
struct Unloading<'a>(&'a Shared);

impl Drop for Unloading<'_> {
    fn drop(&mut self) {
        *lock(&self.0.loaded) = None;
        Counters::add(&self.0.counters.unloads, 1);
    }
}

fn load(
    shared: &Arc<Shared>,
    options: &LocalOptions,
    model_id: &str,
) -> Result<(Arc<LlamaBackend>, LlamaModel), LocalError> {
    let path = Files::new(options.models_dir.clone()).checked_path(model_id)?;
    let backend = backend()?;
    let stop = Arc::clone(shared);
    let params = LlamaModelParams::default()
        .with_use_mmap(true)
        .with_n_gpu_layers(0)
        .with_progress_callback(move |_| !stop.is_stopping());
    let model = LlamaModel::load_from_file(&backend, &path, &params);
    let model = model.map_err(|source| LocalError::Load { path, source })?;
    Ok((backend, model))
}

/// llama.cpp, started once for the process; its log goes to `tracing`.
pub(crate) fn backend() -> Result<Arc<LlamaBackend>, LocalError> {
    static BACKEND: Mutex<Option<Arc<LlamaBackend>>> = Mutex::new(None);
    let mut started = lock(&BACKEND);
    if let Some(backend) = started.as_ref() {
        return Ok(Arc::clone(backend));
    }
    llama_cpp_2::send_logs_to_tracing(llama_cpp_2::LogOptions::default());
    let backend = LlamaBackend::init().map_err(|source| LocalError::Backend { source })?;
    let backend = Arc::new(backend);
    *started = Some(Arc::clone(&backend));
    Ok(backend)
}

fn tell(done: oneshot::Sender<()>) {
    // Whoever asked may have stopped waiting; then there is nobody to tell.
    done.send(()).ok();
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every critical section here is a single assignment, so a panic cannot leave half a value.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
