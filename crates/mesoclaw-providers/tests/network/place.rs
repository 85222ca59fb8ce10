//! A server with TLS and a proxy before it, for a test.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// A name that only the proxy knows (RFC 6761).
pub const HOST: &str = "models.example.test";

pub struct Place {
    directory: TempDir,
    tls: TcpListener,
    acceptor: TlsAcceptor,
    proxy: TcpListener,
    seen: Mutex<Vec<String>>,
}

impl Place {
    pub async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (ca, other) = (authority("test"), authority("other"));
        let key = KeyPair::generate().unwrap();
        let names = vec![HOST.to_owned(), "127.0.0.1".to_owned()];
        let certificate = CertificateParams::new(names)
            .unwrap()
            .signed_by(&key, &ca)
            .unwrap();
        std::fs::write(directory.path().join("ca.pem"), ca.pem()).unwrap();
        std::fs::write(directory.path().join("other.pem"), other.pem()).unwrap();
        // The name is the form in which directories of certificates are searched.
        let hashed = directory.path().join("hashed");
        std::fs::create_dir(&hashed).unwrap();
        std::fs::write(hashed.join("0a1b2c3d.0"), ca.pem()).unwrap();
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::Pkcs8(key.serialize_der().into()),
            )
            .unwrap();
        Self {
            directory,
            tls: TcpListener::bind("127.0.0.1:0").await.unwrap(),
            acceptor: TlsAcceptor::from(Arc::new(config)),
            proxy: TcpListener::bind("127.0.0.1:0").await.unwrap(),
            seen: Mutex::new(Vec::new()),
        }
    }

    pub fn tls_port(&self) -> u16 {
        self.tls.local_addr().unwrap().port()
    }

    pub fn proxy_port(&self) -> u16 {
        self.proxy.local_addr().unwrap().port()
    }

    pub fn ca_file(&self) -> String {
        self.path("ca.pem")
    }

    pub fn other_ca_file(&self) -> String {
        self.path("other.pem")
    }

    pub fn ca_directory(&self) -> String {
        self.path("hashed")
    }

    fn path(&self, name: &str) -> String {
        let path: PathBuf = self.directory.path().join(name);
        path.to_str().unwrap().to_owned()
    }

    /// The first lines of the requests to the proxy since the last look.
    pub fn take_seen(&self) -> Vec<String> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }

    /// Serves one connection after the other, for ever.
    pub async fn serve(&self) {
        let server = async {
            loop {
                let (stream, _) = self.tls.accept().await.unwrap();
                // A client that does not trust the certificate goes; so does one that is done.
                if let Ok(mut stream) = self.acceptor.accept(stream).await {
                    read_head(&mut stream).await;
                    answer(&mut stream, "hello").await;
                }
            }
        };
        let proxy = async {
            loop {
                let (stream, _) = self.proxy.accept().await.unwrap();
                self.forward(stream).await;
            }
        };
        tokio::join!(server, proxy);
    }

    async fn forward(&self, mut stream: TcpStream) {
        let head = read_head(&mut stream).await;
        let first = head.lines().next().unwrap_or_default().to_owned();
        let is_tunnel = first.starts_with("CONNECT ");
        self.seen.lock().unwrap().push(first);
        assert!(
            head.to_lowercase().contains("proxy-authorization: basic "),
            "{head}"
        );
        if !is_tunnel {
            answer(&mut stream, "by the proxy").await;
            return;
        }
        let mut server = TcpStream::connect(self.tls.local_addr().unwrap())
            .await
            .unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        // How a side closes is its affair.
        copy_bidirectional(&mut stream, &mut server).await.ok();
    }
}

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Head of a request; a body that came with it is dropped.
async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    let mut buffer = [0; 4096];
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        match stream.read(&mut buffer).await {
            Ok(n) if n > 0 => head.extend_from_slice(&buffer[..n]),
            _ => break,
        }
    }
    String::from_utf8_lossy(&head).into_owned()
}

async fn answer(stream: &mut (impl AsyncWrite + Unpin), text: &str) {
    let chunk = serde_json::json!({"choices": [{
        "index": 0, "delta": {"content": text}, "finish_reason": "stop",
    }]});
    let body = format!("data: {chunk}\n\ndata: [DONE]\n\n");
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n",
        body.len()
    );
    // A client that has gone needs no answer.
    stream.write_all(head.as_bytes()).await.ok();
    stream.write_all(body.as_bytes()).await.ok();
    stream.shutdown().await.ok();
}
