//! Reads the header of a GGUF file: is it whole, what is in it, and how long must it be.
//!
//! Everything in the file is untrusted: every count is compared with the bytes that are left
//! before anything is read, nothing big is kept in memory, and no weight is looked at.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Seek};

/// What the header of a model file says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Header {
    /// `general.architecture`.
    pub(crate) architecture: String,
    /// `general.name`.
    pub(crate) name: Option<String>,
    /// Tokens the model was trained for.
    pub(crate) context_tokens: Option<u32>,
}

/// Why a file is no GGUF model this engine can use.
#[derive(Debug, thiserror::Error)]
#[expect(
    missing_docs,
    reason = "the text of each variant says what its fields are"
)]
pub enum GgufError {
    #[error("it does not start with the GGUF mark")]
    Magic,
    #[error("it is GGUF version {0}, this engine reads 2 and 3")]
    Version(u32),
    #[error("it is cut off: {actual_bytes} bytes, but its header needs at least {expected_bytes}")]
    Truncated {
        expected_bytes: u64,
        actual_bytes: u64,
    },
    #[error("its header is damaged: {0}")]
    Damaged(&'static str),
    #[error("it has tensors of type {0}, which this engine does not know")]
    TensorType(u32),
    #[error("its metadata lacks `{0}`")]
    Missing(&'static str),
    #[error("its metadata has 0 for `{0}`")]
    Zero(String),
    #[error("could not read it")]
    Read(#[from] io::Error),
}

const MAX_ENTRIES: u64 = 65_536;
const MAX_TENSORS: u64 = 262_144;
const MAX_KEY_BYTES: u64 = 65_535;
const MAX_SHORT_TEXT_BYTES: u64 = 4_096;

/// Reads the header and compares the tensor table with the length of the file.
///
/// # Errors
/// [`GgufError`] says what is wrong with the file.
pub(crate) fn inspect(file: impl Read + Seek, file_bytes: u64) -> Result<Header, GgufError> {
    let mut cursor = Cursor {
        inner: BufReader::with_capacity(256 * 1024, file),
        position: 0,
        end: file_bytes,
    };
    if cursor.array::<4>().map_err(|_| GgufError::Magic)? != *b"GGUF" {
        return Err(GgufError::Magic);
    }
    let version = cursor.u32()?;
    if !(2..=3).contains(&version) {
        return Err(GgufError::Version(version));
    }
    let n_tensors = cursor.u64()?;
    let n_entries = cursor.u64()?;
    if n_entries > MAX_ENTRIES {
        return Err(GgufError::Damaged("impossible number of metadata entries"));
    }
    if n_tensors > MAX_TENSORS {
        return Err(GgufError::Damaged("impossible number of tensors"));
    }
    let metadata = Metadata::read(&mut cursor, n_entries)?;
    let expected_bytes = read_tensors(&mut cursor, n_tensors, metadata.alignment()?)?;
    if expected_bytes > file_bytes {
        return Err(GgufError::Truncated {
            expected_bytes,
            actual_bytes: file_bytes,
        });
    }
    metadata.header()
}

/// The few metadata values that matter here.
#[derive(Default)]
struct Metadata {
    texts: BTreeMap<String, String>,
    numbers: BTreeMap<String, u64>,
    lists: BTreeMap<String, u64>,
}

impl Metadata {
    fn read<R: Read + Seek>(cursor: &mut Cursor<R>, n_entries: u64) -> Result<Self, GgufError> {
        let mut metadata = Self::default();
        for _ in 0..n_entries {
            let key = cursor.text(MAX_KEY_BYTES)?;
            let kind = cursor.u32()?;
            match kind {
                0..=7 | 10..=12 => {
                    let bytes = cursor.number(kind)?;
                    if matches!(kind, 0 | 2 | 4 | 5 | 10 | 11) {
                        metadata.numbers.insert(key, bytes);
                    }
                }
                8 => {
                    let length = cursor.u64()?;
                    if length <= MAX_SHORT_TEXT_BYTES {
                        let text = cursor.bytes(length)?;
                        metadata
                            .texts
                            .insert(key, String::from_utf8_lossy(&text).into_owned());
                    } else {
                        cursor.skip(length)?;
                    }
                }
                9 => {
                    let count = cursor.skip_list()?;
                    metadata.lists.insert(key, count);
                }
                _ => return Err(GgufError::Damaged("unknown type of a metadata value")),
            }
        }
        Ok(metadata)
    }

    fn alignment(&self) -> Result<u64, GgufError> {
        match self.numbers.get("general.alignment") {
            None => Ok(32),
            Some(&bytes) if bytes.is_power_of_two() && (8..=65_536).contains(&bytes) => Ok(bytes),
            Some(_) => Err(GgufError::Damaged("impossible alignment")),
        }
    }

    fn header(self) -> Result<Header, GgufError> {
        let architecture = self
            .texts
            .get("general.architecture")
            .ok_or(GgufError::Missing("general.architecture"))?
            .clone();
        if !self.texts.contains_key("tokenizer.ggml.model") {
            return Err(GgufError::Missing("tokenizer.ggml.model"));
        }
        if self
            .lists
            .get("tokenizer.ggml.tokens")
            .is_none_or(|n| *n == 0)
        {
            return Err(GgufError::Missing("tokenizer.ggml.tokens"));
        }
        // llama.cpp divides by some of these; a zero would end the process, not the load.
        for field in ["block_count", "embedding_length", "attention.head_count"] {
            let key = format!("{architecture}.{field}");
            if self.numbers.get(&key) == Some(&0) {
                return Err(GgufError::Zero(key));
            }
        }
        let context_tokens = self
            .numbers
            .get(&format!("{architecture}.context_length"))
            .and_then(|tokens| u32::try_from(*tokens).ok());
        Ok(Header {
            architecture,
            name: self.texts.get("general.name").cloned(),
            context_tokens,
        })
    }
}

/// Reads the tensor table; gives the length a whole file has at least.
fn read_tensors<R: Read + Seek>(
    cursor: &mut Cursor<R>,
    n_tensors: u64,
    alignment: u64,
) -> Result<u64, GgufError> {
    const OVERFLOW: GgufError = GgufError::Damaged("a tensor larger than any file");
    if n_tensors == 0 {
        return Err(GgufError::Damaged("no tensors"));
    }
    let mut data_bytes = 0_u64;
    for _ in 0..n_tensors {
        cursor.text(MAX_KEY_BYTES)?;
        let n_dimensions = cursor.u32()?;
        if n_dimensions > 4 {
            return Err(GgufError::Damaged(
                "a tensor with more than four dimensions",
            ));
        }
        let mut elements = 1_u64;
        for _ in 0..n_dimensions {
            elements = elements.checked_mul(cursor.u64()?).ok_or(OVERFLOW)?;
        }
        let kind = cursor.u32()?;
        let (block_elements, block_bytes) = block(kind).ok_or(GgufError::TensorType(kind))?;
        let offset = cursor.u64()?;
        if !elements.is_multiple_of(block_elements) {
            return Err(GgufError::Damaged(
                "a tensor that is no whole number of blocks",
            ));
        }
        let bytes = (elements / block_elements)
            .checked_mul(block_bytes)
            .ok_or(OVERFLOW)?;
        data_bytes = data_bytes.max(offset.checked_add(bytes).ok_or(OVERFLOW)?);
    }
    let start = cursor
        .position
        .checked_next_multiple_of(alignment)
        .ok_or(OVERFLOW)?;
    start.checked_add(data_bytes).ok_or(OVERFLOW)
}

/// Elements and bytes of a block of this tensor type.
fn block(kind: u32) -> Option<(u64, u64)> {
    Some(match kind {
        0 | 26 => (1, 4),
        1 | 25 | 30 => (1, 2),
        24 => (1, 1),
        27 | 28 => (1, 8),
        2 | 20 => (32, 18),
        3 => (32, 20),
        6 => (32, 22),
        7 => (32, 24),
        8 => (32, 34),
        9 => (32, 36),
        39 => (32, 17),
        40 => (64, 36),
        41 => (128, 18),
        42 => (64, 18),
        10 => (256, 84),
        11 | 21 => (256, 110),
        12 => (256, 144),
        13 => (256, 176),
        14 => (256, 210),
        15 => (256, 292),
        16 | 35 => (256, 66),
        17 => (256, 74),
        18 => (256, 98),
        19 => (256, 50),
        22 => (256, 82),
        23 => (256, 136),
        29 => (256, 56),
        34 => (256, 54),
        _ => return None,
    })
}

/// A reader that never goes past the end and says so in our words.
struct Cursor<R> {
    inner: BufReader<R>,
    position: u64,
    end: u64,
}

impl<R: Read + Seek> Cursor<R> {
    fn need(&mut self, bytes: u64) -> Result<(), GgufError> {
        let expected_bytes = self
            .position
            .checked_add(bytes)
            .ok_or(GgufError::Damaged("an impossible length"))?;
        if expected_bytes > self.end {
            return Err(GgufError::Truncated {
                expected_bytes,
                actual_bytes: self.end,
            });
        }
        Ok(())
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], GgufError> {
        self.need(N as u64)?;
        let mut bytes = [0; N];
        self.inner.read_exact(&mut bytes)?;
        self.position += N as u64;
        Ok(bytes)
    }

    fn bytes(&mut self, length: u64) -> Result<Vec<u8>, GgufError> {
        self.need(length)?;
        let mut bytes = Vec::new();
        self.inner.by_ref().take(length).read_to_end(&mut bytes)?;
        if bytes.len() as u64 != length {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        self.position += length;
        Ok(bytes)
    }

    fn skip(&mut self, length: u64) -> Result<(), GgufError> {
        self.need(length)?;
        // Short steps stay in the buffer: a vocabulary is a hundred thousand of them.
        if length <= self.inner.buffer().len() as u64 {
            self.inner.consume(length as usize);
        } else {
            let step =
                i64::try_from(length).map_err(|_| GgufError::Damaged("an impossible length"))?;
            self.inner.seek_relative(step)?;
        }
        self.position += length;
        Ok(())
    }

    fn u32(&mut self) -> Result<u32, GgufError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn u64(&mut self) -> Result<u64, GgufError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// A scalar of at most eight bytes, zero-extended.
    fn number(&mut self, kind: u32) -> Result<u64, GgufError> {
        Ok(match scalar_bytes(kind) {
            Some(1) => u64::from(self.array::<1>()?[0]),
            Some(2) => u64::from(u16::from_le_bytes(self.array()?)),
            Some(4) => u64::from(self.u32()?),
            Some(8) => self.u64()?,
            _ => return Err(GgufError::Damaged("unknown type of a metadata value")),
        })
    }

    fn text(&mut self, max_bytes: u64) -> Result<String, GgufError> {
        let length = self.u64()?;
        self.need(length)?;
        if length > max_bytes {
            return Err(GgufError::Damaged("an impossible name"));
        }
        let bytes = self.bytes(length)?;
        String::from_utf8(bytes).map_err(|_| GgufError::Damaged("a name that is not UTF-8"))
    }

    fn skip_list(&mut self) -> Result<u64, GgufError> {
        let kind = self.u32()?;
        let count = self.u64()?;
        if let Some(bytes) = scalar_bytes(kind) {
            let length = count
                .checked_mul(bytes)
                .ok_or(GgufError::Damaged("an impossible list"))?;
            self.skip(length)?;
        } else if kind == 8 {
            let least = count
                .checked_mul(8)
                .ok_or(GgufError::Damaged("an impossible list"))?;
            self.need(least)?;
            for _ in 0..count {
                let length = self.u64()?;
                self.skip(length)?;
            }
        } else {
            return Err(GgufError::Damaged("a list of something unknown"));
        }
        Ok(count)
    }
}

fn scalar_bytes(kind: u32) -> Option<u64> {
    match kind {
        0 | 1 | 7 => Some(1),
        2 | 3 => Some(2),
        4..=6 => Some(4),
        10..=12 => Some(8),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
