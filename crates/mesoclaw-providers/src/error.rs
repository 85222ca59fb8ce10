//! What went wrong, from status, provider code and kind of failure; English text is only shown.

use std::error::Error;
use std::io;
use std::time::Duration;

use mesoclaw_agent::model::{ModelError, ModelErrorKind};
use mesoclaw_api::error::chain;
use mesoclaw_api::time::unix_ms;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use crate::endpoint::Endpoint;

/// Longest part of a provider's own message that is shown, in characters.
const MAX_MESSAGE_CHARS: usize = 500;

/// Codes (or types) by which providers say that the prompt does not fit.
const CONTEXT_CODES: [&str; 3] = [
    "context_length_exceeded",
    "exceed_context_size_error",
    "request_too_large",
];

/// What a provider says in the body of an error.
#[derive(Default, PartialEq, Eq, Debug)]
pub(crate) struct Reported {
    /// `error.code` and `error.type`, as far as they are texts.
    pub(crate) codes: Vec<String>,
    /// `error.code` as a number: some gateways put the status there.
    pub(crate) status: Option<u16>,
    /// The sentence.
    pub(crate) message: Option<String>,
}

impl Reported {
    /// Reads an error body; whatever is not JSON of a known form says nothing.
    pub(crate) fn read(body: &[u8]) -> Self {
        serde_json::from_slice(body).map_or_else(|_| Self::default(), |body| Self::of(&body))
    }

    /// The same for a value that is read already.
    pub(crate) fn of(body: &Value) -> Self {
        let error = match &body["error"] {
            Value::Null => body,
            error => error,
        };
        let text = |value: &Value| value.as_str().map(str::to_owned);
        Self {
            codes: [&error["code"], &error["type"]]
                .into_iter()
                .filter_map(text)
                .collect(),
            status: error["code"]
                .as_u64()
                .and_then(|code| u16::try_from(code).ok())
                .filter(|code| (400..600).contains(code)),
            message: text(&error["message"]).or_else(|| text(error)),
        }
    }

    fn has(&self, codes: &[&str]) -> bool {
        self.codes.iter().any(|code| codes.contains(&&**code))
    }

    fn kind(&self, status: u16) -> ModelErrorKind {
        if self.has(&CONTEXT_CODES) {
            return ModelErrorKind::ContextLength;
        }
        if self.has(&["model_not_found"]) {
            return ModelErrorKind::ModelNotFound;
        }
        match status {
            401 | 403 => ModelErrorKind::Auth,
            404 => ModelErrorKind::ModelNotFound,
            413 => ModelErrorKind::ContextLength,
            429 => ModelErrorKind::RateLimited,
            408 | 504 => ModelErrorKind::Timeout,
            500.. => ModelErrorKind::Server,
            _ => ModelErrorKind::Rejected,
        }
    }
}

/// The error of an answer with a status that is not 200.
pub(crate) fn of_status(
    endpoint: &Endpoint,
    model: &str,
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
) -> ModelError {
    let reported = Reported::read(body);
    let kind = reported.kind(status);
    let mut error = of_reported(
        endpoint,
        model,
        &format!("status {status}"),
        kind,
        &reported,
    );
    if (300..400).contains(&status) {
        error.hint = Some(format!(
            "redirects are not followed: set the base URL of `{}` to the address it leads to \
             (now {})",
            endpoint.provider_id, endpoint.base_url
        ));
    }
    error.retry_after = headers
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| retry_after(value, unix_ms()));
    error
}

/// The error of an error object inside a stream that began well.
pub(crate) fn of_event(endpoint: &Endpoint, model: &str, event: &Value) -> ModelError {
    let reported = Reported::of(event);
    let kind = reported.kind(reported.status.unwrap_or(500));
    of_reported(endpoint, model, "an error in the stream", kind, &reported)
}

