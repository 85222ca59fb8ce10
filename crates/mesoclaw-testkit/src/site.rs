//! A web site on a loopback port that remembers who came: pages for tools that read the web, and a
//! canary for what should never be reached.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Longest time a connection is listened to.
const PATIENCE: Duration = Duration::from_secs(5);

/// Longest request that is kept.
const MAX_REQUEST: u64 = 64 * 1024;

/// What a path answers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Page {
    /// Path with its `?`.
    pub path: String,
    /// `200`, `302`.
    pub status: u16,
    /// Header lines without their ends.
    pub headers: Vec<String>,
    /// The body.
    pub body: String,
}

impl Page {
    /// A page of HTML.
    pub fn html(path: &str, body: &str) -> Self {
        Self {
            path: path.to_owned(),
            status: 200,
            headers: vec!["Content-Type: text/html; charset=utf-8".to_owned()],
            body: body.to_owned(),
        }
    }

    /// A page of plain text.
    pub fn text(path: &str, body: &str) -> Self {
        Self {
            headers: vec!["Content-Type: text/plain; charset=utf-8".to_owned()],
            ..Self::html(path, body)
        }
    }

    /// A redirection.
    pub fn redirect(path: &str, to: &str) -> Self {
        Self {
            path: path.to_owned(),
            status: 302,
            headers: vec![format!("Location: {to}")],
            body: String::new(),
        }
    }
}

/// A running site. Stops when dropped.
pub struct Site {
    addr: SocketAddr,
    pages: Arc<Mutex<Vec<Page>>>,
    seen: Arc<Mutex<Vec<String>>>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Site {
    /// A site with these pages; every other path is 404.
    pub fn start(pages: Vec<Page>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port");
        let addr = listener.local_addr().unwrap();
        let pages = Arc::new(Mutex::new(pages));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let is_over = Arc::new(AtomicBool::new(false));
        let (source, sink, end) = (Arc::clone(&pages), Arc::clone(&seen), Arc::clone(&is_over));
        let thread = std::thread::Builder::new()
            .name("site".to_owned())
            .spawn(move || {
                for stream in listener.incoming().flatten() {
                    if end.load(Ordering::SeqCst) {
                        return;
                    }
                    serve(stream, &source, &sink);
                }
            })
            .unwrap();
        Self {
            addr,
            pages,
            seen,
            is_over,
            thread: Some(thread),
        }
    }

    /// A site without pages, which nobody should ever visit.
    pub fn canary() -> Self {
        Self::start(Vec::new())
    }

    /// Gives it other pages.
    pub fn set(&self, pages: Vec<Page>) {
        *lock(&self.pages) = pages;
    }

    /// Address and port.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    /// Every request so far, head and body; an empty text for a connection that said nothing.
    pub fn requests(&self) -> Vec<String> {
        lock(&self.seen).clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Site {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        // Wakes the listener; it may be gone already.
        TcpStream::connect(self.addr).ok();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread already printed its reason.
            thread.join().ok();
        }
    }
}

fn serve(stream: TcpStream, pages: &Mutex<Vec<Page>>, seen: &Mutex<Vec<String>>) {
    let at = {
        let mut seen = lock(seen);
        // The connection counts, whatever comes over it.
        seen.push(String::new());
        seen.len() - 1
    };
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut reader = BufReader::new(stream.take(MAX_REQUEST));
    let mut request = String::new();
    let mut body_bytes = 0;
    loop {
        let mut line = Vec::new();
        match reader.read_until(b'\n', &mut line) {
            Ok(1..) => {}
            Ok(0) | Err(_) => break,
        }
        let line = String::from_utf8_lossy(&line).into_owned();
        let lower = line.to_ascii_lowercase();
        if let Some(length) = lower.strip_prefix("content-length:") {
            body_bytes = length.trim().parse().unwrap_or(0);
        }
        request.push_str(&line);
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; body_bytes.min(MAX_REQUEST as usize)];
    // What does not come in time is not kept.
    reader.read_exact(&mut body).ok();
    request.push_str(&String::from_utf8_lossy(&body));
    let path = request.split_whitespace().nth(1).unwrap_or_default();
    let page = lock(pages).iter().find(|page| page.path == path).cloned();
    if let Some(place) = lock(seen).get_mut(at) {
        *place = request;
    }
    let page = page.unwrap_or_else(|| Page {
        status: 404,
        ..Page::text("", "not here")
    });
    let mut head = page.headers.join("\r\n");
    if !head.is_empty() {
        head.push_str("\r\n");
    }
    let mut stream = reader.into_inner().into_inner();
    // The visitor may have gone.
    write!(
        stream,
        "HTTP/1.1 {} x\r\n{head}Content-Length: {}\r\nConnection: close\r\n\r\n{}",
        page.status,
        page.body.len(),
        page.body
    )
    .ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(site: &Site, path: &str) -> String {
        let mut stream = TcpStream::connect(site.addr()).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn pages_are_given_and_visits_remembered() {
        let site = Site::start(vec![
            Page::html("/", "<p>hello"),
            Page::redirect("/away", "http://127.0.0.1:1/"),
        ]);
        assert!(get(&site, "/").ends_with("\r\n\r\n<p>hello"));
        assert!(get(&site, "/away").contains("Location: http://127.0.0.1:1/\r\n"));
        assert!(get(&site, "/nope").starts_with("HTTP/1.1 404"));
        let paths: Vec<String> = site
            .requests()
            .iter()
            .map(|request| request.split(' ').nth(1).unwrap().to_owned())
            .collect();
        assert_eq!(paths, ["/", "/away", "/nope"]);
    }

    #[test]
    fn a_canary_hears_a_connection_that_says_nothing() {
        let site = Site::canary();
        assert_eq!(site.requests(), [] as [String; 0]);
        drop(TcpStream::connect(site.addr()).unwrap());
        crate::wait::poll(crate::wait::LIMIT, || {
            (site.requests() == [""]).then_some(())
        })
        .expect("one visit");
    }
}
