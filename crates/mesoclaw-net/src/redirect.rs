//! Decides about one redirect; resolves and connects to nothing.

use reqwest::{StatusCode, Url};

use crate::error::Refusal;
use crate::target;

/// Whether an answer points elsewhere.
pub(crate) fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// The next address after `asked`, the addresses asked so far with the last one at the end.
pub(crate) fn next(asked: &[Url], location: &[u8], limit: usize) -> Result<Url, Refusal> {
    let last = asked.last().ok_or(Refusal::Syntax)?;
    let text = std::str::from_utf8(location).map_err(|_| Refusal::Syntax)?;
    let url = target::join(last, text)?;
    if last.scheme() == "https" && url.scheme() != "https" {
        return Err(Refusal::Downgrade);
    }
    if asked.contains(&url) {
        return Err(Refusal::RedirectLoop);
    }
    if asked.len() > limit {
        return Err(Refusal::TooManyRedirects { limit });
    }
    Ok(url)
}

/// Whether an address is at the same server as the one before.
pub(crate) fn stays(last: &Url, next: &Url) -> bool {
    let ports = |url: &Url| url.port_or_known_default();
    let is_upgrade = last.scheme() == "http"
        && next.scheme() == "https"
        && ports(last) == Some(80)
        && ports(next) == Some(443);
    let is_same_port = last.scheme() == next.scheme() && ports(last) == ports(next);
    host(last).is_some() && host(last) == host(next) && (is_same_port || is_upgrade)
}

/// The host; a dot at the end of a name means the same.
fn host(url: &Url) -> Option<&str> {
    let host = url.host_str()?;
    Some(host.strip_suffix('.').unwrap_or(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(texts: &[&str]) -> Vec<Url> {
        texts.iter().map(|text| Url::parse(text).unwrap()).collect()
    }

    #[test]
    fn a_redirect_stays_on_the_web_and_encrypted() {
        let scheme = |scheme: &str| {
            Err(Refusal::Scheme {
                scheme: scheme.to_owned(),
            })
        };
        for (from, location, expected) in [
            ("http://a.com/x/y", "z", Ok("http://a.com/x/z")),
            ("http://a.com/x", "//b.com", Ok("http://b.com/")),
            ("http://a.com/x", "https://a.com/x", Ok("https://a.com/x")),
            ("https://a.com/x", "http://a.com/y", Err(Refusal::Downgrade)),
            ("https://a.com/x", "//b.com/", Ok("https://b.com/")),
            ("http://a.com/", "file:///etc/passwd", scheme("file")),
            ("http://a.com/", "ftp://a.com/", scheme("ftp")),
            ("http://a.com/", "gopher://a.com:70/", scheme("gopher")),
            ("http://a.com/", "javascript:1", scheme("javascript")),
            ("http://a.com/", "data:text/html,x", scheme("data")),
            (
                "http://a.com/",
                "http://u:p@b.com/",
                Err(Refusal::Credentials),
            ),
            (
                "http://a.com/",
                "/b\r\nSet-Cookie:x",
                Err(Refusal::ControlCharacter),
            ),
            ("http://a.com/", "\\\\b.com", Err(Refusal::Backslash)),
            ("http://a.com/", "http://", Err(Refusal::Syntax)),
            ("http://a.com/x", "/x", Err(Refusal::RedirectLoop)),
            ("http://a.com/x", "/x#y", Err(Refusal::RedirectLoop)),
        ] {
            let found = next(&asked(&[from]), location.as_bytes(), 5);
            let expected = expected.map(|text| Url::parse(text).unwrap());
            assert_eq!(found, expected, "{from} -> {location}");
        }
    }

    #[test]
    fn the_sixth_redirect_is_one_too_many() {
        let texts: Vec<String> = (0..7).map(|n| format!("http://a.com/{n}")).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        for (n_asked, expected) in [(5, true), (6, false)] {
            let found = next(&asked(&texts[..n_asked]), b"/next", 5);
            assert_eq!(found.is_ok(), expected, "{n_asked}");
        }
    }

    #[test]
    fn only_the_same_server_and_its_encrypted_side_are_the_same() {
        for (last, next, expected) in [
            ("http://a.com/x", "http://a.com/y?z", true),
            ("http://a.com/x", "https://a.com/x", true),
            ("https://A.com/x", "https://a.com./x", true),
            ("http://a.com:80/", "https://a.com:443/", true),
            ("https://a.com/", "https://www.a.com/", false),
            ("https://www.a.com/", "https://a.com/", false),
            ("https://a.com/", "https://a.com.b.com/", false),
            ("https://a.com/", "https://a.com:8443/", false),
            ("http://a.com:8080/", "https://a.com/", false),
            ("http://a.com/", "http://1.2.3.4/", false),
        ] {
            let (last, next) = (Url::parse(last).unwrap(), Url::parse(next).unwrap());
            assert_eq!(stays(&last, &next), expected, "{last} -> {next}");
        }
    }
}
