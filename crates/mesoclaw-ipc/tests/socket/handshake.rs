//! The first request of a connection.

use std::time::Duration;

use mesoclaw_api::ops::NoParams;
use mesoclaw_api::ops::daemon::{DaemonHealth, Hello};
use mesoclaw_api::ops::events::{SubscribeParams, Subscribed};
use mesoclaw_api::{CallCtx, ErrorCode, RawCaller, Surface};
use mesoclaw_ipc::{Client, ClientOptions, IpcError, ServerOptions};
use serde_json::{Value, json};

use crate::service::{Raw, Running, boot_id, hello, hello_params, options, outcome, request};

#[tokio::test]
async fn client_and_daemon_introduce_themselves() {
    let running = Running::start();
    let (client, said) = Client::connect(&running.endpoint, options()).await.unwrap();
    assert_eq!(said, hello());
    assert_eq!(running.stats.clients(), 1);
    let caller = client.call_raw(CallCtx::internal(), "test.caller", json!({}));
    assert_eq!(caller.await, Ok(json!({"surface": "cli", "connection": 1})));
}

#[tokio::test]
async fn hello_can_subscribe() {
    let running = Running::start();
    let options = ClientOptions {
        subscribe: Some(SubscribeParams::default()),
        ..options()
    };
    let (_client, said) = Client::connect(&running.endpoint, options).await.unwrap();
    let subscribed = Some(Subscribed {
        boot_id: boot_id(),
        seq: 0,
        is_complete: true,
    });
    assert_eq!(
        said,
        Hello {
            subscribed,
            ..hello()
        }
    );
}

#[tokio::test]
async fn requests_behind_hello_in_one_write_are_answered() {
    let running = Running::start();
    let mut raw = Raw::connect(&running).await;
    let hello = request(1, "daemon.hello", hello_params());
    let echo = request(2, "test.echo", json!({"n": 2}));
    raw.bytes(format!("{hello}\n{echo}\n").as_bytes()).await;
    assert_eq!(raw.line().await.unwrap()["id"], 1);
    assert_eq!(outcome(&raw.line().await.unwrap()), json!({"n": 2}));
}

#[tokio::test]
async fn a_call_may_be_made_before_the_hello_is_answered() {
    let running = Running::start();
    let (client, pending) = Client::open(&running.endpoint, options()).await.unwrap();
    let (health, said) = tokio::join!(client.call::<DaemonHealth>(NoParams {}), pending.wait());
    assert_eq!(health.unwrap().status, "ok");
    assert_eq!(said.unwrap(), hello());
}

#[tokio::test]
async fn a_refused_client_learns_why_in_every_call() {
    let running = Running::start();
    let options = ClientOptions {
        surface: Surface::Internal,
        ..options()
    };
    let (client, pending) = Client::open(&running.endpoint, options).await.unwrap();
    let (health, said) = tokio::join!(client.call::<DaemonHealth>(NoParams {}), pending.wait());
    assert_eq!(health.unwrap_err().code, ErrorCode::InvalidParams);
    assert!(
        matches!(said, Err(IpcError::Refused(error)) if error.code == ErrorCode::InvalidParams)
    );
    let later = client.call::<DaemonHealth>(NoParams {}).await;
    assert_eq!(later.unwrap_err().code, ErrorCode::InvalidParams);
}

#[tokio::test]
async fn a_bad_first_line_is_answered_and_ends_the_connection() {
    let running = Running::start();
    let with = |name: &str, value: Value| {
        let mut params = hello_params();
        params[name] = value;
        request(1, "daemon.hello", params).to_string()
    };
    let health = request(1, "daemon.health", json!({})).to_string();
    let cases = [
        (
            with("protocol", json!(2)),
            json!(1),
            "MESO_PROTOCOL_MISMATCH",
        ),
        (
            with("protocol", json!("x")),
            json!(1),
            "MESO_INVALID_PARAMS",
        ),
        (
            with("surface", json!("internal")),
            json!(1),
            "MESO_INVALID_PARAMS",
        ),
        (
            with("colour", json!("red")),
            json!(1),
            "MESO_INVALID_PARAMS",
        ),
        (health, json!(1), "MESO_INVALID_REQUEST"),
        (
            "GET / HTTP/1.1\r".to_owned(),
            Value::Null,
            "MESO_PARSE_ERROR",
        ),
        ("[]".to_owned(), Value::Null, "MESO_INVALID_REQUEST"),
    ];
    for (line, id, code) in cases {
        let mut raw = Raw::connect(&running).await;
        raw.bytes(format!("{line}\n").as_bytes()).await;
        let answer = raw.line().await.unwrap();
        assert_eq!(
            (&answer["id"], outcome(&answer)),
            (&id, json!(code)),
            "{line}"
        );
        assert_eq!(raw.line().await, None, "{line}");
    }
    assert_eq!(running.stats.clients(), 0);
}

#[tokio::test]
async fn a_protocol_mismatch_names_both_versions() {
    let running = Running::start();
    let mut raw = Raw::connect(&running).await;
    // A newer client may send params that are not known here.
    let params = json!({"protocol": 9, "version": "7.7.7", "client": {"name": "new"}});
    raw.send(&request(1, "daemon.hello", params)).await;
    let error = raw.line().await.unwrap()["error"].take();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        error,
        json!({
            "code": ErrorCode::ProtocolMismatch.rpc_number(),
            "message": format!(
                "the client (version 7.7.7) speaks protocol 9, the daemon (version {version}) \
                 speaks protocol 1"
            ),
            "data": {
                "error_code": "MESO_PROTOCOL_MISMATCH",
                "hint": "use client and daemon of one version: `mesoclaw daemon restart`",
            },
        })
    );
}

#[tokio::test]
async fn who_does_not_say_hello_in_time_is_closed() {
    let running = Running::with(ServerOptions {
        handshake_timeout: Duration::from_millis(50),
        ..ServerOptions::default()
    });
    for start in ["", "{\"jsonrpc\":\"2.0\",", "\n\n\n"] {
        let mut raw = Raw::connect(&running).await;
        raw.bytes(start.as_bytes()).await;
        assert_eq!(raw.line().await, None, "{start:?}");
    }
}

#[tokio::test]
async fn hello_is_said_once() {
    let running = Running::start();
    let mut raw = Raw::greeted(&running).await;
    assert_eq!(
        raw.call(1, "daemon.hello", hello_params()).await,
        "MESO_CONFLICT"
    );
    assert_eq!(raw.call(2, "test.echo", json!({})).await, json!({}));
}

#[tokio::test]
async fn one_connection_too_many_is_told_so_and_closed() {
    let running = Running::with(ServerOptions {
        max_connections: 2,
        ..ServerOptions::default()
    });
    let one = Raw::greeted(&running).await;
    let _two = Raw::greeted(&running).await;
    let mut three = Raw::connect(&running).await;
    assert_eq!(outcome(&three.line().await.unwrap()), "MESO_OVERLOADED");
    assert_eq!(three.line().await, None);
    let refused = Client::connect(&running.endpoint, options()).await;
    let Err(IpcError::Refused(error)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(error.code, ErrorCode::Overloaded);
    drop(one);
    running.until_clients(1).await;
    Raw::greeted(&running).await;
}
