//! The task of a client's connection: writes requests, gives answers to who waits for them, hands
//! events on.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use mesoclaw_api::rpc::{EVENT_METHOD, Incoming, LAGGED_METHOD, RequestId};
use mesoclaw_api::{ApiError, ApiResult, EventFrame};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::io::AsyncWriteExt;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use super::events::{EventSender, Overflow};
use crate::codec::{Line, LineDecoder};
use crate::endpoint::Stream;
use crate::limits::WRITE_BYTES;

/// Id of the introduction; calls have the numbers after it.
pub(super) const HELLO_ID: i64 = 0;

/// The answer to one request.
pub(super) type Reply = ApiResult<Box<RawValue>>;

/// One request on its way.
#[derive(Debug)]
pub(super) struct Command {
    pub id: i64,
    pub line: Vec<u8>,
    pub reply: oneshot::Sender<Reply>,
    /// Given back with the answer, so that the daemon never has more than it takes.
    pub turn: Option<OwnedSemaphorePermit>,
}

struct Waiting {
    reply: oneshot::Sender<Reply>,
    _turn: Option<OwnedSemaphorePermit>,
}

struct Pump {
    pending: HashMap<i64, Waiting>,
    events: EventSender,
    ended: Arc<OnceLock<ApiError>>,
    output: Vec<u8>,
    written: usize,
}

/// The connection cannot go on.
struct Ended;

#[derive(Deserialize)]
struct Lagged {
    skipped: u64,
}

/// Runs until the daemon closes the connection or the last client is dropped.
pub(super) async fn run(
    stream: Stream,
    hello: Command,
    mut commands: mpsc::Receiver<Command>,
    events: EventSender,
    ended: Arc<OnceLock<ApiError>>,
) {
    let mut pump = Pump {
        pending: HashMap::new(),
        events,
        ended,
        output: Vec::new(),
        written: 0,
    };
    pump.queue(hello);
    pump.take_ready(&mut commands);
    if pump.serve(&stream, &mut commands).await.is_err() {
        tracing::debug!("the connection to the daemon ended");
    }
    // Dropping what waits tells every caller that no answer comes.
}

impl Pump {
    async fn serve(
        &mut self,
        stream: &Stream,
        commands: &mut mpsc::Receiver<Command>,
    ) -> Result<(), Ended> {
        let (mut reader, mut writer) = (stream, stream);
        let mut decoder = LineDecoder::default();
        loop {
            while let Some(line) = decoder.next_line() {
                self.take_line(line)?;
            }
            let is_written = self.written == self.output.len();
            if is_written {
                self.output.clear();
                self.output.shrink_to(WRITE_BYTES);
                self.written = 0;
            }
            // A caller that waits for an answer may be the one who should take the events.
            let may_read = self.events.has_room() || !self.pending.is_empty();
            let waits_for_room = !may_read || self.events.has_gap();
            let rest = self.output.get(self.written..).unwrap_or_default();
            tokio::select! {
                written = writer.write(rest), if !is_written => match written {
                    Ok(bytes) if bytes > 0 => self.written += bytes,
                    Ok(_) | Err(_) => self.drain(&mut decoder, &mut reader).await?,
                },
                command = commands.recv(), if self.output.len() < WRITE_BYTES => match command {
                    Some(command) => {
                        self.queue(command);
                        self.take_ready(commands);
                    }
                    None => return Ok(()),
                },
                read = decoder.read_from(&mut reader), if may_read => match read {
                    Ok(bytes) if bytes > 0 => {}
                    Ok(_) | Err(_) => return Err(Ended),
                },
                () = self.events.room(), if waits_for_room => self.events.tell_gap(),
            }
        }
    }

    /// The daemon takes nothing more, but may have said why before it closed.
    async fn drain(
        &mut self,
        decoder: &mut LineDecoder,
        reader: &mut &Stream,
    ) -> Result<(), Ended> {
        while let Ok(bytes) = decoder.read_from(reader).await
            && bytes > 0
        {
            while let Some(line) = decoder.next_line() {
                self.take_line(line)?;
            }
        }
        Err(Ended)
    }

    fn queue(&mut self, command: Command) {
        self.output.extend_from_slice(&command.line);
        let waiting = Waiting {
            reply: command.reply,
            _turn: command.turn,
        };
        self.pending.insert(command.id, waiting);
    }

    /// Takes the requests that are ready too, so that they share one write.
    fn take_ready(&mut self, commands: &mut mpsc::Receiver<Command>) {
        while self.output.len() < WRITE_BYTES
            && let Ok(command) = commands.try_recv()
        {
            self.queue(command);
        }
    }

    fn take_line(&mut self, line: Line<'_>) -> Result<(), Ended> {
        let Line::Text(text) = line else {
            tracing::warn!(?line, "the daemon sent a line that cannot be read");
            return Ok(());
        };
        match serde_json::from_str::<Incoming>(text) {
            Ok(incoming) => self.take(incoming),
            Err(error) => {
                tracing::warn!(%error, "the daemon sent a line that is no answer and no event");
                Ok(())
            }
        }
    }

    fn take(&mut self, incoming: Incoming) -> Result<(), Ended> {
        let params = incoming.params.as_deref().map_or("null", RawValue::get);
        match incoming.method.as_deref() {
            Some(EVENT_METHOD) => self.take_event(params),
            Some(LAGGED_METHOD) => {
                if let Ok(Lagged { skipped }) = serde_json::from_str(params) {
                    self.events.skip(skipped);
                }
                Ok(())
            }
            Some(method) => {
                tracing::debug!(method, "the daemon sent news of an unknown kind");
                Ok(())
            }
            None => self.take_answer(incoming),
        }
    }

    fn take_event(&mut self, params: &str) -> Result<(), Ended> {
        let frame = match serde_json::from_str::<EventFrame>(params) {
            Ok(frame) => frame,
            Err(error) => {
                // A newer daemon has kinds of events that this client does not know.
                tracing::debug!(%error, "skipped an event of an unknown kind");
                return Ok(());
            }
        };
        self.events.send(frame).map_err(|Overflow| {
            tracing::warn!("closed the connection: events that must be taken are not");
            Ended
        })
    }

    fn take_answer(&mut self, incoming: Incoming) -> Result<(), Ended> {
        let id = match incoming.id {
            Some(RequestId::Number(id)) => Some(id),
            Some(RequestId::Text(_)) | None => None,
        };
        let result = match incoming.error {
            Some(error) => Err(ApiError::from(error)),
            // A result of `null` reads as none.
            None => Ok(incoming.result.unwrap_or_else(|| RawValue::NULL.to_owned())),
        };
        let Some(id) = id else {
            // Not an answer to a call: it says why the daemon will close the connection.
            if let Err(error) = result {
                tracing::warn!(%error, "the daemon complains");
                self.ended.set(error).ok();
            }
            return Ok(());
        };
        let is_refused = id == HELLO_ID && result.is_err();
        if is_refused && let Err(error) = &result {
            self.ended.set(error.clone()).ok();
        }
        if let Some(waiting) = self.pending.remove(&id) {
            // The caller may have stopped waiting.
            waiting.reply.send(result).ok();
        }
        if is_refused { Err(Ended) } else { Ok(()) }
    }
}
