//! Downloads of any size, straight to where they belong.

use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use crate::error::NetError;
use crate::response::{Head, Response};

/// How much a download may take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DownloadLimits {
    /// Of the body.
    pub max_bytes: u64,
    /// From the call to the last byte; `None` = as long as bytes come fast enough.
    pub total_timeout: Option<Duration>,
}

/// A finished download.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Downloaded {
    /// The header of the answer.
    pub head: Head,
    /// Bytes of the body.
    pub received_bytes: u64,
}

pub(crate) async fn receive(
    mut response: Response,
    limits: &DownloadLimits,
    to: &mut (impl AsyncWrite + Unpin + Send),
    progress: &mut (dyn FnMut(u64, Option<u64>) + Send),
) -> Result<Downloaded, NetError> {
    let head = response.head().clone();
    let host = response.host().to_owned();
    if !matches!(head.status, 200 | 206) {
        let status = head.status;
        return Err(NetError::Status { host, status });
    }
    let too_large = |host: &str| NetError::TooLarge {
        host: host.to_owned(),
        what: "the file",
        limit_bytes: limits.max_bytes,
    };
    if head
        .content_length
        .is_some_and(|length| length > limits.max_bytes)
    {
        return Err(too_large(&host));
    }
    let mut received_bytes = 0;
    progress(received_bytes, head.content_length);
    while let Some(piece) = response.chunk().await? {
        received_bytes += piece.len() as u64;
        if received_bytes > limits.max_bytes {
            return Err(too_large(&host));
        }
        to.write_all(&piece).await.map_err(write_failed)?;
        progress(received_bytes, head.content_length);
    }
    to.flush().await.map_err(write_failed)?;
    Ok(Downloaded {
        head,
        received_bytes,
    })
}

fn write_failed(source: std::io::Error) -> NetError {
    NetError::Write { source }
}
