//! Errors of operations: one table gives wire text, HTTP status, JSON-RPC number and exit code.

use std::error::Error;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an operation answers.
pub type ApiResult<T> = Result<T, ApiError>;

macro_rules! error_codes {
    ($($(#[doc = $doc:literal])* $name:ident = $wire:literal, $http:literal, $rpc:literal, $exit:literal;)*) => {
        /// Why an operation failed, for programs. Each code has one wire text, one HTTP status,
        /// one JSON-RPC number and one exit code.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, JsonSchema)]
        pub enum ErrorCode {
            $($(#[doc = $doc])* #[serde(rename = $wire)] $name,)*
        }

        impl ErrorCode {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The text on the wire, `MESO_<NAME>`.
            pub fn wire(self) -> &'static str {
                match self { $(Self::$name => $wire),* }
            }

            /// The HTTP status.
            pub fn http_status(self) -> u16 {
                match self { $(Self::$name => $http),* }
            }

            /// The number in a JSON-RPC error object.
            pub fn rpc_number(self) -> i64 {
                match self { $(Self::$name => $rpc),* }
            }

            /// The exit code of the command line.
            pub fn exit_code(self) -> u8 {
                match self { $(Self::$name => $exit),* }
            }
        }
    };
}

error_codes! {
    /// The line is not JSON.
    ParseError = "MESO_PARSE_ERROR", 400, -32700, 1;
    /// The JSON is not a request.
    InvalidRequest = "MESO_INVALID_REQUEST", 400, -32600, 1;
    /// No operation has this name.
    MethodNotFound = "MESO_METHOD_NOT_FOUND", 404, -32601, 1;
    /// The params do not fit the operation.
    InvalidParams = "MESO_INVALID_PARAMS", 400, -32602, 2;
    /// Something in the daemon broke; the log has the details.
    Internal = "MESO_INTERNAL_ERROR", 500, -32603, 1;
    /// A value is understood but not acceptable.
    Validation = "MESO_VALIDATION", 400, -32001, 2;
    /// What was named does not exist.
    NotFound = "MESO_NOT_FOUND", 404, -32002, 4;
    /// Somebody else was first, or the state does not allow it.
    Conflict = "MESO_CONFLICT", 409, -32003, 1;
    /// The caller may not do this.
    PolicyDenied = "MESO_POLICY_DENIED", 403, -32004, 5;
    /// The caller did not say who it is.
    AuthRequired = "MESO_AUTH_REQUIRED", 401, -32005, 5;
    /// Too many requests at once from this connection, or a queue is full.
    Overloaded = "MESO_OVERLOADED", 503, -32006, 1;
    /// A limit was reached: turns, tokens, size.
    LimitReached = "MESO_LIMIT_REACHED", 400, -32007, 8;
    /// The daemon is going down.
    ShuttingDown = "MESO_SHUTTING_DOWN", 503, -32008, 3;
    /// The daemon cannot be reached.
    Unreachable = "MESO_DAEMON_UNREACHABLE", 503, -32009, 3;
    /// Client and daemon do not speak the same protocol.
    ProtocolMismatch = "MESO_PROTOCOL_MISMATCH", 400, -32010, 3;
    /// The operation was cancelled.
    Cancelled = "MESO_CANCELLED", 409, -32011, 130;
    /// It took longer than allowed.
    Timeout = "MESO_TIMEOUT", 504, -32012, 124;
    /// A configuration key or value is wrong.
    Config = "MESO_CONFIG_ERROR", 422, -32020, 2;
    /// The database failed.
    Db = "MESO_DB_ERROR", 503, -32021, 1;
    /// A file could not be read or written.
    Io = "MESO_IO_ERROR", 500, -32022, 1;
    /// A tool failed.
    Tool = "MESO_TOOL_ERROR", 500, -32023, 1;
    /// A model lacks what was asked for.
    ModelCapability = "MESO_MODEL_CAPABILITY", 400, -32024, 2;
    /// A model file is missing, damaged or of a kind the engine cannot run.
    ModelFile = "MESO_MODEL_FILE_ERROR", 422, -32025, 1;
    /// The key store does not work, or is locked.
    Credential = "MESO_CREDENTIAL_ERROR", 500, -32026, 6;
    /// No provider or model is set up.
    AgentNotConfigured = "MESO_AGENT_NOT_CONFIGURED", 503, -32030, 6;
    /// The provider refused the key.
    AgentAuth = "MESO_AGENT_AUTH", 401, -32031, 6;
    /// The provider limits the rate.
    AgentRateLimit = "MESO_AGENT_RATE_LIMIT", 429, -32032, 7;
    /// The provider does not know the model.
    AgentModelNotFound = "MESO_AGENT_MODEL_NOT_FOUND", 400, -32033, 7;
    /// The conversation does not fit the model's context.
    AgentContextLength = "MESO_AGENT_CONTEXT_LENGTH", 400, -32034, 8;
    /// The provider did not answer in time.
    AgentTimeout = "MESO_AGENT_TIMEOUT", 504, -32035, 7;
    /// The provider cannot be reached, or the stream broke off.
    AgentConnection = "MESO_AGENT_CONNECTION", 502, -32036, 7;
    /// The provider failed in another way.
    Agent = "MESO_AGENT_ERROR", 502, -32037, 7;
    /// The turn used up its model calls.
    AgentMaxTurns = "MESO_AGENT_MAX_TURNS", 400, -32038, 8;
}

impl ErrorCode {
    /// The code with this wire text.
    pub fn from_wire(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.wire() == text)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.wire())
    }
}

/// A failed operation: a code for programs, a message for people, a hint what to do next.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// For programs.
    #[serde(rename = "error_code")]
    pub code: ErrorCode,
    /// For people.
    pub message: String,
    /// What to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl ApiError {
    /// An error without a hint.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            hint: None,
        }
    }

    /// The same error with a hint what to do next.
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// `noun` named `name` does not exist.
    pub fn not_found(noun: &str, name: impl fmt::Display) -> Self {
        Self::new(ErrorCode::NotFound, format!("there is no {noun} `{name}`"))
    }

    /// A value of ours did not turn into JSON or back: a defect, or another version at the other end.
    pub fn unserialisable(error: serde_json::Error) -> Self {
        Self::new(
            ErrorCode::Internal,
            format!("the value has an unexpected shape: {error}"),
        )
    }
}

