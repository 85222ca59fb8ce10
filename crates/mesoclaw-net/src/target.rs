//! Reads an address as text and says where it leads. One parser decides: what is checked is what
//! is connected to.

use std::fmt;
use std::net::IpAddr;

use reqwest::Url;

use crate::error::Refusal;

/// Longest address that is read.
const MAX_URL_BYTES: usize = 8 * 1024;

/// Ports of services that must never be spoken to in HTTP (the list of the Fetch standard).
const BAD_PORTS: [u16; 83] = [
    0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101,
    102, 103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427,
    465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990,
    993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6379, 6566, 6665, 6666,
    6667, 6668, 6669, 6679, 10080,
];

/// How a server is spoken to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scheme {
    /// Readable by everyone on the way.
    Http,
    /// Encrypted.
    Https,
}

/// Where an address leads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Target {
    /// How the server is spoken to.
    pub scheme: Scheme,
    /// The name in small letters and punycode without a dot at its end, or an address in its
    /// usual spelling, IPv6 without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// Reads an address that a model or a server wrote.
pub(crate) fn parse(text: &str) -> Result<Url, Refusal> {
    let text = text.trim_matches(' ');
    check_text(text)?;
    check_url(Url::parse(text).map_err(|_| Refusal::Syntax)?)
}

/// Reads the address of a redirect, which may be relative to the one before.
pub(crate) fn join(base: &Url, text: &str) -> Result<Url, Refusal> {
    let text = text.trim_matches(' ');
    check_text(text)?;
    check_url(base.join(text).map_err(|_| Refusal::Syntax)?)
}

/// The URL parser drops line ends and tabs and turns `\` into `/`; others read them otherwise,
/// so they are refused before it.
fn check_text(text: &str) -> Result<(), Refusal> {
    if text.len() > MAX_URL_BYTES {
        return Err(Refusal::Length {
            limit_bytes: MAX_URL_BYTES,
        });
    }
    if text.chars().any(|c| c.is_control() || c == ' ') {
        return Err(Refusal::ControlCharacter);
    }
    let before_query = text.split(['?', '#']).next().unwrap_or_default();
    if before_query.contains('\\') {
        return Err(Refusal::Backslash);
    }
    Ok(())
}

fn check_url(mut url: Url) -> Result<Url, Refusal> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Refusal::Scheme {
            scheme: url.scheme().chars().take(40).collect(),
        });
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Refusal::Credentials);
    }
    let host = url.host_str().ok_or(Refusal::Syntax)?;
    if let Some(host) = host.strip_suffix('.').map(str::to_owned) {
        url.set_host(Some(&host)).map_err(|_| Refusal::Syntax)?;
    }
    let host = url.host_str().unwrap_or_default();
    if host.is_empty() || host.split('.').any(str::is_empty) && literal(&url).is_none() {
        return Err(Refusal::Syntax);
    }
    url.set_fragment(None);
    Ok(url)
}

/// Where a parsed address leads.
pub(crate) fn of(url: &Url) -> Result<Target, Refusal> {
    let scheme = match url.scheme() {
        "http" => Scheme::Http,
        _ => Scheme::Https,
    };
    let host = match literal(url) {
        Some(address) => address.to_string(),
        None => url.host_str().unwrap_or_default().to_owned(),
    };
    let port = url.port_or_known_default().ok_or(Refusal::Syntax)?;
    Ok(Target { scheme, host, port })
}

/// The address that stands for the host itself.
pub(crate) fn literal(url: &Url) -> Option<IpAddr> {
    let host = url.host_str()?;
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    bare.unwrap_or(host).parse().ok()
}

/// Whether a port belongs to a service that does not speak HTTP.
pub(crate) fn is_bad_port(port: u16) -> bool {
    BAD_PORTS.contains(&port)
}

/// Whether a name means this machine whatever a resolver says.
pub(crate) fn is_local_name(host: &str) -> bool {
    host == "localhost"
        || host.ends_with(".localhost")
        || host == "localhost.localdomain"
        || host.ends_with(".localhost.localdomain")
        || host == "localhost6"
        || host == "localhost6.localdomain6"
        || host == "ip6-localhost"
        || host == "ip6-loopback"
}
