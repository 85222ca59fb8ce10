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

use mesoclaw_agent::model::{ModelError, ModelErrorKind};
use mesoclaw_api::Secret;
use mesoclaw_api::error::chain;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Proxy, RequestBuilder, Url};
use tokio::sync::OnceCell;

use crate::dialect::Auth;
use crate::endpoint::{Endpoint, ProviderError};
use crate::error;
use crate::origin::is_loopback_url;
use crate::proxy::ProxySettings;

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
            request = match &self.endpoint.auth {
                Auth::Bearer => request.header(AUTHORIZATION, header_value("Bearer ", key)?),
                Auth::Header(name) => request.header(name.as_str(), header_value("", key)?),
                Auth::None => request,
            };
        }
        Ok(request)
    }

    /// The error of a request that got no answer; names the proxy where there may be one.
    pub(crate) fn failed(&self, failure: reqwest::Error) -> ModelError {
        let mut error = error::of_request(&self.endpoint, failure);
        if error.kind == ModelErrorKind::Connection && matches!(self.proxy(), Ok(Some(_))) {
            error
                .message
                .push_str(" (the environment names a proxy for this address)");
        }
        error
    }

    fn proxy(&self) -> Result<Option<Proxy>, ModelError> {
        if is_loopback_url(&self.url) {
            return Ok(None);
        }
        ProxySettings::from_environment().of(&self.url)
    }

    /// Builds the client; apart from this thread, since it reads the system's certificates.
    async fn build(&self) -> Result<Client, ModelError> {
        let mut builder = Client::builder()
            .user_agent(concat!("mesoclaw/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .connect_timeout(self.endpoint.connect_timeout)
            .tcp_nodelay(true)
            .no_proxy();
        if let Some(proxy) = self.proxy()? {
            builder = builder.proxy(proxy);
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

fn header_value(prefix: &str, key: &Secret<String>) -> Result<HeaderValue, ModelError> {
    let text = Secret::new(format!("{prefix}{}", key.expose()));
    let mut value = HeaderValue::from_str(text.expose()).map_err(|_| {
        ModelError::new(
            ModelErrorKind::Auth,
            "the API key has characters that cannot be sent",
        )
    })?;
    value.set_sensitive(true);
    Ok(value)
}
