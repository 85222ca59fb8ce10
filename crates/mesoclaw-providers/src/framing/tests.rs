//! The reader against a second formulation that sees everything at once.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn events(parts: &[&str]) -> Vec<String> {
    split(Framing::Sse, parts)
}

fn split(framing: Framing, parts: &[&str]) -> Vec<String> {
    let mut events = Events::new(framing);
    let mut found = Vec::new();
    let mut keep = |data: &[u8]| {
        found.push(String::from_utf8_lossy(data).into_owned());
        true
    };
    for part in parts {
        events.push(part.as_bytes(), &mut keep).unwrap();
    }
    events.finish(&mut keep);
    found
}

#[test]
fn every_cut_gives_the_same_events() {
    let text = "data: {\"a\":1}\n\n: ping\n\nevent: x\r\ndata:b\r\ndata:  c\r\n\r\n\
                id: 7\n\ndata: [DONE]\n\n";
    let expected = ["{\"a\":1}", "b\n c", "[DONE]"];
    for first in 0..=text.len() {
        for second in [first, text.len().min(first + 3)] {
            let parts = [&text[..first], &text[first..second], &text[second..]];
            assert_eq!(events(&parts), expected, "{first} {second}");
        }
    }
}

#[test]
fn lines_are_events_of_their_own() {
    let text = "{\"a\":1}\r\n\n{\"b\":2}\n{\"c\"";
    for cut in 0..=text.len() {
        let parts = [&text[..cut], &text[cut..]];
        let expected = ["{\"a\":1}", "{\"b\":2}", "{\"c\""];
        assert_eq!(split(Framing::Lines, &parts), expected, "{cut}");
    }
}

#[test]
fn the_end_needs_no_blank_line() {
    for text in ["data: a\n\ndata: [DONE]", "data: a\n\ndata: [DONE]\n"] {
        assert_eq!(events(&[text]), ["a", "[DONE]"]);
    }
    assert_eq!(events(&["", "\n\n", ":"]), Vec::<String>::new());
}

#[test]
fn reading_stops_where_the_reader_says_so() {
    let mut events = Events::new(Framing::Sse);
    let mut n_events = 0;
    events
        .push(b"data: a\n\ndata: b\n\n", |_| {
            n_events += 1;
            false
        })
        .unwrap();
    assert_eq!(n_events, 1);
}

#[test]
fn an_endless_event_is_refused() {
    for piece in [b"data: x".repeat(1024), b"data: xxxxxxxx\n".repeat(1024)] {
        let mut events = Events::new(Framing::Sse);
        let result = (0..10_000).try_for_each(|_| events.push(&piece, |_| true));
        assert_eq!(result, Err(TooLong));
    }
}

/// The events of a whole stream, in the most direct way.
fn expected(framing: Framing, bytes: &[u8]) -> Vec<Vec<u8>> {
    let lines = bytes.split(|byte| *byte == b'\n');
    let lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    if framing == Framing::Lines {
        let lines = lines.filter(|line| !line.is_empty());
        return lines.map(<[u8]>::to_vec).collect();
    }
    let lines: Vec<&[u8]> = lines.collect();
    let blocks = lines.split(|line| line.is_empty());
    let data_of = |line: &&[u8]| {
        let value = line.strip_prefix(b"data:")?;
        Some(value.strip_prefix(b" ").unwrap_or(value).to_vec())
    };
    blocks
        .map(|block| block.iter().filter_map(data_of).collect::<Vec<_>>())
        .filter(|data| !data.is_empty())
        .map(|data| data.join(&b'\n'))
        .collect()
}

/// The events when the bytes arrive in these pieces, over and over.
fn cut(framing: Framing, mut bytes: &[u8], sizes: &[usize]) -> Vec<Vec<u8>> {
    let mut events = Events::new(framing);
    let mut found = Vec::new();
    let mut keep = |data: &[u8]| {
        found.push(data.to_vec());
        true
    };
    for size in sizes.iter().cycle() {
        let (piece, rest) = bytes.split_at(bytes.len().min(*size));
        events.push(piece, &mut keep).unwrap();
        bytes = rest;
        if bytes.is_empty() {
            break;
        }
    }
    events.finish(&mut keep);
    found
}

/// Parts of streams, whole and broken.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let words: [&[u8]; 14] = [
        b"data:",
        b"data: ",
        b"data",
        b"event: x",
        b": ping",
        b"id:7",
        b"\n",
        b"\n\n",
        b"\r\n",
        b"\r",
        b"{\"a\":1}",
        b"[DONE]",
        b"\xff",
        b" ",
    ];
    let part = prop_oneof![
        8 => prop::sample::select(words.to_vec()).prop_map(<[u8]>::to_vec),
        1 => vec(any::<u8>(), 0..8),
    ];
    vec(part, 0..40).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_cut_gives_the_events_of_the_whole(
        bytes in stream(),
        sizes in vec(1_usize..9, 1..12),
    ) {
        for framing in [Framing::Sse, Framing::Lines] {
            let expected = expected(framing, &bytes);
            prop_assert_eq!(cut(framing, &bytes, &[usize::MAX]), expected.clone());
            prop_assert_eq!(cut(framing, &bytes, &sizes), expected);
        }
    }
}
