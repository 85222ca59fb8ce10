//! What the tests of more than one dialect build and read alike. Expected values stay in the tests.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use mesoclaw_agent::model::{
    GenerationParams, Image, ModelCall, ModelClient, ModelDelta, ModelErrorKind, ModelMessage,
    ModelRequest, ModelStream, ToolDefinition,
};
use mesoclaw_api::{Secret, Usage};
use mesoclaw_testkit::model_server::{CallScript, ModelServer, Script, Step, WireKind};
use serde_json::{Value, json};

use crate::client;
use crate::dialect::{Dialect, Fault, Reader, Taken};
use crate::endpoint::Endpoint;

/// The key of every endpoint here.
pub(crate) const KEY: &str = "sk-secret";

/// A place with a key, and more patience than a test needs.
pub(crate) fn endpoint(dialect: Dialect, base_url: impl Into<String>) -> Endpoint {
    Endpoint {
        provider_id: "test".to_owned(),
        base_url: base_url.into(),
        dialect,
        auth: dialect.auth(),
        api_key: Some(Secret::new(KEY.to_owned())),
        api_version: None,
        connect_timeout: Duration::from_secs(10),
        first_token_timeout: Duration::from_secs(10),
        idle_timeout: Duration::from_secs(10),
    }
}

pub(crate) fn user(text: &str) -> ModelMessage {
    ModelMessage::User {
        text: text.to_owned(),
        images: Vec::new(),
    }
}

pub(crate) fn assistant(text: &str, calls: Vec<ModelCall>) -> ModelMessage {
    ModelMessage::Assistant {
        text: text.to_owned(),
        calls,
    }
}

/// A call of the tool `files`.
pub(crate) fn call(call_id: &str, args: Value) -> ModelCall {
    ModelCall {
        call_id: call_id.into(),
        tool: "files".to_owned(),
        args,
        signature: None,
    }
}

/// What the tool `files` said.
pub(crate) fn result(call_id: &str, output: &str) -> ModelMessage {
    ModelMessage::ToolResult {
        call_id: call_id.into(),
        tool: "files".to_owned(),
        output: output.to_owned(),
    }
}

pub(crate) fn tool(name: &str, parameters: Value) -> ToolDefinition {
    ToolDefinition {
        name: name.to_owned(),
        description: "Reads a file.".to_owned(),
        parameters,
    }
}

pub(crate) fn request(model: &str, messages: Vec<ModelMessage>) -> ModelRequest {
    ModelRequest {
        model: model.to_owned(),
        cache_key: "session".to_owned(),
        system: "Be brief.".to_owned(),
        messages,
        tools: Vec::new(),
        params: GenerationParams::default(),
    }
}

/// A prompt with everything: an image, parallel calls (one signed, one with the id of another
/// provider and an empty result), a tool.
pub(crate) fn full_request(model: &str) -> ModelRequest {
    let signed = ModelCall {
        signature: Some("c2lnMA==".to_owned()),
        ..call("c1", json!({"path": "a"}))
    };
    let schema = json!({"type": "object", "properties": {"path": {"type": "string"}}});
    ModelRequest {
        tools: vec![tool("files", schema)],
        ..request(
            model,
            vec![
                ModelMessage::User {
                    text: "What is this?".to_owned(),
                    images: vec![Image {
                        media_type: "image/png".to_owned(),
                        data: b"\x89PNG\r\n\x1a\n".as_slice().into(),
                    }],
                },
                assistant(
                    "",
                    vec![signed, call("functions.files:1", json!({"path": "b"}))],
                ),
                result("c1", "content of a"),
                result("functions.files:1", ""),
            ],
        )
    }
}

/// Everything that can be set.
pub(crate) fn all_params() -> GenerationParams {
    GenerationParams {
        max_tokens: Some(64),
        temperature: Some(0.7),
        top_p: Some(0.9),
        seed: Some(7),
        stop: vec!["END".to_owned()],
    }
}

pub(crate) fn text(text: &str) -> ModelDelta {
    ModelDelta::Text(text.to_owned())
}

pub(crate) fn reasoning(text: &str) -> ModelDelta {
    ModelDelta::Reasoning(text.to_owned())
}

