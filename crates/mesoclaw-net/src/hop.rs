//! One request to one server: the name is resolved once, every address is checked, and the client
//! of the hop knows no other addresses.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Name, Resolve as ClientResolve, Resolving as ClientResolving};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Url};

use crate::error::NetError;
use crate::gate::Reach;
use crate::guard::Guard;
use crate::proxy::{self, Via};
use crate::request::Request;
use crate::resolve::Resolve;
use crate::target::{self, Target};

/// More addresses of one name are not tried.
const MAX_ADDRESSES: usize = 16;

/// An answer, and where it came from.
pub(crate) struct Answer {
    pub(crate) response: reqwest::Response,
    pub(crate) reach: Reach,
}

/// A host whose addresses passed.
struct Checked {
    addresses: Vec<IpAddr>,
    reach: Reach,
}

/// Asks one server; redirects are the caller's.
pub(crate) async fn ask(
    guard: &Guard,
    url: &Url,
    target: &Target,
    request: &Request,
    accept_encoding: &'static str,
    from: Option<Reach>,
) -> Result<Answer, NetError> {
    let via = match &guard.proxies {
        Some(matcher) => proxy::of(matcher, url)?,
        None => None,
    };
    let checked = check_host(guard, url, target, via.is_some()).await?;
    if from == Some(Reach::Public) && checked.reach == Reach::Private {
        let host = target.host.clone();
        let refusal = crate::error::Refusal::PrivateRedirect { host };
        return Err(NetError::refused(url.as_str(), refusal));
    }
    let is_direct = via.is_none();
    let client = client(guard, url, target, &checked.addresses, via).await?;
    let mut builder = client
        .request(request.method.clone(), url.clone())
        .headers(request.headers.clone())
        .header(reqwest::header::ACCEPT_ENCODING, accept_encoding);
    if let Some(body) = &request.body {
        builder = builder.body(body.clone());
    }
    let response = builder.send().await.map_err(|source| NetError::Exchange {
        host: target.to_string(),
        source: source.without_url(),
    })?;
    if is_direct {
        check_peer(&response, target, &checked.addresses)?;
    }
    let reach = checked.reach;
    Ok(Answer { response, reach })
}

/// Resolves the host and checks every address. Behind a proxy a name may be unknown here: then
/// the proxy decides.
async fn check_host(
    guard: &Guard,
    url: &Url,
    target: &Target,
    is_proxied: bool,
) -> Result<Checked, NetError> {
    let addresses = match target::literal(url) {
        Some(address) => vec![address],
        None => match resolve(guard.resolver.as_ref(), &target.host).await {
            Ok(addresses) => addresses,
            Err(_) if is_proxied => Vec::new(),
            Err(error) => return Err(error),
        },
    };
    let reach = guard
        .gate
        .check_addresses(target, &addresses)
        .map_err(|refusal| NetError::refused(url.as_str(), refusal))?;
    Ok(Checked { addresses, reach })
}

async fn resolve(resolver: &dyn Resolve, host: &str) -> Result<Vec<IpAddr>, NetError> {
    let failed = |source| NetError::Resolve {
        host: host.to_owned(),
        source,
    };
    let mut addresses = resolver.resolve(host).await.map_err(failed)?;
    if addresses.is_empty() {
        let source = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        return Err(failed(source));
    }
    addresses.truncate(MAX_ADDRESSES);
    Ok(addresses)
}

/// A client for this hop only. It is made for each hop so that no connection and no address of
/// another hop can be used; the certificates are shared.
async fn client(
    guard: &Guard,
    url: &Url,
    target: &Target,
    addresses: &[IpAddr],
    via: Option<Via>,
) -> Result<Client, NetError> {
    let failed = |source: reqwest::Error| NetError::Client {
        source: Box::new(source),
    };
    let mut builder = plain_builder(guard);
    let needs_tls = url.scheme() == "https" || via.is_some();
    builder = if needs_tls {
        builder.tls_backend_preconfigured(guard.tls().await?)
    } else {
        builder.tls_certs_only([])
    };
    builder = if let Some(via) = via {
        let names = ProxyName {
            host: via.host,
            resolver: Arc::clone(&guard.resolver),
        };
        builder.proxy(via.proxy).dns_resolver(names)
    } else {
        let addresses: Vec<SocketAddr> = addresses
            .iter()
            .map(|address| SocketAddr::new(*address, target.port))
            .collect();
        builder
            .dns_resolver(NoNames)
            .resolve_to_addrs(&target.host, &addresses)
    };
    builder.build().map_err(failed)
}

fn plain_builder(guard: &Guard) -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("mesoclaw/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        .referer(false)
        .no_proxy()
        .no_gzip()
        .no_brotli()
        .no_deflate()
        .no_zstd()
        .http1_only()
        .tcp_nodelay(true)
        .pool_max_idle_per_host(0)
        .connect_timeout(guard.options.connect_timeout)
        .read_timeout(guard.options.idle_timeout)
}

/// Looks at the other end of the connection itself, in case any of the above was fooled.
fn check_peer(
    response: &reqwest::Response,
    target: &Target,
    addresses: &[IpAddr],
) -> Result<(), NetError> {
    match response.remote_addr().map(|peer| peer.ip().to_canonical()) {
        Some(peer) if !addresses.iter().any(|known| known.to_canonical() == peer) => {
            Err(NetError::Peer {
                host: target.to_string(),
                address: peer,
            })
        }
        Some(_) | None => Ok(()),
    }
}

/// Resolves nothing: the addresses of a hop are given to its client.
struct NoNames;

impl ClientResolve for NoNames {
    fn resolve(&self, _: Name) -> ClientResolving {
        Box::pin(async { Err("a name that was not checked".into()) })
    }
}

/// Resolves the proxy's name and no other.
struct ProxyName {
    host: String,
    resolver: Arc<dyn Resolve>,
}

impl ClientResolve for ProxyName {
    fn resolve(&self, name: Name) -> ClientResolving {
        let resolver = Arc::clone(&self.resolver);
        let is_proxy = name.as_str().eq_ignore_ascii_case(&self.host);
        Box::pin(async move {
            if !is_proxy {
                return Err("a name that was not checked".into());
            }
            let addresses = resolver.resolve(name.as_str()).await?;
            let addresses: Vec<_> = addresses
                .into_iter()
                .map(|address| SocketAddr::new(address, 0))
                .collect();
            Ok(Box::new(addresses.into_iter()) as reqwest::dns::Addrs)
        })
    }
}
