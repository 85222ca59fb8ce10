//! The HTTP client of one endpoint: made at the first request, then kept.
//!
//! What holds of it:
//! * Nothing is allocated, read or connected before the first request.
//! * Connections are kept and used again; `TCP_NODELAY` is set; HTTP/1.1 only.
//! * Redirects are not followed: a key never travels to another host.
//! * `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` of the environment are honoured, but
//!   a loopback address is always asked directly.
//! * TLS trusts what the system trusts; on Linux `SSL_CERT_FILE` and `SSL_CERT_DIR` replace that.
//!   An `http://` endpoint loads no certificates at all.

use std::net::IpAddr;

use mesoclaw_agent::model::{ModelError, ModelErrorKind};
use mesoclaw_api::Secret;
use mesoclaw_api::error::chain;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, Url};
use tokio::sync::OnceCell;

use crate::endpoint::{Endpoint, ProviderError};

/// An endpoint with its client.
pub(crate) struct Http {
    pub(crate) endpoint: Endpoint,
    url: Url,
    client: OnceCell<Client>,
}

impl Http {
    pub(crate) fn new(endpoint: Endpoint) -> Result<Self, ProviderError> {
        let url = endpoint.check()?;
        Ok(Self {
            endpoint,
            url,
            client: OnceCell::new(),
        })
    }

    /// A request with the key and nothing else.
    pub(crate) async fn request(
        &self,
        method: Method,
        url: &str,
    ) -> Result<RequestBuilder, ModelError> {
        let client = self.client.get_or_try_init(|| self.build()).await?;
        let mut request = client.request(method, url);
        if let Some(key) = &self.endpoint.api_key {
            request = request.header(AUTHORIZATION, bearer(key)?);
        }
        Ok(request)
    }

    /// Builds the client; apart from this thread, since it reads the system's certificates.
    async fn build(&self) -> Result<Client, ModelError> {
        let mut builder = Client::builder()
            .user_agent(concat!("mesoclaw/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .connect_timeout(self.endpoint.connect_timeout)
            .tcp_nodelay(true);
        if is_loopback(&self.url) {
            builder = builder.no_proxy();
        }
        let built = if self.url.scheme() == "http" {
            builder.tls_certs_only([]).build()
        } else {
            tokio::task::spawn_blocking(|| builder.build())
                .await
                .map_err(|error| ModelError::new(ModelErrorKind::Internal, chain(&error)))?
        };
        built.map_err(|error| {
            ModelError::new(
                ModelErrorKind::Internal,
                format!("the HTTP client could not be made: {}", chain(&error)),
            )
        })
    }
}

fn bearer(key: &Secret<String>) -> Result<HeaderValue, ModelError> {
    let text = Secret::new(format!("Bearer {}", key.expose()));
    let mut value = HeaderValue::from_str(text.expose()).map_err(|_| {
        ModelError::new(
            ModelErrorKind::Auth,
            "the API key has characters that cannot be sent",
        )
    })?;
    value.set_sensitive(true);
    Ok(value)
}

fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else {
        return false;
    };
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || address
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_hosts_are_known() {
        for (url, expected) in [
            ("http://localhost:1/v1", true),
            ("http://127.0.0.1/v1", true),
            ("http://[::1]:1/v1", true),
            ("http://10.0.0.1/v1", false),
            ("https://localhost.example.com/v1", false),
        ] {
            assert_eq!(is_loopback(&Url::parse(url).unwrap()), expected, "{url}");
        }
    }
}
