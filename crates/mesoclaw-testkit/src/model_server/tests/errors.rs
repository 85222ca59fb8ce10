//! Error objects of every maker, keys, and what a missing header comes to.

use super::*;

fn status(kind: WireKind, step: Step) -> Raw {
    let server = ModelServer::start_blocking(Script::always([step]));
    ask(&server, kind)
}

/// The words for programs in an error object.
fn words(kind: WireKind, error: &Value) -> Vec<Value> {
    let pointers: &[&str] = match kind {
        WireKind::OpenAiChat | WireKind::OpenAiResponses => &["/error/type", "/error/code"],
        WireKind::Anthropic => &["/type", "/error/type", "/request_id"],
        WireKind::Gemini => &["/error/status", "/error/code"],
        WireKind::Azure => &["/error/code"],
        WireKind::Cohere => &["/message"],
        WireKind::Ollama => &["/error"],
    };
    let word = |pointer: &&str| error.pointer(pointer).cloned().unwrap_or_default();
    pointers.iter().map(word).collect()
}

#[test]
fn a_status_has_the_makers_error_object() {
    use WireKind::{Anthropic, Azure, Cohere, Gemini, Ollama, OpenAiChat, OpenAiResponses};
    let anthropic = |kind: &str| json!(["error", kind, "req_test"]);
    let invalid = "invalid_request_error";
    let cases = [
        (Anthropic, 400, anthropic(invalid)),
        (Anthropic, 401, anthropic("authentication_error")),
        (Anthropic, 403, anthropic("permission_error")),
        (Anthropic, 404, anthropic("not_found_error")),
        (Anthropic, 408, anthropic("timeout_error")),
        (Anthropic, 413, anthropic("request_too_large")),
        (Anthropic, 429, anthropic("rate_limit_error")),
        (Anthropic, 500, anthropic("api_error")),
        (Anthropic, 529, anthropic("overloaded_error")),
        (Gemini, 400, json!(["INVALID_ARGUMENT", 400])),
        (Gemini, 401, json!(["UNAUTHENTICATED", 401])),
        (Gemini, 403, json!(["PERMISSION_DENIED", 403])),
        (Gemini, 404, json!(["NOT_FOUND", 404])),
        (Gemini, 408, json!(["DEADLINE_EXCEEDED", 408])),
        (Gemini, 429, json!(["RESOURCE_EXHAUSTED", 429])),
        (Gemini, 500, json!(["INTERNAL", 500])),
        (Gemini, 529, json!(["UNAVAILABLE", 529])),
        (OpenAiChat, 400, json!([invalid, null])),
        (OpenAiResponses, 401, json!([invalid, "invalid_api_key"])),
        (OpenAiChat, 404, json!([invalid, "model_not_found"])),
        (OpenAiChat, 429, json!(["requests", "rate_limit_exceeded"])),
        (OpenAiChat, 529, json!(["server_error", null])),
        (Azure, 401, json!(["401"])),
        (Azure, 404, json!(["DeploymentNotFound"])),
        (Azure, 429, json!(["429"])),
        (Azure, 500, json!(["InternalServerError"])),
        (Cohere, 401, json!(["invalid api token"])),
        (Cohere, 500, json!(["internal server error"])),
        (Ollama, 401, json!(["unauthorized"])),
        (Ollama, 404, json!(["model 'test-model' not found"])),
        (Ollama, 429, json!(["too many requests"])),
    ];
    for (kind, code, expected) in cases {
        let raw = status(kind, Step::status(code));
        assert_eq!(raw.status(), code, "{kind:?}");
        assert_eq!(json!(words(kind, &raw.json())), expected, "{kind:?} {code}");
    }
}

