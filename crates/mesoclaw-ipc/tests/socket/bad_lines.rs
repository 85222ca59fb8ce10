//! Lines that are no requests: each is answered, and the connection goes on.

use serde_json::{Value, json};

use crate::service::{Raw, Running, outcome, request};

#[tokio::test]
async fn bad_lines_are_answered_and_the_connection_goes_on() {
    let running = Running::start();
    let mut raw = Raw::greeted(&running).await;
    let mut nine_mebibytes = request(1, "test.echo", json!({})).to_string().into_bytes();
    nine_mebibytes.resize(9 * 1024 * 1024, b' ');
    let deep = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"test.echo","params":{}"#,
        "[".repeat(200)
    );
    let cases: [(&[u8], Value, &str); 9] = [
        (&nine_mebibytes, Value::Null, "MESO_INVALID_REQUEST"),
        (b"\xff\xfe\x00", Value::Null, "MESO_PARSE_ERROR"),
        (b"{\"jsonrpc\":\"2.0\",", Value::Null, "MESO_PARSE_ERROR"),
        (b"hello", Value::Null, "MESO_PARSE_ERROR"),
        (deep.as_bytes(), Value::Null, "MESO_PARSE_ERROR"),
        (
            b"[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"test.echo\"}]",
            Value::Null,
            "MESO_INVALID_REQUEST",
        ),
        (
            b"{\"jsonrpc\":\"2.0\",\"id\":5}",
            json!(5),
            "MESO_INVALID_REQUEST",
        ),
        (
            b"{\"jsonrpc\":\"2.0\",\"id\":\"six\",\"method\":\"no.such\"}",
            json!("six"),
            "MESO_METHOD_NOT_FOUND",
        ),
        (
            b"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"daemon.health\",\"params\":{\"x\":1}}",
            json!(7),
            "MESO_INVALID_PARAMS",
        ),
    ];
    for (line, id, code) in cases {
        let start = String::from_utf8_lossy(&line[..line.len().min(40)]);
        raw.bytes(line).await;
        raw.bytes(b"\n").await;
        let answer = raw.line().await.unwrap();
        assert_eq!(
            (&answer["id"], outcome(&answer)),
            (&id, json!(code)),
            "{start}"
        );
        assert_eq!(
            raw.call(99, "test.echo", json!({"n": 1})).await,
            json!({"n": 1})
        );
    }
}

#[tokio::test]
async fn bad_params_of_a_subscription_are_answered() {
    let running = Running::start();
    let mut raw = Raw::greeted(&running).await;
    let subscribed = raw.call(1, "events.subscribe", json!({"filter": 7})).await;
    assert_eq!(subscribed, "MESO_INVALID_PARAMS");
    let unsubscribed = raw.call(2, "events.unsubscribe", json!({"x": 7})).await;
    assert_eq!(unsubscribed, "MESO_INVALID_PARAMS");
}

#[tokio::test]
async fn a_client_that_stops_in_the_middle_of_a_line_said_nothing() {
    let running = Running::start();
    let echo = request(1, "test.wait", json!({})).to_string();
    for keep in [1, echo.len() / 2, echo.len()] {
        let mut raw = Raw::greeted(&running).await;
        raw.bytes(&echo.as_bytes()[..keep]).await;
        drop(raw);
        running.until_clients(0).await;
    }
    assert_eq!(*running.service.waiting.borrow(), 0);
    Raw::greeted(&running).await;
}

#[tokio::test]
async fn who_closes_the_writing_half_still_gets_the_answers() {
    let running = Running::start();
    let mut raw = Raw::greeted(&running).await;
    raw.send(&request(1, "test.wait", json!({"n": 1}))).await;
    raw.finish_writing().await;
    running.until_waiting(1).await;
    running.service.gate.send_replace(true);
    assert_eq!(outcome(&raw.line().await.unwrap()), json!({"n": 1}));
    assert_eq!(raw.line().await, None);
}

#[tokio::test]
async fn a_flood_of_bad_lines_does_not_pile_up_answers() {
    let running = Running::start();
    let mut raw = Raw::greeted(&running).await;
    let flood = "x\n".repeat(100_000);
    // Both at once: the daemon stops reading while its answers are not taken.
    let (mut reader, mut writer) = raw.split();
    let sent = async {
        tokio::io::AsyncWriteExt::write_all(&mut writer, flood.as_bytes())
            .await
            .unwrap();
    };
    let read = async {
        let mut line = String::new();
        for _ in 0..100_000 {
            line.clear();
            tokio::io::AsyncBufReadExt::read_line(&mut reader, &mut line)
                .await
                .unwrap();
        }
    };
    tokio::join!(sent, read);
    drop((reader, writer));
    drop(raw);
    running.until_clients(0).await;
    // 256 answers of about 150 bytes.
    assert!(running.stats.peak_queued_bytes() < 64 * 1024);
}
