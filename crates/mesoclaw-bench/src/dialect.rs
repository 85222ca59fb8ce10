//! Answers through the dialects, read in the thread that asks: what the driver of a turn gets,
//! without the turn.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use mesoclaw_agent::model::{
    GenerationParams, ModelClient, ModelDelta, ModelMessage, ModelRequest, StopReason,
};
use mesoclaw_api::Secret;
use mesoclaw_providers::{Dialect, Endpoint};
use mesoclaw_testkit::model_server::WireKind;

use crate::turn::LIMIT;

/// Every dialect that is spoken over a network, with the format of the scripted server.
pub(crate) const REMOTE: [(Dialect, WireKind); 7] = [
    (Dialect::OpenAiChat, WireKind::OpenAiChat),
    (Dialect::OpenAiResponses, WireKind::OpenAiResponses),
    (Dialect::Anthropic, WireKind::Anthropic),
    (Dialect::Gemini, WireKind::Gemini),
    (Dialect::Cohere, WireKind::Cohere),
    (Dialect::Ollama, WireKind::Ollama),
    (Dialect::Azure, WireKind::Azure),
];

/// A client of the scripted server at this address.
pub(crate) fn client(dialect: Dialect, base_url: String) -> Arc<dyn ModelClient> {
    let endpoint = Endpoint {
        provider_id: "bench".to_owned(),
        base_url,
        dialect,
        auth: dialect.auth(),
        // Some makers answer nobody without a key; the scripted server takes any.
        api_key: Some(Secret::new("bench".to_owned())),
        api_version: None,
        connect_timeout: Duration::from_secs(10),
        first_token_timeout: LIMIT,
        idle_timeout: LIMIT,
    };
    mesoclaw_providers::client(endpoint).expect("an address on loopback")
}

/// Reads one answer to its good end; `each` sees every piece of its text.
pub(crate) async fn read(client: &dyn ModelClient, mut each: impl FnMut(&str)) {
    let mut stream = client.stream(prompt());
    let mut stop = None;
    while let Some(delta) = stream.next().await {
        match delta.unwrap_or_else(|error| panic!("no whole answer: {error}")) {
            ModelDelta::Text(text) => each(&text),
            ModelDelta::Stop(why) => stop = Some(why),
            ModelDelta::Reasoning(_)
            | ModelDelta::ToolCall { .. }
            | ModelDelta::CallSignature { .. }
            | ModelDelta::Usage(_) => {}
        }
    }
    assert_eq!(stop, Some(StopReason::End), "the answer did not end well");
}

fn prompt() -> ModelRequest {
    let message = ModelMessage::User {
        text: "Count.".to_owned(),
        images: Vec::new(),
    };
    ModelRequest {
        model: "test-model".to_owned(),
        cache_key: "bench".to_owned(),
        system: "Be brief.".to_owned(),
        messages: vec![message],
        tools: Vec::new(),
        params: GenerationParams::default(),
    }
}
