//! Takes an answer together, decompressing as it comes and never past the limit: a bomb costs as
//! much memory as an honest page.

use std::io::{self, Write};

use flate2::write::MultiGzDecoder;

/// The encodings that are taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Encoding {
    Identity,
    Gzip,
}

impl Encoding {
    /// Reads `Content-Encoding`; `None` = something else.
    pub(crate) fn read(text: &str) -> Option<Self> {
        match text.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Some(Self::Identity),
            "gzip" | "x-gzip" => Some(Self::Gzip),
            _ => None,
        }
    }
}

/// Bytes up to a limit.
struct Capped {
    bytes: Vec<u8>,
    limit: usize,
    is_over: bool,
}

impl Write for Capped {
    fn write(&mut self, more: &[u8]) -> io::Result<usize> {
        let room = self.limit.saturating_sub(self.bytes.len());
        let (taken, rest) = more.split_at(room.min(more.len()));
        self.bytes.extend_from_slice(taken);
        if rest.is_empty() {
            Ok(more.len())
        } else {
            self.is_over = true;
            Err(io::Error::other("the limit is reached"))
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An answer being taken together.
pub(crate) struct Collector {
    sink: Sink,
}

enum Sink {
    Plain(Capped),
    Gzip(Box<MultiGzDecoder<Capped>>),
}

impl Collector {
    pub(crate) fn new(encoding: Encoding, limit_bytes: u64) -> Self {
        let capped = Capped {
            bytes: Vec::new(),
            limit: usize::try_from(limit_bytes).unwrap_or(usize::MAX),
            is_over: false,
        };
        let sink = match encoding {
            Encoding::Identity => Sink::Plain(capped),
            Encoding::Gzip => Sink::Gzip(Box::new(MultiGzDecoder::new(capped))),
        };
        Self { sink }
    }

    /// Takes a piece; `false` = the limit is reached and more would be thrown away.
    pub(crate) fn push(&mut self, piece: &[u8]) -> io::Result<bool> {
        let written = match &mut self.sink {
            Sink::Plain(capped) => capped.write_all(piece),
            Sink::Gzip(decoder) => decoder.write_all(piece),
        };
        self.settle(written)
    }

    /// Takes the last bytes out of the decoder; the answer as [`Self::push`].
    pub(crate) fn finish(&mut self) -> io::Result<bool> {
        let finished = match &mut self.sink {
            Sink::Plain(_) => Ok(()),
            Sink::Gzip(decoder) => decoder.try_finish(),
        };
        self.settle(finished)
    }

    fn settle(&self, result: io::Result<()>) -> io::Result<bool> {
        match result {
            _ if self.capped().is_over => Ok(false),
            Ok(()) => Ok(true),
            Err(error) => Err(error),
        }
    }

    fn capped(&self) -> &Capped {
        match &self.sink {
            Sink::Plain(capped) => capped,
            Sink::Gzip(decoder) => decoder.get_ref(),
        }
    }

    pub(crate) fn into_bytes(mut self) -> Vec<u8> {
        let capped = match &mut self.sink {
            Sink::Plain(capped) => capped,
            Sink::Gzip(decoder) => decoder.get_mut(),
        };
        std::mem::take(&mut capped.bytes)
    }
}
