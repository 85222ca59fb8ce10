//! What a person can choose from: what was found, and what is always there.

use std::collections::BTreeSet;

use mesoclaw_api::ops::NoParams;
use mesoclaw_api::ops::credential::WantedVariable;
use mesoclaw_api::ops::model::ModelFile;
use mesoclaw_api::ops::provider::{
    Detected, DetectedServer, DetectedVariable, Provider, ProviderDetect, ProviderList,
};
use mesoclaw_ipc::Client;

use crate::cmd::provider::origin_of;
use crate::connect::Home;
use crate::exit::CliResult;
use crate::run::offer;
use crate::run::question::or_stop;
use crate::run::setup::embedded;
use crate::sanitise::one_line;

/// A line of the question.
#[derive(Debug)]
pub(super) enum Choice {
    /// A model server of this machine.
    Server(DetectedServer),
    /// A key variable of this shell.
    Shell(WantedVariable),
    /// A key variable of the daemon's environment.
    Daemon(DetectedVariable),
    /// The embedded engine.
    Embedded(Box<ModelFile>),
    /// A provider of the catalogue, with a key to type.
    Catalogue,
    /// Any address.
    Remote,
    /// Nothing.
    NotNow,
}

impl Choice {
    /// The line.
    pub fn text(&self) -> String {
        match self {
            Self::Server(server) => {
                let version = match &server.version {
                    Some(version) => format!(" {}", one_line(version)),
                    None => String::new(),
                };
                format!(
                    "{}{version} on this machine, at {} ({} models)",
                    one_line(&server.provider_id),
                    one_line(&server.base_url),
                    server.models.len()
                )
            }
            Self::Shell(wanted) => format!(
                "{}, with the key in {} of this shell (it goes to {})",
                one_line(&wanted.provider_id),
                one_line(&wanted.variable),
                one_line(&wanted.origin)
            ),
            Self::Daemon(variable) => format!(
                "{}, with the key in {} of the daemon's environment",
                one_line(&variable.provider_id),
                one_line(&variable.variable)
            ),
            Self::Embedded(file) => embedded::text(file),
            Self::Catalogue => "a known provider, with a key you type".to_owned(),
            Self::Remote => {
                "another provider: an OpenAI-compatible address, with or without a key".to_owned()
            }
            Self::NotNow => "not now".to_owned(),
        }
    }
}

/// Looks around and lists everything there is to choose from. Changes nothing.
pub(super) async fn choices(client: &Client, home: &Home) -> CliResult<Vec<Choice>> {
    // Whatever cannot be found out is simply not offered.
    let nothing = Detected {
        servers: Vec::new(),
        variables: Vec::new(),
    };
    let found = or_stop(async {
        let found = client.call::<ProviderDetect>(NoParams {}).await;
        Ok(found.unwrap_or(nothing))
    })
    .await?;
    let providers = client
        .call::<ProviderList>(NoParams {})
        .await
        .unwrap_or_default();
    let mut choices: Vec<Choice> = found.servers.into_iter().map(Choice::Server).collect();
    choices.extend(
        of_shell(&offer::variables(), &providers)
            .into_iter()
            .map(Choice::Shell),
    );
    choices.extend(found.variables.into_iter().map(Choice::Daemon));
    if let Some(file) = embedded::offered(client, home).await? {
        choices.push(Choice::Embedded(Box::new(file)));
    }
    choices.extend([Choice::Catalogue, Choice::Remote, Choice::NotNow]);
    Ok(choices)
}

/// The providers that variables of this shell have keys for, one line a provider.
fn of_shell(variables: &[String], providers: &[Provider]) -> Vec<WantedVariable> {
    let set: BTreeSet<&String> = variables.iter().collect();
    providers
        .iter()
        .filter(|provider| !provider.has_api_key && !provider.base_url.is_empty())
        .filter_map(|provider| {
            let variable = provider
                .key_variables
                .iter()
                .find(|name| set.contains(name))?;
            Some(WantedVariable {
                variable: variable.clone(),
                provider_id: provider.id.clone(),
                origin: origin_of(&provider.base_url),
                is_agreed: false,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn provider(id: &str, variable: &str, has_api_key: bool) -> Provider {
        serde_json::from_value(json!({
            "id": id, "name": id, "base_url": format!("https://{id}.example.org/v1"),
            "dialect": "openai_chat", "auth": "bearer", "requires_api_key": true,
            "key_variables": [variable], "has_api_key": has_api_key, "is_active": false,
            "is_user_defined": false, "is_verified": true, "created_at": null,
            "is_default": false, "models": [],
        }))
        .unwrap()
    }

    #[test]
    fn a_variable_is_offered_where_a_key_is_missing() {
        let providers = [
            provider("a", "A_KEY", false),
            provider("b", "B_KEY", true),
            provider("c", "C_KEY", false),
        ];
        let variables = ["A_KEY", "B_KEY"].map(str::to_owned);
        let lines: Vec<String> = of_shell(&variables, &providers)
            .into_iter()
            .map(|wanted| Choice::Shell(wanted).text())
            .collect();
        assert_eq!(
            lines,
            ["a, with the key in A_KEY of this shell (it goes to https://a.example.org)"]
        );
    }

    #[test]
    fn servers_are_told_with_what_they_have() {
        let server = DetectedServer {
            provider_id: "ollama".to_owned(),
            base_url: "http://127.0.0.1:11434".to_owned(),
            version: Some("0.5\x1b".to_owned()),
            models: Vec::new(),
        };
        assert_eq!(
            Choice::Server(server).text(),
            "ollama 0.5^[ on this machine, at http://127.0.0.1:11434 (0 models)"
        );
    }
}
