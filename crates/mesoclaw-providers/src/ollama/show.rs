//! What an Ollama server says about a model (`POST /api/show`), as far as requests and lists depend
//! on it.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::request::root;
use crate::http::Http;
use crate::models;

/// Longest wait before a request: the answer is in a file of the server, no model is loaded for it.
pub(super) const LIMIT: Duration = Duration::from_secs(5);

/// Longest context that is asked for, in tokens: the server sets memory aside for all of it.
const MAX_CONTEXT: u64 = 32_768;

/// What is told of a model.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Shown {
    /// Context in tokens that who made the model file has set.
    set: Option<u32>,
    /// Context in tokens the model was made for, as far as it is asked for.
    made_for: Option<u32>,
    /// What it can do; `None` = older servers do not tell.
    capabilities: Option<Vec<String>>,
}

impl Shown {
    /// Context to ask for, in tokens. `None` = not known, or set for this model by who made it.
    pub(super) fn num_ctx(&self) -> Option<u32> {
        self.made_for.filter(|_| self.set.is_none())
    }

    /// The context a request will have.
    pub(crate) fn context_limit(&self) -> Option<u32> {
        self.set.or(self.made_for)
    }

    /// Whether it can do this; `None` = not told.
    pub(crate) fn can(&self, capability: &str) -> Option<bool> {
        let all = self.capabilities.as_ref()?;
        Some(all.iter().any(|known| known == capability))
    }
}

/// Asks about a model. `None` = no answer that could be read. How long to wait is the caller's to
/// say.
pub(crate) async fn ask(http: &Http, model: &str) -> Option<Shown> {
    let url = format!("{}/api/show", root(&http.endpoint.base_url));
    let asked = models::ask(http, Method::POST, &url, Some(json!({"model": model})));
    read(&asked.await.ok()?)
}

/// Reads the answer; `None` = it is none.
pub(super) fn read(shown: &Value) -> Option<Shown> {
    let shown = shown.as_object()?;
    // Lines of a name and a value.
    let parameters = shown.get("parameters").and_then(Value::as_str);
    let set = parameters.unwrap_or_default().lines().find_map(|line| {
        let (name, value) = line.trim().split_once(char::is_whitespace)?;
        (name == "num_ctx").then(|| value.trim().parse().ok())?
    });
    let capabilities = shown.get("capabilities").and_then(Value::as_array);
    Some(Shown {
        set,
        made_for: shown.get("model_info").and_then(context_length),
        capabilities: capabilities.map(|all| {
            let words = all.iter().filter_map(Value::as_str);
            words.map(str::to_owned).collect()
        }),
    })
}

fn context_length(info: &Value) -> Option<u32> {
    let architecture = info.get("general.architecture")?.as_str()?;
    let length = info.get(format!("{architecture}.context_length"))?;
    let length = length.as_u64().filter(|length| *length > 0)?;
    u32::try_from(length.min(MAX_CONTEXT)).ok()
}

#[cfg(test)]
mod tests;
