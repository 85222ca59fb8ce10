//! Classes by status and code.

use serde_json::json;

use super::*;
use crate::test_support;

fn endpoint() -> Endpoint {
    Endpoint {
        provider_id: "p".to_owned(),
        connect_timeout: Duration::from_secs(1),
        first_token_timeout: Duration::from_secs(2),
        idle_timeout: Duration::from_millis(500),
        ..test_support::endpoint(Dialect::OpenAiChat, "http://h:1/v1")
    }
}

fn kind(status: u16, body: &Value) -> ModelErrorKind {
    let body = body.to_string();
    of_status(&endpoint(), "m", status, &HeaderMap::new(), body.as_bytes()).kind
}

#[test]
fn status_and_code_give_the_kind() {
    use ModelErrorKind as Kind;
    let openai = |code: &str| json!({"error": {"message": "x", "type": "t", "code": code}});
    for (status, body, expected) in [
        (401, json!({}), Kind::Auth),
        (403, json!("<html>"), Kind::Auth),
        (404, json!({}), Kind::ModelNotFound),
        (400, openai("model_not_found"), Kind::ModelNotFound),
        (400, openai("context_length_exceeded"), Kind::ContextLength),
        // llama.cpp: the code is the status, the type is the code.
        (
            400,
            json!({"error": {"code": 400, "type": "exceed_context_size_error", "message": "x"}}),
            Kind::ContextLength,
        ),
        (413, json!({}), Kind::ContextLength),
        // Groq: more tokens at once than it gives in a minute. Waiting does not help.
        (
            413,
            json!({"error": {"type": "tokens", "code": "rate_limit_exceeded", "message": "x"}}),
            Kind::ContextLength,
        ),
        // Mistral.
        (
            400,
            json!({"object": "error", "type": "invalid_model", "code": "1500", "message": "x"}),
            Kind::ModelNotFound,
        ),
        (429, openai("rate_limit_exceeded"), Kind::RateLimited),
        (429, openai("insufficient_quota"), Kind::Payment),
        (408, json!({}), Kind::Timeout),
        (504, json!({}), Kind::Timeout),
        (500, json!({}), Kind::Server),
        (529, json!({}), Kind::Server),
        (400, openai("invalid_value"), Kind::Rejected),
        // A sentence never decides.
        (
            400,
            json!({"error": {"message": "context length exceeded: rate limit, unauthorized"}}),
            Kind::Rejected,
        ),
        (402, json!({}), Kind::Payment),
        (302, json!({}), Kind::Rejected),
        (204, json!({}), Kind::Rejected),
    ] {
        assert_eq!(kind(status, &body), expected, "{status} {body}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn the_codes_of_every_maker_decide_before_the_status() {
    use ModelErrorKind as Kind;
    let anthropic = |kind: &str| json!({"type": "error", "error": {"type": kind, "message": "x"}});
    let gemini = |code: u16, status: &str, reason: &str| {
        json!({"error": {"code": code, "message": "x", "status": status, "details": [
            {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason},
        ]}})
    };
    for (status, body, expected) in [
        (400, anthropic("invalid_request_error"), Kind::Rejected),
        (401, anthropic("authentication_error"), Kind::Auth),
        (402, anthropic("billing_error"), Kind::Payment),
        // Moonshot.
        (
            429,
            json!({"error": {"type": "exceeded_current_quota_error", "message": "x"}}),
            Kind::Payment,
        ),
        (
            429,
            json!({"error": {"type": "insufficient_quota", "code": "rate_limit_exceeded"}}),
            Kind::Payment,
        ),
        (403, anthropic("permission_error"), Kind::Auth),
        (404, anthropic("not_found_error"), Kind::ModelNotFound),
        (413, anthropic("request_too_large"), Kind::ContextLength),
        (429, anthropic("rate_limit_error"), Kind::RateLimited),
        (500, anthropic("api_error"), Kind::Server),
        (504, anthropic("timeout_error"), Kind::Timeout),
        (529, anthropic("overloaded_error"), Kind::Server),
        (
            400,
            gemini(400, "INVALID_ARGUMENT", "API_KEY_INVALID"),
            Kind::Auth,
        ),
        (
            400,
            json!([gemini(400, "INVALID_ARGUMENT", "")]),
            Kind::Rejected,
        ),
        (403, gemini(403, "PERMISSION_DENIED", ""), Kind::Auth),
        (404, gemini(404, "NOT_FOUND", ""), Kind::ModelNotFound),
        (
            429,
            gemini(429, "RESOURCE_EXHAUSTED", ""),
            Kind::RateLimited,
        ),
        (503, gemini(503, "UNAVAILABLE", ""), Kind::Server),
        (504, gemini(504, "DEADLINE_EXCEEDED", ""), Kind::Timeout),
        (401, json!({"message": "invalid api token"}), Kind::Auth),
        (
            404,
            json!({"error": "model 'm' not found"}),
            Kind::ModelNotFound,
        ),
        (
            401,
            json!({"error": {"code": "401", "message": "x"}}),
            Kind::Auth,
        ),
        (
            404,
            json!({"error": {"code": "DeploymentNotFound", "message": "x"}}),
            Kind::ModelNotFound,
        ),
        (
            400,
            json!({"error": {"code": "content_filter", "status": 400, "innererror": {
                "code": "ResponsibleAIPolicyViolation"}}}),
            Kind::Rejected,
        ),
        (
            400,
            json!({"error": {"code": "model_not_supported"}}),
            Kind::ModelNotFound,
        ),
        (409, json!({}), Kind::Server),
        (425, json!({}), Kind::Server),
        (498, json!({}), Kind::RateLimited),
        (502, json!("<html>"), Kind::Server),
        (503, json!({}), Kind::Server),
    ] {
        assert_eq!(kind(status, &body), expected, "{status} {body}");
    }
}

#[test]
fn errors_inside_a_stream_are_told_by_code_or_their_own_status() {
    use ModelErrorKind as Kind;
    for (event, expected) in [
        (
            json!({"type": "error", "error": {"type": "overloaded_error"}}),
            Kind::Server,
        ),
        (json!({"error": {"code": 429}}), Kind::RateLimited),
        (
            json!({"error": {"code": 503, "status": "UNAVAILABLE"}}),
            Kind::Server,
        ),
        (
            json!({"type": "error", "code": "rate_limit_exceeded"}),
            Kind::RateLimited,
        ),
        (
            json!({"error": {"type": "invalid_request_error"}}),
            Kind::Rejected,
        ),
        (json!({"error": "the runner stopped"}), Kind::Server),
    ] {
        assert_eq!(of_event(&endpoint(), "m", &event).kind, expected, "{event}");
    }
}

#[test]
fn money_and_filters_have_a_text_of_their_own() {
    let hint = |status: u16, body: Value| {
        let body = body.to_string();
        of_status(&endpoint(), "m", status, &HeaderMap::new(), body.as_bytes()).hint
    };
    let payment = "the account at `p` has nothing left to pay with: check its balance and limits \
                   there";
    let filter = "the content filter of `p` refused the prompt: say it in other words";
    for (status, body, expected) in [
        (402, json!({}), payment),
        (
            429,
            json!({"error": {"code": "insufficient_quota"}}),
            payment,
        ),
        (400, json!({"error": {"code": "content_filter"}}), filter),
    ] {
        assert_eq!(
            hint(status, body.clone()).as_deref(),
            Some(expected),
            "{body}"
        );
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn bodies_of_all_forms_are_read() {
    for (body, codes, status, message) in [
        (
            json!({"error": {"message": "m", "type": "t", "code": "c"}}),
            vec!["c", "t"],
            None,
            Some("m"),
        ),
        (
            json!({"error": {"message": "m", "code": 502}}),
            vec![],
            Some(502),
            Some("m"),
        ),
        (
            json!({"object": "error", "message": "m", "type": "t", "code": 400}),
            vec!["t"],
            Some(400),
            Some("m"),
        ),
        (
            json!([{"error": {"message": "m", "code": 400, "status": "S",
                "details": [{"reason": "R"}, {}]}}]),
            vec!["R", "S"],
            Some(400),
            Some("m"),
        ),
        (
            json!({"error": {"code": "401", "message": "m", "innererror": {"code": "i"}}}),
            vec!["i"],
            Some(401),
            Some("m"),
        ),
        (
            json!({"statusCode": 401, "message": "m"}),
            vec![],
            Some(401),
            Some("m"),
        ),
        (
            json!({"code": "c", "error": "m"}),
            vec!["c"],
            None,
            Some("m"),
        ),
        (
            json!({"error": "m", "error_type": "t"}),
            vec!["t"],
            None,
            Some("m"),
        ),
        (json!({"detail": "m"}), vec![], None, Some("m")),
        (json!({"id": "1", "message": "m"}), vec![], None, Some("m")),
        (json!([1]), vec![], None, None),
    ] {
        let expected = Reported {
            codes: codes.into_iter().map(str::to_owned).collect(),
            status,
            message: message.map(str::to_owned),
            retry_after: None,
        };
        assert_eq!(
            Reported::read(body.to_string().as_bytes()),
            expected,
            "{body}"
        );
    }
    assert_eq!(Reported::read(b"<html>"), Reported::default());
}

#[test]
fn waiting_is_asked_for_in_headers_or_in_the_body() {
    let gemini = json!({"error": {"code": 429, "details": [
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1.5s"},
    ]}});
    for (headers, body, expected) in [
        (vec![("retry-after", "7")], json!({}), Some(7_000)),
        (
            vec![("retry-after", "7"), ("retry-after-ms", "6500")],
            json!({}),
            Some(6_500),
        ),
        (vec![], gemini.clone(), Some(1_500)),
        (vec![("retry-after", "2")], gemini, Some(2_000)),
        (vec![("retry-after-ms", "soon")], json!({}), None),
    ] {
        let headers: HeaderMap = headers
            .into_iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect::<Vec<(reqwest::header::HeaderName, reqwest::header::HeaderValue)>>()
            .into_iter()
            .collect();
        let error = of_status(&endpoint(), "m", 429, &headers, body.to_string().as_bytes());
        assert_eq!(
            error.retry_after,
            expected.map(Duration::from_millis),
            "{headers:?}"
        );
    }
}

#[test]
fn retry_after_is_seconds_or_a_date() {
    // 1994-11-06T08:49:37Z.
    let now_ms = 784_111_777_000;
    for (value, expected) in [
        ("7", Some(7_000)),
        (" 0.5 ", Some(500)),
        ("Sun, 06 Nov 1994 08:50:07 GMT", Some(30_000)),
        ("Sun, 06 Nov 1994 08:49:07 GMT", Some(0)),
        ("-1", None),
        ("soon", None),
    ] {
        assert_eq!(
            retry_after(value, now_ms),
            expected.map(Duration::from_millis),
            "{value}"
        );
    }
}

#[test]
fn messages_show_no_key_no_control_characters_and_no_novels() {
    let novel = "x".repeat(1000);
    let body = json!({"error": {"message": format!("bad key sk-secret\u{1b}[31m{novel}")}});
    let error = of_status(
        &endpoint(),
        "m",
        401,
        &HeaderMap::new(),
        body.to_string().as_bytes(),
    );
    let begin = "`p` answered with status 401: bad key *** [31mxxx";
    assert!(error.message.starts_with(begin), "{}", error.message);
    assert_eq!(error.message.chars().count(), MAX_MESSAGE_CHARS + 1);
}

#[test]
fn status_498_is_a_filter_at_cohere_and_a_limit_elsewhere() {
    let told = |dialect| {
        let endpoint = Endpoint {
            dialect,
            ..endpoint()
        };
        let error = of_status(&endpoint, "m", 498, &HeaderMap::new(), b"{}");
        (error.kind, error.hint.unwrap_or_default())
    };
    let filter = "the content filter of `p` refused the prompt: say it in other words";
    let limit = "wait a while, or check the limits of the account";
    assert_eq!(
        [told(Dialect::Cohere), told(Dialect::OpenAiChat)],
        [
            (ModelErrorKind::Rejected, filter.to_owned()),
            (ModelErrorKind::RateLimited, limit.to_owned()),
        ]
    );
}

#[test]
fn only_what_is_cut_is_marked_as_cut() {
    for (text, expected) in [
        ("a\u{85}b".to_owned(), "a b".to_owned()),
        ("é".repeat(500), "é".repeat(500)),
        ("é".repeat(501), format!("{}…", "é".repeat(500))),
    ] {
        assert_eq!(presentable(&endpoint(), &text), expected);
    }
}
