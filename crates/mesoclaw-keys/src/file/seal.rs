//! The cipher of the file: XChaCha20-Poly1305 with a fresh random nonce for each write.

use std::fmt;

use chacha20poly1305::{AeadInOut, KeyInit, XChaCha20Poly1305};
use zeroize::Zeroizing;

use super::header::{Header, Lock};
use crate::error::KeyError;

pub(super) const KEY_BYTES: usize = 32;
pub(super) const NONCE_BYTES: usize = 24;
pub(super) const TAG_BYTES: usize = 16;

/// Authenticated under a nonce of zeros, which no random nonce ever is; the message is empty.
const KEY_CHECK: &[u8] = b"mesoclaw key check 1";

#[derive(Clone)]
pub(super) struct SealKey(Zeroizing<[u8; KEY_BYTES]>);

impl SealKey {
    pub(super) fn new(bytes: Zeroizing<[u8; KEY_BYTES]>) -> Self {
        Self(bytes)
    }

    pub(super) fn random() -> Result<Self, KeyError> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        fill(bytes.as_mut_slice())?;
        Ok(Self(bytes))
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; KEY_BYTES] = bytes.try_into().ok()?;
        Some(Self(Zeroizing::new(*bytes)))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.0.as_slice()
    }

    /// Whether the file with this header was written with this key.
    pub(super) fn fits(&self, header: &Header) -> bool {
        let expected = header.key_check;
        let cipher = self.cipher();
        let nothing: &mut [u8] = &mut [];
        cipher
            .decrypt_inout_detached(
                &[0; NONCE_BYTES].into(),
                KEY_CHECK,
                nothing.into(),
                &expected.into(),
            )
            .is_ok()
    }

    /// The whole file. `plain` has room for the tag.
    pub(super) fn seal(
        &self,
        lock: Lock,
        mut plain: Zeroizing<Vec<u8>>,
    ) -> Result<Vec<u8>, KeyError> {
        let cipher = self.cipher();
        let nothing: &mut [u8] = &mut [];
        let key_check = cipher
            .encrypt_inout_detached(&[0; NONCE_BYTES].into(), KEY_CHECK, nothing.into())
            .map_err(|_| KeyError::Encrypt)?;
        let header = Header {
            lock,
            key_check: key_check.into(),
            nonce: random()?,
        };
        let mut bytes = header.encode();
        cipher
            .encrypt_in_place(&header.nonce.into(), &bytes, &mut *plain)
            .map_err(|_| KeyError::Encrypt)?;
        bytes.extend_from_slice(&plain);
        Ok(bytes)
    }

    pub(super) fn open(
        &self,
        header: &Header,
        sealed: Vec<u8>,
    ) -> Result<Zeroizing<Vec<u8>>, &'static str> {
        let mut bytes = Zeroizing::new(sealed);
        self.cipher()
            .decrypt_in_place(&header.nonce.into(), &header.encode(), &mut *bytes)
            .map_err(|_| "its contents were changed or cut off")?;
        Ok(bytes)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&*self.0).into())
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

pub(super) fn random<const N: usize>() -> Result<[u8; N], KeyError> {
    let mut bytes = [0; N];
    fill(&mut bytes)?;
    Ok(bytes)
}

fn fill(bytes: &mut [u8]) -> Result<(), KeyError> {
    getrandom::fill(bytes).map_err(|_| KeyError::GetRandom)
}
