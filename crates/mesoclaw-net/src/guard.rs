//! The guard: follows redirects itself and checks every hop.

use std::sync::Arc;
use std::time::Duration;

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::Url;
use reqwest::header::LOCATION;
use rustls::ClientConfig;
use serde_json::Value;
use tokio::io::AsyncWrite;
use tokio::sync::OnceCell;
use tokio::time::{Instant, timeout_at};

use crate::download::{self, DownloadLimits, Downloaded};
use crate::error::{NetError, Refusal};
use crate::gate::Gate;
use crate::hop::{self, Answer};
use crate::options::GuardOptions;
use crate::redirect;
use crate::request::{RedirectHosts, Request};
use crate::resolve::{Resolve, SystemResolver};
use crate::response::{Fetched, Head, Response, check_header};
use crate::target::{self, Target};
use crate::tls;

/// The guarded client. Cheap to keep, made once; nothing is read before the first request.
///
/// # Cancellation
/// Dropping the future of a request closes its connection.
pub struct Guard {
    pub(crate) options: GuardOptions,
    pub(crate) gate: Gate,
    pub(crate) resolver: Arc<dyn Resolve>,
    pub(crate) proxies: Option<Matcher>,
    tls: OnceCell<ClientConfig>,
}

impl Guard {
    /// A guard that asks the resolver of this machine.
    pub fn new(options: GuardOptions) -> Self {
        Self::with_resolver(options, Arc::new(SystemResolver))
    }

    /// A guard with a resolver of its own.
    pub fn with_resolver(options: GuardOptions, resolver: Arc<dyn Resolve>) -> Self {
        Self {
            gate: Gate::new(options.allow_private.clone()),
            proxies: options.environment_proxy.then(Matcher::from_env),
            resolver,
            tls: OnceCell::new(),
            options,
        }
    }

    /// Where an address leads, if it may be asked for as far as its text tells. Resolves nothing.
    ///
    /// # Errors
    /// [`NetError::Refused`] with the reason.
    pub fn check_url(&self, url: &str) -> Result<Target, NetError> {
        let refused = |refusal| NetError::refused(url, refusal);
        let parsed = target::parse(url).map_err(refused)?;
        self.gate.check_url(&parsed).map_err(refused)
    }

    /// Fetches what is at an address.
    pub async fn get(&self, url: &str) -> Result<Fetched, NetError> {
        self.fetch(Request::get(url)).await
    }

    /// Sends JSON with headers that hold keys, and takes the answer.
    pub async fn post_json(
        &self,
        url: &str,
        secret_headers: &[(&str, &str)],
        body: &Value,
    ) -> Result<Fetched, NetError> {
        let request = Request::post_json(url, body);
        let request = secret_headers
            .iter()
            .try_fold(request, |request, (name, value)| {
                request.secret_header(name, value)
            })?;
        self.fetch(request).await
    }

    /// Makes a request and takes its answer, up to the limit; a status of failure is an answer.
    pub async fn fetch(&self, request: Request) -> Result<Fetched, NetError> {
        let max_body_bytes = request
            .max_body_bytes
            .unwrap_or(self.options.max_body_bytes);
        let limit = request.total_timeout.unwrap_or(self.options.total_timeout);
        let response = self.ask(&request, "gzip", Some(limit)).await?;
        response
            .collect(max_body_bytes, self.options.max_wire_bytes)
            .await
    }

    /// Makes a request and gives the answer piece by piece, as it comes over the wire.
    pub async fn open(&self, request: Request) -> Result<Response, NetError> {
        let limit = request.total_timeout.unwrap_or(self.options.total_timeout);
        let response = self.ask(&request, "identity", Some(limit)).await?;
        response.without_encoding()
    }

    /// Fetches a file of any size. `progress` hears of bytes received and bytes expected.
    ///
    /// A range may be asked for with the headers `Range` and `If-Range`.
    ///
    /// # Errors
    /// [`NetError::Status`] unless the answer is 200, or 206 to a range.
    pub async fn download(
        &self,
        request: Request,
        limits: &DownloadLimits,
        to: &mut (impl AsyncWrite + Unpin + Send),
        progress: &mut (dyn FnMut(u64, Option<u64>) + Send),
    ) -> Result<Downloaded, NetError> {
        let response = self.ask(&request, "identity", limits.total_timeout).await?;
        download::receive(response.without_encoding()?, limits, to, progress).await
    }

    pub(crate) async fn tls(&self) -> Result<ClientConfig, NetError> {
        self.tls.get_or_try_init(tls::load).await.cloned()
    }

    /// Asks until an answer is no redirect. Without a limit for the whole, the way to the header
    /// has the guard's.
    async fn ask(
        &self,
        request: &Request,
        accept_encoding: &'static str,
        limit: Option<Duration>,
    ) -> Result<Response, NetError> {
        let limit_to_head = limit.unwrap_or(self.options.total_timeout);
        let start = Instant::now();
        let mut way = Way::default();
        let following = self.follow(request, accept_encoding, &mut way);
        let answer = match timeout_at(start + limit_to_head, following).await {
            Ok(answer) => answer?,
            Err(_) => {
                return Err(NetError::Timeout {
                    host: way.host,
                    limit_secs: limit_to_head.as_secs(),
                });
            }
        };
        let deadline = limit.map(|limit| (start + limit, limit));
        let head = Head::read(&way.asked, &answer.response);
        check_header(&answer.response, &way.host, self.options.max_header_bytes)?;
        Ok(Response::new(
            answer.response,
            head,
            way.host,
            deadline,
            &self.options,
        ))
    }

    async fn follow(
        &self,
        request: &Request,
        accept_encoding: &'static str,
        way: &mut Way,
    ) -> Result<Answer, NetError> {
        let refused = |refusal| NetError::refused(&request.url, refusal);
        let mut url = target::parse(&request.url).map_err(refused)?;
        let mut from = None;
        loop {
            let target = self
                .gate
                .check_url(&url)
                .map_err(|refusal| NetError::refused(url.as_str(), refusal))?;
            way.host = target.to_string();
            way.asked.push(url.clone());
            let answer = hop::ask(self, &url, &target, request, accept_encoding, from).await?;
            let location = answer.response.headers().get(LOCATION);
            let Some(location) =
                location.filter(|_| redirect::is_redirect(answer.response.status()))
            else {
                return Ok(answer);
            };
            let shown = String::from_utf8_lossy(location.as_bytes()).into_owned();
            let refused = |refusal| NetError::refused(&shown, refusal);
            if !request.is_redirected() {
                return Err(refused(Refusal::RedirectedSecret));
            }
            let limit = self.options.max_redirects;
            let next = redirect::next(&way.asked, location.as_bytes(), limit).map_err(refused)?;
            if request.redirect_hosts == RedirectHosts::Same && !redirect::stays(&url, &next) {
                return Err(NetError::Elsewhere {
                    host: way.host.clone(),
                    url: next.into(),
                });
            }
            url = next;
            from = Some(answer.reach);
        }
    }
}

/// What was asked so far.
#[derive(Default)]
struct Way {
    asked: Vec<Url>,
    host: String,
}

#[cfg(test)]
impl Guard {
    /// Trusts these certificates and no others.
    pub(crate) fn trust(self, config: ClientConfig) -> Self {
        self.tls.set(tls::speak_http1(config)).unwrap();
        self
    }
}
