//! The answer of a server: its header at once, its body piece by piece or taken together.

use std::time::Duration;

use reqwest::Url;
use reqwest::header::{
    CONTENT_ENCODING, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderName, RETRY_AFTER,
};
use tokio::time::{Instant, timeout_at};

use crate::content_type;
use crate::decode::{Collector, Encoding};
use crate::error::{NetError, shorten};
use crate::options::GuardOptions;
use crate::pace::Pace;

/// The header of an answer, as far as it is of use.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Head {
    /// Address of the answer, after all redirects.
    pub final_url: String,
    /// Addresses that redirected, in order.
    pub hops: Vec<String>,
    /// The status.
    pub status: u16,
    /// `text/html`, in small letters.
    pub content_type: Option<String>,
    /// `utf-8`, in small letters, where the header names one.
    pub charset: Option<String>,
    /// Bytes of the body over the wire, where they are known.
    pub content_length: Option<u64>,
    /// The tag of this version of the file.
    pub etag: Option<String>,
    /// Which part of the file this is.
    pub content_range: Option<String>,
    /// How long to wait before asking again, as the server wrote it.
    pub retry_after: Option<String>,
}

impl Head {
    pub(crate) fn read(asked: &[Url], response: &reqwest::Response) -> Self {
        let text = |name: HeaderName| {
            let value = response.headers().get(name)?.to_str().ok()?;
            Some(shorten(value))
        };
        let (content_type, charset) = text(CONTENT_TYPE)
            .map(|text| content_type::read(&text))
            .unwrap_or_default();
        let hops = asked.iter().rev().skip(1).rev();
        Self {
            final_url: asked.last().map(Url::to_string).unwrap_or_default(),
            hops: hops.map(Url::to_string).collect(),
            status: response.status().as_u16(),
            content_type,
            charset,
            content_length: response.content_length(),
            etag: text(ETAG),
            content_range: text(CONTENT_RANGE),
            retry_after: text(RETRY_AFTER),
        }
    }
}

/// Refuses a header that is out of proportion.
pub(crate) fn check_header(
    response: &reqwest::Response,
    host: &str,
    limit_bytes: u64,
) -> Result<(), NetError> {
    let n_bytes: usize = response
        .headers()
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    if n_bytes as u64 <= limit_bytes {
        return Ok(());
    }
    Err(NetError::TooLarge {
        host: host.to_owned(),
        what: "the header",
        limit_bytes,
    })
}

/// An answer taken together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fetched {
    /// Address of the answer, after all redirects.
    pub final_url: String,
    /// Addresses that redirected, in order.
    pub hops: Vec<String>,
    /// The status.
    pub status: u16,
    /// `text/html`, in small letters.
    pub content_type: Option<String>,
    /// `utf-8`, in small letters, where the header names one.
    pub charset: Option<String>,
    /// How long to wait before asking again, as the server wrote it.
    pub retry_after: Option<String>,
    /// The body, decompressed.
    pub body: Vec<u8>,
    /// Whether there was more than the limit allows.
    pub cut: bool,
}

/// An answer whose body is still on its way.
pub struct Response {
    inner: reqwest::Response,
    head: Head,
    host: String,
    deadline: Option<(Instant, Duration)>,
    pace: Pace,
    min_bytes_per_sec: u64,
}

impl std::fmt::Debug for Response {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Response")
            .field("head", &self.head)
            .finish_non_exhaustive()
    }
}

impl Response {
    pub(crate) fn new(
        inner: reqwest::Response,
        head: Head,
        host: String,
        deadline: Option<(Instant, Duration)>,
        options: &GuardOptions,
    ) -> Self {
        Self {
            inner,
            head,
            host,
            deadline,
            pace: Pace::new(options.min_bytes_per_sec),
            min_bytes_per_sec: options.min_bytes_per_sec,
        }
    }

    /// The header.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Host and port that answered.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// The next piece of the body; `None` = it is complete.
    ///
    /// # Cancellation
    /// Safe: a piece that was not given out is given out by the next call.
    pub async fn chunk(&mut self) -> Result<Option<Vec<u8>>, NetError> {
        let next = self.inner.chunk();
        let piece = match self.deadline {
            None => next.await,
            Some((deadline, limit)) => match timeout_at(deadline, next).await {
                Ok(piece) => piece,
                Err(_) => {
                    return Err(NetError::Timeout {
                        host: self.host.clone(),
                        limit_secs: limit.as_secs(),
                    });
                }
            },
        };
        let piece = piece.map_err(|source| NetError::Exchange {
            host: self.host.clone(),
            source: source.without_url(),
        })?;
        let Some(piece) = piece else {
            return Ok(None);
        };
        if !self.pace.is_kept(piece.len() as u64, Instant::now()) {
            return Err(NetError::TooSlow {
                host: self.host.clone(),
                limit_bytes_per_sec: self.min_bytes_per_sec,
            });
        }
        Ok(Some(piece.into()))
    }

    /// An answer that must be as it is on the server.
    pub(crate) fn without_encoding(self) -> Result<Self, NetError> {
        match self.encoding()? {
            Encoding::Identity => Ok(self),
            Encoding::Gzip => Err(self.unwanted("gzip")),
        }
    }

    /// Takes the body together, decompressed, up to the limits.
    pub(crate) async fn collect(
        mut self,
        max_body_bytes: u64,
        max_wire_bytes: u64,
    ) -> Result<Fetched, NetError> {
        let mut collector = Collector::new(self.encoding()?, max_body_bytes);
        let mut wire_bytes = 0;
        let mut cut = false;
        while let Some(piece) = self.chunk().await? {
            wire_bytes += piece.len() as u64;
            let is_under = collector
                .push(&piece)
                .map_err(|source| self.damaged(source))?;
            if !is_under || wire_bytes > max_wire_bytes {
                cut = true;
                break;
            }
        }
        if !cut {
            // An answer without a body may still be called gzip.
            let is_under =
                wire_bytes == 0 || collector.finish().map_err(|source| self.damaged(source))?;
            cut = !is_under;
        }
        let head = self.head;
        Ok(Fetched {
            final_url: head.final_url,
            hops: head.hops,
            status: head.status,
            content_type: head.content_type,
            charset: head.charset,
            retry_after: head.retry_after,
            body: collector.into_bytes(),
            cut,
        })
    }

    fn encoding(&self) -> Result<Encoding, NetError> {
        let mut values = self.inner.headers().get_all(CONTENT_ENCODING).iter();
        let first = values
            .next()
            .map_or(b"".as_slice(), |value| value.as_bytes());
        let text = String::from_utf8_lossy(first);
        match Encoding::read(&text) {
            Some(encoding) if values.next().is_none() => Ok(encoding),
            Some(_) | None => Err(self.unwanted(&text)),
        }
    }

    fn unwanted(&self, encoding: &str) -> NetError {
        NetError::Encoding {
            host: self.host.clone(),
            encoding: shorten(encoding),
        }
    }

    fn damaged(&self, source: std::io::Error) -> NetError {
        NetError::Decode {
            host: self.host.clone(),
            source,
        }
    }
}
