//! A connection of which every byte is kept: what a watcher could have seen.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use serde_json::{Value, json};

use crate::fixture::until;
use crate::rpc::hello;

/// Everything, from now on.
const EVERYTHING: &str = r#"{"filter":{}}"#;

/// A connection that reads on a thread of its own.
pub struct Raw {
    stream: UnixStream,
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl Raw {
    /// Connects as this surface and gets all events.
    pub fn watch(socket: &Path, surface: &str) -> Self {
        let mut params = hello(None);
        params["surface"] = surface.into();
        params["subscribe"] = serde_json::from_str(EVERYTHING).unwrap();
        let mut stream = UnixStream::connect(socket).unwrap();
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let (mut source, sink) = (stream.try_clone().unwrap(), Arc::clone(&bytes));
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 16 * 1024];
            while let Ok(count @ 1..) = source.read(&mut buffer) {
                sink.lock().unwrap().extend_from_slice(&buffer[..count]);
            }
        });
        let line = json!({"jsonrpc": "2.0", "id": 0, "method": "daemon.hello", "params": params});
        writeln!(stream, "{line}").unwrap();
        let raw = Self {
            stream,
            bytes,
            reader,
        };
        raw.wait_for(r#""id":0"#);
        raw
    }

    /// Sends a line and waits for more to be said.
    pub fn say(&mut self, line: &str) {
        let before = self.text().len();
        writeln!(self.stream, "{line}").unwrap();
        until("an answer", || (self.text().len() > before).then_some(()));
    }

    /// Sends a request and waits for its answer.
    pub fn ask(&mut self, id: i64, method: &str, params: &Value) {
        let line = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        writeln!(self.stream, "{line}").unwrap();
        self.wait_for(&format!(r#""id":{id},"#));
    }

    /// Everything that came so far.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().unwrap()).into_owned()
    }

    /// Waits until this was said.
    pub fn wait_for(&self, text: &str) {
        until(text, || self.text().contains(text).then_some(()));
    }

    /// Ends the connection; gives everything that came.
    pub fn end(self) -> Vec<u8> {
        // It may have been ended from the other side.
        self.stream.shutdown(Shutdown::Both).ok();
        self.reader.join().unwrap();
        let bytes = self.bytes.lock().unwrap();
        bytes.clone()
    }
}
