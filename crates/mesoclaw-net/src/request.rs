//! What to ask a server for.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use crate::error::{NetError, shorten};

/// Headers that decide where a request ends or where it goes; only the client writes them.
const RESERVED_HEADERS: [&str; 13] = [
    "accept-encoding",
    "connection",
    "content-length",
    "cookie",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// A request. Nothing goes with it but a plain `User-Agent`, `Accept` and what is added here.
#[derive(Clone, Debug)]
pub struct Request {
    pub(crate) method: Method,
    pub(crate) url: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) has_secret: bool,
    pub(crate) max_body_bytes: Option<u64>,
    pub(crate) total_timeout: Option<Duration>,
    pub(crate) redirect_hosts: RedirectHosts,
}

/// Which hosts a request may be redirected to.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum RedirectHosts {
    /// All that may be asked at all.
    #[default]
    Any,
    /// The one that was asked, at the same port, or at the usual port when the redirect goes from
    /// `http:` to `https:`. Any other ends in [`NetError::Elsewhere`].
    Same,
}

impl Request {
    /// Asks for what is at an address.
    pub fn get(url: impl Into<String>) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        Self {
            method: Method::GET,
            url: url.into(),
            headers,
            body: None,
            has_secret: false,
            max_body_bytes: None,
            total_timeout: None,
            redirect_hosts: RedirectHosts::Any,
        }
    }

    /// Sends JSON. Such a request is not redirected.
    pub fn post_json(url: impl Into<String>, body: &Value) -> Self {
        let mut request = Self::get(url);
        request.method = Method::POST;
        request.body = Some(body.to_string().into_bytes());
        let json = HeaderValue::from_static("application/json");
        request.headers.insert(ACCEPT, json.clone());
        request.headers.insert(CONTENT_TYPE, json);
        request
    }

    /// Adds or replaces a header.
    ///
    /// # Errors
    /// A name that only the client may write, or a value with a line end or another control
    /// character.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, NetError> {
        let (name, value) = checked(name, value)?;
        self.headers.insert(name, value);
        Ok(self)
    }

    /// Adds a header that holds a key: it is never shown, and the request is not redirected.
    ///
    /// # Errors
    /// As [`Self::header`].
    pub fn secret_header(mut self, name: &str, value: &str) -> Result<Self, NetError> {
        let (name, mut value) = checked(name, value)?;
        value.set_sensitive(true);
        self.headers.insert(name, value);
        self.has_secret = true;
        Ok(self)
    }

    /// Takes another amount of the answer than the guard's, after decompression.
    pub fn max_body_bytes(mut self, max_body_bytes: u64) -> Self {
        self.max_body_bytes = Some(max_body_bytes);
        self
    }

    /// Takes another time than the guard's, from the call to the last byte.
    pub fn total_timeout(mut self, total_timeout: Duration) -> Self {
        self.total_timeout = Some(total_timeout);
        self
    }

    /// Says which hosts it may be redirected to.
    pub fn redirect_hosts(mut self, hosts: RedirectHosts) -> Self {
        self.redirect_hosts = hosts;
        self
    }

    pub(crate) fn is_redirected(&self) -> bool {
        !self.has_secret && self.body.is_none()
    }
}

fn checked(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), NetError> {
    let refused = |reason| NetError::Header {
        name: shorten(name),
        reason,
    };
    let parsed: HeaderName = name
        .parse()
        .map_err(|_| refused("its name has characters that are not allowed"))?;
    if RESERVED_HEADERS.contains(&parsed.as_str()) {
        return Err(refused("only the client itself writes it"));
    }
    let value = HeaderValue::from_str(value)
        .map_err(|_| refused("its value has a line end or another control character"))?;
    Ok((parsed, value))
}
