//! What a provider's error body says, in all the forms makers use, and the class it gives.
//!
//! Codes and types decide first, since some makers put a precise code under a vague status (Gemini
//! answers 400 to a wrong key); then the status. Sentences are only shown.
//!
//! * 401, 403: the key. 404: the model, or the address. 413: the prompt is too long, whatever the
//!   code: Groq calls a prompt that no waiting makes fit a rate limit.
//! * 429, 498: a rate limit (Groq; at Cohere 498 is a filter). 408, 504: a time-out. 409, 425 and
//!   all else from 500 on: the server. 402: the account. Every other status: a rejection.
//! * How long to wait is read from `retry-after-ms`, `Retry-After` (seconds or a date) or
//!   `google.rpc.RetryInfo`.
//! * A code that says that the account is empty decides before everything else: OpenAI sends it
//!   with 429, and a type of its own beside it.
//!
//! Not told apart, since no code says it: a prompt too long for Anthropic, Gemini or Cohere is their
//! general "invalid request" and so [`ModelErrorKind::Rejected`]; a wrong key at xAI, a wrong model
//! at DeepSeek or OpenRouter likewise. Where the context of a model is known, such a rejection of a
//! prompt that fills it by a rough count is taken to be about its length, and a prompt that is far
//! too long is not sent. Ollama cuts silently, so for it a prompt that does not fit by that count
//! is refused before it is sent.

use std::time::Duration;

use mesoclaw_agent::model::ModelErrorKind;
use serde_json::Value;

/// What codes and types mean, whatever the status. OpenAI and compatible, Anthropic, Gemini
/// (`google.rpc.Code` and the reasons of `google.rpc.ErrorInfo`), Azure, llama.cpp, Mistral, vLLM.
const CODES: [(&str, ModelErrorKind); 39] = {
    use ModelErrorKind as Kind;
    [
        ("context_length_exceeded", Kind::ContextLength),
        ("exceed_context_size_error", Kind::ContextLength),
        ("request_too_large", Kind::ContextLength),
        ("model_not_found", Kind::ModelNotFound),
        ("model_not_supported", Kind::ModelNotFound),
        ("invalid_model", Kind::ModelNotFound),
        ("DeploymentNotFound", Kind::ModelNotFound),
        ("not_found_error", Kind::ModelNotFound),
        ("NotFoundError", Kind::ModelNotFound),
        ("NOT_FOUND", Kind::ModelNotFound),
        ("authentication_error", Kind::Auth),
        ("permission_error", Kind::Auth),
        ("invalid_api_key", Kind::Auth),
        ("UNAUTHENTICATED", Kind::Auth),
        ("PERMISSION_DENIED", Kind::Auth),
        ("API_KEY_INVALID", Kind::Auth),
        ("API_KEY_EXPIRED", Kind::Auth),
        ("rate_limit_error", Kind::RateLimited),
        ("rate_limit_exceeded", Kind::RateLimited),
        ("insufficient_quota", Kind::Payment),
        ("exceeded_current_quota_error", Kind::Payment),
        ("insufficient_balance", Kind::Payment),
        ("billing_hard_limit_reached", Kind::Payment),
        ("billing_not_active", Kind::Payment),
        ("RESOURCE_EXHAUSTED", Kind::RateLimited),
        ("timeout_error", Kind::Timeout),
        ("DEADLINE_EXCEEDED", Kind::Timeout),
        ("overloaded_error", Kind::Server),
        ("api_error", Kind::Server),
        ("server_error", Kind::Server),
        ("unavailable_error", Kind::Server),
        ("UNAVAILABLE", Kind::Server),
        ("INTERNAL", Kind::Server),
        ("content_filter", Kind::Rejected),
        ("content_policy_violation", Kind::Rejected),
        ("ResponsibleAIPolicyViolation", Kind::Rejected),
        ("billing_error", Kind::Payment),
        ("invalid_request_error", Kind::Rejected),
        ("INVALID_ARGUMENT", Kind::Rejected),
    ]
};

/// Codes that only say which family an error is of: another code or the status knows better.
const VAGUE: [&str; 4] = [
    "invalid_request_error",
    "INVALID_ARGUMENT",
    "api_error",
    "server_error",
];

/// What a provider says in the body of an error.
#[derive(Default, PartialEq, Eq, Debug)]
pub(crate) struct Reported {
    /// Its codes and types, as far as they are texts, the most telling first.
    pub(crate) codes: Vec<String>,
    /// A status inside the body: some gateways answer 200 and put it there.
    pub(crate) status: Option<u16>,
    /// The sentence.
    pub(crate) message: Option<String>,
    /// How long it asks to wait (`google.rpc.RetryInfo`).
    pub(crate) retry_after: Option<Duration>,
}

