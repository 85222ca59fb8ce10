//! The cases, in the order of the document.

use std::future::Future;
use std::pin::Pin;

use crate::spoken::Spoken;
use crate::{answers, faults, statuses};

/// What came out where nothing failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    Passes,
    /// The dialect has no such thing; why.
    NotSpoken(&'static str),
}

/// A failure, in words.
pub type Result = std::result::Result<Outcome, String>;

/// One case.
pub struct Case {
    pub name: &'static str,
    pub run: fn(Spoken) -> Pin<Box<dyn Future<Output = Result>>>,
}

macro_rules! cases {
    ($($name:literal => $run:path,)*) => {
        pub const CASES: [Case; [$($name),*].len()] = [
            $(Case { name: $name, run: |spoken| Box::pin($run(spoken)) },)*
        ];
    };
}

cases! {
    "plain stream" => answers::plain,
    "system text and history of several rounds" => answers::history,
    "tool round" => answers::tool_round,
    "parallel tools" => answers::parallel_tools,
    "image in a user message" => answers::image,
    "reasoning apart from the answer" => answers::reasoning,
    "usage" => answers::usage,
    "usage: tokens read from a cache" => answers::usage_cached,
    "usage: tokens written to a cache" => answers::usage_cache_written,
    "usage: tokens of reasoning" => answers::usage_reasoning,
    "stop: end" => answers::stop_end,
    "stop: length" => answers::stop_length,
    "stop: filtered" => answers::stop_filtered,
    "stop: tool calls" => answers::stop_calls,
    "cancel in the middle" => faults::cancel,
    "400 is a rejection" => statuses::bad_request,
    "401 is about the key" => statuses::unauthorized,
    "wrong key is about the key" => statuses::wrong_key,
    "402 is about money" => statuses::payment,
    "403 is about the key" => statuses::forbidden,
    "404 is an unknown model" => statuses::not_found,
    "408 is a time-out" => statuses::timed_out,
    "429 with Retry-After is a rate limit" => statuses::rate_limited,
    "500 is the server" => statuses::server_error,
    "503 is the server" => statuses::unavailable,
    "529 is the server" => statuses::overloaded,
    "prompt too long" => statuses::context_length,
    "an error inside the stream keeps what came" => faults::error_in_stream,
    "stall before the first token" => faults::stall_first,
    "stall after the first token keeps what came" => faults::stall_idle,
    "cut in the middle of an event" => faults::cut_mid_event,
    "cut between two events" => faults::cut,
    "ended without a finish reason" => faults::ended,
    "cut between any two bytes, many-byte characters" => faults::every_byte,
    "lines end with CR LF" => faults::crlf,
    "keep-alives say nothing" => faults::keep_alives,
    "unknown events say nothing" => faults::unknown_events,
    "an event that is not JSON" => faults::bad_json,
    "arguments that are not JSON reach the turn" => answers::bad_arguments,
    "answer of 10 MB" => answers::ten_megabytes,
    "answer in one piece, unasked" => answers::in_one_piece,
    "base URL with and without its version part" => answers::addresses,
    "list of models" => statuses::listed,
    "try with a real request" => statuses::tried,
}

/// Compares, with both sides in the failure.
pub fn same<T: PartialEq + std::fmt::Debug>(found: &T, expected: &T) -> Result {
    if found == expected {
        Ok(Outcome::Passes)
    } else {
        Err(format!("found {found:?}, expected {expected:?}"))
    }
}
