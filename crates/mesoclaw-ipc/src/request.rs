//! From a line to a request, or to the error that answers it.

use mesoclaw_api::rpc::{MAX_LINE_BYTES, Request, RequestId};
use mesoclaw_api::{ApiError, ErrorCode};
use serde::Deserialize;
use serde_json::error::Category;

use crate::codec::Line;

/// A line that is no request: the id to answer with, as far as it could be read, and the error.
#[derive(PartialEq, Debug)]
pub(crate) struct BadRequest {
    pub id: Option<RequestId>,
    pub error: ApiError,
}

/// Reads a line; `None` for a blank one.
///
/// # Errors
/// The line is too long, no text, no JSON, or JSON that is no request.
pub(crate) fn parse(line: Line<'_>) -> Result<Option<Request>, BadRequest> {
    let text = match line {
        Line::Text(text) => text.trim_ascii(),
        Line::NotUtf8 => {
            return Err(unnamed(
                ApiError::new(ErrorCode::ParseError, "the line is not UTF-8")
                    .with_hint("send JSON text in UTF-8, one object a line"),
            ));
        }
        Line::TooLong => {
            return Err(unnamed(
                ApiError::new(
                    ErrorCode::InvalidRequest,
                    format!("the line is longer than {MAX_LINE_BYTES} bytes"),
                )
                .with_hint(format!("a line holds at most {MAX_LINE_BYTES} bytes")),
            ));
        }
    };
    if text.is_empty() {
        return Ok(None);
    }
    // An array would be read as the fields of a request in their order.
    if text.starts_with('[') {
        return Err(unnamed(invalid("a line holds one request, not a list")));
    }
    serde_json::from_str(text).map(Some).map_err(|error| {
        if error.classify() == Category::Data {
            BadRequest {
                id: id_of(text),
                error: invalid(format!("the line is not a JSON-RPC 2.0 request: {error}")),
            }
        } else {
            unnamed(
                ApiError::new(
                    ErrorCode::ParseError,
                    format!("the line is not JSON: {error}"),
                )
                .with_hint("send one JSON object a line"),
            )
        }
    })
}

/// An invalid request, with the hint how one looks.
pub(crate) fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorCode::InvalidRequest, message).with_hint(
        r#"a request looks like {"jsonrpc":"2.0","id":1,"method":"daemon.health","params":{}}"#,
    )
}

fn unnamed(error: ApiError) -> BadRequest {
    BadRequest { id: None, error }
}

fn id_of(text: &str) -> Option<RequestId> {
    #[derive(Deserialize)]
    struct Named {
        id: Option<RequestId>,
    }
    serde_json::from_str::<Named>(text).ok()?.id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_lines_get_the_code_and_the_id_that_fit() {
        let number = |id| Some(RequestId::Number(id));
        let cases = [
            (Line::NotUtf8, None, ErrorCode::ParseError),
            (Line::TooLong, None, ErrorCode::InvalidRequest),
            (Line::Text("{"), None, ErrorCode::ParseError),
            (Line::Text("hello"), None, ErrorCode::ParseError),
            (Line::Text("7"), None, ErrorCode::InvalidRequest),
            (Line::Text("[]"), None, ErrorCode::InvalidRequest),
            (
                Line::Text(r#"["2.0",1,"daemon.health",{}]"#),
                None,
                ErrorCode::InvalidRequest,
            ),
            (
                Line::Text(r#"{"id":7}"#),
                number(7),
                ErrorCode::InvalidRequest,
            ),
            (
                Line::Text(r#"{"jsonrpc":"1.0","id":8,"method":"a.b"}"#),
                number(8),
                ErrorCode::InvalidRequest,
            ),
            (
                Line::Text(r#"{"jsonrpc":"2.0","id":1.5,"method":"a.b"}"#),
                None,
                ErrorCode::InvalidRequest,
            ),
            (
                Line::Text(r#"{"jsonrpc":"2.0","id":{},"method":"a.b"}"#),
                None,
                ErrorCode::InvalidRequest,
            ),
            (
                Line::Text(r#"{"jsonrpc":"2.0","id":9,"method":["a"]}"#),
                number(9),
                ErrorCode::InvalidRequest,
            ),
        ];
        for (line, id, code) in cases {
            let bad = parse(line).unwrap_err();
            assert_eq!((bad.id, bad.error.code), (id, code), "{line:?}");
        }
        let deep = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"a.b","params":{}}}"#,
            "[".repeat(100_000)
        );
        let bad = parse(Line::Text(&deep)).unwrap_err();
        assert_eq!((bad.id, bad.error.code), (None, ErrorCode::ParseError));
    }

    #[test]
    fn blank_lines_are_nothing_and_spaces_around_a_request_do_not_matter() {
        for blank in ["", " ", "\r", "\t \r"] {
            assert!(parse(Line::Text(blank)).unwrap().is_none());
        }
        let line = " {\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"a.b\"}\r";
        let request = parse(Line::Text(line)).unwrap().unwrap();
        assert_eq!(request.id, Some(RequestId::Text("x".to_owned())));
        assert_eq!(request.method, "a.b");
    }
}
