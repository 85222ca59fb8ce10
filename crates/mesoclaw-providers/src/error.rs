//! What went wrong, from status, provider code and kind of failure; English text is only shown.

mod reported;

use std::error::Error;
use std::io;
use std::time::Duration;

use mesoclaw_agent::model::{ModelError, ModelErrorKind};
use mesoclaw_api::error::chain;
use mesoclaw_api::time::unix_ms;
use reqwest::header::HeaderMap;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use self::reported::Reported;
use crate::dialect::Dialect;
use crate::endpoint::Endpoint;

/// Longest part of a provider's own message that is shown, in characters.
const MAX_MESSAGE_CHARS: usize = 500;

/// The error of an answer with a status that is not 200.
pub(crate) fn of_status(
    endpoint: &Endpoint,
    model: &str,
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
) -> ModelError {
    let reported = Reported::read(body);
    let what = format!("status {status}");
    let mut error = of_reported(endpoint, model, &what, Some(status), &reported);
    if (300..400).contains(&status) {
        error.hint = Some(format!(
            "redirects are not followed: set the base URL of `{}` to the address it leads to \
             (now {})",
            endpoint.provider_id, endpoint.base_url
        ));
    }
    error.retry_after = asked_to_wait(headers, unix_ms()).or(error.retry_after);
    error
}

/// The error of an error object inside a stream that began well.
pub(crate) fn of_event(endpoint: &Endpoint, model: &str, event: &Value) -> ModelError {
    let reported = Reported::of(event);
    of_reported(endpoint, model, "an error in the stream", None, &reported)
}

fn of_reported(
    endpoint: &Endpoint,
    model: &str,
    what: &str,
    status: Option<u16>,
    reported: &Reported,
) -> ModelError {
    // Cohere's word for a prompt or an answer with something that is on a list of its own.
    let is_listed = endpoint.dialect == Dialect::Cohere && status == Some(498);
    let kind = if is_listed {
        ModelErrorKind::Rejected
    } else {
        reported.kind(status)
    };
    let code = reported.codes.first().map(|code| format!(" ({code})"));
    let text = reported.message.as_ref().map(|text| format!(": {text}"));
    let message = format!(
        "`{}` answered with {what}{}{}",
        endpoint.provider_id,
        code.unwrap_or_default(),
        text.unwrap_or_default()
    );
    let mut error = ModelError::new(kind, presentable(endpoint, &message));
    error.retry_after = reported.retry_after;
    let provider_id = &endpoint.provider_id;
    error.hint = if is_listed || reported.is_filtered() {
        Some(format!(
            "the content filter of `{provider_id}` refused the prompt: say it in other words"
        ))
    } else if kind == ModelErrorKind::ModelNotFound && !model.is_empty() {
        Some(where_to_look(endpoint, model, reported))
    } else {
        hint(endpoint, kind)
    };
    error
}

/// What is wrong with a 404: the model where a code says so, the address where not even an error
/// object came, otherwise one of the two.
fn where_to_look(endpoint: &Endpoint, model: &str, reported: &Reported) -> String {
    let Endpoint {
        provider_id,
        base_url,
        ..
    } = endpoint;
    if reported.is_unknown_model() {
        format!("check the name: `{provider_id}` does not have the model `{model}`")
    } else if *reported == Reported::default() {
        format!("nothing is served there: check that the base URL {base_url} is right")
    } else {
        format!(
            "check that `{provider_id}` has the model `{model}` and that the base URL {base_url} \
             is right"
        )
    }
}

fn hint(endpoint: &Endpoint, kind: ModelErrorKind) -> Option<String> {
    let Endpoint {
        provider_id,
        base_url,
        ..
    } = endpoint;
    match kind {
        ModelErrorKind::Auth if endpoint.api_key.is_none() => Some(format!(
            "`{provider_id}` wants an API key: `mesoclaw key set {provider_id}`"
        )),
        ModelErrorKind::Auth => Some(format!(
            "check the API key of `{provider_id}` and what it is allowed to use; a new one: \
             `mesoclaw key set {provider_id}`"
        )),
        ModelErrorKind::ModelNotFound => {
            Some(format!("check that the base URL {base_url} is right"))
        }
        ModelErrorKind::ContextLength => {
            Some("start a new session, or use a model with a longer context".to_owned())
        }
        ModelErrorKind::Payment => Some(format!(
            "the account at `{provider_id}` has nothing left to pay with: check its balance and \
             limits there"
        )),
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

/// How long the headers ask to wait: OpenAI and Azure also say it in milliseconds.
fn asked_to_wait(headers: &HeaderMap, now_ms: i64) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    text("retry-after-ms")
        .and_then(|ms| ms.trim().parse::<f64>().ok())
        .and_then(|ms| Duration::try_from_secs_f64(ms / 1000.0).ok())
        .or_else(|| retry_after(text("retry-after")?, now_ms))
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
    match hint(endpoint, kind) {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

/// The error of a prompt that is longer than the context of a model.
pub(crate) fn of_length(endpoint: &Endpoint, what: &str, model: &str) -> ModelError {
    let kind = ModelErrorKind::ContextLength;
    let text = format!("{what} `{model}` at `{}`", endpoint.provider_id);
    ModelError {
        hint: hint(endpoint, kind),
        ..ModelError::new(kind, presentable(endpoint, &text))
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
fn retry_after(value: &str, now_ms: i64) -> Option<Duration> {
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
    let mut chars = text.chars();
    let mut shown: String = chars
        .by_ref()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(MAX_MESSAGE_CHARS)
        .collect();
    if chars.next().is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests;
