//! A server on the loopback that says what it is told and remembers what it was asked.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What the server does with a request.
#[derive(Clone)]
pub(crate) enum Reply {
    /// Sends these bytes and closes.
    Bytes(Vec<u8>),
    /// Sends a beginning, then a piece again and again without end.
    Endless(Vec<u8>, Vec<u8>),
    /// Sends a beginning and then nothing, without closing.
    Stalled(Vec<u8>),
}

impl Reply {
    pub(crate) fn ok(body: &[u8]) -> Self {
        Self::with("200 OK", "Content-Type: text/plain\r\n", body)
    }

    pub(crate) fn with(status: &str, headers: &str, body: &[u8]) -> Self {
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\n\r\n");
        Self::Bytes([head.as_bytes(), body].concat())
    }

    pub(crate) fn redirect(status: u16, location: &str) -> Self {
        Self::with(
            &format!("{status} Moved"),
            &format!("Location: {location}\r\n"),
            b"",
        )
    }
}

type Answering = Arc<dyn Fn(&str) -> Reply + Send + Sync>;

/// A running server; it ends with the test.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    closed: CancellationToken,
    stop: CancellationToken,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Server {
    pub(crate) async fn start(answering: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        Self::listen("127.0.0.1:0", None, Arc::new(answering)).await
    }

    pub(crate) async fn start_at(
        address: &str,
        answering: impl Fn(&str) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::listen(address, None, Arc::new(answering)).await
    }

    pub(crate) async fn start_tls(
        acceptor: TlsAcceptor,
        answering: impl Fn(&str) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::listen("127.0.0.1:0", Some(acceptor), Arc::new(answering)).await
    }

    async fn listen(address: &str, tls: Option<TlsAcceptor>, answering: Answering) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (stop, closed) = (CancellationToken::new(), CancellationToken::new());
        let tasks = TaskTracker::new();
        let (heard, ended, stopping) = (Arc::clone(&requests), closed.clone(), stop.clone());
        let connections = tasks.clone();
        let accepting = async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (heard, ended) = (Arc::clone(&heard), ended.clone());
                let (tls, answering) = (tls.clone(), Arc::clone(&answering));
                let serving = async move {
                    match tls {
                        None => serve(stream, answering, heard).await,
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => serve(stream, answering, heard).await,
                            Err(_) => heard.lock().unwrap().push("no TLS".to_owned()),
                        },
                    }
                    ended.cancel();
                };
                connections.spawn(stopping.clone().run_until_cancelled_owned(serving));
            }
        };
        tasks.spawn(stop.clone().run_until_cancelled_owned(accepting));
        Self {
            address,
            requests,
            closed,
            stop,
        }
    }

    /// An address on this server by its number.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// An address on this server by the name of the test resolver.
    pub(crate) fn named_url(&self, scheme: &str, path: &str) -> String {
        format!("{scheme}://server.test:{}{path}", self.address.port())
    }

    /// The requests so far, header and body as they came.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// Comes back when a connection has ended.
    pub(crate) async fn closed(&self) {
        self.closed.cancelled().await;
    }
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    answering: Answering,
    heard: Arc<Mutex<Vec<String>>>,
) {
    let Some(request) = read_request(&mut stream).await else {
        return;
    };
    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
    heard.lock().unwrap().push(request);
    match answering(&path) {
        Reply::Bytes(bytes) => {
            // The client may have had enough before the end.
            stream.write_all(&bytes).await.ok();
            stream.shutdown().await.ok();
        }
        Reply::Endless(beginning, piece) => {
            let mut is_heard = stream.write_all(&beginning).await.is_ok();
            while is_heard {
                is_heard = stream.write_all(&piece).await.is_ok();
            }
        }
        Reply::Stalled(beginning) => {
            stream.write_all(&beginning).await.ok();
            stream.flush().await.ok();
            // Until the client hangs up.
            let mut rest = Vec::new();
            stream.read_to_end(&mut rest).await.ok();
        }
    }
}

async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let mut buf = [0; 4096];
        let n_bytes = stream.read(&mut buf).await.ok()?;
        if n_bytes == 0 {
            return None;
        }
        bytes.extend_from_slice(&buf[..n_bytes]);
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            let is_length = name.eq_ignore_ascii_case("content-length");
            is_length.then(|| value.parse::<usize>().unwrap())
        });
        if body.len() >= length.unwrap_or(0) {
            return Some(text.into_owned());
        }
    }
}
