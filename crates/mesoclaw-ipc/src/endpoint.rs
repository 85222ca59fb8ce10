//! Where the daemon listens: a Unix socket in a private directory, or a named pipe.
//!
//! It only opens and checks; what is said over a connection is elsewhere.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use interprocess::local_socket::traits::tokio::Listener as _;
use interprocess::local_socket::{ConnectOptions, GenericFilePath, ToFsName};

use crate::error::IpcError;
use crate::peer::{self, Peer};
use crate::platform;

/// One connection, a stream of bytes. `&Stream` reads and writes too.
pub type Stream = interprocess::local_socket::tokio::Stream;

/// Waits between tries when more clients connect than the daemon's queue holds.
const BUSY_WAITS_MS: [u64; 8] = [1, 2, 5, 10, 20, 50, 100, 200];

/// A place to listen at or to connect to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Endpoint {
    path: PathBuf,
}

/// A socket that listens. Dropping it removes the socket's file.
#[derive(Debug)]
pub struct Listener {
    inner: interprocess::local_socket::tokio::Listener,
    endpoint: Endpoint,
    _file: platform::SocketFile,
}

impl Endpoint {
    /// An endpoint at a path; on Windows the name of a pipe.
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// The path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Listens there. The directory is made or made private (0700), the socket has mode 0600.
    ///
    /// A socket of this user that refuses connections is replaced; everything else that is there
    /// stays and is an error. Hold the [`crate::DaemonLock`] first: it is what tells a stale socket
    /// from one of a daemon that starts at the same moment. Needs a running tokio runtime.
    ///
    /// # Errors
    /// The directory is not ours, the path is taken, or the system refuses.
    pub fn bind(&self) -> Result<Listener, IpcError> {
        let (inner, file) = platform::listen(&self.path)?;
        Ok(Listener {
            inner,
            endpoint: self.clone(),
            _file: file,
        })
    }

    /// Connects, after a look at the socket and at the user who listens.
    ///
    /// # Errors
    /// [`IpcError::Absent`] when nobody listens; another error when what is there is not ours.
    pub async fn connect(&self) -> Result<Stream, IpcError> {
        platform::check_socket(&self.path)?;
        for wait_ms in BUSY_WAITS_MS {
            let stream = self.connect_once().await?;
            match peer::peer_of(&stream).map_err(|source| self.failed(source))? {
                // A full queue of connections looks like success to the library.
                Peer::NotConnected => tokio::time::sleep(Duration::from_millis(wait_ms)).await,
                peer => return peer::check(peer).map(|()| stream),
            }
        }
        Err(self.failed(ErrorKind::WouldBlock.into()))
    }

    async fn connect_once(&self) -> Result<Stream, IpcError> {
        let name = self
            .path()
            .to_fs_name::<GenericFilePath>()
            .map_err(|source| self.failed(source))?;
        let stream = ConnectOptions::new().name(name).connect_tokio().await;
        stream.map_err(|source| match source.kind() {
            ErrorKind::NotFound | ErrorKind::ConnectionRefused => IpcError::Absent {
                path: self.path.clone(),
            },
            _ => self.failed(source),
        })
    }

    fn failed(&self, source: io::Error) -> IpcError {
        IpcError::Connect {
            path: self.path.clone(),
            source,
        }
    }
}

impl Listener {
    /// Where it listens.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The next connection, by whoever it is.
    ///
    /// # Cancellation
    /// Cancel safe.
    ///
    /// # Errors
    /// The system's own, for example too many open files.
    pub async fn accept(&self) -> io::Result<Stream> {
        self.inner.accept().await
    }
}
