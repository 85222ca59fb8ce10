//! Downloads a file over https: resumable, never down to plain http, hashed on the way.
//!
//! What arrived is in `ID.part`; `ID.part.json` says what it is a part of.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::time::Duration;

use mesoclaw_agent::model_files::CancelToken;
use reqwest::header::{CONTENT_RANGE, ETAG, HeaderMap, IF_RANGE, RANGE};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode, Url};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::error::LocalError;
use crate::files;
use crate::import;
use crate::progress::Progress;
use crate::source;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
const IDLE_TIMEOUT: Duration = Duration::from_mins(1);
const CANCEL_POLL: Duration = Duration::from_millis(100);
const MAX_REDIRECTS: usize = 5;
/// Pieces between network and disk; when the disk is slower, the network waits.
const QUEUE: usize = 8;
const HASH_BYTES: usize = 1024 * 1024;

/// What a partial file is a part of.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct PartNote {
    url: String,
    etag: Option<String>,
    total_bytes: Option<u64>,
}

/// A partial file, open and locked.
pub(crate) struct Part<'a> {
    pub(crate) file: &'a File,
    pub(crate) path: &'a Path,
    pub(crate) note_path: &'a Path,
}

/// Fetches the rest of a file; gives the hash of the whole.
///
/// # Cancellation
/// By the token, or by dropping the future; what arrived stays.
pub(crate) async fn download(
    url: &Url,
    part: &Part<'_>,
    expected_bytes: Option<u64>,
    progress: &mut Progress,
    cancel: &dyn CancelToken,
) -> Result<String, LocalError> {
    let client = client(url)?;
    let mut start = resume_point(url, part);
    let mut response = ask(&client, url, start.as_ref(), cancel).await?;
    if response.status() == StatusCode::RANGE_NOT_SATISFIABLE {
        start = None;
        response = ask(&client, url, None, cancel).await?;
    }
    let received = match (response.status(), &start) {
        (StatusCode::OK, _) => 0,
        (StatusCode::PARTIAL_CONTENT, Some((bytes, _)))
            if content_range(response.headers()).0 == Some(*bytes) =>
        {
            *bytes
        }
        (status, _) => {
            let url = url.to_string();
            let status = status.as_u16();
            return Err(LocalError::Status { url, status });
        }
    };
    let total_bytes = if received > 0 {
        content_range(response.headers()).1
    } else {
        response.content_length()
    };
    check_size(part, received, total_bytes, expected_bytes)?;
    let etag = response
        .headers()
        .get(ETAG)
        .and_then(|etag| etag.to_str().ok());
    let note = PartNote {
        url: url.to_string(),
        etag: etag
            .filter(|etag| !etag.starts_with("W/"))
            .map(str::to_owned),
        total_bytes,
    };
    files::write_json(part.note_path, &note)?;
    let (pieces, writer) = writer(part, received)?;
    let ending = receive(response, received, &note, &pieces, progress, cancel).await;
    drop(pieces);
    let written = writer.await.map_err(|_| LocalError::Worker)?;
    let sha256 = written.map_err(|source| LocalError::Write {
        path: part.path.to_owned(),
        source,
    })?;
    ending.map(|()| sha256)
}

/// How many bytes are here, and the tag that proves them part of the same file.
fn resume_point(url: &Url, part: &Part<'_>) -> Option<(u64, String)> {
    let bytes = part.file.metadata().ok()?.len();
    let note: PartNote = serde_json::from_slice(&std::fs::read(part.note_path).ok()?).ok()?;
    let is_same = bytes > 0 && note.url == url.as_str();
    note.etag.filter(|_| is_same).map(|etag| (bytes, etag))
}

