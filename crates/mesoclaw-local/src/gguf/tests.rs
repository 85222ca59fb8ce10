//! Tests of the reader of GGUF headers.

use std::io::Cursor as Bytes;

use proptest::prelude::*;

use super::*;

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}

fn entry(out: &mut Vec<u8>, key: &str, kind: u32, value: &[u8]) {
    text(out, key);
    out.extend(kind.to_le_bytes());
    out.extend(value);
}

/// A whole little file with one tensor of 64 values of Q4_0.
fn small_file() -> Vec<u8> {
    let mut out = b"GGUF".to_vec();
    out.extend(3_u32.to_le_bytes());
    out.extend(1_u64.to_le_bytes());
    out.extend(6_u64.to_le_bytes());
    let mut value = Vec::new();
    text(&mut value, "llama");
    entry(&mut out, "general.architecture", 8, &value);
    value.clear();
    text(&mut value, "Tiny");
    entry(&mut out, "general.name", 8, &value);
    value.clear();
    text(&mut value, "gpt2");
    entry(&mut out, "tokenizer.ggml.model", 8, &value);
    value.clear();
    value.extend(8_u32.to_le_bytes());
    value.extend(2_u64.to_le_bytes());
    text(&mut value, "a");
    text(&mut value, "b");
    entry(&mut out, "tokenizer.ggml.tokens", 9, &value);
    entry(&mut out, "llama.context_length", 4, &2048_u32.to_le_bytes());
    entry(&mut out, "llama.block_count", 4, &1_u32.to_le_bytes());
    text(&mut out, "token_embd.weight");
    out.extend(2_u32.to_le_bytes());
    out.extend(32_u64.to_le_bytes());
    out.extend(2_u64.to_le_bytes());
    out.extend(2_u32.to_le_bytes());
    out.extend(0_u64.to_le_bytes());
    out.resize(out.len().next_multiple_of(32) + 36, 7);
    out
}

fn check(bytes: &[u8]) -> Result<Header, String> {
    inspect(Bytes::new(bytes), bytes.len() as u64).map_err(|error| error.to_string())
}

#[test]
fn whole_file_tells_what_it_is() {
    let expected = Header {
        architecture: "llama".to_owned(),
        name: Some("Tiny".to_owned()),
        context_tokens: Some(2048),
    };
    assert_eq!(check(&small_file()), Ok(expected));
}

#[test]
fn every_shorter_file_is_refused() {
    let whole = small_file();
    for length in 0..whole.len() {
        let told = check(&whole[..length]).unwrap_err();
        assert!(
            told.contains("cut off") || told.contains("GGUF mark"),
            "{length}: {told}"
        );
    }
    assert_eq!(
        check(&whole[..whole.len() - 1]),
        Err(format!(
            "it is cut off: {} bytes, but its header needs at least {}",
            whole.len() - 1,
            whole.len()
        ))
    );
}

#[test]
fn foreign_and_damaged_files_are_told_apart() {
    let replaced = |at: usize, with: &[u8]| {
        let mut bytes = small_file();
        bytes[at..at + with.len()].copy_from_slice(with);
        bytes
    };
    let cases: [(Vec<u8>, &str); 6] = [
        (
            b"hello, I am a text file".to_vec(),
            "it does not start with the GGUF mark",
        ),
        (replaced(0, b"GGML"), "it does not start with the GGUF mark"),
        (
            replaced(4, &9_u32.to_le_bytes()),
            "it is GGUF version 9, this engine reads 2 and 3",
        ),
        (
            replaced(8, &u64::MAX.to_le_bytes()),
            "its header is damaged: impossible number of tensors",
        ),
        (
            replaced(16, &u64::MAX.to_le_bytes()),
            "its header is damaged: impossible number of metadata entries",
        ),
        (
            replaced(8, &0_u64.to_le_bytes()),
            "its header is damaged: no tensors",
        ),
    ];
    for (bytes, expected) in cases {
        assert_eq!(check(&bytes), Err(expected.to_owned()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_files_never_panic(
        changes in prop::collection::vec((0_usize..420, any::<u8>()), 1..12),
        length in 0_usize..500,
    ) {
        let mut bytes = small_file();
        for (at, with) in changes {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = with;
            }
        }
        bytes.truncate(length.max(4));
        check(&bytes).ok();
    }

    #[test]
    fn hostile_counts_never_panic(at in 4_usize..380, count in prop_oneof![
        Just(u64::MAX), Just(u64::MAX / 2), Just(1 << 62), Just(1 << 40), any::<u64>(),
    ]) {
        let mut bytes = small_file();
        let with = count.to_le_bytes();
        if let Some(place) = bytes.get_mut(at..at + 8) {
            place.copy_from_slice(&with);
        }
        check(&bytes).ok();
    }
}
