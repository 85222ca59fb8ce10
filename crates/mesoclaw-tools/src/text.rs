//! Bytes of a file as text: what is binary, how lines end, what could not be read.

/// The first bytes in which a NUL makes a file binary.
const SNIFF_BYTES: usize = 8 * 1024;

/// Why bytes are no text, in words; `None` when they are.
pub fn binary_kind(bytes: &[u8]) -> Option<&'static str> {
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return Some("UTF-16 text, which is not read here");
    }
    for (start, kind) in [
        (b"\x89PNG\r\n".as_slice(), "an image (PNG)"),
        (b"\xFF\xD8\xFF", "an image (JPEG)"),
        (b"GIF8", "an image (GIF)"),
        (b"%PDF-", "a PDF document"),
        (b"PK\x03\x04", "a ZIP archive"),
        (b"\x1F\x8B", "a gzip archive"),
        (b"\x7FELF", "a program"),
        (b"SQLite format 3\0", "an SQLite database"),
    ] {
        if bytes.starts_with(start) {
            return Some(kind);
        }
    }
    let start = bytes.get(..SNIFF_BYTES).unwrap_or(bytes);
    start.contains(&0).then_some("binary data")
}

/// How the lines of a text end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LineEnds {
    /// There are none.
    None,
    /// All with a line feed.
    Lf,
    /// All with carriage return and line feed.
    CrLf,
    /// Some so, some so.
    Mixed,
}

impl LineEnds {
    /// Looks at all of a text.
    pub fn of(text: &[u8]) -> Self {
        let mut before = 0;
        let (mut n_lf, mut n_crlf) = (0_usize, 0_usize);
        for byte in text {
            match (before, byte) {
                (b'\r', b'\n') => n_crlf += 1,
                (_, b'\n') => n_lf += 1,
                _ => {}
            }
            before = *byte;
        }
        match (n_lf, n_crlf) {
            (0, 0) => Self::None,
            (_, 0) => Self::Lf,
            (0, _) => Self::CrLf,
            _ => Self::Mixed,
        }
    }
}

/// The text with every line ended by carriage return and line feed.
pub fn to_crlf(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\n', "\r\n")
}
