//! The keys as they stand in the file before encryption: names and values with their lengths.
//!
//! Not JSON: a buffer of known size never moves, so no copy of a value is left behind.

use std::collections::BTreeMap;

use mesoclaw_api::Secret;
use zeroize::Zeroizing;

use super::seal::TAG_BYTES;
use crate::name::KeyName;

const LENGTH_BYTES: usize = 4;
const NOT_THE_FORM: &str = "its contents do not have the form they should";

#[derive(Default)]
pub(super) struct Entries(BTreeMap<String, Secret<String>>);

impl Entries {
    pub(super) fn get(&self, name: &str) -> Option<Secret<String>> {
        self.0.get(name).cloned()
    }

    pub(super) fn set(&mut self, name: &str, value: &Secret<String>) {
        self.0.insert(name.to_owned(), value.clone());
    }

    pub(super) fn delete(&mut self, name: &str) -> bool {
        self.0.remove(name).is_some()
    }

    /// The names in order, without those the store keeps for itself.
    pub(super) fn names(&self) -> Vec<KeyName> {
        let names = self.0.keys();
        names.filter_map(|name| KeyName::parse(name).ok()).collect()
    }

    /// With room for the tag of the cipher at the end.
    pub(super) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let pairs = self.0.iter();
        let n_bytes: usize = pairs
            .map(|(name, value)| 2 * LENGTH_BYTES + name.len() + value.expose().len())
            .sum();
        let mut bytes = Zeroizing::new(Vec::with_capacity(n_bytes + TAG_BYTES));
        for (name, value) in &self.0 {
            for part in [name.as_str(), value.expose().as_str()] {
                bytes.extend_from_slice(&(part.len() as u32).to_le_bytes());
                bytes.extend_from_slice(part.as_bytes());
            }
        }
        bytes
    }

    pub(super) fn decode(mut bytes: &[u8]) -> Result<Self, &'static str> {
        let mut entries = BTreeMap::new();
        while !bytes.is_empty() {
            let (name, rest) = text(bytes)?;
            let (value, rest) = text(rest)?;
            entries.insert(name.to_owned(), Secret::new(value.to_owned()));
            bytes = rest;
        }
        Ok(Self(entries))
    }
}

fn text(bytes: &[u8]) -> Result<(&str, &[u8]), &'static str> {
    let (length, rest) = bytes.split_first_chunk().ok_or(NOT_THE_FORM)?;
    let length = u32::from_le_bytes(*length) as usize;
    let (text, rest) = rest.split_at_checked(length).ok_or(NOT_THE_FORM)?;
    let text = std::str::from_utf8(text).map_err(|_| NOT_THE_FORM)?;
    Ok((text, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_back_as_they_were() {
        let mut entries = Entries::default();
        for (name, value) in [("b", "zwei\nLinien"), ("a", "ä"), ("_key_probe", "x")] {
            entries.set(name, &Secret::new(value.to_owned()));
        }
        let bytes = entries.encode();
        assert!(bytes.capacity() >= bytes.len() + TAG_BYTES);
        let back = Entries::decode(&bytes).ok().unwrap();
        let names: Vec<_> = back.names().iter().map(ToString::to_string).collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(back.get("b").unwrap().expose(), "zwei\nLinien");
        assert_eq!(back.get("_key_probe").unwrap().expose(), "x");
        for n_bytes in [1, 3, 5, 9] {
            let cut = bytes.get(..n_bytes).unwrap();
            assert_eq!(Entries::decode(cut).err(), Some(NOT_THE_FORM), "{n_bytes}");
        }
        assert_eq!(
            Entries::decode(&[1, 0, 0, 0, 0xff]).err(),
            Some(NOT_THE_FORM)
        );
        assert!(Entries::decode(&[]).ok().unwrap().names().is_empty());
    }
}
