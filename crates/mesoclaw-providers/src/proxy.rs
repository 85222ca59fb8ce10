//! HTTP proxies, as the usual variables of the environment name them.
//!
//! A proxy that cannot be used is an error: a request that should go through one never goes
//! without. SOCKS and proxy files are not spoken.

use mesoclaw_agent::model::{ModelError, ModelErrorKind};
use mesoclaw_api::Secret;
use reqwest::{NoProxy, Proxy, Url};

/// The proxies in force. Addresses may hold a password, so they are secrets.
#[derive(Clone, Default, Debug)]
pub(crate) struct ProxySettings {
    /// For `http://` addresses.
    pub(crate) http: Option<Secret<String>>,
    /// For `https://` addresses.
    pub(crate) https: Option<Secret<String>>,
    /// Hosts, domains and networks that are asked directly, with commas between.
    pub(crate) no_proxy: Option<String>,
}

impl ProxySettings {
    /// `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, in small letters first, as the
    /// environment has them now.
    pub(crate) fn from_environment() -> Self {
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let either = |name: &str| {
            [name.to_owned(), name.to_uppercase()]
                .iter()
                .find_map(|name| lookup(name).filter(|value| !value.trim().is_empty()))
        };
        let all = either("all_proxy");
        // Under CGI a client of the server sets HTTP_PROXY by sending a header `Proxy`.
        let is_cgi = lookup("REQUEST_METHOD").is_some();
        let http = if is_cgi {
            lookup("http_proxy").filter(|value| !value.trim().is_empty())
        } else {
            either("http_proxy")
        };
        Self {
            http: http.or_else(|| all.clone()).map(Secret::new),
            https: either("https_proxy").or(all).map(Secret::new),
            no_proxy: either("no_proxy"),
        }
    }

    /// The proxy for this address, before `NO_PROXY` is asked; `None` = there is none.
    pub(crate) fn of(&self, url: &Url) -> Result<Option<Proxy>, ModelError> {
        let is_https = url.scheme() == "https";
        let address = if is_https { &self.https } else { &self.http };
        let Some(address) = address else {
            return Ok(None);
        };
        let address = address.expose().trim();
        if let Some((scheme, _)) = address.split_once("://")
            && !matches!(scheme, "http" | "https")
        {
            let what = format!("its address begins with `{scheme}:`, not `http:` or `https:`");
            return Err(unusable(&what));
        }
        let proxy = if is_https {
            Proxy::https(address)
        } else {
            Proxy::http(address)
        };
        let proxy = proxy.map_err(|_| unusable("its address is not a URL"))?;
        let direct = self.no_proxy.as_deref().and_then(NoProxy::from_string);
        Ok(Some(proxy.no_proxy(direct)))
    }
}

fn unusable(what: &str) -> ModelError {
    ModelError::new(
        ModelErrorKind::Connection,
        format!("the proxy of the environment cannot be used: {what}"),
    )
    .with_hint("check HTTPS_PROXY, HTTP_PROXY and ALL_PROXY, or name the host in NO_PROXY")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> [Option<String>; 3] {
        let settings = ProxySettings::from_lookup(|name| {
            let found = variables.iter().find(|(known, _)| *known == name)?;
            Some(found.1.to_owned())
        });
        let shown = |secret: Option<Secret<String>>| secret.map(|text| text.expose().clone());
        [
            shown(settings.http),
            shown(settings.https),
            settings.no_proxy,
        ]
    }

    #[test]
    fn variables_are_read_as_everywhere() {
        let some = |text: &str| Some(text.to_owned());
        for (variables, expected) in [
            (vec![], [None, None, None]),
            (
                vec![("HTTPS_PROXY", "a"), ("NO_PROXY", "n")],
                [None, some("a"), some("n")],
            ),
            (
                vec![("https_proxy", "a"), ("HTTPS_PROXY", "b")],
                [None, some("a"), None],
            ),
            (
                vec![("ALL_PROXY", "a"), ("http_proxy", "b")],
                [some("b"), some("a"), None],
            ),
            (
                vec![("HTTP_PROXY", "a"), ("REQUEST_METHOD", "GET")],
                [None, None, None],
            ),
            (vec![("HTTPS_PROXY", " ")], [None, None, None]),
        ] {
            assert_eq!(read(&variables), expected, "{variables:?}");
        }
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_an_error_without_its_address() {
        let url = Url::parse("https://api.example.com/v1").unwrap();
        for (address, is_usable) in [
            ("http://me:pw@proxy:3128", true),
            ("proxy:3128", true),
            ("socks5://me:pw@proxy:1080", false),
            ("http://", false),
        ] {
            let settings = ProxySettings {
                https: Some(Secret::new(address.to_owned())),
                ..ProxySettings::default()
            };
            let found = settings.of(&url);
            assert_eq!(found.is_ok(), is_usable, "{address}");
            assert!(
                !format!("{settings:?}{found:?}").contains("me:pw"),
                "{address}"
            );
        }
    }
}
