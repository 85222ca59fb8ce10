//! The dialects and how to speak them: a server, an endpoint, a whole answer.

use std::time::Duration;

use futures_util::StreamExt as _;
use mesoclaw_agent::model::{
    GenerationParams, ModelDelta, ModelError, ModelMessage, ModelRequest, ModelStream, StopReason,
    ToolDefinition,
};
use mesoclaw_api::{Secret, Usage};
use mesoclaw_providers::{Dialect, Endpoint, client};
use mesoclaw_testkit::model_server::{ModelServer, Script, Step, WireKind};
use serde_json::json;

/// Longer than any test.
pub const HOUR_MS: u64 = 3_600_000;

const KEY: &str = "sk-test";

/// A dialect and the wire format the scripted provider speaks it in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Spoken {
    pub dialect: Dialect,
    pub wire: WireKind,
}

/// A whole answer, put together.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Answer {
    pub text: String,
    pub reasoning: String,
    pub calls: Vec<Call>,
    pub usage: Option<Usage>,
    pub stop: Option<StopReason>,
    pub error: Option<ModelError>,
}

/// A call, put together.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Call {
    pub id: String,
    pub name: String,
    pub arguments: String,
    pub signature: Option<String>,
}

impl Spoken {
    pub const ALL: [Self; 7] = [
        Self::new(Dialect::OpenAiChat, WireKind::OpenAiChat),
        Self::new(Dialect::OpenAiResponses, WireKind::OpenAiResponses),
        Self::new(Dialect::Anthropic, WireKind::Anthropic),
        Self::new(Dialect::Gemini, WireKind::Gemini),
        Self::new(Dialect::Cohere, WireKind::Cohere),
        Self::new(Dialect::Ollama, WireKind::Ollama),
        Self::new(Dialect::Azure, WireKind::Azure),
    ];

    const fn new(dialect: Dialect, wire: WireKind) -> Self {
        Self { dialect, wire }
    }

    /// A server that wants the key and plays this.
    pub async fn server(self, script: Script) -> ModelServer {
        ModelServer::start(Script {
            api_key: Some(KEY.to_owned()),
            ..script
        })
        .await
    }

    pub fn endpoint(self, server: &ModelServer) -> Endpoint {
        Endpoint {
            provider_id: "test".to_owned(),
            base_url: server.base_url_for(self.wire),
            dialect: self.dialect,
            auth: self.dialect.auth(),
            api_key: Some(Secret::new(KEY.to_owned())),
            api_version: None,
            connect_timeout: Duration::from_secs(10),
            first_token_timeout: Duration::from_secs(20),
            idle_timeout: Duration::from_secs(20),
        }
    }

    pub fn stream(self, server: &ModelServer, request: ModelRequest) -> ModelStream {
        client(self.endpoint(server)).unwrap().stream(request)
    }

    /// The answer to a plain prompt.
    pub async fn answer(self, server: &ModelServer) -> Answer {
        gather(self.stream(server, prompt("Hi"))).await
    }

    /// The same, with a server of its own.
    pub async fn played(self, steps: impl IntoIterator<Item = Step>) -> Answer {
        let server = self.server(Script::always(steps)).await;
        let answer = self.answer(&server).await;
        assert_eq!(server.refusals(), Vec::<String>::new(), "{self:?}");
        answer
    }
}

/// Puts an answer together as a turn does.
pub async fn gather(mut stream: ModelStream) -> Answer {
    let mut answer = Answer::default();
    while let Some(delta) = stream.next().await {
        match delta {
            Ok(ModelDelta::Text(text)) => answer.text += &text,
            Ok(ModelDelta::Reasoning(text)) => answer.reasoning += &text,
            Ok(ModelDelta::ToolCall {
                index,
                id,
                name,
                arguments,
            }) => {
                let call = call_at(&mut answer.calls, index);
                call.id += &id;
                call.name += &name;
                call.arguments += &arguments;
            }
            Ok(ModelDelta::CallSignature { index, signature }) => {
                call_at(&mut answer.calls, index).signature = Some(signature);
            }
            Ok(ModelDelta::Usage(usage)) => answer.usage = Some(usage),
            Ok(ModelDelta::Stop(stop)) => answer.stop = Some(stop),
            Err(error) => answer.error = Some(error),
        }
    }
    answer
}

fn call_at(calls: &mut Vec<Call>, index: u32) -> &mut Call {
    let index = usize::try_from(index).unwrap();
    if calls.len() <= index {
        calls.resize(index + 1, Call::default());
    }
    &mut calls[index]
}

pub fn user(text: &str) -> ModelMessage {
    ModelMessage::User {
        text: text.to_owned(),
        images: Vec::new(),
    }
}

/// A prompt without tools.
pub fn prompt(text: &str) -> ModelRequest {
    ModelRequest {
        model: "test-model".to_owned(),
        cache_key: "session".to_owned(),
        system: "Be brief.".to_owned(),
        messages: vec![user(text)],
        tools: Vec::new(),
        params: GenerationParams::default(),
    }
}

/// A prompt with a tool.
pub fn prompt_with_tool(text: &str) -> ModelRequest {
    ModelRequest {
        tools: vec![ToolDefinition {
            name: "files".to_owned(),
            description: "Reads a file.".to_owned(),
            parameters: json!({
                "type": "object",
                "properties": {"path": {"type": "string"}},
                "required": ["path"],
            }),
        }],
        ..prompt(text)
    }
}

pub fn said(text: &str) -> Step {
    Step::Text(text.to_owned())
}
