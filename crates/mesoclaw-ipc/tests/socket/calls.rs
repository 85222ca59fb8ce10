//! Many calls at once, and what becomes of them when something breaks.

use std::sync::Arc;

use mesoclaw_api::ops::NoParams;
use mesoclaw_api::ops::daemon::DaemonHealth;
use mesoclaw_api::rpc::MAX_LINE_BYTES;
use mesoclaw_api::{ApiResult, CallCtx, ErrorCode, RawCaller};
use mesoclaw_ipc::{Client, ServerOptions};
use serde_json::{Value, json};
use tokio_util::task::TaskTracker;

use crate::service::{Raw, Running, options, outcome, request, until};

async fn connect(running: &Running) -> Client {
    let (client, _) = Client::connect(&running.endpoint, options()).await.unwrap();
    client
}

async fn call(client: &Client, method: &str, params: Value) -> ApiResult<Value> {
    client.call_raw(CallCtx::internal(), method, params).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_requests_are_in_flight_at_once() {
    let running = Running::start();
    let tracker = TaskTracker::new();
    let mut tasks = Vec::new();
    // 32 connections with 32 requests each is just over a thousand.
    for _ in 0..32 {
        let client = Arc::new(connect(&running).await);
        for n in 0..32 {
            let client = Arc::clone(&client);
            let task = async move { call(&client, "test.wait", json!({"n": n})).await };
            tasks.push((n, tracker.spawn(task)));
        }
    }
    running.until_waiting(1024).await;
    running.service.gate.send_replace(true);
    for (n, task) in tasks {
        assert_eq!(task.await.unwrap(), Ok(json!({"n": n})));
    }
    drop(tracker);
    running.until_clients(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_waits_for_its_turn_instead_of_overloading() {
    let running = Running::start();
    let client = connect(&running).await;
    let tracker = TaskTracker::new();
    let tasks: Vec<_> = (0..1000)
        .map(|n| {
            let client = client.clone();
            tracker.spawn(async move { call(&client, "test.wait", json!(n)).await })
        })
        .collect();
    running.until_waiting(32).await;
    running.service.gate.send_replace(true);
    for (n, task) in tasks.into_iter().enumerate() {
        assert_eq!(task.await.unwrap(), Ok(json!(n)));
    }
}

#[tokio::test]
async fn one_request_too_many_is_overload_and_answers_come_as_they_finish() {
    let running = Running::with(ServerOptions {
        max_in_flight: 2,
        ..ServerOptions::default()
    });
    let mut raw = Raw::greeted(&running).await;
    raw.send(&request(1, "test.wait", json!(1))).await;
    assert_eq!(raw.call(2, "test.echo", json!(2)).await, 2);
    raw.send(&request(3, "test.wait", json!(3))).await;
    assert_eq!(raw.call(4, "test.echo", json!(4)).await, "MESO_OVERLOADED");
    running.service.gate.send_replace(true);
    let mut ids =
        [raw.line().await.unwrap(), raw.line().await.unwrap()].map(|line| outcome(&line).as_i64());
    ids.sort_unstable();
    assert_eq!(ids, [Some(1), Some(3)]);
    assert_eq!(raw.call(5, "test.echo", json!(5)).await, 5);
}

#[tokio::test]
async fn notifications_run_and_are_not_answered() {
    let running = Running::start();
    let mut raw = Raw::greeted(&running).await;
    raw.send(&json!({"jsonrpc": "2.0", "method": "test.wait"}))
        .await;
    raw.send(&json!({"jsonrpc": "2.0", "method": "no.such"}))
        .await;
    running.until_waiting(1).await;
    running.service.gate.send_replace(true);
    assert_eq!(raw.call(1, "test.echo", json!(1)).await, 1);
    assert!(raw.is_silent());
}

#[tokio::test]
async fn ids_may_be_text() {
    let running = Running::start();
    let mut raw = Raw::greeted(&running).await;
    raw.send(&json!({"jsonrpc": "2.0", "id": "a", "method": "test.echo"}))
        .await;
    assert_eq!(
        raw.line().await,
        Some(json!({"jsonrpc": "2.0", "id": "a", "result": null}))
    );
}

#[tokio::test]
async fn a_panic_is_an_error_of_that_call_alone() {
    let running = Running::start();
    let client = connect(&running).await;
    let wait = call(&client, "test.wait", json!(1));
    let panic = async {
        running.until_waiting(1).await;
        let panicked = call(&client, "test.panic", json!({})).await;
        running.service.gate.send_replace(true);
        panicked
    };
    let (waited, panicked) = tokio::join!(wait, panic);
    assert_eq!(waited, Ok(json!(1)));
    assert_eq!(panicked.unwrap_err().code, ErrorCode::Internal);
}

#[tokio::test]
async fn large_values_pass_and_too_large_ones_are_errors() {
    let running = Running::start();
    let client = connect(&running).await;
    let large = "x".repeat(7 * 1024 * 1024);
    let echoed = call(&client, "test.echo", json!({"text": large})).await;
    assert_eq!(echoed, Ok(json!({"text": large})));
    let sent = call(&client, "test.echo", json!("x".repeat(MAX_LINE_BYTES))).await;
    assert_eq!(sent.unwrap_err().code, ErrorCode::LimitReached);
    let got = call(&client, "test.big", json!({"bytes": MAX_LINE_BYTES})).await;
    assert_eq!(got.unwrap_err().code, ErrorCode::LimitReached);
    assert!(client.call::<DaemonHealth>(NoParams {}).await.is_ok());
}

#[tokio::test]
async fn errors_of_operations_reach_the_caller() {
    let running = Running::start();
    let client = connect(&running).await;
    for (method, params, code) in [
        ("no.such", json!({}), ErrorCode::MethodNotFound),
        ("daemon.health", json!({"x": 1}), ErrorCode::InvalidParams),
        ("daemon.hello", json!({}), ErrorCode::Conflict),
    ] {
        let answer = call(&client, method, params).await;
        assert_eq!(answer.unwrap_err().code, code, "{method}");
    }
}

#[tokio::test]
async fn calls_fail_when_the_connection_ends() {
    let running = Running::start();
    let client = connect(&running).await;
    let mut events = client.take_events().unwrap();
    assert!(client.take_events().is_none());
    let wait = call(&client, "test.wait", json!({}));
    let stop = async {
        running.until_waiting(1).await;
        running.stop().await;
    };
    let (waited, ()) = tokio::join!(wait, stop);
    assert_eq!(waited.unwrap_err().code, ErrorCode::Unreachable);
    let later = client.call::<DaemonHealth>(NoParams {}).await;
    assert_eq!(later.unwrap_err().code, ErrorCode::Unreachable);
    assert!(events.next().await.is_none());
    assert!(!running.path().exists());
}

#[tokio::test]
async fn calls_that_run_at_shutdown_are_answered() {
    let running = Running::start();
    let client = connect(&running).await;
    let wait = call(&client, "test.wait", json!(1));
    let stop = async {
        running.until_waiting(1).await;
        running.shutdown.cancel();
        until(|| !running.path().exists()).await;
        running.service.gate.send_replace(true);
        running.stop().await;
    };
    let (waited, ()) = tokio::join!(wait, stop);
    assert_eq!(waited, Ok(json!(1)));
}

#[tokio::test]
async fn the_connection_ends_with_the_last_client() {
    let running = Running::start();
    let client = connect(&running).await;
    let clone = client.clone();
    drop(client);
    assert!(clone.call::<DaemonHealth>(NoParams {}).await.is_ok());
    drop(clone);
    running.until_clients(0).await;
}

#[tokio::test]
async fn a_caller_may_stop_waiting() {
    let running = Running::start();
    let client = connect(&running).await;
    for _ in 0..100 {
        tokio::select! {
            biased;
            _ = call(&client, "test.wait", json!({})) => panic!("the gate is closed"),
            () = std::future::ready(()) => {}
        }
    }
    running.service.gate.send_replace(true);
    assert!(client.call::<DaemonHealth>(NoParams {}).await.is_ok());
}
