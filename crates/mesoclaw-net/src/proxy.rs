//! The proxy of the environment, when the options allow one.

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::{Proxy, Url};

use crate::error::NetError;

/// A proxy for one hop.
pub(crate) struct Via {
    pub(crate) proxy: Proxy,
    /// The name of the proxy: the only one the client may resolve.
    pub(crate) host: String,
}

/// The proxy for this address, if the environment names one.
pub(crate) fn of(matcher: &Matcher, url: &Url) -> Result<Option<Via>, NetError> {
    let uri = url.as_str().parse().map_err(|_| NetError::Proxy)?;
    let Some(intercept) = matcher.intercept(&uri) else {
        return Ok(None);
    };
    let address = intercept.uri();
    if !matches!(address.scheme_str(), Some("http" | "https")) {
        return Err(NetError::Proxy);
    }
    let host = address.host().ok_or(NetError::Proxy)?.to_owned();
    let mut proxy = Proxy::all(address.to_string()).map_err(|_| NetError::Proxy)?;
    if let Some(value) = intercept.basic_auth() {
        proxy = proxy.custom_http_auth(value.clone());
    }
    Ok(Some(Via { proxy, host }))
}
