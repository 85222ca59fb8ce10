//! Providers that are scripted servers, and what those were sent.

use mesoclaw_api::ops::credential::{
    CredentialMigrate, CredentialSet, KeyBackend, MigrateParams, SetParams,
};
use mesoclaw_api::ops::provider::{CreateParams, ProviderCreate};
use mesoclaw_api::{Item, ItemBody, SecretText};
use mesoclaw_testkit::model_server::{ModelServer, RecordedRequest};

use crate::support::Bench;

/// The parameters of a provider at a scripted server.
pub fn endpoint(id: &str, server: &ModelServer) -> CreateParams {
    CreateParams {
        id: id.to_owned(),
        base_url: server.base_url(),
        ..CreateParams::default()
    }
}

/// The header that carries a key, as a scripted server got it.
pub fn authorization(request: &RecordedRequest) -> Option<&str> {
    request.headers.get("authorization").map(String::as_str)
}

/// What the messages of a chat completions request say, each with its role in front.
pub fn texts_of(request: &RecordedRequest) -> Vec<String> {
    let messages = request.body["messages"].as_array().unwrap();
    messages
        .iter()
        .map(|message| {
            let content = &message["content"];
            let text = content.as_str().map_or_else(
                || {
                    let parts = content.as_array().into_iter().flatten();
                    parts
                        .map(|part| part["text"].as_str().unwrap_or("(image)"))
                        .collect::<Vec<_>>()
                        .join(" ")
                },
                str::to_owned,
            );
            format!("{}: {text}", message["role"].as_str().unwrap())
        })
        .collect()
}

impl Bench {
    /// Makes a scripted server a provider.
    pub async fn provider(&self, id: &str, server: &ModelServer) {
        self.call::<ProviderCreate>(endpoint(id, server))
            .await
            .unwrap();
    }

    /// Keeps keys in the encrypted file from here on: tests have no keyring.
    pub async fn keep_keys(&self) {
        let params = MigrateParams {
            to: KeyBackend::File,
            passphrase: None,
        };
        self.call::<CredentialMigrate>(params).await.unwrap();
    }

    pub async fn set_key(&self, provider_id: &str, value: &str) {
        let params = SetParams {
            key: format!("api_key:{provider_id}"),
            value: SecretText::new(value.to_owned()),
        };
        self.call::<CredentialSet>(params).await.unwrap();
    }

    /// The notices of a session.
    pub async fn notices(&self, session_id: &mesoclaw_api::SessionId) -> Vec<String> {
        notices(&self.items(session_id).await)
    }
}

fn notices(items: &[Item]) -> Vec<String> {
    items
        .iter()
        .filter_map(|item| match &item.body {
            ItemBody::Notice { text } => Some(text.clone()),
            _ => None,
        })
        .collect()
}
