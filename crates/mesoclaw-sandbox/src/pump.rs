//! Reads both outputs of a program at once.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{ChildStderr, ChildStdout};

/// Which output a piece came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// Bytes read at once.
const CHUNK: usize = 16 * 1024;

/// The two outputs of a program, until both are closed.
pub(crate) struct Pump {
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    stdout_buf: Vec<u8>,
    stderr_buf: Vec<u8>,
}

impl Pump {
    pub fn new(stdout: Option<ChildStdout>, stderr: Option<ChildStderr>) -> Self {
        Self {
            stdout,
            stderr,
            stdout_buf: vec![0; CHUNK],
            stderr_buf: vec![0; CHUNK],
        }
    }

    /// Whether both outputs are closed.
    pub fn is_dry(&self) -> bool {
        self.stdout.is_none() && self.stderr.is_none()
    }

    /// The next piece; `None` when one of the outputs was closed.
    ///
    /// # Cancellation
    /// Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<(Stream, &[u8])> {
        let (stream, n) = tokio::select! {
            n = read(self.stdout.as_mut(), &mut self.stdout_buf) => (Stream::Stdout, n),
            n = read(self.stderr.as_mut(), &mut self.stderr_buf) => (Stream::Stderr, n),
        };
        // An output that cannot be read is as good as closed.
        let n = n.unwrap_or(0);
        let buf = match stream {
            Stream::Stdout => &self.stdout_buf,
            Stream::Stderr => &self.stderr_buf,
        };
        if n == 0 {
            match stream {
                Stream::Stdout => self.stdout = None,
                Stream::Stderr => self.stderr = None,
            }
            return None;
        }
        buf.get(..n).map(|piece| (stream, piece))
    }
}

async fn read(source: Option<&mut (impl AsyncRead + Unpin)>, buf: &mut [u8]) -> io::Result<usize> {
    match source {
        Some(source) => source.read(buf).await,
        None => std::future::pending().await,
    }
}
