//! Keys and other secrets. They go in; no operation gives one out.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::macros::operations;
use crate::ops::{Done, NoParams};
use crate::secret::SecretText;

/// Keep a secret.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetParams {
    /// Its name: `api_key:PROVIDER`, `channel:CHANNEL:FIELD`, or another of 1 to 128 letters,
    /// digits, `_`, `-`, `.` and `:`.
    pub key: String,
    /// The secret, 1 byte to 64 KiB. White space around the key of a provider and around a secret
    /// of a channel is cut off; another secret is kept as it is.
    pub value: SecretText,
}

/// Name a secret.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyParams {
    /// Its name.
    pub key: String,
}

/// Whether something was deleted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DeleteAnswer {
    /// False when there was none.
    pub deleted: bool,
}

/// Whether there is a secret of the name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ExistsAnswer {
    /// Whether there is one.
    pub exists: bool,
}

/// A place for secrets.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyBackend {
    /// The keyring of the operating system.
    Keyring,
    /// An encrypted file in the data directory.
    File,
}

/// Where secrets are kept and whether that works.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct KeyStoreStatus {
    /// The place in use.
    pub backend: KeyBackend,
    /// Whether a person chose it; the keyring is what is tried without a choice.
    pub is_chosen: bool,
    /// Whether a secret can be written, read and deleted there now: it was tried.
    pub is_working: bool,
    /// Whether it waits for its passphrase.
    pub is_locked: bool,
    /// Whether the file is protected by a passphrase; `None` for the keyring.
    pub has_passphrase: Option<bool>,
    /// What is wrong; `None` when it works.
    pub problem: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// Against whom secrets are protected there, in plain words.
    pub protection: String,
    /// The file; `None` for the keyring.
    pub path: Option<String>,
}

/// Choose the place for secrets. Those in the place before are moved: each is copied, read back,
/// and only when all are there the old ones are deleted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MigrateParams {
    /// The new place.
    pub to: KeyBackend,
    /// Passphrase of the file; without one a random key lies beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passphrase: Option<SecretText>,
}

/// What was moved.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct MigrateAnswer {
    /// Names of the secrets that are in the new place now.
    pub moved: Vec<String>,
    /// The new place.
    pub status: KeyStoreStatus,
    /// What a person must know of it; `None` when there is nothing.
    pub notice: Option<String>,
}

/// Open the encrypted file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnlockParams {
    /// Its passphrase.
    pub passphrase: SecretText,
}

/// Protect the encrypted file in another way.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProtectParams {
    /// The passphrase now; `None` when a random key opens the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<SecretText>,
    /// The new passphrase; without one a random key lies beside the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passphrase: Option<SecretText>,
}

/// Confirm that the key of a provider may go to the host of its present address.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BindParams {
    /// The provider.
    pub provider_id: String,
    /// Scheme, host and port that were shown to whoever agreed; refused when the address is at
    /// another one meanwhile. Without it the key is bound to wherever the address is now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
}

/// Where a key may go now.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct BindAnswer {
    /// Scheme, host and port.
    pub origin: String,
}

/// Tell which key variables a client has in its environment: names only.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OfferParams {
    /// Their names, at most 64.
    pub variables: Vec<String>,
    /// The model the client is going to use; without one the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}

/// A variable that would help.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct WantedVariable {
    /// Its name.
    pub variable: String,
    /// The provider whose key it is.
    pub provider_id: String,
    /// Scheme, host and port the key would go to.
    pub origin: String,
    /// Whether somebody agreed for good; otherwise the client asks first.
    pub is_agreed: bool,
}

/// Lend the value of a variable, for the turns of this connection.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LendParams {
    /// Its name.
    pub variable: String,
    /// Its value; kept in memory while the connection lives.
    pub value: SecretText,
    /// Remember that this variable may be used without asking again.
    #[serde(default)]
    pub remember: bool,
}

/// Agree that a variable of a client's environment is used without asking, or take that back.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AgreeParams {
    /// Its name.
    pub variable: String,
    /// False takes it back.
    pub agree: bool,
}

operations! { CredentialApi;
    /// Keep a secret; one of the same name is replaced at once.
    CredentialSet = set: "credential.set", Post "/credentials", Owner, Json, Global("credential"), Merge,
        SetParams => Done;
    /// List the names of secrets, sorted.
    CredentialList = list: "credential.list", Get "/credentials", Owner, Json, Free, Merge,
        NoParams => Vec<String>;
    /// Tell where secrets are kept and whether that works.
    CredentialStatus = status: "credential.status", Get "/credentials/status", Owner, Json, Free, Merge,
        NoParams => KeyStoreStatus;
    /// Move all secrets to another place.
    CredentialMigrate = migrate: "credential.migrate", Post "/credentials/migrate", Owner, Json, Global("credential"), Merge,
        MigrateParams => MigrateAnswer;
    /// Open the encrypted file with its passphrase.
    CredentialUnlock = unlock: "credential.unlock", Post "/credentials/unlock", Owner, Json, Global("credential"), Merge,
        UnlockParams => Done;
    /// Protect the encrypted file by another passphrase, or by a random key.
    CredentialProtect = protect: "credential.protect", Post "/credentials/protect", Owner, Json, Global("credential"), Merge,
        ProtectParams => KeyStoreStatus;
    /// Confirm that the key of a provider may go to its present host.
    CredentialBind = bind: "credential.bind", Post "/credentials/bind", Owner, Json, Global("credential"), Merge,
        BindParams => BindAnswer;
    /// Tell which key variables a client has; answers which of them would help.
    CredentialOffer = offer: "credential.offer", Post "/credentials/offer", Owner, Json, Free, Merge,
        OfferParams => Vec<WantedVariable>;
    /// Lend the value of a variable for the turns of this connection.
    CredentialLend = lend: "credential.lend", Post "/credentials/lend", Owner, Json, Free, Merge,
        LendParams => Done;
    /// Agree that a variable of clients is used without asking, or take that back.
    CredentialAgree = agree: "credential.agree", Post "/credentials/agree", Owner, Json, Global("credential"), Merge,
        AgreeParams => Done;
    /// List the variables somebody agreed to.
    CredentialAgreed = agreed: "credential.agreed", Get "/credentials/agreed", Owner, Json, Free, Merge,
        NoParams => Vec<String>;
    /// Delete a secret.
    CredentialDelete = delete: "credential.delete", Delete "/credentials/{key}", Owner, Json, Global("credential"), Merge,
        KeyParams => DeleteAnswer;
    /// Tell whether there is a secret; its value is never told.
    CredentialValue = value: "credential.value", Get "/credentials/{key}/value", Owner, Json, Free, Merge,
        KeyParams => ExistsAnswer;
    /// Tell whether there is a secret.
    CredentialExists = exists: "credential.exists", Get "/credentials/{key}/exists", Owner, Json, Free, Merge,
        KeyParams => ExistsAnswer;
}
