//! `LocalError`: every way the embedded engine and its model files can fail.

use std::io;
use std::path::PathBuf;

use mesoclaw_agent::model::{ModelError, ModelErrorKind};
use mesoclaw_agent::model_files::{ModelFilesError, ModelFilesErrorKind};
use mesoclaw_api::error::chain;

use crate::gguf::GgufError;

/// Why the engine or its files could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[expect(
    missing_docs,
    reason = "the text of each variant says what its fields are"
)]
pub enum LocalError {
    #[error("model `{id}` is not in the catalogue and not installed")]
    UnknownModel { id: String },
    #[error("model `{id}` is not installed")]
    NotInstalled { id: String },
    #[error(
        "`{id}` is no model id: use 1 to 64 of a-z, 0-9, `.`, `_`, `-`, starting with a letter or digit"
    )]
    BadId { id: String },
    #[error("`{text}` is no SHA-256: 64 hexadecimal digits")]
    BadHash { text: String },
    #[error("`{text}` is no source: {reason}")]
    BadSource { text: String, reason: &'static str },
    #[error("model `{id}` is installed already")]
    AlreadyInstalled { id: String },
    #[error("model `{id}` is being fetched already")]
    BeingFetched { id: String },
    #[error("{path} {problem}")]
    NotAFile {
        path: PathBuf,
        problem: &'static str,
    },
    #[error("could not read {path}")]
    Read { path: PathBuf, source: io::Error },
    #[error("could not write {path}")]
    Write { path: PathBuf, source: io::Error },
    #[error("could not lay out the note beside {path}")]
    Note {
        path: PathBuf,
        source: serde_json::Error,
    },
    #[error("the disk has {free_bytes} bytes free, {needed_bytes} are needed")]
    DiskFull { needed_bytes: u64, free_bytes: u64 },
    #[error("{path} is no usable model file")]
    BadFile { path: PathBuf, source: GgufError },
    #[error("{path} has the architecture `{architecture}`, which this engine cannot chat with")]
    Architecture { path: PathBuf, architecture: String },
    #[error("{path} was refused by the engine: its metadata and tensors do not fit together")]
    Refused { path: PathBuf },
    #[error("the hash is {actual}, expected {expected}")]
    HashMismatch { expected: String, actual: String },
    #[error("the size is {actual_bytes} bytes, expected {expected_bytes}")]
    SizeMismatch {
        expected_bytes: u64,
        actual_bytes: u64,
    },
    #[error("could not set up the download")]
    Client { source: reqwest::Error },
    #[error("could not fetch {url}")]
    Fetch { url: String, source: reqwest::Error },
    #[error("{url} did not answer with a file but with status {status}")]
    Status { url: String, status: u16 },
    #[error("{url} sent {received_bytes} of {total_bytes} bytes and stopped")]
    Cut {
        url: String,
        received_bytes: u64,
        total_bytes: u64,
    },
    #[error("there is no pip on this machine")]
    NoPip,
    #[error("could not run pip")]
    RunPip { source: io::Error },
    #[error("pip could not download `{package}`: {report}")]
    Pip {
        package: String,
        report: String,
        is_network: bool,
    },
    #[error("the package `{package}` {problem}")]
    Package {
        package: String,
        problem: &'static str,
    },
    #[error("could not unpack the package `{package}`")]
    Unpack {
        package: String,
        source: zip::result::ZipError,
    },
    #[error("stopped on request")]
    Cancelled,
    #[error("a worker of the engine ended early")]
    Worker,
    #[error("could not start the engine's thread")]
    Thread { source: io::Error },
    #[error("the engine has been shut down")]
    ShutDown,
    #[error("the embedded model has {waiting} requests waiting")]
    Busy { waiting: usize },
    #[error("could not start llama.cpp")]
    Backend { source: llama_cpp_2::LlamaCppError },
    #[error("could not load {path}")]
    Load {
        path: PathBuf,
        source: llama_cpp_2::LlamaModelLoadError,
    },
    #[error("not enough memory for a context of {context_tokens} tokens")]
    Context {
        context_tokens: u32,
        source: llama_cpp_2::LlamaContextLoadError,
    },
    #[error("the engine failed while computing")]
    Decode { source: llama_cpp_2::DecodeError },
    #[error("the engine could not take a batch of tokens")]
    Batch {
        source: llama_cpp_2::llama_batch::BatchAddError,
    },
    #[error(
        "the prompt has {prompt_tokens} tokens, the context of this model holds {context_tokens}"
    )]
    ContextLength {
        prompt_tokens: usize,
        context_tokens: usize,
    },
    #[error("this model cannot see images")]
    Images,
    #[error("the vocabulary of this model cannot write a tool call")]
    NoToken,
}

