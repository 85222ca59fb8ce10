//! JSON-RPC 2.0 envelopes, one object a line.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::error::{ApiError, ErrorCode};

/// Version of the protocol on the socket. Another number is another language.
pub const PROTOCOL: u32 = 1;

/// Longest line, in bytes, either side accepts.
pub const MAX_LINE_BYTES: usize = 8 * 1024 * 1024;

/// Method of the notification that carries an [`crate::event::EventFrame`].
pub const EVENT_METHOD: &str = "event";

/// Method of the notification that says how many events a slow reader missed: `{"skipped": n}`.
pub const LAGGED_METHOD: &str = "lagged";

/// Id of a request. Numbers and strings are allowed; answers repeat it.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RequestId {
    /// A number.
    Number(i64),
    /// A string.
    Text(String),
}

/// A request or a notification (without `id`) from a client.
#[derive(Debug, Serialize, Deserialize)]
pub struct Request {
    /// Always `"2.0"`.
    pub jsonrpc: Version,
    /// `None` = notification: no answer wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<RequestId>,
    /// Name of the operation.
    pub method: String,
    /// Its params.
    #[serde(default)]
    pub params: Value,
}

/// An answer.
#[derive(Debug, Serialize, Deserialize)]
pub struct Response {
    /// Always `"2.0"`.
    pub jsonrpc: Version,
    /// The request's id; `null` when the request could not be read.
    pub id: Option<RequestId>,
    /// The answer of a request that went well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Value>,
    /// The error of one that did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<RpcError>,
}

/// An error object: `data` holds the code and the hint.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RpcError {
    /// JSON-RPC number.
    pub code: i64,
    /// For people.
    pub message: String,
    /// Code and hint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<RpcErrorData>,
}

/// What stands in `error.data`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RpcErrorData {
    /// `MESO_*`.
    pub error_code: String,
    /// What to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// A line a client receives: an answer, or a notification.
#[derive(Debug, Deserialize)]
pub struct Incoming {
    /// Set in answers.
    #[serde(default)]
    pub id: Option<RequestId>,
    /// Set in notifications.
    #[serde(default)]
    pub method: Option<String>,
    /// Set in notifications.
    #[serde(default)]
    pub params: Option<Box<RawValue>>,
    /// Set in good answers.
    #[serde(default)]
    pub result: Option<Box<RawValue>>,
    /// Set in bad answers.
    #[serde(default)]
    pub error: Option<RpcError>,
}

/// The text `"2.0"`; anything else does not parse.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub enum Version {
    /// JSON-RPC 2.0.
    #[default]
    #[serde(rename = "2.0")]
    V2,
}

impl Response {
    /// The answer to `id`.
    pub fn from_result(id: Option<RequestId>, result: Result<Value, ApiError>) -> Self {
        let (result, error) = match result {
            Ok(value) => (Some(value), None),
            Err(error) => (None, Some(RpcError::from(error))),
        };
        Self {
            jsonrpc: Version::V2,
            id,
            result,
            error,
        }
    }
}

impl From<ApiError> for RpcError {
    fn from(error: ApiError) -> Self {
        Self {
            code: error.code.rpc_number(),
            message: error.message,
            data: Some(RpcErrorData {
                error_code: error.code.wire().to_owned(),
                hint: error.hint,
            }),
        }
    }
}

impl From<RpcError> for ApiError {
    fn from(error: RpcError) -> Self {
        let (code, hint) = match error.data {
            Some(data) => (ErrorCode::from_wire(&data.error_code), data.hint),
            None => (None, None),
        };
        // A newer daemon may know codes that this client does not.
        Self {
            code: code.unwrap_or(ErrorCode::Internal),
            message: error.message,
            hint,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_survive_the_wire() {
        let error = ApiError::new(ErrorCode::Conflict, "too late").with_hint("look again");
        let line = serde_json::to_string(&Response::from_result(
            Some(RequestId::Number(7)),
            Err(error.clone()),
        ))
        .unwrap();
        let back: Response = serde_json::from_str(&line).unwrap();
        assert_eq!(back.id, Some(RequestId::Number(7)));
        assert_eq!(ApiError::from(back.error.unwrap()), error);
    }

    #[test]
    fn only_version_two_is_a_request() {
        for (line, good) in [
            (r#"{"jsonrpc":"2.0","id":1,"method":"a.b"}"#, true),
            (
                r#"{"jsonrpc":"2.0","id":"x","method":"a.b","params":{}}"#,
                true,
            ),
            (r#"{"jsonrpc":"1.0","id":1,"method":"a.b"}"#, false),
            (r#"{"id":1,"method":"a.b"}"#, false),
        ] {
            assert_eq!(
                serde_json::from_str::<Request>(line).is_ok(),
                good,
                "{line}"
            );
        }
    }
}
