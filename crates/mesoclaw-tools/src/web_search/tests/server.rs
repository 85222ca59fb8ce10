//! A web server on the loopback for the tests of the web tools.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use mesoclaw_net::{Guard, GuardOptions};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Status line, headers and body of an answer.
pub(crate) type Reply = (&'static str, &'static str, Vec<u8>);

/// A running server; it ends with the test.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    _tasks: JoinSet<()>,
}

impl Server {
    /// Answers by path and query.
    pub(crate) async fn start(answering: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&requests);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                serve(stream, &answering, &heard).await;
            }
        });
        Self {
            address,
            requests,
            _tasks: tasks,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The requests so far, as they came.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// A guard that may reach the servers of the tests.
pub(crate) fn guard() -> Guard {
    Guard::new(GuardOptions {
        allow_private: vec!["127.0.0.1".parse().unwrap()],
        ..GuardOptions::default()
    })
}

async fn serve(
    mut stream: TcpStream,
    answering: &(impl Fn(&str) -> Reply + Send + Sync),
    heard: &Mutex<Vec<String>>,
) {
    let mut bytes = Vec::new();
    let request = loop {
        let mut buf = [0; 4096];
        let n_bytes = stream.read(&mut buf).await.unwrap_or(0);
        if n_bytes == 0 {
            return;
        }
        bytes.extend_from_slice(&buf[..n_bytes]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
            break text;
        }
    };
    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
    heard.lock().unwrap().push(request);
    let (status, headers, body) = answering(&path);
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\n\r\n");
    stream
        .write_all(&[head.as_bytes(), &body].concat())
        .await
        .ok();
}
