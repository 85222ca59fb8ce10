//! Refuses requests that their maker would refuse, so that tests notice malformed ones. Only what
//! the references document is looked at; the texts are the makers' where they are known.

mod anthropic;
mod cohere;
mod gemini;
mod ollama;
mod openai_chat;
mod openai_responses;

pub(super) use anthropic::anthropic;
pub(super) use cohere::cohere;
pub(super) use gemini::gemini;
pub(super) use ollama::ollama;
pub(super) use openai_chat::openai_chat;
pub(super) use openai_responses::openai_responses;

use serde_json::Value;

/// Why a request is refused with 400.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Refusal {
    pub(super) message: String,
    /// The field at fault, where the maker names it apart from its message.
    pub(super) param: Option<String>,
    pub(super) code: Option<&'static str>,
}

impl Refusal {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            param: None,
            code: None,
        }
    }

    fn at(self, param: impl Into<String>) -> Self {
        Self {
            param: Some(param.into()),
            ..self
        }
    }

    fn code(self, code: &'static str) -> Self {
        Self {
            code: Some(code),
            ..self
        }
    }
}

type Checked = Result<(), Refusal>;

/// Refuses with a message when something does not hold.
fn need(holds: bool, message: impl FnOnce() -> String) -> Checked {
    if holds {
        Ok(())
    } else {
        Err(Refusal::new(message()))
    }
}

fn has_text(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.is_empty())
}

/// The elements of a list; nothing when it is no list.
fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The elements of a list with their numbers, as error messages name them.
fn numbered(value: &Value) -> impl Iterator<Item = (usize, &Value)> {
    list(value).iter().enumerate()
}

/// The texts of one field of each element that has one.
fn texts<'a>(elements: impl Iterator<Item = &'a Value>, field: &str) -> Vec<&'a str> {
    elements
        .filter_map(|element| element[field].as_str())
        .collect()
}

/// Whether a text is base64 with its padding, of at least one byte.
fn is_base64(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let padding = text.len() - body.len();
    !body.is_empty()
        && padding <= 2
        && text.len().is_multiple_of(4)
        && body
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/')
}

/// The media type and the data of a `data:` address of base64; `None` for any other address.
fn data_url(url: &str) -> Option<(&str, &str)> {
    url.strip_prefix("data:")?.split_once(";base64,")
}

/// Whether a picture is one that every maker takes: an address, or base64 of a known type.
fn is_picture_url(url: &str) -> bool {
    match data_url(url) {
        Some((media_type, data)) => is_picture_type(media_type) && is_base64(data),
        None => url.starts_with("https://") || url.starts_with("http://"),
    }
}

fn is_picture_type(media_type: &str) -> bool {
    let known = ["image/jpeg", "image/png", "image/gif", "image/webp"];
    known.contains(&media_type)
}

/// Whether a name is one that tools may have: letters, digits, `_` and `-`, 64 at most.
fn is_tool_name(name: &Value) -> bool {
    name.as_str().is_some_and(|name| {
        (1..=64).contains(&name.len())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
    })
}
