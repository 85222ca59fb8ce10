//! The catalogue: known model files with licence, needs and sources, from `models.toml`.
//!
//! It knows nothing of what is installed; `files.rs` puts the two together.

use std::sync::OnceLock;

use serde::Deserialize;

/// The model that runs on every machine and comes from a package registry.
pub const FLOOR_MODEL: &str = "smollm2-135m";

/// A machine keeps most of its memory for other work: a model may need a quarter of it.
const MEMORY_SHARE: u64 = 4;
/// Beyond this many millions of parameters a core, answers fall below about five tokens a second
/// (measured: 135 million parameters, two cores, 73 tokens a second).
const MILLIONS_PER_CORE: u64 = 1000;

/// One known model file.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) licence: String,
    pub(crate) parameters_millions: u32,
    pub(crate) ram_mib: u32,
    pub(crate) context_tokens: Option<u32>,
    pub(crate) architecture: Option<String>,
    pub(crate) size_bytes: Option<u64>,
    pub(crate) sha256: Option<String>,
    /// Where the facts of the entry were read; for people who maintain the list.
    pub(crate) checked: Checked,
    pub(crate) note: String,
    pub(crate) source: Vec<Source>,
}

/// Where and when the facts of an entry were read.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Checked {
    pub(crate) by: String,
    pub(crate) on: String,
}

/// Where a model file can be had.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub(crate) enum Source {
    /// A package of the Python registry; the file inside its wheel, where it is known.
    Package { pip: String, file: Option<String> },
    /// An address.
    Address { https: String },
}

impl Source {
    /// The text form of the API.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Package { pip, .. } => format!("pip:{pip}"),
            Self::Address { https } => https.clone(),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    model: Vec<Entry>,
}

/// All entries, smallest first.
pub(crate) fn entries() -> &'static [Entry] {
    static ENTRIES: OnceLock<Vec<Entry>> = OnceLock::new();
    ENTRIES.get_or_init(|| {
        match toml_edit::de::from_str::<Document>(include_str!("models.toml")) {
            Ok(document) => document.model,
            Err(error) => {
                // The file is part of the program and a test reads it, so this is a build mistake;
                // the engine still works with imported files.
                tracing::error!(%error, "the model catalogue does not parse");
                Vec::new()
            }
        }
    })
}

/// The entry of this id.
pub(crate) fn entry(model_id: &str) -> Option<&'static Entry> {
    entries().iter().find(|entry| entry.id == model_id)
}

/// The biggest model with a known hash that leaves a machine usable.
pub(crate) fn recommended_for(total_mib: u64, cores: u64) -> &'static str {
    entries()
        .iter()
        .filter(|entry| entry.sha256.is_some())
        .filter(|entry| u64::from(entry.ram_mib) * MEMORY_SHARE <= total_mib)
        .filter(|entry| u64::from(entry.parameters_millions) <= cores * MILLIONS_PER_CORE)
        .max_by_key(|entry| entry.parameters_millions)
        .map_or(FLOOR_MODEL, |entry| entry.id.as_str())
}

/// Memory of this machine (or of its control group, where that is less) in MiB, and its cores.
pub(crate) fn machine() -> (u64, u64) {
    let total_bytes = sysinfo::System::new().map_or(0, |mut system| {
        system.refresh_memory();
        let limit = system.cgroup_limits().map(|limits| limits.total_memory);
        limit
            .filter(|limit| *limit > 0)
            .map_or(system.total_memory(), |limit| {
                limit.min(system.total_memory())
            })
    });
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    (total_bytes / (1024 * 1024), cores as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn catalogue_has_six_models_of_rising_size_with_sources() {
        let sizes: Vec<u32> = entries().iter().map(|e| e.parameters_millions).collect();
        assert!(sizes.len() >= 6, "{sizes:?}");
        assert!(sizes.is_sorted(), "{sizes:?}");
        for entry in entries() {
            assert!(!entry.source.is_empty(), "{}", entry.id);
            assert!(!entry.checked.by.is_empty() && entry.checked.on.len() == 10);
            assert!(crate::files::check_id(&entry.id).is_ok(), "{}", entry.id);
            if let Some(sha256) = &entry.sha256 {
                assert!(crate::files::is_sha256(sha256), "{}", entry.id);
            }
            for source in &entry.source {
                assert!(crate::source::parse(&source.text()).is_ok(), "{source:?}");
            }
        }
    }

    #[test]
    fn recommendation_follows_memory_and_cores() {
        let cases = [
            (256, 1, FLOOR_MODEL),
            (2048, 4, FLOOR_MODEL),
            (4096, 4, "qwen2.5-0.5b"),
            (8192, 4, "qwen2.5-1.5b"),
            (8192, 1, "qwen2.5-0.5b"),
            (24_105, 2, "qwen2.5-1.5b"),
            (32_768, 8, "mistral-7b"),
        ];
        for (total_mib, cores, expected) in cases {
            assert_eq!(
                recommended_for(total_mib, cores),
                expected,
                "{total_mib} MiB, {cores} cores"
            );
        }
    }
}