impl Reported {
    /// Reads an error body; whatever is not JSON of a known form says nothing.
    pub(crate) fn read(body: &[u8]) -> Self {
        serde_json::from_slice(body).map_or_else(|_| Self::default(), |body| Self::of(&body))
    }

    /// The same for a value that is read already.
    pub(crate) fn of(body: &Value) -> Self {
        // Gemini sends a list of one where a stream was asked for.
        let body = body.get(0).unwrap_or(body);
        let error = match &body["error"] {
            Value::Null | Value::String(_) => body,
            error => error,
        };
        let details = error["details"].as_array().map_or(&[][..], Vec::as_slice);
        let codes = details
            .iter()
            .map(|detail| &detail["reason"])
            .chain([
                &error["innererror"]["code"],
                &error["code"],
                &error["status"],
                &error["type"],
                &error["error_type"],
            ])
            .filter_map(|code| code.as_str())
            .filter(|code| !code.is_empty() && status_of(code).is_none());
        Self {
            codes: codes.map(str::to_owned).collect(),
            status: number(&error["code"]).or_else(|| number(&body["statusCode"])),
            message: [
                &error["message"],
                &body["error"],
                &body["detail"],
                &body["message"],
            ]
            .into_iter()
            .find_map(|text| text.as_str().map(str::to_owned)),
            retry_after: details
                .iter()
                .find_map(|detail| proto_duration(detail["retryDelay"].as_str()?)),
        }
    }

    /// Whether one of these codes is there.
    pub(crate) fn has(&self, codes: &[&str]) -> bool {
        self.codes.iter().any(|code| codes.contains(&&**code))
    }

    /// The class: a telling code, else the status, else a vague code.
    pub(crate) fn kind(&self, status: Option<u16>) -> ModelErrorKind {
        if self.is_payment(status) {
            return ModelErrorKind::Payment;
        }
        if status.or(self.status) == Some(413) {
            return ModelErrorKind::ContextLength;
        }
        let of_code = |is_vague: bool| {
            self.codes
                .iter()
                .filter(|code| VAGUE.contains(&&***code) == is_vague)
                .find_map(|code| CODES.iter().find(|(known, _)| known == code))
                .map(|(_, kind)| *kind)
        };
        of_code(false)
            .or_else(|| status.or(self.status).map(of_status))
            .or_else(|| of_code(true))
            .unwrap_or(ModelErrorKind::Server)
    }

    /// Whether a code says that it is the model that is not there.
    pub(crate) fn is_unknown_model(&self) -> bool {
        self.has(&[
            "model_not_found",
            "model_not_supported",
            "invalid_model",
            "DeploymentNotFound",
        ])
    }

    /// Whether a content filter refused the prompt.
    pub(crate) fn is_filtered(&self) -> bool {
        self.has(&[
            "content_filter",
            "content_policy_violation",
            "ResponsibleAIPolicyViolation",
        ])
    }

    /// Whether the account has to be topped up first: waiting does not help. Another code beside
    /// it may say no more than the status.
    fn is_payment(&self, status: Option<u16>) -> bool {
        let says_so = |code: &String| CODES.contains(&(code.as_str(), ModelErrorKind::Payment));
        status.or(self.status) == Some(402) || self.codes.iter().any(says_so)
    }
}

fn of_status(status: u16) -> ModelErrorKind {
    match status {
        401 | 403 => ModelErrorKind::Auth,
        402 => ModelErrorKind::Payment,
        404 => ModelErrorKind::ModelNotFound,
        413 => ModelErrorKind::ContextLength,
        // 498: Groq's word for no capacity in the tier.
        429 | 498 => ModelErrorKind::RateLimited,
        408 | 504 => ModelErrorKind::Timeout,
        // Conflict and "too early" pass by themselves; the makers' own clients try again too.
        409 | 425 | 500.. => ModelErrorKind::Server,
        _ => ModelErrorKind::Rejected,
    }
}

fn number(value: &Value) -> Option<u16> {
    match value {
        Value::String(text) => status_of(text),
        value => u16::try_from(value.as_u64()?).ok(),
    }
    .filter(|status| (400..600).contains(status))
}

/// A status in words: Azure's gateway sends `"code": "401"`.
fn status_of(text: &str) -> Option<u16> {
    text.parse().ok().filter(|code| (100..600).contains(code))
}

/// `google.protobuf.Duration` as JSON: seconds with an `s`.
fn proto_duration(text: &str) -> Option<Duration> {
    let secs = text.strip_suffix('s')?.parse::<f64>().ok()?;
    Duration::try_from_secs_f64(secs).ok()
}
