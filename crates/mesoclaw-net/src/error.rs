//! What went wrong, in words a person or a model can act on.

use std::io;
use std::net::IpAddr;

use crate::address::AddressClass;

/// Why a request was not made.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    /// Not an address of the web.
    #[error("it is not a web address")]
    Syntax,
    /// Longer than any honest one.
    #[error("it is longer than {limit_bytes} bytes")]
    Length {
        /// The limit.
        limit_bytes: usize,
    },
    /// A line end, a blank or another control character inside.
    #[error("it has a blank or a control character inside; write it as `%20` or leave it out")]
    ControlCharacter,
    /// Programs disagree on what a backslash in an address means.
    #[error("it has a backslash inside; write `/`, or `%5C` where a backslash is meant")]
    Backslash,
    /// Another protocol.
    #[error("`{scheme}:` is not spoken, only `http:` and `https:`")]
    Scheme {
        /// The protocol.
        scheme: String,
    },
    /// `user:password@` in it.
    #[error("it has a user name or a password inside; leave them out")]
    Credentials,
    /// The port of a service that does not speak HTTP.
    #[error("port {port} belongs to a service that is not a web server")]
    Port {
        /// The port.
        port: u16,
    },
    /// A name of this machine.
    #[error("`{host}` is this machine itself; allow it with the setting web_allow_private_hosts")]
    LocalName {
        /// The name.
        host: String,
    },
    /// The address, or an address of the name, is not public, and the host is not allowed.
    #[error("{}; allow it with the setting web_allow_private_hosts", leads(host, *address, *class))]
    PrivateAddress {
        /// The host.
        host: String,
        /// The address.
        address: IpAddr,
        /// What kind of address it is.
        class: AddressClass,
    },
    /// An address that is never reached, or only when it is allowed by itself.
    #[error("{}, {}", leads(host, *address, *class), forbidden(*class))]
    ForbiddenAddress {
        /// The host.
        host: String,
        /// The address.
        address: IpAddr,
        /// What kind of address it is.
        class: AddressClass,
    },
    /// From `https:` to `http:`.
    #[error("it would leave encryption: `https:` does not redirect to `http:`")]
    Downgrade,
    /// A public server that points into a private network.
    #[error("a public server may not redirect to the private host `{host}`; ask for it directly")]
    PrivateRedirect {
        /// The private host.
        host: String,
    },
    /// Too many redirects one after another.
    #[error("there were more than {limit} redirects")]
    TooManyRedirects {
        /// The limit.
        limit: usize,
    },
    /// A redirect to an address that was asked before.
    #[error("the redirects go in a circle")]
    RedirectLoop,
    /// A redirect of a request that carries a key or a body.
    #[error("a request with a key or a body is not redirected")]
    RedirectedSecret,
}

fn leads(host: &str, address: IpAddr, class: AddressClass) -> String {
    let words = class.words();
    if host == address.to_string() {
        format!("{address} is {words}")
    } else {
        format!("`{host}` has the address {address}, which is {words}")
    }
}

fn forbidden(class: AddressClass) -> &'static str {
    match class {
        AddressClass::Metadata => "which is reached only when that very address is allowed",
        _ => "which no setting allows",
    }
}

/// A request that failed.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    /// Not made, or not followed.
    #[error("{url} is refused: {refusal}")]
    Refused {
        /// The address that was refused, shortened.
        url: String,
        /// Why.
        refusal: Refusal,
    },
    /// Redirected to a host that was not asked for.
    #[error("{host} redirects to another host: {url}")]
    Elsewhere {
        /// Host and port that were asked.
        host: String,
        /// The address it points to, whole.
        url: String,
    },
    /// A header that must not be sent.
    #[error("the header `{name}` cannot be sent: {reason}")]
    Header {
        /// Its name, shortened.
        name: String,
        /// Why not.
        reason: &'static str,
    },
    /// The name has no address, or the resolver did not answer.
    #[error("the name `{host}` could not be resolved")]
    Resolve {
        /// The name.
        host: String,
        /// What the resolver said.
        source: io::Error,
    },
    /// No client could be made: certificates or the proxy of the environment.
    #[error("the HTTP client could not be made")]
    Client {
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The environment names a proxy that is not spoken.
    #[error("the proxy of the environment cannot be used: only `http:` and `https:` proxies are")]
    Proxy,
    /// The server could not be reached, or broke off.
    #[error("{host} could not be asked")]
    Exchange {
        /// Host and port.
        host: String,
        /// Why.
        source: reqwest::Error,
    },
    /// Connected to another address than the checked ones.
    #[error("{host} answered from {address}, an address that was not checked")]
    Peer {
        /// Host and port.
        host: String,
        /// The address.
        address: IpAddr,
    },
    /// Longer than allowed.
    #[error("{host} did not answer within {limit_secs} seconds")]
    Timeout {
        /// Host and port.
        host: String,
        /// The limit.
        limit_secs: u64,
    },
    /// Alive, but not worth waiting for.
    #[error("{host} sends too slowly: less than {limit_bytes_per_sec} bytes a second")]
    TooSlow {
        /// Host and port.
        host: String,
        /// The limit.
        limit_bytes_per_sec: u64,
    },
    /// More than is taken.
    #[error("{what} of {host} is larger than {limit_bytes} bytes")]
    TooLarge {
        /// Host and port.
        host: String,
        /// The body or the header.
        what: &'static str,
        /// The limit.
        limit_bytes: u64,
    },
    /// A compression that was not asked for.
    #[error("{host} answered in the encoding `{encoding}`, which was not asked for")]
    Encoding {
        /// Host and port.
        host: String,
        /// The encoding, shortened.
        encoding: String,
    },
    /// Broken compression.
    #[error("the compressed answer of {host} is damaged")]
    Decode {
        /// Host and port.
        host: String,
        /// Why.
        source: io::Error,
    },
    /// Another status than the one wanted.
    #[error("{host} answered with status {status}")]
    Status {
        /// Host and port.
        host: String,
        /// The status.
        status: u16,
    },
    /// What was downloaded could not be kept.
    #[error("the download could not be written")]
    Write {
        /// Why.
        source: io::Error,
    },
}

impl NetError {
    pub(crate) fn refused(url: &str, refusal: Refusal) -> Self {
        Self::Refused {
            url: shorten(url),
            refusal,
        }
    }
}

/// A text of a stranger, short enough for a message and without anything a terminal obeys.
pub(crate) fn shorten(text: &str) -> String {
    const MAX_CHARS: usize = 200;
    let mut short: String = text
        .chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .take(MAX_CHARS)
        .collect();
    if text.chars().nth(MAX_CHARS).is_some() {
        short.push('…');
    }
    short
}
