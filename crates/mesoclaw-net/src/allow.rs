//! Private hosts that a person allowed by name.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use reqwest::Url;

use crate::target::literal;

/// `host`, `host:port`, `*.host`, or an address; without a port every port is meant.
///
/// `*.host` means every name below `host`, not `host` itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HostPattern {
    /// The name in the spelling of URLs (small letters, punycode), or an address.
    host: String,
    is_suffix: bool,
    port: Option<u16>,
}

/// A text that is no host pattern.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "`{text}` is not a host: write `nas.local`, `nas.local:8080`, `*.home.arpa` or `192.168.1.5`"
)]
pub struct BadHostPattern {
    text: String,
}

impl HostPattern {
    /// Whether the pattern means this host at this port.
    pub(crate) fn matches(&self, host: &str, port: u16) -> bool {
        if self.port.is_some_and(|own| own != port) {
            return false;
        }
        if self.is_suffix {
            let below = host.strip_suffix(&self.host);
            return below.is_some_and(|below| below.len() > 1 && below.ends_with('.'));
        }
        host == self.host
    }
}

impl FromStr for HostPattern {
    type Err = BadHostPattern;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || BadHostPattern {
            text: text.chars().take(100).collect(),
        };
        let (rest, is_suffix) = match text.strip_prefix("*.") {
            Some(rest) => (rest, true),
            None => (text, false),
        };
        if let Ok(address) = rest.parse::<IpAddr>() {
            return Self::of_address(address, None, is_suffix).ok_or_else(bad);
        }
        if rest.contains(['/', '\\', '?', '#', '@', '*', '%', ' ']) {
            return Err(bad());
        }
        // The URL parser is the only authority on how a host is spelt.
        let url = Url::parse(&format!("http://{rest}/")).map_err(|_| bad())?;
        let port = match rest.rsplit_once(':') {
            Some((_, port)) if !rest.ends_with(']') => Some(port.parse().map_err(|_| bad())?),
            Some(_) | None => None,
        };
        if let Some(address) = literal(&url) {
            return Self::of_address(address, port, is_suffix).ok_or_else(bad);
        }
        let host = url.host_str().ok_or_else(bad)?;
        let host = host.strip_suffix('.').unwrap_or(host);
        if host.is_empty() || port == Some(0) {
            return Err(bad());
        }
        Ok(Self {
            host: host.to_owned(),
            is_suffix,
            port,
        })
    }
}

impl HostPattern {
    /// Nothing is below an address.
    fn of_address(address: IpAddr, port: Option<u16>, is_suffix: bool) -> Option<Self> {
        (!is_suffix).then(|| Self {
            host: address.to_string(),
            is_suffix,
            port,
        })
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_suffix {
            f.write_str("*.")?;
        }
        match (self.host.contains(':'), self.port) {
            (true, Some(port)) => write!(f, "[{}]:{port}", self.host),
            (false, Some(port)) => write!(f, "{}:{port}", self.host),
            (_, None) => f.write_str(&self.host),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_means_its_host_and_nothing_else() {
        for (pattern, host, port, expected) in [
            ("nas.local", "nas.local", 80, true),
            ("NAS.local.", "nas.local", 8080, true),
            ("nas.local:8080", "nas.local", 8080, true),
            ("nas.local:8080", "nas.local", 80, false),
            ("nas.local:80", "nas.local", 80, true),
            ("nas.local:80", "nas.local", 81, false),
            ("nas.local", "evil-nas.local", 80, false),
            ("nas.local", "nas.local.evil.com", 80, false),
            ("*.lan", "a.lan", 80, true),
            ("*.lan", "a.b.lan", 80, true),
            ("*.lan", "lan", 80, false),
            ("*.lan", ".lan", 80, false),
            ("*.lan", "xlan", 80, false),
            ("192.168.1.5", "192.168.1.5", 80, true),
            ("0x7f.1:81", "127.0.0.1", 81, true),
            ("::1", "::1", 80, true),
            ("[::1]:99", "::1", 99, true),
            ("[::1]:99", "::1", 98, false),
            ("bücher.lan", "xn--bcher-kva.lan", 80, true),
        ] {
            let parsed: HostPattern = pattern.parse().unwrap();
            assert_eq!(
                parsed.matches(host, port),
                expected,
                "{pattern} {host}:{port}"
            );
            let again: HostPattern = parsed.to_string().parse().unwrap();
            assert_eq!(again, parsed, "{pattern}");
        }
    }

    #[test]
    fn texts_that_are_no_hosts_are_refused() {
        for text in [
            "",
            "*",
            "*.",
            "a/b",
            "a b",
            "user@host",
            "http://host",
            "host:",
            "host:0",
            "host:99999",
            "*.1.2.3.4",
            "*.::1",
            "a.*.b",
            "a?b",
            "a#b",
            "10.0.0.0/8",
        ] {
            assert!(text.parse::<HostPattern>().is_err(), "{text}");
        }
    }
}
