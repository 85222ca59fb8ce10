//! A tiny file server on loopback: one file, byte ranges, and the faults a test asks for.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// How the next connection is answered.
#[derive(Clone, Debug)]
pub enum Reply {
    /// The file (or the asked range) under this tag.
    File { etag: &'static str },
    /// The file from its beginning, cut after so many bytes.
    Cut { etag: &'static str, after: usize },
    /// Another status without a body.
    Status(u16),
    /// A redirect.
    Redirect(String),
}

/// The server; it ends with the process.
pub struct Server {
    pub url: String,
    pub requests: Arc<Mutex<Vec<String>>>,
}

/// Serves `body`; the first replies are used up one a connection, the last one stays.
pub fn serve(body: Vec<u8>, replies: Vec<Reply>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/model.gguf", listener.local_addr().unwrap());
    let requests = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&requests);
    std::thread::spawn(move || {
        for (index, connection) in listener.incoming().enumerate() {
            let reply = replies.get(index).or(replies.last()).unwrap();
            // A client that leaves in the middle is part of some tests.
            answer(connection.unwrap(), &body, reply, &seen).ok();
        }
    });
    Server { url, requests }
}

fn answer(
    mut connection: TcpStream,
    body: &[u8],
    reply: &Reply,
    seen: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut head = String::new();
    let mut reader = BufReader::new(connection.try_clone()?);
    while reader.read_line(&mut head)? > 2 {}
    seen.lock().unwrap().push(head.clone());
    let (status, headers, sent): (String, String, &[u8]) = match reply {
        Reply::Status(status) => (format!("{status} No"), "content-length: 0".to_owned(), &[]),
        Reply::Redirect(to) => (
            "302 Found".to_owned(),
            format!("location: {to}\r\ncontent-length: 0"),
            &[],
        ),
        Reply::Cut { etag, after } => (
            "200 OK".to_owned(),
            format!("etag: {etag}\r\ncontent-length: {}", body.len()),
            &body[..*after],
        ),
        Reply::File { etag } => file(body, &head, etag),
    };
    write!(
        connection,
        "HTTP/1.1 {status}\r\n{headers}\r\nconnection: close\r\n\r\n"
    )?;
    connection.write_all(sent)
}

/// The whole file, or the asked range of it when the tag is still the same.
fn file<'a>(body: &'a [u8], head: &str, etag: &str) -> (String, String, &'a [u8]) {
    let header = |name: &str| {
        head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then(|| value.to_owned())
        })
    };
    let is_same = header("if-range").is_none_or(|tag| tag == etag);
    let start: Option<usize> = header("range")
        .and_then(|range| {
            range
                .strip_prefix("bytes=")?
                .strip_suffix('-')?
                .parse()
                .ok()
        })
        .filter(|_| is_same);
    let (length, tag) = (body.len(), format!("etag: {etag}"));
    if let Some(start) = start {
        let rest = body.get(start..).unwrap_or_default();
        let range = format!("content-range: bytes {start}-{}/{length}", length - 1);
        let headers = format!("{tag}\r\n{range}\r\ncontent-length: {}", rest.len());
        ("206 Partial Content".to_owned(), headers, rest)
    } else {
        let headers = format!("{tag}\r\ncontent-length: {length}");
        ("200 OK".to_owned(), headers, body)
    }
}