/// A piece of a call.
pub(crate) fn called(index: u32, id: &str, name: &str, arguments: &str) -> ModelDelta {
    ModelDelta::ToolCall {
        index,
        id: id.to_owned(),
        name: name.to_owned(),
        arguments: arguments.to_owned(),
    }
}

/// One call, with nothing written to a cache and no reasoning.
pub(crate) fn usage(input: u64, cached: u64, output: u64) -> ModelDelta {
    ModelDelta::Usage(Usage {
        input_tokens: input,
        cached_tokens: cached,
        output_tokens: output,
        model_calls: 1,
        ..Usage::default()
    })
}

/// A call of the tool `files` by the scripted provider.
pub(crate) fn scripted_call(index: u32, id: &str, arguments: &[&str]) -> CallScript {
    CallScript {
        index,
        id: id.to_owned(),
        name: "files".to_owned(),
        arguments: arguments.iter().map(|piece| (*piece).to_owned()).collect(),
    }
}

/// An answer with everything in it, as one read finds it and cut everywhere.
pub(crate) fn rounds() -> [Script; 2] {
    let script = || {
        Script::always([
            Step::Reasoning("hm ".to_owned()),
            Step::Text("d\u{ed}a \u{1f30d}".to_owned()),
            Step::Signature("c2lnMQ==".to_owned()),
            Step::ToolCalls(vec![
                scripted_call(0, "c3", &["{\"path\":", "\"c3\"}"]),
                scripted_call(1, "c4", &["{\"path\":", "\"c4\"}"]),
            ]),
            Step::KeepAlive,
            Step::UnknownEvent,
            Step::Usage {
                prompt_tokens: 20,
                completion_tokens: 9,
                cached_tokens: 16,
            },
            Step::UsageDetails {
                reasoning_tokens: 4,
                cache_write_tokens: 0,
            },
        ])
    };
    [script(), script().split_everywhere()]
}

/// The scripted provider, and a client that speaks this dialect to it.
pub(crate) async fn provider(
    dialect: Dialect,
    script: Script,
) -> (ModelServer, Arc<dyn ModelClient>) {
    let server = ModelServer::start(script).await;
    let wire = match dialect {
        Dialect::OpenAiChat => WireKind::OpenAiChat,
        Dialect::OpenAiResponses => WireKind::OpenAiResponses,
        Dialect::Anthropic => WireKind::Anthropic,
        Dialect::Gemini => WireKind::Gemini,
        Dialect::Cohere => WireKind::Cohere,
        Dialect::Ollama => WireKind::Ollama,
        Dialect::Azure => WireKind::Azure,
        Dialect::Local => panic!("the embedded engine is no provider"),
    };
    let client = client(endpoint(dialect, server.base_url_for(wire))).unwrap();
    (server, client)
}

/// The deltas of an answer and the kind of the error that ended it.
pub(crate) async fn answer(
    client: &dyn ModelClient,
    request: ModelRequest,
) -> (Vec<ModelDelta>, Option<ModelErrorKind>) {
    rest(client.stream(request)).await
}

/// The same for what is left of a stream.
pub(crate) async fn rest(mut stream: ModelStream) -> (Vec<ModelDelta>, Option<ModelErrorKind>) {
    let (mut deltas, mut kind) = (Vec::new(), None);
    while let Some(item) = stream.next().await {
        assert_eq!(kind, None, "something came after an error: {item:?}");
        match item {
            Ok(delta) => deltas.push(delta),
            Err(error) => kind = Some(error.kind),
        }
    }
    (deltas, kind)
}

/// What these events say, and the object of the error that ended them.
pub(crate) fn read<R: Reader + Default>(events: &[&str]) -> (Vec<ModelDelta>, Option<Value>) {
    let mut reader = R::default();
    let mut out = VecDeque::new();
    let mut last = Taken::More;
    for event in events {
        assert_eq!(last, Taken::More, "nothing follows the end: {event}");
        match reader.take(event.as_bytes(), &mut out) {
            Ok(taken) => last = taken,
            Err(Fault::Reported(object)) => return (out.into(), Some(object)),
            Err(Fault::NotUnderstood(what)) => panic!("{what}: {event}"),
        }
    }
    if reader.is_finished() {
        reader.finish(&mut out);
    }
    (out.into(), None)
}
