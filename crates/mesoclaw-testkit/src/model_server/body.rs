//! Bodies of answers: JSON, plain text, a stream, each in pieces where the script says so.

use std::io;

use axum::body::{Body, Bytes};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use futures_util::stream;
use serde_json::Value;

use super::player::Player;

/// An answer that is no stream: text is HTML, as error pages of proxies are.
pub(super) fn fixed(status: u16, body: &Value, split_bytes: Option<usize>) -> Response {
    let (content_type, text) = match body {
        Value::Null => ("text/plain", String::new()),
        Value::String(text) => ("text/html", text.clone()),
        json => ("application/json", json.to_string()),
    };
    let body = if split_bytes.is_some() {
        let pieces = Pieces::new(Bytes::from(text), split_bytes);
        Body::from_stream(stream::unfold(pieces, |mut pieces| async {
            let piece = pieces.next().await?;
            Some((Ok::<_, io::Error>(piece), pieces))
        }))
    } else {
        Body::from(text)
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).expect("a status of three digits");
    set(&mut response, header::CONTENT_TYPE, content_type);
    response
}

/// Sets a header.
pub(super) fn set(response: &mut Response, name: HeaderName, value: &str) {
    let value = HeaderValue::from_str(value).expect("a header value");
    response.headers_mut().insert(name, value);
}

/// A stream that a player plays.
pub(super) fn streamed(player: Player, split_bytes: Option<usize>) -> Response {
    let content_type = player.content_type();
    let start = (player, Pieces::new(Bytes::new(), split_bytes));
    let chunks = stream::unfold(start, |(mut player, mut pieces)| async {
        loop {
            if let Some(piece) = pieces.next().await {
                return Some((Ok(piece), (player, pieces)));
            }
            match player.next().await? {
                Ok(chunk) => pieces.rest = chunk,
                Err(error) => return Some((Err(error), (player, pieces))),
            }
        }
    });
    let mut response = Response::new(Body::from_stream(chunks));
    set(&mut response, header::CONTENT_TYPE, content_type);
    set(&mut response, header::CACHE_CONTROL, "no-cache");
    response
}

/// An answer that is cut before its first byte of content.
pub(super) fn cut() -> Response {
    let cut = stream::once(async {
        tokio::task::yield_now().await;
        Err::<Bytes, _>(io::Error::other("cut by the script"))
    });
    Response::new(Body::from_stream(cut))
}

/// Bytes that leave in pieces of one size.
struct Pieces {
    rest: Bytes,
    size: Option<usize>,
}

impl Pieces {
    fn new(rest: Bytes, size: Option<usize>) -> Self {
        Self { rest, size }
    }

    async fn next(&mut self) -> Option<Bytes> {
        if self.rest.is_empty() {
            return None;
        }
        let Some(size) = self.size else {
            return Some(std::mem::take(&mut self.rest));
        };
        // The server writes what it has when there is nothing more for it: so each piece is a
        // write of its own.
        tokio::task::yield_now().await;
        Some(self.rest.split_to(size.clamp(1, self.rest.len())))
    }
}
