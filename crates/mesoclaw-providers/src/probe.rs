//! Questions about an endpoint: which models it has, whether a model answers.

use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use mesoclaw_agent::model::{
    GenerationParams, ModelClient as _, ModelError, ModelErrorKind, ModelMessage, ModelRequest,
};
use reqwest::Method;
use serde::Deserialize;
use tokio::time::timeout;

use crate::endpoint::{Endpoint, ProviderError};
use crate::error;
use crate::http::Http;
use crate::openai_chat::OpenAiCompatible;

/// Longest list of models that is read, in bytes.
const MAX_LIST_BYTES: usize = 8 * 1024 * 1024;

/// What a try with a model showed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Probe {
    /// Time to the end of the try.
    pub latency: Duration,
    /// Whether the model answered, else why not.
    pub outcome: Result<(), ModelError>,
    /// What happened and what to do, for people.
    pub message: String,
}

impl From<ProviderError> for ModelError {
    fn from(error: ProviderError) -> Self {
        Self::new(ModelErrorKind::NotConfigured, error.to_string())
    }
}

/// The ids of the models an endpoint lists, sorted.
///
/// Waits for the answer no longer than the endpoint's `first_token_timeout`.
pub async fn list_models(endpoint: &Endpoint) -> Result<Vec<String>, ModelError> {
    let http = Http::new(endpoint.clone())?;
    let limit = endpoint.first_token_timeout;
    match timeout(limit, fetch(&http)).await {
        Ok(result) => result,
        Err(_) => Err(error::of_silence(endpoint, limit, false)),
    }
}

async fn fetch(http: &Http) -> Result<Vec<String>, ModelError> {
    #[derive(Deserialize)]
    struct List {
        data: Vec<Entry>,
    }
    #[derive(Deserialize)]
    struct Entry {
        id: String,
    }
    let endpoint = &http.endpoint;
    let url = format!("{}/models", endpoint.base_url.trim_end_matches('/'));
    let request = http.request(Method::GET, &url).await?;
    let mut response = match request.send().await {
        Ok(response) => response,
        Err(failure) => return Err(error::of_request(endpoint, failure)),
    };
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(bytes)) if body.len() + bytes.len() <= MAX_LIST_BYTES => {
                body.extend_from_slice(&bytes);
            }
            Ok(Some(_)) => return Err(error::of_stream(endpoint, "the list is longer than 8 MiB")),
            Ok(None) => break,
            Err(failure) => {
                let what = mesoclaw_api::error::chain(&failure.without_url());
                return Err(error::of_stream(endpoint, &what));
            }
        }
    }
    if status != 200 {
        return Err(error::of_status(endpoint, "", status, &headers, &body));
    }
    let list: List = serde_json::from_slice(&body).map_err(|failure| {
        error::of_stream(endpoint, &format!("it is not a list of models ({failure})"))
    })?;
    let mut ids: Vec<_> = list.data.into_iter().map(|entry| entry.id).collect();
    ids.sort();
    Ok(ids)
}

/// Asks a model for one token and tells what happened.
///
/// # Errors
/// Only when the endpoint cannot be used at all; a failed try is an outcome.
pub async fn probe(endpoint: &Endpoint, model: &str) -> Result<Probe, ProviderError> {
    let client = OpenAiCompatible::new(endpoint.clone())?;
    let start = Instant::now();
    let mut deltas = client.stream(ModelRequest {
        model: model.to_owned(),
        cache_key: String::new(),
        system: String::new(),
        messages: vec![ModelMessage::User {
            text: "Say hello.".to_owned(),
        }],
        tools: Vec::new(),
        params: GenerationParams {
            max_tokens: Some(1),
            ..GenerationParams::default()
        },
    });
    let mut outcome = Ok(());
    while let Some(delta) = deltas.next().await {
        outcome = delta.map(|_| ());
    }
    let message = match &outcome {
        Ok(()) => format!("`{}` answered with `{model}`", endpoint.provider_id),
        Err(ModelError {
            message,
            hint: Some(hint),
            ..
        }) => format!("{message}; {hint}"),
        Err(error) => error.message.clone(),
    };
    Ok(Probe {
        latency: start.elapsed(),
        outcome,
        message,
    })
}

#[cfg(test)]
mod tests;
