//! Configuration: read it, see where each value comes from, change it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::macros::operations;
use crate::ops::NoParams;

/// One field with its value and where that comes from.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ConfigField {
    /// Key.
    pub key: String,
    /// Value in force.
    pub value: Value,
    /// `default`, `file: PATH`, `environment: NAME` or `flag`.
    pub origin: String,
}

/// A JSON merge patch: `null` sets a field back to its default.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateParams {
    /// The fields to change.
    pub patch: Map<String, Value>,
}

/// What was written.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Updated {
    /// `persisted`.
    pub status: String,
    /// The patch, as written.
    pub fields: Map<String, Value>,
    /// Sentences about fields whose new value is not in force: overridden by the environment or a
    /// flag, or read only when the daemon starts.
    pub notes: Vec<String>,
}

operations! { ConfigApi;
    /// Read all fields.
    ConfigGet = get: "config.get", Get "/config", Read, Json, Free, Merge,
        NoParams => Map<String, Value>;
    /// Read all fields with where each value comes from.
    ConfigOrigins = origins: "config.origins", Get "/config/origins", Read, Json, Free, Merge,
        NoParams => Vec<ConfigField>;
    /// Change fields; all of the patch or nothing.
    ConfigUpdate = update: "config.update", Put "/config", Owner, Json, Global("config"), Field("patch"),
        UpdateParams => Updated;
}