#[test]
fn gemini_says_how_long_to_wait_among_the_details() {
    let raw = status(
        WireKind::Gemini,
        Step::Status {
            code: 429,
            body: None,
            retry_after: Some("7".to_owned()),
            location: None,
        },
    );
    assert!(raw.head.contains("retry-after: 7"));
    assert_eq!(
        raw.json()["error"]["details"],
        json!([{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7s"}])
    );
}

#[test]
fn a_prompt_that_is_too_long_is_refused_in_the_makers_words() {
    for (kind, part) in [
        (WireKind::OpenAiChat, "\"context_length_exceeded\""),
        (WireKind::Azure, "\"context_length_exceeded\""),
        (WireKind::OpenAiResponses, "\"context_length_exceeded\""),
        (
            WireKind::Anthropic,
            "prompt is too long: 10000 tokens > 8192 maximum",
        ),
        (
            WireKind::Gemini,
            "The input token count (10000) exceeds the maximum number of tokens allowed (8192).",
        ),
        (WireKind::Cohere, "too many tokens: total number of tokens"),
        (
            WireKind::Ollama,
            "the input length exceeds the context length",
        ),
    ] {
        let raw = status(kind, Step::ContextLength);
        assert_eq!(raw.status(), 400, "{kind:?}");
        assert!(raw.body.contains(part), "{kind:?}: {}", raw.body);
    }
    for (server, part) in [
        (ServerKind::LlamaCpp, "\"exceed_context_size_error\""),
        (ServerKind::Vllm, "\"BadRequestError\""),
    ] {
        let script = Script {
            server,
            ..Script::always([Step::ContextLength])
        };
        let raw = ask(&ModelServer::start_blocking(script), WireKind::OpenAiChat);
        assert_eq!(raw.status(), 400);
        assert!(raw.body.contains(part), "{}", raw.body);
    }
}

#[test]
fn the_key_stands_where_the_maker_wants_it() {
    let server = ModelServer::start_blocking(Script {
        api_key: Some("k".to_owned()),
        ..Script::text("a")
    });
    for kind in WireKind::ALL {
        let body = least(kind, true).to_string();
        let with = |headers: &str| read(send(&server, "POST", path(kind), headers, &body)).status();
        let wrong = key(kind).replace(" k\r\n", " other\r\n");
        let (denied, missing) = match kind {
            WireKind::Gemini => (400, 403),
            _ => (401, 401),
        };
        assert_eq!(
            [with(key(kind)), with(&wrong), with("")],
            [200, denied, missing],
            "{kind:?}"
        );
    }
    let in_query = format!("{}&key=k", path(WireKind::Gemini));
    let body = least(WireKind::Gemini, true).to_string();
    assert_eq!(
        read(send(&server, "POST", &in_query, "", &body)).status(),
        200
    );
}

#[test]
fn hosted_makers_want_their_headers_even_when_any_key_will_do() {
    let server = ModelServer::start_blocking(Script::text("a"));
    let post = |kind: WireKind, headers: &str| {
        let body = least(kind, true).to_string();
        let raw = read(send(&server, "POST", path(kind), headers, &body));
        (raw.status(), raw.json())
    };
    let anthropic = |kind: &str, message: &str| {
        json!({"type": "error", "error": {"type": kind, "message": message},
            "request_id": "req_test"})
    };
    assert_eq!(
        post(WireKind::Anthropic, "anthropic-version: 2023-06-01\r\n"),
        (
            401,
            anthropic("authentication_error", "x-api-key header is required")
        )
    );
    assert_eq!(
        post(WireKind::Anthropic, "x-api-key: any\r\n"),
        (
            400,
            anthropic(
                "invalid_request_error",
                "anthropic-version: header is required"
            )
        )
    );
    assert_eq!(post(WireKind::Gemini, "").0, 403);
    assert_eq!(post(WireKind::Azure, "").0, 401);
    assert_eq!(post(WireKind::OpenAiChat, "").0, 200);
    assert_eq!(post(WireKind::Ollama, "").0, 200);
}

#[test]
fn a_wrong_key_of_gemini_is_told_by_its_reason() {
    let server = ModelServer::start_blocking(Script {
        api_key: Some("other".to_owned()),
        ..Script::text("a")
    });
    let error = ask(&server, WireKind::Gemini).json();
    assert_eq!(error["error"]["status"], "INVALID_ARGUMENT");
    assert_eq!(error["error"]["details"][0]["reason"], "API_KEY_INVALID");
}

#[test]
fn paths_and_models_that_are_not_there_get_the_makers_404() {
    let server = ModelServer::start_blocking(Script {
        has_only_listed_models: true,
        models: vec!["other".to_owned()],
        ..Script::text("a")
    });
    for kind in WireKind::ALL {
        let raw = ask(&server, kind);
        assert_eq!(raw.status(), 404, "{kind:?}");
        let is_named = kind == WireKind::Azure || raw.body.contains('m');
        assert!(is_named, "{kind:?}: {}", raw.body);
    }
    for (path, headers, body) in [
        (
            "/v2/other",
            "",
            json!({"message": "model 'test-model' not found, make sure the correct model ID was \
                               used"}),
        ),
        (
            "/openai/other",
            "api-key: k\r\n",
            json!({"error": {"code": "404", "message": "Resource not found"}}),
        ),
        ("/api/other", "", json!("404 page not found")),
    ] {
        let raw = get(&server, path, headers);
        assert_eq!((raw.status(), raw.json()), (404, body), "{path}");
    }
}

#[test]
fn without_a_stream_an_error_in_the_middle_is_a_status() {
    let steps = [text("a"), Step::StreamError(529)];
    let server = ModelServer::start_blocking(Script::always(steps));
    assert_eq!(ask_whole(&server, WireKind::Anthropic).status(), 529);
}
