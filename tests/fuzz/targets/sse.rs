//! Streams of a provider: however the bytes are cut, the same events come out.
#![no_main]

use libfuzzer_sys::fuzz_target;

/// What the reader needs of its crate, which does not show it to others.
mod dialect {
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub(crate) enum Framing {
        Sse,
        Lines,
    }
}
#[path = "../../../crates/mesoclaw-providers/src/framing.rs"]
mod framing;

use dialect::Framing;
use framing::Events;

fuzz_target!(|input: (&[u8], Vec<u8>)| {
    let (bytes, cuts) = input;
    for framing in [Framing::Sse, Framing::Lines] {
        let whole = events(framing, [bytes].into_iter());
        assert_eq!(events(framing, bytes.chunks(1)), whole);
        let mut rest = bytes;
        let pieces = cuts.iter().map(|cut| {
            let (piece, more) = rest.split_at(rest.len().min(usize::from(*cut)));
            rest = more;
            piece
        });
        let mut pieces: Vec<&[u8]> = pieces.collect();
        pieces.push(rest);
        assert_eq!(events(framing, pieces.into_iter()), whole);
        let n_bytes: usize = whole.iter().map(Vec::len).sum();
        assert!(n_bytes <= bytes.len());
    }
});

fn events<'a>(framing: Framing, pieces: impl Iterator<Item = &'a [u8]>) -> Vec<Vec<u8>> {
    let mut events = Events::new(framing);
    let mut found = Vec::new();
    let mut keep = |data: &[u8]| {
        found.push(data.to_vec());
        true
    };
    for piece in pieces {
        assert_eq!(
            events.push(piece, &mut keep),
            Ok(()),
            "nothing here is long"
        );
    }
    events.finish(&mut keep);
    found
}