fn of_reported(
    endpoint: &Endpoint,
    model: &str,
    what: &str,
    kind: ModelErrorKind,
    reported: &Reported,
) -> ModelError {
    let code = reported.codes.first().map(|code| format!(" ({code})"));
    let text = reported.message.as_ref().map(|text| format!(": {text}"));
    let message = format!(
        "`{}` answered with {what}{}{}",
        endpoint.provider_id,
        code.unwrap_or_default(),
        text.unwrap_or_default()
    );
    let error = ModelError::new(kind, presentable(endpoint, &message));
    match hint(endpoint, model, kind) {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

fn hint(endpoint: &Endpoint, model: &str, kind: ModelErrorKind) -> Option<String> {
    let Endpoint {
        provider_id,
        base_url,
        ..
    } = endpoint;
    match kind {
        ModelErrorKind::Auth if endpoint.api_key.is_none() => Some(format!(
            "`{provider_id}` wants an API key: set one and try again"
        )),
        ModelErrorKind::Auth => Some(format!(
            "check the API key of `{provider_id}` and what it is allowed to use"
        )),
        ModelErrorKind::ModelNotFound => Some(format!(
            "check that `{provider_id}` has the model `{model}` and that the base URL {base_url} \
             is right"
        )),
        ModelErrorKind::ContextLength => {
            Some("start a new session, or use a model with a longer context".to_owned())
        }
        ModelErrorKind::RateLimited => {
            Some("wait a while, or check the limits of the account".to_owned())
        }
        ModelErrorKind::Connection => Some(format!(
            "check that {base_url} is the base URL of `{provider_id}` and that it can be reached \
             from here"
        )),
        ModelErrorKind::Timeout
        | ModelErrorKind::Server
        | ModelErrorKind::BrokenStream
        | ModelErrorKind::Rejected
        | ModelErrorKind::NotConfigured
        | ModelErrorKind::Capability
        | ModelErrorKind::Internal => None,
    }
}

/// The error of a request that got no answer.
pub(crate) fn of_request(endpoint: &Endpoint, error: reqwest::Error) -> ModelError {
    let error = error.without_url();
    let place = place(endpoint);
    if error.is_builder() {
        let text = format!("the request could not be made: {}", chain(&error));
        return ModelError::new(ModelErrorKind::Internal, presentable(endpoint, &text));
    }
    let text = if error.is_dns() {
        format!(
            "the name in `{place}` could not be resolved: {}",
            root(&error)
        )
    } else if error.is_connect() && error.is_timeout() {
        format!(
            "no connection to `{place}` within {} s",
            endpoint.connect_timeout.as_secs_f64()
        )
    } else if has_io_kind(&error, io::ErrorKind::ConnectionRefused) {
        format!("nothing listens at `{place}`: the connection was refused")
    } else if error.is_connect() && has_io_kind(&error, io::ErrorKind::InvalidData) {
        format!("TLS with `{place}` failed: {}", root(&error))
    } else if error.is_connect() {
        format!("no connection to `{place}`: {}", root(&error))
    } else {
        format!(
            "`{place}` closed the connection without an answer: {}",
            root(&error)
        )
    };
    let kind = ModelErrorKind::Connection;
    let error = ModelError::new(kind, presentable(endpoint, &text));
    match hint(endpoint, "", kind) {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

/// The error of a stream that broke off or was not understood.
pub(crate) fn of_stream(endpoint: &Endpoint, what: &str) -> ModelError {
    let text = format!("the answer of `{}` broke off: {what}", endpoint.provider_id);
    ModelError::new(ModelErrorKind::BrokenStream, presentable(endpoint, &text))
}

/// The error of an endpoint that keeps silent.
pub(crate) fn of_silence(endpoint: &Endpoint, limit: Duration, is_begun: bool) -> ModelError {
    let (what, key) = if is_begun {
        ("nothing more", "idle")
    } else {
        ("nothing", "first-token")
    };
    ModelError::new(
        ModelErrorKind::Timeout,
        format!(
            "`{}` said {what} for {} s ({key} time-out)",
            endpoint.provider_id,
            limit.as_secs_f64()
        ),
    )
}

/// Seconds, or an HTTP date, as the time from `now_ms` on.
pub(crate) fn retry_after(value: &str, now_ms: i64) -> Option<Duration> {
    let value = value.trim();
    if let Ok(secs) = value.parse::<f64>() {
        return Duration::try_from_secs_f64(secs).ok();
    }
    let at = OffsetDateTime::parse(value, &Rfc2822).ok()?;
    let ms = at.unix_timestamp().saturating_mul(1000) - now_ms;
    Some(Duration::from_millis(u64::try_from(ms).unwrap_or(0)))
}

/// Host and port, the part of the address that a connection needs.
fn place(endpoint: &Endpoint) -> String {
    let Ok(url) = endpoint.check() else {
        return endpoint.base_url.clone();
    };
    match (url.host_str(), url.port_or_known_default()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        _ => endpoint.base_url.clone(),
    }
}

/// The innermost cause: the outer ones say only that a request failed.
fn root(error: &dyn Error) -> String {
    let mut last = error;
    while let Some(cause) = last.source() {
        last = cause;
    }
    last.to_string()
}

/// Whether an I/O error of this kind is among the causes. An I/O error that wraps another does not
/// name it as its source, so both ways are gone.
fn has_io_kind(error: &(dyn Error + 'static), kind: io::ErrorKind) -> bool {
    if let Some(io_error) = error.downcast_ref::<io::Error>() {
        if io_error.kind() == kind {
            return true;
        }
        if let Some(inner) = io_error.get_ref() {
            return has_io_kind(inner, kind);
        }
    }
    error
        .source()
        .is_some_and(|source| has_io_kind(source, kind))
}

/// Text from outside, fit for a message: no key, no control characters, not endless.
fn presentable(endpoint: &Endpoint, text: &str) -> String {
    let mut text = text.to_owned();
    if let Some(key) = &endpoint.api_key
        && !key.expose().is_empty()
    {
        text = text.replace(key.expose().as_str(), "***");
    }
    let mut shown: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(MAX_MESSAGE_CHARS)
        .collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests;
