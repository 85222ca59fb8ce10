//! A try with a model: a real request for a few tokens, and what its failure means.

use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use mesoclaw_agent::model::{
    GenerationParams, ModelClient, ModelDelta, ModelError, ModelErrorKind, ModelMessage,
    ModelRequest,
};
use mesoclaw_api::Usage;

use crate::client::client;
use crate::dialect::Dialect;
use crate::endpoint::{Endpoint, ProviderError};
use crate::error;
use crate::http::Http;
use crate::models;

/// Tokens that are asked for: the fewest that every dialect takes (Responses refuses less).
const MAX_TOKENS: u32 = 16;

/// Tokens of the second try with a model that may think; one that does not stops far before.
const MAX_THINKING_TOKENS: u32 = 1024;

/// What a try with a model showed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Probe {
    /// Time to the end of the try.
    pub latency: Duration,
    /// Whether the model answered, else why not.
    pub outcome: Result<(), ModelError>,
    /// What happened and what to do, for people.
    pub message: String,
    /// Tokens the try cost, where the provider told.
    pub usage: Option<Usage>,
    /// Context of the model in tokens, where the server told (Ollama).
    pub context_limit: Option<u32>,
}

impl From<ProviderError> for ModelError {
    fn from(error: ProviderError) -> Self {
        Self::new(ModelErrorKind::NotConfigured, error.to_string())
    }
}

/// Asks a model for a few tokens and tells what happened. It is well only when an answer came: a
/// stream without a word, a thought, a call or a count of tokens is a failure.
///
/// # Errors
/// Only when the endpoint cannot be used at all; a failed try is an outcome.
pub async fn probe(endpoint: &Endpoint, model: &str) -> Result<Probe, ProviderError> {
    let client = client(endpoint.clone())?;
    let start = Instant::now();
    let (mut outcome, mut usage) = ask(endpoint, &*client, model, MAX_TOKENS).await;
    if outcome
        .as_ref()
        .is_err_and(|error| may_think(endpoint, error))
    {
        (outcome, usage) = ask(endpoint, &*client, model, MAX_THINKING_TOKENS).await;
    }
    let latency = start.elapsed();
    let mut context_limit = None;
    if outcome.is_ok() && endpoint.dialect == Dialect::Ollama {
        let shown = models::one(&Http::new(endpoint.clone())?, model).await;
        context_limit = shown.and_then(|model| model.context_limit);
    }
    Ok(Probe {
        latency,
        message: message(endpoint, model, &outcome, context_limit),
        outcome,
        usage,
        context_limit,
    })
}

/// One try: how it went, and what it cost.
async fn ask(
    endpoint: &Endpoint,
    client: &dyn ModelClient,
    model: &str,
    max_tokens: u32,
) -> (Result<(), ModelError>, Option<Usage>) {
    let mut deltas = client.stream(ModelRequest {
        model: model.to_owned(),
        cache_key: String::new(),
        system: String::new(),
        messages: vec![ModelMessage::User {
            text: "Say hello.".to_owned(),
            images: Vec::new(),
        }],
        tools: Vec::new(),
        params: GenerationParams {
            max_tokens: Some(max_tokens),
            ..GenerationParams::default()
        },
    });
    let (mut outcome, mut usage, mut has_answer) = (Ok(()), None, false);
    while let Some(delta) = deltas.next().await {
        match delta {
            Ok(ModelDelta::Stop(_)) => {}
            Ok(ModelDelta::Usage(told)) => {
                has_answer |= told.output_tokens > 0;
                usage = Some(told);
            }
            Ok(
                ModelDelta::Text(_)
                | ModelDelta::Reasoning(_)
                | ModelDelta::ToolCall { .. }
                | ModelDelta::CallSignature { .. },
            ) => has_answer = true,
            Err(failure) => outcome = Err(failure),
        }
    }
    if outcome.is_ok() && !has_answer {
        outcome = Err(error::of_stream(endpoint, "the answer is empty"));
    }
    (outcome, usage)
}

/// Whether the limit itself may have been refused: chat completions of models that think are an
/// error, not a short answer, where the limit ends their thoughts. No code tells it apart.
fn may_think(endpoint: &Endpoint, error: &ModelError) -> bool {
    error.kind == ModelErrorKind::Rejected
        && matches!(endpoint.dialect, Dialect::OpenAiChat | Dialect::Azure)
}

fn message(
    endpoint: &Endpoint,
    model: &str,
    outcome: &Result<(), ModelError>,
    context_limit: Option<u32>,
) -> String {
    match outcome {
        Ok(()) => {
            let context = context_limit.map(|tokens| format!(" (context of {tokens} tokens)"));
            format!(
                "`{}` answered with `{model}`{}",
                endpoint.provider_id,
                context.unwrap_or_default()
            )
        }
        Err(ModelError {
            message,
            hint: Some(hint),
            ..
        }) => format!("{message}; {hint}"),
        Err(error) => error.message.clone(),
    }
}

#[cfg(test)]
mod tests;
