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
    /// Where it is; empty for the embedded engine, and where everybody has an address of their own.
    pub base_url: String,
    /// What is spoken there: `openai_chat`, `openai_responses`, `anthropic`, `gemini`, `cohere`,
    /// `ollama`, `azure` or `local`.
    pub dialect: String,
    /// How the key is sent: `bearer`, `header:NAME` or `none`.
    pub auth: String,
    /// Whether it wants a key.
    pub requires_api_key: bool,
    /// Name of its key in the key store; `None` when it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_name: Option<String>,
    /// Environment variables that may hold the key, the first that is set wins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub key_variables: Vec<String>,
    /// Whether a key was found.
    pub has_api_key: bool,
    /// Where the key was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_source: Option<KeySource>,
    /// `api-version` of an Azure address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
    /// Whether it can be used as it is: address and key are there.
    pub is_active: bool,
    /// Whether somebody added or changed it; otherwise it comes with the program or from
    /// configuration.
    pub is_user_defined: bool,
    /// Whether its facts were read from its maker's own pages.
    pub is_verified: bool,
    /// When it was added; `None` when nobody added it.
    pub created_at: Option<Timestamp>,
    /// Whether it holds the default model.
    pub is_default: bool,
    /// Something a person should know of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Models known of it; it may have more.
    pub models: Vec<Model>,
}

/// Where a key comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeySource {
    /// The key store.
    Stored,
    /// A variable of the daemon's environment.
    Environment,
    /// A variable of a client's environment, lent for that client's turns.
    Client,
}

/// A model of a provider.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Model {
    /// `provider:model`.
    pub id: String,
    /// The provider.
    pub provider_id: String,
    /// The model as the provider names it.
    pub model_id: String,
    /// Name for people.
    pub display_name: String,
    /// Tokens of prompt and answer together; `None` = not verified.
    pub context_limit: Option<u32>,
    /// Tokens of an answer; `None` = not verified.
    pub output_limit: Option<u32>,
    /// Whether it calls tools by itself; others are told of them in the prompt.
    pub supports_tools: bool,
    /// Whether it sees images; `None` = not verified, so it is tried.
    pub supports_vision: Option<bool>,
    /// What it costs; `None` = not verified.
    pub price: Option<Price>,
    /// Whether somebody added it.
    pub is_custom: bool,
    /// Whether its provider can be used as it is.
    pub is_active: bool,
    /// Where context, limits and prices were read, and when (`2026-11-22`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<FactSource>,
}

/// Prices in millionths of a US dollar for a million tokens, so 2,500,000 is 2.50 dollars.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Tokens of the prompt.
    pub input: u64,
    /// Tokens of the prompt that are read from a cache; `None` = as `input`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_input: Option<u64>,
    /// Tokens of the prompt that are written to a cache; `None` = as `input`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<u64>,
    /// Tokens of the answer, thinking included.
    pub output: u64,
}

/// Where a fact was read.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct FactSource {
    /// The page.
    pub page: String,
    /// The day it was read.
    pub checked: String,
}

/// Add a provider, or put another address over one that comes with the program.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CreateParams {
    /// Id, 1 to 64 of lower-case letters, digits, `-` and `_`.
    pub id: String,
    /// Name for people; default the id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `http://` or `https://` address, with the version part (`.../v1`) where the server has one.
    pub base_url: String,
    /// What is spoken there; default what the program knows of this id, else `openai_chat`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dialect: Option<String>,
    /// How the key is sent: `bearer`, `header:NAME` or `none`; default as the dialect's maker does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<String>,
    /// Name of an environment variable of the daemon that holds the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key_env: Option<String>,
    /// Whether it wants a key. Default: yes when `api_key_env` is given, or when a provider of this
    /// id is known to want one and the address is not of this machine; otherwise no.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requires_api_key: Option<bool>,
    /// `api-version` of an Azure address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
    /// Models to add with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<NewModel>,
}

/// A model to add.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewModel {
    /// The model as the provider names it.
    pub model_id: String,
    /// Name for people; default the id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Whether it calls tools by itself; default yes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supports_tools: Option<bool>,
    /// Whether it sees images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supports_vision: Option<bool>,
    /// Tokens of prompt and answer together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_limit: Option<u32>,
    /// Tokens of an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_limit: Option<u32>,
    /// What it costs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
}

/// Add a model to a provider, or change what is known of one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelAddParams {
    /// The provider.
    pub provider_id: String,
    /// The model as the provider names it.
    pub model_id: String,
    /// Name for people; default the id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Whether it calls tools by itself; default yes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supports_tools: Option<bool>,
    /// Whether it sees images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supports_vision: Option<bool>,
    /// Tokens of prompt and answer together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_limit: Option<u32>,
    /// Tokens of an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_limit: Option<u32>,
    /// What it costs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
}

