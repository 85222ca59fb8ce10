//! What a set-up changed so far, to be changed back when it comes to nothing.

use mesoclaw_api::ops::credential::{AgreeParams, CredentialAgree, CredentialDelete, KeyParams};
use mesoclaw_api::ops::provider::{ProviderDelete, ProviderParams, ProviderUpdate, UpdateParams};
use mesoclaw_ipc::Client;

/// A change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Change {
    /// A provider was added.
    Provider(String),
    /// A provider got another address; this was the one before.
    Address { provider_id: String, before: String },
    /// A secret was kept that was not there before.
    Key(String),
    /// A variable was agreed to.
    Consent(String),
}

/// The changes of one set-up.
pub(super) struct Undo<'a> {
    /// The connection.
    pub client: &'a Client,
    changes: Vec<Change>,
}

impl<'a> Undo<'a> {
    /// Nothing was changed yet.
    pub fn new(client: &'a Client) -> Self {
        Self {
            client,
            changes: Vec::new(),
        }
    }

    /// Remembers a change.
    pub fn push(&mut self, change: Change) {
        self.changes.push(change);
    }

    /// Changes everything back, the latest first. What cannot be changed back is left: the error
    /// that led here is the one to tell. Says whether there was anything.
    pub async fn run(&mut self) -> bool {
        let has_changes = !self.changes.is_empty();
        while let Some(change) = self.changes.pop() {
            self.revert(change).await;
        }
        has_changes
    }

    async fn revert(&self, change: Change) {
        match change {
            Change::Provider(provider_id) => {
                let params = ProviderParams { provider_id };
                self.client.call::<ProviderDelete>(params).await.ok();
            }
            Change::Address {
                provider_id,
                before,
            } => {
                let params = UpdateParams {
                    provider_id,
                    base_url: before,
                    name: None,
                    api_version: None,
                };
                self.client.call::<ProviderUpdate>(params).await.ok();
            }
            Change::Key(key) => {
                let params = KeyParams { key };
                self.client.call::<CredentialDelete>(params).await.ok();
            }
            Change::Consent(variable) => {
                let params = AgreeParams {
                    variable,
                    agree: false,
                };
                self.client.call::<CredentialAgree>(params).await.ok();
            }
        }
    }
}
