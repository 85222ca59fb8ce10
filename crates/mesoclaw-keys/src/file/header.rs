//! The first bytes of `keys.enc`: version, how the file is locked, and what the cipher needs.
//! The cipher authenticates them together with the contents.

use std::fmt;
use std::path::Path;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use mesoclaw_api::Secret;
use zeroize::Zeroizing;

use super::seal::{KEY_BYTES, NONCE_BYTES, SealKey, TAG_BYTES, random};
use crate::error::KeyError;

const MAGIC: &[u8; 8] = b"mesokeys";
const VERSION: u8 = 1;
const BY_KEY_FILE: u8 = 1;
const BY_PASSPHRASE: u8 = 2;
const SALT_BYTES: usize = 16;

pub(super) const HEADER_BYTES: usize =
    MAGIC.len() + 2 + 3 * 4 + SALT_BYTES + TAG_BYTES + NONCE_BYTES;

/// A quarter of a second on a machine of today.
const MEMORY_KIB: u32 = 64 * 1024;
const N_PASSES: u32 = 3;
const N_LANES: u32 = 1;

/// More than this was not written by us, and would only keep the machine busy.
const MOST_MEMORY_KIB: u32 = 1024 * 1024;
const MOST_PASSES: u32 = 16;
const MOST_LANES: u32 = 16;

/// How an encrypted file is locked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProtectionKind {
    /// By a passphrase.
    Passphrase,
    /// By a random key in the file `keys.key` beside it.
    KeyFile,
}

impl fmt::Display for ProtectionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passphrase => "a passphrase",
            Self::KeyFile => "a key file",
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Lock {
    KeyFile,
    Passphrase(Derivation),
}

/// How a key comes out of a passphrase: Argon2id and its cost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Derivation {
    memory_kib: u32,
    n_passes: u32,
    n_lanes: u32,
    salt: [u8; SALT_BYTES],
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Header {
    pub(super) lock: Lock,
    /// Tells a wrong key from damaged contents.
    pub(super) key_check: [u8; TAG_BYTES],
    pub(super) nonce: [u8; NONCE_BYTES],
}

impl Lock {
    pub(super) fn kind(self) -> ProtectionKind {
        match self {
            Self::KeyFile => ProtectionKind::KeyFile,
            Self::Passphrase(_) => ProtectionKind::Passphrase,
        }
    }
}

impl Derivation {
    pub(super) fn new() -> Result<Self, KeyError> {
        Ok(Self {
            memory_kib: MEMORY_KIB,
            n_passes: N_PASSES,
            n_lanes: N_LANES,
            salt: random()?,
        })
    }

    pub(super) fn derive(&self, passphrase: &Secret<String>) -> Result<SealKey, KeyError> {
        let failed = || KeyError::DeriveKey {
            memory_mib: self.memory_kib / 1024,
        };
        let params = Params::new(
            self.memory_kib,
            self.n_passes,
            self.n_lanes,
            Some(KEY_BYTES),
        );
        let params = params.map_err(|_| failed())?;
        // Our own memory, because what is left in it gives the key away.
        let n_blocks = params.block_count();
        let mut blocks = Vec::new();
        blocks.try_reserve_exact(n_blocks).map_err(|_| failed())?;
        blocks.resize(n_blocks, Block::default());
        let mut blocks = Zeroizing::new(blocks);
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(
                passphrase.expose().as_bytes(),
                &self.salt,
                key.as_mut_slice(),
                blocks.as_mut_slice(),
            )
            .map_err(|_| failed())?;
        Ok(SealKey::new(key))
    }

    fn is_reasonable(&self) -> bool {
        (8..=MOST_MEMORY_KIB).contains(&self.memory_kib)
            && (1..=MOST_PASSES).contains(&self.n_passes)
            && (1..=MOST_LANES).contains(&self.n_lanes)
    }
}

impl Header {
    pub(super) fn encode(&self) -> Vec<u8> {
        let (kind, derivation) = match self.lock {
            Lock::KeyFile => (BY_KEY_FILE, Derivation::unused()),
            Lock::Passphrase(derivation) => (BY_PASSPHRASE, derivation),
        };
        let mut bytes = Vec::with_capacity(HEADER_BYTES);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&[VERSION, kind]);
        for number in [
            derivation.memory_kib,
            derivation.n_passes,
            derivation.n_lanes,
        ] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&derivation.salt);
        bytes.extend_from_slice(&self.key_check);
        bytes.extend_from_slice(&self.nonce);
        bytes
    }

    /// The header and the bytes after it.
    pub(super) fn parse(bytes: &[u8], path: &Path) -> Result<(Self, Vec<u8>), KeyError> {
        let damaged = |problem| KeyError::DecodeKeysFile {
            path: path.to_owned(),
            problem,
        };
        let rest = bytes.strip_prefix(MAGIC.as_slice());
        let rest = rest.ok_or_else(|| damaged("it does not begin like one"))?;
        let (&version, rest) = rest.split_first().ok_or_else(|| damaged("it ends early"))?;
        if version != VERSION {
            return Err(KeyError::KnowVersion {
                path: path.to_owned(),
                version,
            });
        }
        let (header, rest) = Self::fields(rest).ok_or_else(|| damaged("it ends early"))?;
        let header = header.ok_or_else(|| damaged("its header makes no sense"))?;
        Ok((header, rest.to_vec()))
    }

    /// `None` outside: too short; `None` inside: values nobody wrote.
    fn fields(bytes: &[u8]) -> Option<(Option<Self>, &[u8])> {
        let (&kind, rest) = bytes.split_first()?;
        let (memory_kib, rest) = rest.split_first_chunk()?;
        let (n_passes, rest) = rest.split_first_chunk()?;
        let (n_lanes, rest) = rest.split_first_chunk()?;
        let (salt, rest) = rest.split_first_chunk()?;
        let (key_check, rest) = rest.split_first_chunk()?;
        let (nonce, rest) = rest.split_first_chunk()?;
        let derivation = Derivation {
            memory_kib: u32::from_le_bytes(*memory_kib),
            n_passes: u32::from_le_bytes(*n_passes),
            n_lanes: u32::from_le_bytes(*n_lanes),
            salt: *salt,
        };
        let lock = match kind {
            BY_KEY_FILE if derivation == Derivation::unused() => Some(Lock::KeyFile),
            BY_PASSPHRASE if derivation.is_reasonable() => Some(Lock::Passphrase(derivation)),
            _ => None,
        };
        let header = lock.map(|lock| Self {
            lock,
            key_check: *key_check,
            nonce: *nonce,
        });
        Some((header, rest))
    }
}

impl Derivation {
    fn unused() -> Self {
        Self {
            memory_kib: 0,
            n_passes: 0,
            n_lanes: 0,
            salt: [0; SALT_BYTES],
        }
    }
}