/// An error with all its causes on one line, outermost first. A cause that an outer error shows
/// already, as many libraries do, is not repeated.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let inner = error.to_string();
        if !text.ends_with(&inner) {
            text.push_str(": ");
            text.push_str(&inner);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Layer {
        text: &'static str,
        source: Option<Box<Layer>>,
    }

    #[test]
    fn causes_are_shown_once() {
        let inner = Layer {
            text: "no such file",
            source: None,
        };
        let middle = Layer {
            text: "open a: no such file",
            source: Some(Box::new(inner)),
        };
        let outer = Layer {
            text: "read the settings",
            source: Some(Box::new(middle)),
        };
        assert_eq!(chain(&outer), "read the settings: open a: no such file");
    }

    #[test]
    fn wire_texts_and_numbers_are_unique_and_round_trip() {
        let texts: HashSet<_> = ErrorCode::ALL.iter().map(|code| code.wire()).collect();
        let numbers: HashSet<_> = ErrorCode::ALL
            .iter()
            .map(|code| code.rpc_number())
            .collect();
        assert_eq!(texts.len(), ErrorCode::ALL.len());
        assert_eq!(numbers.len(), ErrorCode::ALL.len());
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::from_wire(code.wire()), Some(*code));
            assert_eq!(
                serde_json::to_value(code).ok(),
                Some(serde_json::Value::from(code.wire()))
            );
        }
    }
}
