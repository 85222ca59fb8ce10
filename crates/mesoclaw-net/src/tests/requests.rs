//! What is sent: nothing but what was asked for.

use super::server::{Reply, Server};
use super::*;
use crate::Request;

#[tokio::test]
async fn nothing_is_sent_but_a_plain_user_agent() {
    let server = Server::start(|_| Reply::ok(b"x")).await;
    guard().get(&server.url("/a?b=c")).await.unwrap();
    let request = server.requests().concat();
    let mut lines: Vec<&str> = request.trim_end().lines().collect();
    lines[1..].sort_unstable();
    let agent = concat!("user-agent: mesoclaw/", env!("CARGO_PKG_VERSION"));
    let host = format!("host: {}", server.address);
    let expected = [
        "GET /a?b=c HTTP/1.1",
        "accept-encoding: gzip",
        "accept: */*",
        &host,
        agent,
    ];
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn json_is_posted_with_its_key() {
    let server = Server::start(|_| {
        Reply::with(
            "429 Slow",
            "Content-Type: a/b; charset=C\r\nRetry-After: 7\r\n",
            b"no",
        )
    })
    .await;
    let body = serde_json::json!({"q": "a\r\nb"});
    let fetched = guard()
        .post_json(&server.url("/s"), &[("authorization", "Bearer k")], &body)
        .await
        .unwrap();
    assert_eq!((fetched.status, fetched.body), (429, b"no".to_vec()));
    assert_eq!(fetched.retry_after.as_deref(), Some("7"));
    assert_eq!(fetched.content_type.as_deref(), Some("a/b"));
    assert_eq!(fetched.charset.as_deref(), Some("c"));
    let request = server.requests().concat();
    assert!(request.starts_with("POST /s HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("authorization: Bearer k\r\n"), "{request}");
    assert!(
        request.ends_with("\r\n\r\n{\"q\":\"a\\r\\nb\"}"),
        "{request}"
    );
}

#[test]
fn headers_that_smuggle_are_refused() {
    for (name, value) in [
        ("x-a", "b\r\nx-c: d"),
        ("x-a", "b\nx-c: d"),
        ("x-a", "b\rc"),
        ("x-a", "b\0"),
        ("x-a: b\r\nx-c", "d"),
        ("", "b"),
        ("x a", "b"),
        ("Host", "other"),
        ("Content-Length", "0"),
        ("transfer-encoding", "chunked"),
        ("Connection", "upgrade"),
        ("Cookie", "a=b"),
        ("Proxy-Authorization", "x"),
    ] {
        let found = Request::get("http://a.com/").header(name, value);
        assert!(
            matches!(found, Err(NetError::Header { .. })),
            "{name:?} {value:?}"
        );
        let found = Request::get("http://a.com/").secret_header(name, value);
        assert!(
            matches!(found, Err(NetError::Header { .. })),
            "{name:?} {value:?}"
        );
    }
}

#[test]
fn a_key_is_not_shown() {
    let request = Request::get("http://a.com/")
        .secret_header("x-key", "sesame")
        .unwrap();
    assert!(!format!("{request:?}").contains("sesame"));
}
