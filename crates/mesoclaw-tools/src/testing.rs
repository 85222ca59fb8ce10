//! For the tests of this crate: a workspace with an outside, and a way to make calls as the
//! driver does.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use mesoclaw_agent::model_files::CancelToken;
use mesoclaw_agent::policy::{Facts, Inquiry, Roots, SandboxFact};
use mesoclaw_agent::tool::{Checkpoints, FileImage, Tool, ToolCx, ToolOutput};
use mesoclaw_api::{BoxFuture, CallId, Surface};
use serde_json::Value;

use crate::facts::gather;
use crate::options::{OptionsNow, ToolOptions};

/// Directories of a test: `root` is the workspace, `outside` lies beside it.
pub struct Ground {
    _dir: tempfile::TempDir,
    pub root: PathBuf,
    pub outside: PathBuf,
    pub home: PathBuf,
    pub temp: PathBuf,
    pub own: PathBuf,
    pub kept: Arc<Kept>,
    pub cancel: Arc<Flag>,
    pub options: ToolOptions,
}

/// A token that a test sets.
#[derive(Default)]
pub struct Flag(AtomicBool);

impl Flag {
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl CancelToken for Flag {
    fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A checkpoint that remembers what it was told.
#[derive(Default)]
pub struct Kept {
    pub before: Mutex<Vec<(PathBuf, Option<FileImage>)>>,
    pub after: Mutex<Vec<(PathBuf, Option<[u8; 32]>)>>,
    pub refuses: AtomicBool,
}

impl Checkpoints for Kept {
    fn max_file_bytes(&self) -> u64 {
        1024 * 1024
    }

    fn before_write(
        &self,
        path: PathBuf,
        before: Option<FileImage>,
    ) -> BoxFuture<'static, Result<(), String>> {
        let refuses = self.refuses.load(Ordering::Relaxed);
        self.before.lock().unwrap().push((path, before));
        Box::pin(async move {
            if refuses {
                Err("the disk is full".to_owned())
            } else {
                Ok(())
            }
        })
    }

    fn after_write(
        &self,
        path: PathBuf,
        sha256: Option<[u8; 32]>,
    ) -> BoxFuture<'static, Result<(), String>> {
        self.after.lock().unwrap().push((path, sha256));
        Box::pin(async { Ok(()) })
    }
}

impl Ground {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path().canonicalize().unwrap();
        let made = |name: &str| {
            let path = base.join(name);
            std::fs::create_dir(&path).unwrap();
            path
        };
        Self {
            root: made("work"),
            outside: made("outside"),
            home: made("home"),
            temp: made("temp"),
            own: made("own"),
            _dir: dir,
            kept: Arc::default(),
            cancel: Arc::default(),
            options: ToolOptions::default(),
        }
    }

    pub fn roots(&self) -> Roots {
        Roots {
            workspace: Some(self.root.clone()),
            cwd: self.root.clone(),
            temp: self.temp.clone(),
            home: Some(self.home.clone()),
            own: vec![self.own.clone()],
            readable: Vec::new(),
        }
    }

    pub fn options(&self) -> OptionsNow {
        let options = self.options.clone();
        Arc::new(move || options.clone())
    }

    /// Writes a file of the workspace, with its directories.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        write(&self.root.join(name), content)
    }

    /// Writes a file outside.
    pub fn outside_file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        write(&self.outside.join(name), content)
    }

    pub fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.root.join(name)).unwrap()
    }

    pub fn facts(&self, tool: &dyn Tool, args: &Value) -> Result<Arc<Facts>, String> {
        let actions = tool.plan(args)?;
        let inquiry = Inquiry::new(&tool.spec().definition.name, args, actions);
        let environment = BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]);
        let sandbox = SandboxFact::default();
        Ok(Arc::new(gather(
            &inquiry,
            &self.roots(),
            &environment,
            sandbox,
        )))
    }

    pub fn cx(&self, facts: Arc<Facts>) -> ToolCx {
        ToolCx {
            session_id: None,
            call_id: CallId::random(),
            surface: Surface::Cli,
            cancel: Arc::clone(&self.cancel) as Arc<dyn CancelToken>,
            progress: Arc::new(|_| {}),
            facts,
            network: false,
            lists: Vec::new(),
            opened: Vec::new(),
            reads: Vec::new(),
            writes: Vec::new(),
            looks_only: false,
            checkpoints: Arc::clone(&self.kept) as Arc<dyn Checkpoints>,
        }
    }

    /// Makes a call as the driver does: plan, look up, run.
    pub fn call(&self, tool: &dyn Tool, args: Value) -> ToolOutput {
        match self.facts(tool, &args) {
            Ok(facts) => self.run(tool, args, facts),
            Err(sentence) => ToolOutput::failed(sentence),
        }
    }

    /// Runs a call whose facts were gathered before.
    pub fn run(&self, tool: &dyn Tool, args: Value, facts: Arc<Facts>) -> ToolOutput {
        block_on(tool.run(self.cx(facts), args))
    }

    pub fn preview(&self, tool: &dyn Tool, args: Value) -> Option<String> {
        let facts = self.facts(tool, &args).unwrap();
        block_on(tool.preview(facts, args))
    }
}

pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

fn write(path: &Path, content: impl AsRef<[u8]>) -> PathBuf {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
    path.to_path_buf()
}
