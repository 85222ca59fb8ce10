//! Where a provider is and how long to wait for it.

use std::time::Duration;

use mesoclaw_api::Secret;
use reqwest::Url;

use crate::dialect::{Auth, Dialect};

/// A place that answers prompts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Endpoint {
    /// Id of the provider, for messages.
    pub provider_id: String,
    /// `http://` or `https://` address, with the version part where the dialect has one: `.../v1`
    /// (chat completions, Responses), `.../v1beta` (Gemini). Anthropic, Cohere and Ollama are
    /// named by their root, with or without the version part; Azure by its root or `/openai/v1`.
    pub base_url: String,
    /// What is spoken there.
    pub dialect: Dialect,
    /// How the key is sent.
    pub auth: Auth,
    /// The key; `None` = none is sent.
    pub api_key: Option<Secret<String>>,
    /// `api-version` of an Azure address; the others have none.
    pub api_version: Option<String>,
    /// Longest time to a connection, TLS included.
    pub connect_timeout: Duration,
    /// Longest time from the request to the first piece of the answer.
    pub first_token_timeout: Duration,
    /// Longest time from one piece of the answer to the next.
    pub idle_timeout: Duration,
}

/// Why an endpoint cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ProviderError {
    /// The address is no URL with a host.
    #[error("the base URL `{base_url}` of `{provider_id}` is not a URL")]
    ParseBaseUrl {
        /// The provider.
        provider_id: String,
        /// What was given.
        base_url: String,
    },
    /// Only HTTP is spoken.
    #[error("the base URL of `{provider_id}` begins with `{scheme}:`, not `http:` or `https:`")]
    AcceptScheme {
        /// The provider.
        provider_id: String,
        /// What was given.
        scheme: String,
    },
    /// A key inside the address would end up in logs and messages.
    #[error("the base URL of `{provider_id}` holds a user name, a password or a query")]
    AcceptUrlParts {
        /// The provider.
        provider_id: String,
    },
    /// The embedded engine is not spoken to over a network.
    #[error("`{provider_id}` is the embedded engine: it has no address")]
    AcceptDialect {
        /// The provider.
        provider_id: String,
    },
    /// The key has characters that no header can carry.
    #[error("the API key of `{provider_id}` has characters that cannot be sent")]
    UseApiKey {
        /// The provider.
        provider_id: String,
    },
}

impl Endpoint {
    /// Checks address and key without touching the network.
    pub(crate) fn check(&self) -> Result<Url, ProviderError> {
        let provider_id = || self.provider_id.clone();
        let Ok(url) = Url::parse(&self.base_url) else {
            return Err(ProviderError::ParseBaseUrl {
                provider_id: provider_id(),
                base_url: self.base_url.clone(),
            });
        };
        if !matches!(url.scheme(), "http" | "https") {
            return Err(ProviderError::AcceptScheme {
                provider_id: provider_id(),
                scheme: url.scheme().to_owned(),
            });
        }
        let has_password = !url.username().is_empty() || url.password().is_some();
        if has_password || url.query().is_some() || url.fragment().is_some() {
            return Err(ProviderError::AcceptUrlParts {
                provider_id: provider_id(),
            });
        }
        if let Some(key) = &self.api_key
            && !key.expose().bytes().all(|byte| byte.is_ascii_graphic())
        {
            return Err(ProviderError::UseApiKey {
                provider_id: provider_id(),
            });
        }
        Ok(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support;

    fn endpoint(base_url: &str, api_key: Option<&str>) -> Endpoint {
        Endpoint {
            provider_id: "p".to_owned(),
            api_key: api_key.map(|key| Secret::new(key.to_owned())),
            ..test_support::endpoint(Dialect::OpenAiChat, base_url)
        }
    }

    #[test]
    fn only_plain_http_addresses_and_sendable_keys_are_accepted() {
        let provider_id = || "p".to_owned();
        let parts = || {
            Err(ProviderError::AcceptUrlParts {
                provider_id: provider_id(),
            })
        };
        for (base_url, key, expected) in [
            ("http://127.0.0.1:11434/v1", None, Ok(())),
            ("https://api.example.com/v1/", Some("sk-1"), Ok(())),
            (
                "localhost",
                None,
                Err(ProviderError::ParseBaseUrl {
                    provider_id: provider_id(),
                    base_url: "localhost".to_owned(),
                }),
            ),
            (
                "ftp://host/v1",
                None,
                Err(ProviderError::AcceptScheme {
                    provider_id: provider_id(),
                    scheme: "ftp".to_owned(),
                }),
            ),
            ("https://me:pw@host/v1", None, parts()),
            ("https://host/v1?key=1", None, parts()),
            (
                "https://host/v1",
                Some("a\nb"),
                Err(ProviderError::UseApiKey {
                    provider_id: provider_id(),
                }),
            ),
        ] {
            let result = endpoint(base_url, key).check().map(|_| ());
            assert_eq!(result, expected, "{base_url}");
        }
    }

    #[test]
    fn the_key_is_never_shown() {
        let text = format!("{:?}", endpoint("http://h/v1", Some("sk-secret")));
        assert!(!text.contains("sk-secret"), "{text}");
    }
}
