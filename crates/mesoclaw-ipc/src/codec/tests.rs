//! Tests of the line decoder.

use proptest::prelude::*;

use super::*;

/// Lines as owned values, for comparing.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Owned {
    Text(String),
    NotUtf8,
    TooLong,
}

impl From<Line<'_>> for Owned {
    fn from(line: Line<'_>) -> Self {
        match line {
            Line::Text(text) => Self::Text(text.to_owned()),
            Line::NotUtf8 => Self::NotUtf8,
            Line::TooLong => Self::TooLong,
        }
    }
}

fn text(text: &str) -> Owned {
    Owned::Text(text.to_owned())
}

/// Feeds the chunks one after the other and takes every line as soon as it is there.
fn lines_of<'a>(max_bytes: usize, chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<Owned> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let mut decoder = LineDecoder::new(max_bytes);
    let mut lines = Vec::new();
    for mut chunk in chunks {
        while !chunk.is_empty() {
            runtime.block_on(decoder.read_from(&mut chunk)).unwrap();
            while let Some(line) = decoder.next_line() {
                lines.push(line.into());
            }
            assert!(decoder.held_bytes() <= max_bytes + READ_BYTES);
        }
    }
    lines
}

/// What the decoder should say, in the most direct way.
fn expected_lines(max_bytes: usize, bytes: &[u8]) -> Vec<Owned> {
    let mut lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    let rest = lines.pop().unwrap_or_default();
    let mut expected: Vec<_> = lines
        .into_iter()
        .map(|line| match std::str::from_utf8(line) {
            _ if line.len() > max_bytes => Owned::TooLong,
            Ok(line) => text(line),
            Err(_) => Owned::NotUtf8,
        })
        .collect();
    if rest.len() > max_bytes {
        expected.push(Owned::TooLong);
    }
    expected
}

#[test]
fn lines_are_cut_at_the_line_end_and_the_rest_waits() {
    let cases: &[(&[u8], &[Owned])] = &[
        (b"", &[]),
        (b"half", &[]),
        (b"one\ntwo\nhalf", &[text("one"), text("two")]),
        (b"\n\n", &[text(""), text("")]),
        (b"12345678\nnext\n", &[text("12345678"), text("next")]),
        (b"123456789\nnext\n", &[Owned::TooLong, text("next")]),
        (b"123456789", &[Owned::TooLong]),
        (b"\xff\xfe\nnext\n", &[Owned::NotUtf8, text("next")]),
        ("ä\n".as_bytes(), &[text("ä")]),
    ];
    for (bytes, expected) in cases {
        assert_eq!(&lines_of(8, [*bytes]), expected, "{bytes:?}");
        assert_eq!(&lines_of(8, bytes.chunks(1)), expected, "{bytes:?}");
    }
}

#[test]
fn a_line_over_eight_mebibytes_is_skipped_and_memory_given_back() {
    let mut bytes = vec![b'x'; 9 * 1024 * 1024];
    bytes.extend_from_slice(b"\nnext\n");
    assert_eq!(
        lines_of(MAX_LINE_BYTES, [&*bytes]),
        [Owned::TooLong, text("next")]
    );

    let longest = vec![b'x'; MAX_LINE_BYTES];
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let mut decoder = LineDecoder::default();
    let mut stream = [&longest[..], b"\nnext\n"].concat();
    let mut reader = &stream[..];
    let mut lengths = Vec::new();
    while runtime.block_on(decoder.read_from(&mut reader)).unwrap() > 0 {
        while let Some(Line::Text(line)) = decoder.next_line() {
            lengths.push(line.len());
        }
    }
    assert_eq!(lengths, [MAX_LINE_BYTES, 4]);
    assert!(decoder.held_bytes() <= KEPT_BYTES);
    stream.clear();
}

proptest! {
    #[test]
    fn any_split_gives_the_same_lines(
        bytes in prop::collection::vec(
            prop_oneof![
                6 => any::<u8>(),
                2 => Just(b'\n'),
                4 => b'a'..=b'z',
            ],
            0..300,
        ),
        sizes in prop::collection::vec(1_usize..40, 1..20),
        max_bytes in 0_usize..60,
    ) {
        let expected = expected_lines(max_bytes, &bytes);
        prop_assert_eq!(lines_of(max_bytes, [&*bytes]), expected.clone());
        let mut rest = &*bytes;
        let mut chunks = Vec::new();
        for size in sizes.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (chunk, more) = rest.split_at((*size).min(rest.len()));
            chunks.push(chunk);
            rest = more;
        }
        prop_assert_eq!(lines_of(max_bytes, chunks), expected);
    }
}

/// JSON of any form.
fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
        "[\n\r\t\"\\\\{}\u{2028}\u{85}é]{0,8}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let fields = prop::collection::btree_map(any::<String>(), inner.clone(), 0..4);
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Into::into),
            fields.prop_map(|fields| fields.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_as_a_line_is_read_as_that_line(
        values in prop::collection::vec(json(), 1..5),
        size in 1_usize..50,
    ) {
        let lines: Vec<Vec<u8>> = values.iter().map(|value| encode_line(value).unwrap()).collect();
        let bytes = lines.concat();
        let read: Vec<serde_json::Value> = lines_of(MAX_LINE_BYTES, bytes.chunks(size))
            .into_iter()
            .map(|line| match line {
                Owned::Text(line) => serde_json::from_str(&line).unwrap(),
                Owned::NotUtf8 | Owned::TooLong => panic!("{line:?}"),
            })
            .collect();
        prop_assert_eq!(read, values);
    }
}
