//! The first request of a connection: who is there, and do both speak the same language.

use std::time::Duration;

use mesoclaw_api::ops::daemon::{DaemonHello, HelloParams};
use mesoclaw_api::rpc::{PROTOCOL, Request, RequestId, Response};
use mesoclaw_api::{ApiError, ErrorCode, Operation, Surface};
use serde_json::Value;
use tokio::io::AsyncWriteExt;

use crate::codec::{LineDecoder, encode_line};
use crate::endpoint::Stream;
use crate::request::{self, BadRequest};

/// Time for the line that says why a connection is refused.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(1);

/// A client that introduced itself in a way that can be accepted.
pub(crate) struct Introduction {
    pub id: Option<RequestId>,
    pub hello: HelloParams,
    /// The params as they came.
    pub params: Value,
}

/// Reads the first request. `None`: the client went without one.
///
/// # Errors
/// The first line is anything but an acceptable `daemon.hello`.
pub(crate) async fn read_hello(
    stream: &Stream,
    decoder: &mut LineDecoder,
) -> Result<Option<Introduction>, BadRequest> {
    let mut reader = stream;
    loop {
        while let Some(line) = decoder.next_line() {
            if let Some(request) = request::parse(line)? {
                return accept(request).map(Some);
            }
        }
        match decoder.read_from(&mut reader).await {
            Ok(0) => return Ok(None),
            Ok(_) => {}
            Err(error) => {
                tracing::debug!(%error, "could not read from a new connection");
                return Ok(None);
            }
        }
    }
}

/// Tells the client why it is refused. Losing the line is all right: the close says it too.
pub(crate) async fn refuse(stream: &Stream, bad: BadRequest) {
    tracing::info!(error = %bad.error, "refused a connection");
    let Ok(line) = encode_line(&Response::from_result(bad.id, Err(bad.error))) else {
        return;
    };
    let mut writer = stream;
    tokio::time::timeout(REFUSAL_TIMEOUT, writer.write_all(&line))
        .await
        .ok();
}

fn accept(request: Request) -> Result<Introduction, BadRequest> {
    let Request {
        id, method, params, ..
    } = request;
    let refused = |error| BadRequest {
        id: id.clone(),
        error,
    };
    if method != DaemonHello::METHOD {
        let error = request::invalid("the first request must be `daemon.hello`");
        return Err(refused(error));
    }
    // Before the other params: a newer client may send some that are not known here.
    let protocol = params.get("protocol").and_then(Value::as_u64);
    if let Some(protocol) = protocol
        && protocol != u64::from(PROTOCOL)
    {
        return Err(refused(mismatch(protocol, &params)));
    }
    let hello: HelloParams = serde_json::from_value(params.clone()).map_err(|error| {
        refused(ApiError::new(
            ErrorCode::InvalidParams,
            format!("the params of `daemon.hello` do not fit: {error}"),
        ))
    })?;
    if hello.surface == Surface::Internal {
        return Err(refused(ApiError::new(
            ErrorCode::InvalidParams,
            "the surface `internal` is the daemon itself and not for clients",
        )));
    }
    Ok(Introduction { id, hello, params })
}

fn mismatch(protocol: u64, params: &Value) -> ApiError {
    let version = params.get("version").and_then(Value::as_str);
    ApiError::new(
        ErrorCode::ProtocolMismatch,
        format!(
            "the client (version {}) speaks protocol {protocol}, the daemon (version {}) speaks \
             protocol {PROTOCOL}",
            version.unwrap_or("unknown").escape_debug(),
            env!("CARGO_PKG_VERSION"),
        ),
    )
    .with_hint("use client and daemon of one version: `mesoclaw daemon restart`")
}
