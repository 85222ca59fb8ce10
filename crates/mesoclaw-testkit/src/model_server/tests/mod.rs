//! The scripted provider through a raw socket: what stands on the wire, byte for byte.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use super::*;

mod anthropic;
mod azure;
mod checks;
mod cohere;
mod errors;
mod gemini;
mod ollama;
mod openai_chat;
mod openai_responses;
mod said;
mod streams;

/// An answer as a raw client sees it.
struct Raw {
    head: String,
    body: String,
    /// Lengths of the pieces it came in.
    pieces: Vec<usize>,
    /// Whether the body came to its proper end.
    is_whole: bool,
}

impl Raw {
    fn status(&self) -> u16 {
        self.head["http/1.1 ".len()..][..3].parse().unwrap()
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| Value::from(self.body.as_str()))
    }
}

fn send(server: &ModelServer, method: &str, path: &str, headers: &str, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.addr()).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    stream
}

fn read(mut stream: TcpStream) -> Raw {
    let mut bytes = Vec::new();
    // A cut connection is an end or a reset: both leave what arrived before.
    stream.read_to_end(&mut bytes).ok();
    let at = find(&bytes, b"\r\n\r\n").expect("a head");
    let head = String::from_utf8_lossy(&bytes[..at]).to_ascii_lowercase();
    let mut rest = &bytes[at + 4..];
    let (mut body, mut pieces, mut is_whole) = (Vec::new(), Vec::new(), false);
    if head.contains("transfer-encoding: chunked") {
        while let Some(at) = find(rest, b"\r\n") {
            let size = std::str::from_utf8(&rest[..at]).unwrap();
            let size = usize::from_str_radix(size, 16).unwrap();
            if size == 0 {
                is_whole = true;
                break;
            }
            body.extend_from_slice(&rest[at + 2..][..size]);
            pieces.push(size);
            rest = &rest[at + 4 + size..];
        }
    } else {
        body.extend_from_slice(rest);
        is_whole = true;
    }
    Raw {
        head,
        body: String::from_utf8(body).unwrap(),
        pieces,
        is_whole,
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

/// Where a format is asked for a stream.
fn path(kind: WireKind) -> &'static str {
    match kind {
        WireKind::OpenAiChat => "/v1/chat/completions",
        WireKind::OpenAiResponses => "/v1/responses",
        WireKind::Anthropic => "/v1/messages",
        WireKind::Gemini => "/v1beta/models/m:streamGenerateContent?alt=sse",
        WireKind::Cohere => "/v2/chat",
        WireKind::Ollama => "/api/chat",
        WireKind::Azure => "/openai/deployments/m/chat/completions?api-version=2024-10-21",
    }
}

/// The headers with the key `k`.
fn key(kind: WireKind) -> &'static str {
    match kind {
        WireKind::Anthropic => "x-api-key: k\r\nanthropic-version: 2023-06-01\r\n",
        WireKind::Gemini => "x-goog-api-key: k\r\n",
        WireKind::Azure => "api-key: k\r\n",
        WireKind::OpenAiChat | WireKind::OpenAiResponses | WireKind::Cohere | WireKind::Ollama => {
            "Authorization: Bearer k\r\n"
        }
    }
}

/// The least request: one message.
fn least(kind: WireKind, is_stream: bool) -> Value {
    let messages = json!([{"role": "user", "content": "say it back"}]);
    match kind {
        WireKind::OpenAiChat | WireKind::Azure => json!({
            "model": "m", "stream": is_stream, "messages": messages,
            "stream_options": {"include_usage": true},
        }),
        WireKind::OpenAiResponses => {
            json!({"model": "m", "stream": is_stream, "input": "say it back"})
        }
        WireKind::Anthropic => {
            json!({"model": "m", "stream": is_stream, "max_tokens": 9, "messages": messages})
        }
        WireKind::Gemini => {
            json!({"contents": [{"role": "user", "parts": [{"text": "say it back"}]}]})
        }
        WireKind::Cohere | WireKind::Ollama => {
            json!({"model": "m", "stream": is_stream, "messages": messages})
        }
    }
}

/// Asks for a stream.
fn ask(server: &ModelServer, kind: WireKind) -> Raw {
    ask_with(server, kind, &least(kind, true))
}

fn ask_with(server: &ModelServer, kind: WireKind, body: &Value) -> Raw {
    read(send(
        server,
        "POST",
        path(kind),
        key(kind),
        &body.to_string(),
    ))
}

/// Asks for an answer in one piece.
fn ask_whole(server: &ModelServer, kind: WireKind) -> Raw {
    let path = path(kind).replace("streamGenerateContent?alt=sse", "generateContent");
    let body = least(kind, false).to_string();
    read(send(server, "POST", &path, key(kind), &body))
}

fn get(server: &ModelServer, path: &str, headers: &str) -> Raw {
    read(send(server, "GET", path, headers, ""))
}

/// The data of each event, or each line of Ollama; text where it is not JSON. The name of an event
/// has to be its type where it has both.
fn events(body: &str) -> Vec<Value> {
    let body = body.replace("\r\n", "\n");
    let is_sse = body.contains("data: ");
    let end = if is_sse { "\n\n" } else { "\n" };
    let mut all = Vec::new();
    for event in body.split(end).filter(|event| !event.is_empty()) {
        if event.starts_with(':') {
            continue;
        }
        let (name, data) = match event.strip_prefix("event: ") {
            Some(rest) => {
                let (name, rest) = rest.split_once('\n').unwrap();
                (Some(name), rest.strip_prefix("data: ").unwrap())
            }
            None => (None, event.strip_prefix("data: ").unwrap_or(event)),
        };
        let data = serde_json::from_str(data).unwrap_or_else(|_| Value::from(data));
        if let (Some(name), Some(kind)) = (name, data["type"].as_str()) {
            assert_eq!(name, kind);
        }
        all.push(data);
    }
    all
}

fn text(text: &str) -> Step {
    Step::Text(text.to_owned())
}

fn call(index: u32, id: &str, name: &str, arguments: Vec<&str>) -> CallScript {
    CallScript {
        index,
        id: id.to_owned(),
        name: name.to_owned(),
        arguments: arguments.into_iter().map(str::to_owned).collect(),
    }
}

/// Reasoning, text, two calls and all numbers: what every format has words for.
fn rich() -> Vec<Step> {
    vec![
        Step::Reasoning("hm".to_owned()),
        text("é \"b\"\n"),
        Step::Echo,
        Step::ToolCalls(vec![
            call(0, "c0", "files", vec!["{\"a\":", "1}"]),
            call(1, "c1", "shell", vec!["{}"]),
        ]),
        Step::Usage {
            prompt_tokens: 20,
            completion_tokens: 9,
            cached_tokens: 5,
        },
        Step::UsageDetails {
            reasoning_tokens: 4,
            cache_write_tokens: 3,
        },
    ]
}
