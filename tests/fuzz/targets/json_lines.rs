//! Bytes on the socket: the same lines come out however they arrive, nothing is held beyond the
//! cap, and what can be read can be written and read again.
#![no_main]

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use libfuzzer_sys::fuzz_target;
use mesoclaw_api::event::EventFrame;
use mesoclaw_api::rpc::{Request, Response};
use mesoclaw_ipc::codec::{Line, LineDecoder, encode_line};

/// What a decoder may hold beyond a line: one read.
const READ_BYTES: usize = 16 * 1024;

fuzz_target!(|input: (&[u8], u8, u8)| {
    let (bytes, max, chunk) = input;
    let max = usize::from(max) * 4;
    let chunk = usize::from(chunk).max(1);
    let whole = lines(max, [bytes].into_iter());
    assert_eq!(lines(max, bytes.chunks(chunk)), whole);
    let n_bytes: usize = whole.iter().flatten().map(String::len).sum();
    assert!(n_bytes <= bytes.len());
    for line in whole.iter().flatten() {
        assert!(line.len() <= max && !line.contains('\n'));
    }
    for text in bytes.split(|byte| *byte == b'\n') {
        again::<Request>(text);
        again::<Response>(text);
        again::<EventFrame>(text);
    }
});

/// Lines as they come; `None` for one that is refused.
fn lines<'a>(max: usize, pieces: impl Iterator<Item = &'a [u8]>) -> Vec<Option<String>> {
    let mut decoder = LineDecoder::new(max);
    let mut found = Vec::new();
    for mut piece in pieces {
        while !piece.is_empty() {
            at_once(decoder.read_from(&mut piece)).expect("a slice can be read");
            while let Some(line) = decoder.next_line() {
                found.push(match line {
                    Line::Text(text) => Some(text.to_owned()),
                    Line::NotUtf8 | Line::TooLong => None,
                });
            }
            assert!(decoder.held_bytes() <= max + READ_BYTES);
        }
    }
    found
}

/// What a line says, written and read again, is written alike.
fn again<T: serde::Serialize + serde::de::DeserializeOwned>(text: &[u8]) {
    let Ok(value) = serde_json::from_slice::<T>(text) else {
        return;
    };
    let line = encode_line(&value).expect("what was read can be written");
    let Some((b'\n', inside)) = line.split_last() else {
        panic!("a line ends with its end");
    };
    assert!(!inside.contains(&b'\n'));
    let value: T = serde_json::from_slice(inside).expect("what was written can be read");
    assert_eq!(encode_line(&value).expect("as before"), line);
}

/// The value of a future that never waits.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a slice is always ready"),
    }
}
