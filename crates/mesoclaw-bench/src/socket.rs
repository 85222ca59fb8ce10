//! A client without a runtime: connects, introduces itself, reads lines. For clocks that must not
//! hold anything but the daemon, and for clients that stop reading.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use mesoclaw_api::ops::daemon::{DaemonHello, DaemonShutdown, HelloParams, ShutdownParams};
use mesoclaw_api::ops::events::SubscribeParams;
use mesoclaw_api::rpc::PROTOCOL;
use mesoclaw_api::{Operation, Surface};
use serde_json::{Value, json};

/// Longest wait for a line.
const LIMIT: Duration = Duration::from_secs(30);

/// A connection.
pub(crate) struct RawClient {
    reader: BufReader<UnixStream>,
}

impl RawClient {
    /// Connects and waits for the daemon's introduction; `None` when nobody listens.
    pub(crate) fn connect(path: &Path, subscribe: Option<SubscribeParams>) -> Option<Self> {
        let stream = UnixStream::connect(path).ok()?;
        stream.set_read_timeout(Some(LIMIT)).ok()?;
        let mut client = Self {
            reader: BufReader::new(stream),
        };
        let params = HelloParams {
            protocol: PROTOCOL,
            client: "mesoclaw-bench".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            surface: Surface::Cli,
            subscribe,
        };
        let answer = client.call::<DaemonHello>(&params)?;
        assert!(answer.get("result").is_some(), "refused: {answer}");
        Some(client)
    }

    /// Asks the daemon to end.
    pub(crate) fn shut_down(mut self) {
        let params = ShutdownParams {
            reason: Some("bench".to_owned()),
        };
        // The answer may be lost with the connection; who calls waits for the process.
        self.call::<DaemonShutdown>(&params);
    }

    fn call<O: Operation>(&mut self, params: &O::Params) -> Option<Value> {
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": O::METHOD, "params": params});
        let line = format!("{request}\n");
        self.reader.get_mut().write_all(line.as_bytes()).ok()?;
        let mut answer = String::new();
        self.reader.read_line(&mut answer).ok()?;
        serde_json::from_str(&answer).ok()
    }
}