impl ModelAddParams {
    /// This model for this provider.
    pub fn new(provider_id: String, model: NewModel) -> Self {
        Self {
            provider_id,
            model_id: model.model_id,
            display_name: model.display_name,
            supports_tools: model.supports_tools,
            supports_vision: model.supports_vision,
            context_limit: model.context_limit,
            output_limit: model.output_limit,
            price: model.price,
        }
    }

    /// The model alone.
    pub fn into_model(self) -> NewModel {
        NewModel {
            model_id: self.model_id,
            display_name: self.display_name,
            supports_tools: self.supports_tools,
            supports_vision: self.supports_vision,
            context_limit: self.context_limit,
            output_limit: self.output_limit,
            price: self.price,
        }
    }
}

/// Name a model of a provider.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelRemoveParams {
    /// The provider.
    pub provider_id: String,
    /// The model as the provider names it.
    pub model_id: String,
}

/// Change a provider. What is left out stays.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateParams {
    /// The provider.
    pub provider_id: String,
    /// Its new address. A stored key does not go there before somebody confirms it
    /// (`credential.bind`).
    pub base_url: String,
    /// Name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `api-version` of an Azure address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
}

/// Ask a provider which models it has.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProviderModelsParams {
    /// The provider.
    pub provider_id: String,
}

/// A model server found on this machine.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DetectedServer {
    /// Id of the provider that fits: `ollama`, `llamacpp`, `lmstudio` or `vllm`.
    pub provider_id: String,
    /// Where it is.
    pub base_url: String,
    /// Version it told.
    pub version: Option<String>,
    /// Models it has.
    pub models: Vec<Model>,
}

/// A key variable found in the daemon's environment.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DetectedVariable {
    /// Its name; the value is never told.
    pub variable: String,
    /// The provider it belongs to.
    pub provider_id: String,
}

/// What was found. Nothing of it is used before somebody says so.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Detected {
    /// Servers on this machine.
    pub servers: Vec<DetectedServer>,
    /// Variables with keys.
    pub variables: Vec<DetectedVariable>,
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
    /// List providers by id: what comes with the program, configuration, and what was added.
    ProviderList = list: "provider.list", Get "/providers", Read, Json, Free, Merge,
        NoParams => Vec<Provider>;
    /// Add a provider, or put another address over one that comes with the program.
    ProviderCreate = create: "provider.create", Post "/providers", Owner, Created, Global("provider"), Merge,
        CreateParams => Provider;
    /// List providers with whether a key was found; the same as `provider.list`.
    ProviderListWithKeyStatus = list_with_key_status: "provider.list_with_key_status", Get "/providers/with-key-status", Read, Json, Free, Merge,
        NoParams => Vec<Provider>;
    /// Look for model servers on this machine and for key variables; changes nothing.
    ProviderDetect = detect: "provider.detect", Get "/providers/detect", Owner, Json, Free, Merge,
        NoParams => Detected;
    /// Read the default model; `null` when nothing is set up.
    ProviderDefaultGet = default_get: "provider.default_get", Get "/providers/default", Read, Json, Free, Merge,
        NoParams => Option<DefaultModel>;
    /// Set the default model.
    ProviderDefaultSet = default_set: "provider.default_set", Put "/providers/default", Owner, Json, Global("config"), Merge,
        DefaultModel => Done;
    /// Read one provider.
    ProviderGet = get: "provider.get", Get "/providers/{provider_id}", Read, Json, Free, Merge,
        ProviderParams => Provider;
    /// Change the address of a provider.
    ProviderUpdate = update: "provider.update", Put "/providers/{provider_id}", Owner, Json, Global("provider"), Merge,
        UpdateParams => Provider;
    /// Remove a provider somebody added; one that comes with the program gets its own address back.
    ProviderDelete = delete: "provider.delete", Delete "/providers/{provider_id}", Owner, Json, Global("provider"), Merge,
        ProviderParams => Done;
    /// Ask a provider for one token and tell what happened.
    ProviderTest = test: "provider.test", Post "/providers/{provider_id}/test", Owner, Json, Free, Merge,
        TestParams => TestResult;
    /// Ask a provider which models it has.
    ProviderModels = models: "provider.models", Get "/providers/{provider_id}/models", Owner, Json, Free, Merge,
        ProviderModelsParams => Vec<Model>;
    /// Add a model to a provider, or change what is known of one.
    ProviderModelAdd = model_add: "provider.model_add", Post "/providers/{provider_id}/models", Owner, Json, Global("provider"), Merge,
        ModelAddParams => Model;
    /// Remove a model somebody added.
    ProviderModelRemove = model_remove: "provider.model_remove", Delete "/providers/{provider_id}/models/{model_id}", Owner, Json, Global("provider"), Merge,
        ModelRemoveParams => Done;
    /// List the models known of all providers.
    ProviderAllModels = all_models: "provider.all_models", Get "/models", Read, Json, Free, Merge,
        NoParams => Vec<Model>;
}