impl LocalError {
    /// Whether another source may do better.
    pub(crate) fn is_about_reaching(&self) -> bool {
        matches!(
            self.files_kind(),
            ModelFilesErrorKind::Network | ModelFilesErrorKind::NotFound
        )
    }

    fn model_kind(&self) -> ModelErrorKind {
        match self {
            Self::NotInstalled { .. } => ModelErrorKind::NotConfigured,
            Self::UnknownModel { .. } | Self::BadId { .. } => ModelErrorKind::ModelNotFound,
            Self::ContextLength { .. } => ModelErrorKind::ContextLength,
            Self::Images | Self::NoToken => ModelErrorKind::Capability,
            Self::Busy { .. } => ModelErrorKind::RateLimited,
            // Everything else is about the file, the disk or the engine, not about the request.
            _ => ModelErrorKind::Internal,
        }
    }

    fn files_kind(&self) -> ModelFilesErrorKind {
        use ModelFilesErrorKind as Kind;
        match self {
            Self::UnknownModel { .. }
            | Self::NotInstalled { .. }
            | Self::NoPip
            | Self::Pip {
                is_network: false, ..
            }
            | Self::Status {
                status: 404 | 410, ..
            } => Kind::NotFound,
            Self::BadId { .. } | Self::BadHash { .. } | Self::BadSource { .. } => Kind::Invalid,
            Self::AlreadyInstalled { .. } | Self::BeingFetched { .. } | Self::Busy { .. } => {
                Kind::Conflict
            }
            Self::NotAFile { .. }
            | Self::BadFile { .. }
            | Self::Architecture { .. }
            | Self::Refused { .. }
            | Self::SizeMismatch { .. }
            | Self::Package { .. }
            | Self::Unpack { .. } => Kind::BadFile,
            Self::HashMismatch { .. } => Kind::HashMismatch,
            Self::Client { .. }
            | Self::Fetch { .. }
            | Self::Status { .. }
            | Self::Cut { .. }
            | Self::Pip { .. } => Kind::Network,
            Self::Cancelled | Self::ShutDown => Kind::Cancelled,
            Self::Read { source, .. } if source.kind() == io::ErrorKind::NotFound => Kind::NotFound,
            _ => Kind::Io,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NotInstalled { id } => format!("run `mesoclaw model pull {id}`"),
            Self::UnknownModel { .. } => "`mesoclaw model list` shows what there is".to_owned(),
            Self::NoPip => {
                "install Python with pip, or get the file elsewhere and run `mesoclaw model import FILE`"
                    .to_owned()
            }
            Self::AlreadyInstalled { id } => {
                format!("to replace it, run `mesoclaw model remove {id}` first")
            }
            Self::Fetch { .. } | Self::Cut { .. } => {
                "run the command again: it goes on where it stopped".to_owned()
            }
            Self::ContextLength { .. } => {
                "start a new session, send less, or raise `local_context_tokens`".to_owned()
            }
            Self::Context { .. } => "lower `local_context_tokens` or take a smaller model".to_owned(),
            Self::HashMismatch { .. } => {
                "the file is not the one that was checked; nothing was installed".to_owned()
            }
            Self::Busy { .. } => "try again in a moment".to_owned(),
            _ => return None,
        };
        Some(hint)
    }
}

impl From<LocalError> for ModelError {
    fn from(error: LocalError) -> Self {
        let model_error = Self::new(error.model_kind(), chain(&error));
        match error.hint() {
            Some(hint) => model_error.with_hint(hint),
            None => model_error,
        }
    }
}

impl From<LocalError> for ModelFilesError {
    fn from(error: LocalError) -> Self {
        Self {
            kind: error.files_kind(),
            message: chain(&error),
            hint: error.hint(),
        }
    }
}
