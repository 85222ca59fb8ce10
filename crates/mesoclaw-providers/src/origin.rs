//! The part of an address that a key is bound to.

use std::net::IpAddr;

use reqwest::Url;

/// Scheme, host and port of an address, `https://api.example.com` or `http://127.0.0.1:8080`;
/// `None` when it is no address of a host.
pub fn origin(base_url: &str) -> Option<String> {
    let url = Url::parse(base_url).ok()?;
    let origin = url.origin();
    origin.is_tuple().then(|| origin.ascii_serialization())
}

/// Whether an address is one of this machine.
pub fn is_loopback(base_url: &str) -> bool {
    Url::parse(base_url).is_ok_and(|url| is_loopback_url(&url))
}

pub(crate) fn is_loopback_url(url: &Url) -> bool {
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
    fn origins_are_scheme_host_and_port() {
        for (url, expected) in [
            (
                "https://API.example.com/v1",
                Some("https://api.example.com"),
            ),
            (
                "https://api.example.com:443/x",
                Some("https://api.example.com"),
            ),
            ("http://127.0.0.1:8080/v1/", Some("http://127.0.0.1:8080")),
            ("http://[::1]:1/v1", Some("http://[::1]:1")),
            ("data:text/plain,x", None),
            ("", None),
        ] {
            assert_eq!(origin(url).as_deref(), expected, "{url}");
        }
    }

    #[test]
    fn loopback_addresses_are_known() {
        for (url, expected) in [
            ("http://localhost:1/v1", true),
            ("http://127.0.0.1/v1", true),
            ("http://[::1]:1/v1", true),
            ("http://10.0.0.1/v1", false),
            ("https://localhost.example.com/v1", false),
            ("nonsense", false),
        ] {
            assert_eq!(is_loopback(url), expected, "{url}");
        }
    }
}
