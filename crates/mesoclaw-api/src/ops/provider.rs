//! Providers of models and the default model.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::ErrorCode;
use crate::macros::operations;
use crate::ops::{Done, NoParams};
use crate::time::Timestamp;

/// A place that answers prompts.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Provider {
    /// Id: the part of a model id before the colon.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// Where it is; empty for the embedded engine.
    pub base_url: String,
    /// Whether it wants a key.
    pub requires_api_key: bool,
    /// Name of the environment variable of the daemon that holds the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key_env: Option<String>,
    /// Whether a key was found.
    pub has_api_key: bool,
    /// Whether somebody added it; otherwise it comes with the program or from configuration.
    pub is_user_defined: bool,
    /// When it was added; `None` when nobody added it.
    pub created_at: Option<Timestamp>,
    /// Whether it holds the default model.
    pub is_default: bool,
    /// Models known of it.
    pub models: Vec<String>,
}

/// Add a provider that speaks the OpenAI chat completions protocol.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateParams {
    /// Id, 1 to 64 of lower-case letters, digits, `-` and `_`.
    pub id: String,
    /// Name for people; default the id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `http://` or `https://` address, with the version part (`.../v1`) where the server has one.
    pub base_url: String,
    /// Name of the environment variable that holds the key; `None` = no key is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key_env: Option<String>,
}

/// Name one provider.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProviderParams {
    /// The provider.
    pub provider_id: String,
}

/// The model used when a message names none.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DefaultModel {
    /// The provider.
    pub provider_id: String,
    /// The model at that provider.
    pub model_id: String,
}

/// Try a provider for real.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TestParams {
    /// The provider.
    pub provider_id: String,
    /// The model; default the default model, or the first the provider lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_id: Option<String>,
}

/// What a try showed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TestResult {
    /// Whether the model said something.
    pub success: bool,
    /// What happened, and what to do when it failed.
    pub message: String,
    /// Milliseconds to the end of the try.
    pub latency_ms: u64,
    /// The model that was asked; `None` when none could be found.
    pub model_id: Option<String>,
    /// Why it failed, for programs.
    pub error_code: Option<ErrorCode>,
}

operations! { ProviderApi;
    /// List providers by name.
    ProviderList = list: "provider.list", Get "/providers", Read, Json, Free, Merge,
        NoParams => Vec<Provider>;
    /// Add a compatible provider; an existing id is refused.
    ProviderCreate = create: "provider.create", Post "/providers", Owner, Created, Global("provider"), Merge,
        CreateParams => Provider;
    /// Read the default model; `null` when nothing is set up.
    ProviderDefaultGet = default_get: "provider.default_get", Get "/providers/default", Read, Json, Free, Merge,
        NoParams => Option<DefaultModel>;
    /// Set the default model.
    ProviderDefaultSet = default_set: "provider.default_set", Put "/providers/default", Owner, Json, Global("config"), Merge,
        DefaultModel => Done;
    /// Read one provider.
    ProviderGet = get: "provider.get", Get "/providers/{provider_id}", Read, Json, Free, Merge,
        ProviderParams => Provider;
    /// Remove a provider somebody added.
    ProviderDelete = delete: "provider.delete", Delete "/providers/{provider_id}", Owner, Json, Global("provider"), Merge,
        ProviderParams => Done;
    /// Ask a provider for one token and tell what happened.
    ProviderTest = test: "provider.test", Post "/providers/{provider_id}/test", Owner, Json, Free, Merge,
        TestParams => TestResult;
}
