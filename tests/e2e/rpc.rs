//! The socket as bytes: a client that knows nothing of the client of the program, and may misbehave.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use mesoclaw_api::event::EventFrame;
use mesoclaw_api::ops::daemon::Hello;
use mesoclaw_api::ops::events::SubscribeParams;
use mesoclaw_api::rpc::{EVENT_METHOD, Incoming, LAGGED_METHOD, RequestId};
use mesoclaw_api::{ApiError, ApiResult, Event, Operation};
use serde_json::{Value, json};

use crate::fixture::LIMIT;

/// A connection. Reading waits for at most [`LIMIT`].
pub struct Wire {
    reader: BufReader<UnixStream>,
    line: Vec<u8>,
    last_id: i64,
    news: VecDeque<News>,
}

/// What the daemon says without being asked.
#[derive(Clone, PartialEq, Debug)]
pub enum News {
    /// Something happened.
    Event(Box<EventFrame>),
    /// So many events are missing.
    Lagged(u64),
}

/// An answer: the id of its request, and what came of it.
#[derive(Clone, PartialEq, Debug)]
pub struct Answer {
    pub id: Option<RequestId>,
    pub result: ApiResult<Value>,
}

/// What came in time.
#[derive(Clone, PartialEq, Debug)]
pub enum Received {
    Answer(Answer),
    News(News),
    /// The daemon closed the connection.
    End,
    /// Nothing came in time.
    Late,
}

impl Wire {
    /// Connects and says nothing.
    pub fn connect(socket: &Path) -> Self {
        let stream = UnixStream::connect(socket)
            .unwrap_or_else(|error| panic!("{}: {error}", socket.display()));
        Self {
            reader: BufReader::new(stream),
            line: Vec::new(),
            last_id: 0,
            news: VecDeque::new(),
        }
    }

    /// Connects and says hello.
    pub fn greet(socket: &Path, subscribe: Option<SubscribeParams>) -> (Self, Hello) {
        let mut wire = Self::connect(socket);
        let id = wire.request("daemon.hello", &hello(subscribe));
        let answer = wire.answer_to(id).expect("the daemon answers");
        let hello = serde_json::from_value(answer.unwrap()).unwrap();
        (wire, hello)
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// The daemon closed the connection.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.reader.get_mut().write_all(bytes)
    }

    /// Sends a request and gives its id. Losing it to a connection that ended is all right.
    pub fn request(&mut self, method: &str, params: &Value) -> i64 {
        self.last_id += 1;
        let id = self.last_id;
        let line = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        self.send(format!("{line}\n").as_bytes()).ok();
        id
    }

    /// Runs an operation.
    pub fn call<O: Operation>(&mut self, params: O::Params) -> ApiResult<O::Output> {
        let id = self.request(O::METHOD, &serde_json::to_value(params).unwrap());
        let answer = self.answer_to(id);
        let answer = answer.unwrap_or_else(|| panic!("the connection ended during {}", O::METHOD));
        answer.map(|output| serde_json::from_value(output).unwrap())
    }

    /// The answer to a request; news that come before it are kept. `None`: the connection ended.
    pub fn answer_to(&mut self, id: i64) -> Option<ApiResult<Value>> {
        loop {
            match self.receive(Instant::now() + LIMIT) {
                Received::Answer(answer) => {
                    assert_eq!(answer.id, Some(RequestId::Number(id)), "{answer:?}");
                    return Some(answer.result);
                }
                Received::News(news) => self.news.push_back(news),
                Received::End => return None,
                Received::Late => panic!("no answer to request {id} within {LIMIT:?}"),
            }
        }
    }

    /// The next answer, whichever request it is to. `None`: the connection ended.
    pub fn answer(&mut self) -> Option<Answer> {
        loop {
            match self.receive(Instant::now() + LIMIT) {
                Received::Answer(answer) => return Some(answer),
                Received::News(news) => self.news.push_back(news),
                Received::End => return None,
                Received::Late => panic!("no answer within {LIMIT:?}"),
            }
        }
    }