fn client(url: &Url) -> Result<Client, LocalError> {
    let policy = Policy::custom(|attempt| {
        let was_encrypted = attempt
            .previous()
            .last()
            .is_some_and(|url| url.scheme() == "https");
        let is_encrypted = attempt.url().scheme() == "https";
        if attempt.previous().len() > MAX_REDIRECTS {
            attempt.error("too many redirects")
        } else if (was_encrypted && !is_encrypted) || !source::is_allowed(attempt.url()) {
            attempt.error("a redirect away from https")
        } else {
            attempt.follow()
        }
    });
    let mut builder = Client::builder()
        .user_agent(concat!("mesoclaw/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(IDLE_TIMEOUT)
        .redirect(policy);
    if source::is_loopback(url) {
        builder = builder.no_proxy();
    }
    builder
        .build()
        .map_err(|source| LocalError::Client { source })
}

async fn ask(
    client: &Client,
    url: &Url,
    start: Option<&(u64, String)>,
    cancel: &dyn CancelToken,
) -> Result<Response, LocalError> {
    let mut request = client.get(url.clone());
    if let Some((bytes, etag)) = start {
        request = request
            .header(RANGE, format!("bytes={bytes}-"))
            .header(IF_RANGE, etag);
    }
    tokio::select! {
        biased;
        () = cancelled(cancel) => Err(LocalError::Cancelled),
        response = request.send() => response.map_err(|source| fetch(url.as_str(), source)),
    }
}

async fn receive(
    mut response: Response,
    mut received: u64,
    note: &PartNote,
    pieces: &mpsc::Sender<Vec<u8>>,
    progress: &mut Progress,
    cancel: &dyn CancelToken,
) -> Result<(), LocalError> {
    loop {
        progress.tell("downloading", received, note.total_bytes);
        let chunk = tokio::select! {
            biased;
            () = cancelled(cancel) => return Err(LocalError::Cancelled),
            chunk = response.chunk() => chunk.map_err(|source| fetch(&note.url, source))?,
        };
        let Some(chunk) = chunk else { break };
        received += chunk.len() as u64;
        if note.total_bytes.is_some_and(|total| received > total) {
            return Err(LocalError::SizeMismatch {
                expected_bytes: note.total_bytes.unwrap_or_default(),
                actual_bytes: received,
            });
        }
        if pieces.send(chunk.to_vec()).await.is_err() {
            // The writer has failed; its own error is the one to tell.
            return Ok(());
        }
    }
    match note.total_bytes {
        Some(total_bytes) if received < total_bytes => Err(LocalError::Cut {
            url: note.url.clone(),
            received_bytes: received,
            total_bytes,
        }),
        Some(_) | None => Ok(()),
    }
}

/// Comes back when the token says so.
async fn cancelled(cancel: &dyn CancelToken) {
    while !cancel.is_cancelled() {
        tokio::time::sleep(CANCEL_POLL).await;
    }
}

fn fetch(url: &str, source: reqwest::Error) -> LocalError {
    LocalError::Fetch {
        url: url.to_owned(),
        source: source.without_url(),
    }
}

fn check_size(
    part: &Part<'_>,
    received: u64,
    total_bytes: Option<u64>,
    expected_bytes: Option<u64>,
) -> Result<(), LocalError> {
    let Some(total_bytes) = total_bytes else {
        return Ok(());
    };
    if let Some(expected_bytes) = expected_bytes
        && expected_bytes != total_bytes
    {
        return Err(LocalError::SizeMismatch {
            expected_bytes,
            actual_bytes: total_bytes,
        });
    }
    match part.path.parent() {
        Some(dir) => import::check_space(dir, total_bytes.saturating_sub(received)),
        None => Ok(()),
    }
}

/// First byte and whole length of `bytes 5-9/10`.
fn content_range(headers: &HeaderMap) -> (Option<u64>, Option<u64>) {
    let text = headers
        .get(CONTENT_RANGE)
        .and_then(|range| range.to_str().ok());
    let Some((range, total)) = text
        .and_then(|text| text.strip_prefix("bytes "))
        .and_then(|text| text.split_once('/'))
    else {
        return (None, None);
    };
    let first = range
        .split_once('-')
        .and_then(|(first, _)| first.parse().ok());
    (first, total.parse().ok())
}

type Writer = (
    mpsc::Sender<Vec<u8>>,
    JoinHandle<Result<String, std::io::Error>>,
);

/// Writes pieces behind the first `kept` bytes, in a thread for blocking work; gives the hash of
/// the whole file when the pieces end.
fn writer(part: &Part<'_>, kept: u64) -> Result<Writer, LocalError> {
    let file = part.file.try_clone().map_err(|source| LocalError::Write {
        path: part.path.to_owned(),
        source,
    })?;
    let (pieces, mut queue) = mpsc::channel::<Vec<u8>>(QUEUE);
    let thread = tokio::task::spawn_blocking(move || {
        let mut file = file;
        file.set_len(kept)?;
        let mut digest = hash(&mut file)?;
        while let Some(piece) = queue.blocking_recv() {
            digest.update(&piece);
            file.write_all(&piece)?;
        }
        file.sync_all()?;
        Ok(files::hex(digest))
    });
    Ok((pieces, thread))
}

/// Hashes a file from its beginning; it stands at its end then.
fn hash(file: &mut File) -> Result<Sha256, std::io::Error> {
    file.seek(SeekFrom::Start(0))?;
    let mut digest = Sha256::new();
    let mut buf = vec![0; HASH_BYTES];
    loop {
        let n_bytes = file.read(&mut buf)?;
        let (bytes, _) = buf.split_at(n_bytes);
        if bytes.is_empty() {
            return Ok(digest);
        }
        digest.update(bytes);
    }
}
