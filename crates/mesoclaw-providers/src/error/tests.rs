//! Classes by status and code.

use mesoclaw_api::Secret;
use serde_json::json;

use super::*;

fn endpoint() -> Endpoint {
    Endpoint {
        provider_id: "p".to_owned(),
        base_url: "http://h:1/v1".to_owned(),
        api_key: Some(Secret::new("sk-secret".to_owned())),
        connect_timeout: Duration::from_secs(1),
        first_token_timeout: Duration::from_secs(2),
        idle_timeout: Duration::from_millis(500),
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
        (429, openai("rate_limit_exceeded"), Kind::RateLimited),
        (429, openai("insufficient_quota"), Kind::RateLimited),
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
        (402, json!({}), Kind::Rejected),
        (302, json!({}), Kind::Rejected),
        (204, json!({}), Kind::Rejected),
    ] {
        assert_eq!(kind(status, &body), expected, "{status} {body}");
    }
}

#[test]
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
        (json!({"error": "m"}), vec![], None, Some("m")),
        (json!([1]), vec![], None, None),
    ] {
        let expected = Reported {
            codes: codes.into_iter().map(str::to_owned).collect(),
            status,
            message: message.map(str::to_owned),
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
