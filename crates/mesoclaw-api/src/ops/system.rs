//! Facts about the machine.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::macros::operations;
use crate::ops::NoParams;

/// Facts about the machine.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SystemInfo {
    /// `linux`, `macos`, `windows`.
    pub os: String,
    /// Its version.
    pub os_version: String,
    /// Name of the machine.
    pub hostname: String,
    /// Processors.
    pub cpu_count: u32,
    /// Memory, in bytes.
    pub total_memory_bytes: u64,
    /// The part of it in use.
    pub used_memory_bytes: u64,
}

operations! { SystemApi;
    /// Facts about the machine.
    SystemInfoGet = info: "system.info", Get "/system/info", Read, Json, Free, Merge,
        NoParams => SystemInfo;
}
