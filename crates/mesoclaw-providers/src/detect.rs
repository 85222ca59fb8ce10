//! Finds model servers on this machine: Ollama, llama.cpp, LM Studio, vLLM.
//!
//! Only 127.0.0.1 is asked, without a key, past every proxy, following no redirect; nothing is
//! stored. What a server is, is told by what it answers: a port proves nothing, since 8080 and
//! 8000 are everybody's.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use mesoclaw_agent::model::ModelErrorKind;
use reqwest::Method;
use serde_json::Value;
use tokio::time::{Duration, timeout};

use crate::dialect::{Auth, Dialect};
use crate::endpoint::Endpoint;
use crate::http::Http;
use crate::models::{self, ListedModel};

/// Longest time to a connection. On the same machine it is there at once or not at all.
const CONNECT: Duration = Duration::from_millis(500);

/// Longest time to an answer.
const ANSWER: Duration = Duration::from_secs(1);

/// Which port is looked at for which server first; every one is tried as all four.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DetectPorts {
    /// 11434.
    pub ollama: u16,
    /// 8080.
    pub llama_cpp: u16,
    /// 1234.
    pub lm_studio: u16,
    /// 8000.
    pub vllm: u16,
}

impl Default for DetectPorts {
    fn default() -> Self {
        Self {
            ollama: 11434,
            llama_cpp: 8080,
            lm_studio: 1234,
            vllm: 8000,
        }
    }
}

/// A server that is known by its answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ServerKind {
    /// Ollama.
    Ollama,
    /// llama.cpp's `llama-server`.
    LlamaCpp,
    /// LM Studio.
    LmStudio,
    /// vLLM.
    Vllm,
}

impl ServerKind {
    /// Its id in the catalogue.
    pub fn provider_id(self) -> &'static str {
        match self {
            Self::Ollama => "ollama",
            Self::LlamaCpp => "llamacpp",
            Self::LmStudio => "lmstudio",
            Self::Vllm => "vllm",
        }
    }

    /// What it is spoken to in.
    pub fn dialect(self) -> Dialect {
        match self {
            Self::Ollama => Dialect::Ollama,
            Self::LlamaCpp | Self::LmStudio | Self::Vllm => Dialect::OpenAiChat,
        }
    }

    /// The paths that only this server answers as it does, by its versions.
    fn paths(self) -> &'static [&'static str] {
        match self {
            Self::Ollama => &["/api/version"],
            Self::LlamaCpp => &["/props"],
            Self::LmStudio => &["/api/v0/models", "/api/v1/models"],
            Self::Vllm => &["/version"],
        }
    }

    /// What is known of it, when `said` is what this server says at one of its paths. LM Studio
    /// answers every path with 200, so the form decides; llama.cpp has no version but a build.
    fn recognise(self, said: &Value) -> Option<Known> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        match self {
            Self::Ollama | Self::Vllm => text(&said["version"]).map(|version| Known {
                version: Some(version),
            }),
            Self::LlamaCpp => said["default_generation_settings"]
                .is_object()
                .then(|| Known {
                    version: text(&said["build_info"]),
                }),
            Self::LmStudio => {
                let (list, [id, state]) = match said["data"].as_array() {
                    Some(list) => (list, ["id", "state"]),
                    None => (said["models"].as_array()?, ["key", "loaded_instances"]),
                };
                let is_list = list
                    .iter()
                    .all(|entry| entry[id].is_string() && !entry[state].is_null());
                is_list.then_some(Known { version: None })
            }
        }
    }
}

/// What a server said where its kind was known by it.
#[derive(PartialEq, Eq, Debug)]
struct Known {
    version: Option<String>,
}

/// A server that was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Detected {
    /// What it is.
    pub kind: ServerKind,
    /// Where to speak to it, with the version part where its dialect has one.
    pub base_url: String,
    /// What it calls its version; `None` = it does not say.
    pub version: Option<String>,
    /// Its models, with the size of their context where it says so; empty when it lists none.
    pub models: Vec<ListedModel>,
}

/// Looks at these ports of 127.0.0.1, all at once; the order of the answer is that of the fields.
pub async fn detect(ports: &DetectPorts) -> Vec<Detected> {
    let wanted = [
        (ports.ollama, ServerKind::Ollama),
        (ports.llama_cpp, ServerKind::LlamaCpp),
        (ports.lm_studio, ServerKind::LmStudio),
        (ports.vllm, ServerKind::Vllm),
    ];
    let mut first = BTreeMap::new();
    for (n, (port, kind)) in wanted.into_iter().enumerate() {
        first.entry(port).or_insert((n, kind));
    }
    let found = first
        .into_iter()
        .map(|(port, (n, kind))| async move { Some((n, look(port, kind).await?)) });
    let mut found: Vec<_> = join_all(found).await.into_iter().flatten().collect();
    found.sort_by_key(|(n, _)| *n);
    found.into_iter().map(|(_, detected)| detected).collect()
}

/// Looks at one port, as the server that is usual there first.
async fn look(port: u16, usual: ServerKind) -> Option<Detected> {
    let others = [
        ServerKind::Ollama,
        ServerKind::LlamaCpp,
        ServerKind::LmStudio,
        ServerKind::Vllm,
    ];
    let root = format!("http://127.0.0.1:{port}");
    let http = connection(&root, Dialect::OpenAiChat)?;
    let kinds = std::iter::once(usual).chain(others.into_iter().filter(|kind| *kind != usual));
    let asked: Vec<(ServerKind, &'static str)> = kinds
        .flat_map(|kind| kind.paths().iter().map(move |path| (kind, *path)))
        .collect();
    for (kind, path) in asked {
        let url = format!("{root}{path}");
        let said = match timeout(ANSWER, models::ask(&http, Method::GET, &url, None)).await {
            Ok(Ok(said)) => said,
            // Nobody there, or nobody who answers: the other paths would not do better.
            Ok(Err(failure)) if failure.kind == ModelErrorKind::Connection => return None,
            Err(_) => return None,
            Ok(Err(_)) => continue,
        };
        if let Some(Known { version }) = kind.recognise(&said)
            && let Some(found) = describe(&root, kind, version).await
        {
            return Some(found);
        }
    }
    None
}

async fn describe(root: &str, kind: ServerKind, version: Option<String>) -> Option<Detected> {
    let base_url = match kind {
        ServerKind::Ollama => root.to_owned(),
        ServerKind::LlamaCpp | ServerKind::LmStudio | ServerKind::Vllm => format!("{root}/v1"),
    };
    let http = connection(&base_url, kind.dialect())?;
    let models = match models::list(&http).await {
        Ok(models) => models,
        // It has a list, and wants a key for it.
        Err(failure) if failure.kind == ModelErrorKind::Auth => Vec::new(),
        Err(_) => return None,
    };
    // Any program may have a version; vLLM alone tells how long its models' context is.
    let is_told = models.iter().all(|model| model.context_limit.is_some());
    if kind == ServerKind::Vllm && !is_told {
        return None;
    }
    Some(Detected {
        kind,
        base_url,
        version,
        models,
    })
}

/// A connection without a key; loopback addresses are never asked through a proxy.
fn connection(base_url: &str, dialect: Dialect) -> Option<Http> {
    Http::new(Endpoint {
        provider_id: base_url.to_owned(),
        base_url: base_url.to_owned(),
        dialect,
        auth: Auth::None,
        api_key: None,
        api_version: None,
        connect_timeout: CONNECT,
        first_token_timeout: ANSWER,
        idle_timeout: ANSWER,
    })
    .ok()
}

#[cfg(test)]
mod tests;