    /// The next news. `None`: the connection ended.
    pub fn news(&mut self) -> Option<News> {
        if let Some(news) = self.news.pop_front() {
            return Some(news);
        }
        match self.receive(Instant::now() + LIMIT) {
            Received::News(news) => Some(news),
            Received::End => None,
            Received::Answer(answer) => panic!("nobody asked for {answer:?}"),
            Received::Late => panic!("no news within {LIMIT:?}"),
        }
    }

    /// News up to and with the first event that `is_last`.
    pub fn news_until(&mut self, is_last: impl Fn(&Event) -> bool) -> Vec<News> {
        let mut all = Vec::new();
        loop {
            let news = self.news().unwrap_or_else(|| {
                panic!("the connection ended before the awaited event; there were {all:#?}")
            });
            let is_found = matches!(&news, News::Event(frame) if is_last(&frame.event));
            all.push(news);
            if is_found {
                return all;
            }
        }
    }

    /// News up to the end of the connection.
    pub fn news_until_end(&mut self) -> Vec<News> {
        std::iter::from_fn(|| self.news()).collect()
    }

    /// Whether the connection ends, without anything more being said.
    pub fn is_ended(&mut self) -> bool {
        match self.receive(Instant::now() + LIMIT) {
            Received::End => true,
            Received::Answer(_) | Received::News(_) | Received::Late => false,
        }
    }

    /// The next line, waited for until `deadline`.
    pub fn receive(&mut self, deadline: Instant) -> Received {
        loop {
            if !self.reader.buffer().contains(&b'\n') {
                let rest = deadline.saturating_duration_since(Instant::now());
                // Zero would mean to wait for ever.
                let rest = rest.max(Duration::from_micros(1));
                self.reader.get_ref().set_read_timeout(Some(rest)).unwrap();
            }
            match self.reader.read_until(b'\n', &mut self.line) {
                Ok(_) if self.line.ends_with(b"\n") => {
                    let line = std::mem::take(&mut self.line);
                    return understand(&line);
                }
                Ok(_) => return Received::End,
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock | ErrorKind::TimedOut if Instant::now() >= deadline => {
                        return Received::Late;
                    }
                    ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => {}
                    ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => return Received::End,
                    _ => panic!("{error}"),
                },
            }
        }
    }
}

/// The params of a hello that is accepted.
pub fn hello(subscribe: Option<SubscribeParams>) -> Value {
    let mut params = json!({
        "protocol": mesoclaw_api::rpc::PROTOCOL,
        "client": "e2e",
        "version": env!("CARGO_PKG_VERSION"),
        "surface": "cli",
    });
    if let Some(subscribe) = subscribe {
        params["subscribe"] = serde_json::to_value(subscribe).unwrap();
    }
    params
}

/// The text of the parts of the answer that grew.
pub fn text_of<'a>(frames: impl IntoIterator<Item = &'a EventFrame>) -> String {
    let mut text = String::new();
    for frame in frames {
        if let Event::TextDelta { text: more, .. } = &frame.event {
            text.push_str(more);
        }
    }
    text
}

/// The events among the news.
pub fn events_of(news: &[News]) -> impl Iterator<Item = &EventFrame> {
    news.iter().filter_map(|news| match news {
        News::Event(frame) => Some(&**frame),
        News::Lagged(_) => None,
    })
}

fn understand(line: &[u8]) -> Received {
    let text = std::str::from_utf8(line).expect("the daemon writes UTF-8");
    let incoming: Incoming =
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let params = incoming.params.as_deref().map_or("null", |raw| raw.get());
    match incoming.method.as_deref() {
        Some(EVENT_METHOD) => {
            let frame = serde_json::from_str(params);
            let frame = frame.unwrap_or_else(|error| panic!("{error}: {params}"));
            Received::News(News::Event(Box::new(frame)))
        }
        Some(LAGGED_METHOD) => {
            let params: Value = serde_json::from_str(params).unwrap();
            Received::News(News::Lagged(params["skipped"].as_u64().expect("a number")))
        }
        Some(method) => panic!("the daemon sent `{method}`"),
        None => {
            let result = match incoming.error {
                Some(error) => Err(ApiError::from(error)),
                None => Ok(incoming.result.map_or(Value::Null, |raw| {
                    serde_json::from_str(raw.get()).expect("a raw value is JSON")
                })),
            };
            Received::Answer(Answer {
                id: incoming.id,
                result,
            })
        }
    }
}
