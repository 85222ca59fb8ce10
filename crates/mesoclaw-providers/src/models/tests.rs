//! Lists as makers send them, and as the scripted provider serves them.

use mesoclaw_testkit::model_server::{ModelServer, Reply, Script, ServerKind, Step, WireKind};
use serde_json::json;

use super::*;
use crate::test_support::endpoint;

fn model(
    id: &str,
    context_limit: Option<u32>,
    supports_tools: Option<bool>,
    supports_vision: Option<bool>,
) -> ListedModel {
    ListedModel {
        id: id.to_owned(),
        context_limit,
        supports_tools,
        supports_vision,
    }
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
async fn every_dialect_lists_its_models_in_order() {
    let yes = Some(true);
    for (kind, dialect, server, expected) in [
        (
            WireKind::OpenAiChat,
            Dialect::OpenAiChat,
            ServerKind::Any,
            [model("a", None, None, None), model("b", None, None, None)],
        ),
        (
            WireKind::OpenAiResponses,
            Dialect::OpenAiResponses,
            ServerKind::Any,
            [model("a", None, None, None), model("b", None, None, None)],
        ),
        (
            WireKind::Anthropic,
            Dialect::Anthropic,
            ServerKind::Any,
            [
                model("a", Some(4096), None, None),
                model("b", Some(4096), None, None),
            ],
        ),
        (
            WireKind::Gemini,
            Dialect::Gemini,
            ServerKind::Any,
            [
                model("a", Some(4096), None, None),
                model("b", Some(4096), None, None),
            ],
        ),
        (
            WireKind::Cohere,
            Dialect::Cohere,
            ServerKind::Cohere,
            [
                model("a", Some(4096), yes, Some(false)),
                model("b", Some(4096), yes, Some(false)),
            ],
        ),
        (
            WireKind::Ollama,
            Dialect::Ollama,
            ServerKind::Any,
            [
                model("a", Some(4096), yes, yes),
                model("b", Some(4096), yes, yes),
            ],
        ),
    ] {
        let server = ModelServer::start(Script {
            server,
            models: vec!["b".to_owned(), "a".to_owned()],
            context_tokens: Some(4096),
            ..Script::default()
        })
        .await;
        let listed = list_models(&endpoint(dialect, server.base_url_for(kind))).await;
        assert_eq!(listed, Ok(expected.to_vec()), "{dialect:?}");
    }
}

#[tokio::test]
async fn the_version_part_of_a_base_url_may_be_there_or_not() {
    let server = ModelServer::start(Script::default()).await;
    let root = format!("http://{}", server.addr());
    for (dialect, paths) in [
        (Dialect::Anthropic, ["", "/", "/v1", "/v1/"]),
        (Dialect::Ollama, ["", "/", "/v1", "/v1/"]),
    ] {
        for path in paths {
            let listed = list_models(&endpoint(dialect, format!("{root}{path}"))).await;
            assert_eq!(listed.unwrap().len(), 1, "{dialect:?} {path}");
        }
    }
}

#[tokio::test]
async fn a_list_that_is_not_there_is_an_error() {
    let hour = 3_600_000;
    for (steps, expected) in [
        (vec![Step::status(401)], ModelErrorKind::Auth),
        (vec![Step::status(500)], ModelErrorKind::Server),
        (
            vec![Step::status_with(200, json!({"x": 1}))],
            ModelErrorKind::BrokenStream,
        ),
        (vec![Step::Delay(hour)], ModelErrorKind::Timeout),
    ] {
        let server = ModelServer::start(Script {
            models_reply: Some(Reply::new(steps.clone())),
            ..Script::default()
        })
        .await;
        let endpoint = Endpoint {
            first_token_timeout: Duration::from_millis(200),
            ..endpoint(Dialect::OpenAiChat, server.base_url())
        };
        let error = list_models(&endpoint).await.unwrap_err();
        assert_eq!(error.kind, expected, "{steps:?}");
    }
}

#[tokio::test]
async fn azure_says_that_it_has_no_list() {
    let endpoint = endpoint(Dialect::Azure, "http://127.0.0.1:1");
    let error = list_models(&endpoint).await.unwrap_err();
    assert_eq!(error.kind, ModelErrorKind::Capability);
    assert_eq!(
        error.message,
        "the deployments of `test` cannot be listed with an API key"
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn what_makers_add_to_a_list_is_read() {
    let (yes, no) = (Some(true), Some(false));
    for (name, dialect, page, expected, cursor) in [
        (
            "OpenRouter",
            Dialect::OpenAiChat,
            json!({"data": [{"id": "x/m", "context_length": 131_072,
                "architecture": {"input_modalities": ["text", "image"]},
                "supported_parameters": ["max_tokens", "tools"]}]}),
            vec![model("x/m", Some(131_072), yes, yes)],
            None,
        ),
        (
            "Mistral",
            Dialect::OpenAiChat,
            json!({"data": [{"id": "m", "type": "base", "max_context_length": 32_768,
                "capabilities": {"function_calling": true, "vision": false}}]}),
            vec![model("m", Some(32_768), yes, no)],
            None,
        ),
        (
            "Groq",
            Dialect::OpenAiChat,
            json!({"data": [{"id": "m", "context_window": 8192}]}),
            vec![model("m", Some(8192), None, None)],
            None,
        ),
        (
            "Together",
            Dialect::OpenAiChat,
            json!([{"id": "m", "type": "chat", "context_length": 4096},
                {"id": "e", "type": "embedding"}]),
            vec![model("m", Some(4096), None, None)],
            None,
        ),
        (
            "Vercel",
            Dialect::OpenAiChat,
            json!({"data": [{"id": "m", "type": "language", "context_window": 5,
                "tags": ["tool-use"]}]}),
            vec![model("m", Some(5), yes, no)],
            None,
        ),
        (
            "Moonshot",
            Dialect::OpenAiChat,
            json!({"data": [{"id": "m", "context_length": 6, "supports_image_in": true}]}),
            vec![model("m", Some(6), None, yes)],
            None,
        ),
        (
            "Hugging Face",
            Dialect::OpenAiChat,
            json!({"data": [{"id": "m", "providers": [
                {"provider": "p", "context_length": 7, "supports_tools": true}]}]}),
            vec![model("m", Some(7), yes, None)],
            None,
        ),
        (
            "Anthropic, a page of several",
            Dialect::Anthropic,
            json!({"data": [{"id": "m", "max_input_tokens": 200_000,
                "capabilities": {"image_input": {"supported": true}}}],
                "has_more": true, "last_id": "m"}),
            vec![model("m", Some(200_000), None, yes)],
            Some("m"),
        ),
        (
            "Gemini, a page of several",
            Dialect::Gemini,
            json!({"models": [
                {"name": "models/g", "inputTokenLimit": 8,
                    "supportedGenerationMethods": ["generateContent"]},
                {"name": "models/e", "supportedGenerationMethods": ["embedContent"]}],
                "nextPageToken": "t"}),
            vec![model("g", Some(8), None, None)],
            Some("t"),
        ),
    ] {
        let page = entries::read(dialect, &page).unwrap();
        assert_eq!(
            (page.models, page.cursor.as_deref()),
            (expected, cursor),
            "{name}"
        );
    }
}

#[test]
fn pages_are_asked_for_by_the_makers_word() {
    for (dialect, base, cursor, expected) in [
        (
            Dialect::Anthropic,
            "https://h/v1",
            Some("a&b"),
            "https://h/v1/models?limit=1000&after_id=a%26b",
        ),
        (
            Dialect::Gemini,
            "https://h/v1beta/",
            Some("t"),
            "https://h/v1beta/models?pageSize=1000&pageToken=t",
        ),
        (
            Dialect::Cohere,
            "https://h/v2",
            Some("t"),
            "https://h/v1/models?page_size=1000&endpoint=chat&page_token=t",
        ),
        (
            Dialect::Ollama,
            "http://h:1/v1",
            None,
            "http://h:1/api/tags",
        ),
        (
            Dialect::OpenAiChat,
            "http://h:1/v1/",
            Some("x"),
            "http://h:1/v1/models",
        ),
    ] {
        let endpoint = endpoint(dialect, base);
        assert_eq!(page_url(&endpoint, cursor), expected);
    }
}

#[test]
fn both_lists_of_lm_studio_are_read() {
    for list in [
        json!({"data": [{"id": "m", "type": "vlm", "state": "loaded", "max_context_length": 9,
            "loaded_context_length": 5, "capabilities": ["tool_use"]}]}),
        json!({"models": [{"key": "m", "max_context_length": 9,
            "loaded_instances": [{"config": {"context_length": 5}}],
            "capabilities": {"vision": true, "trained_for_tool_use": true}}]}),
    ] {
        let mut models = [model("m", None, None, None), model("n", None, None, None)];
        assert!(entries::learn_lm_studio(&list, &mut models));
        let expected = [
            model("m", Some(5), Some(true), Some(true)),
            model("n", None, None, None),
        ];
        assert_eq!(models, expected, "{list}");
    }
}
