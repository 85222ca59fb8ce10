//! Azure OpenAI: chat completions under Azure's addresses. The model is the name of a deployment,
//! the key goes into the header `api-key`.
//!
//! Two forms of address, told apart by the base URL:
//!
//! * dated: `https://RESOURCE.openai.azure.com` becomes
//!   `/openai/deployments/MODEL/chat/completions?api-version=DATE`;
//! * v1: `https://RESOURCE.openai.azure.com/openai/v1` becomes `/chat/completions` below it, with
//!   the deployment as `model` and without a date, unless one is set.
//!
//! A filtered prompt is an error with the code `content_filter`, a filtered answer a finish reason
//! of that name. The first event may have no choices, only the filter's verdict on the prompt.
//!
//! Not sent: `prompt_cache_key`, which dated versions refuse. Whether the output limit is called
//! `max_completion_tokens` is told by the name of the deployment, so a deployment of a reasoning
//! model should be called like the model.

use mesoclaw_agent::model::{ModelError, ModelRequest};
use reqwest::Url;

use crate::dialect::{Outgoing, Reader, Wire};
use crate::endpoint::Endpoint;
use crate::openai_chat::{OpenAiChat, request};
use crate::rig_messages::refused;

/// The dated version that is asked for where the endpoint names none: the last one that is not a
/// preview.
const API_VERSION: &str = "2024-10-21";

/// The dialect.
pub(crate) struct Azure;

impl Wire for Azure {
    fn encode(&self, endpoint: &Endpoint, request: ModelRequest) -> Result<Outgoing, ModelError> {
        let (base, query) = address(endpoint, &request.model)?;
        let mut outgoing = request::encode("azure", &base, request)?;
        if let Some(version) = query {
            let mut url =
                Url::parse(&outgoing.url).map_err(|failure| refused(&failure.to_string()))?;
            url.query_pairs_mut().append_pair("api-version", &version);
            outgoing.url = url.into();
        }
        Ok(outgoing)
    }

    fn reader(&self) -> Box<dyn Reader> {
        OpenAiChat.reader()
    }
}

/// The address that `/chat/completions` is added to, and the version to ask for.
fn address(endpoint: &Endpoint, deployment: &str) -> Result<(String, Option<String>), ModelError> {
    let base = endpoint.base_url.trim_end_matches('/');
    if base.ends_with("/openai/v1") {
        return Ok((base.to_owned(), endpoint.api_version.clone()));
    }
    let root = base.strip_suffix("/openai").unwrap_or(base);
    let mut url = Url::parse(root).map_err(|failure| refused(&failure.to_string()))?;
    if let Ok(mut path) = url.path_segments_mut() {
        // A name with a slash or dots must not lead elsewhere: it stays one part of the path.
        path.pop_if_empty()
            .extend(["openai", "deployments", deployment]);
    }
    let version = endpoint.api_version.as_deref().unwrap_or(API_VERSION);
    Ok((url.into(), Some(version.to_owned())))
}

#[cfg(test)]
mod tests {
    use mesoclaw_agent::model::GenerationParams;
    use serde_json::{Value, json};

    use super::*;
    use crate::dialect::Dialect;
    use crate::test_support;

    fn endpoint(base_url: &str, api_version: Option<&str>) -> Endpoint {
        Endpoint {
            api_version: api_version.map(str::to_owned),
            ..test_support::endpoint(Dialect::Azure, base_url)
        }
    }

    fn request(model: &str) -> ModelRequest {
        ModelRequest {
            system: String::new(),
            params: GenerationParams {
                seed: Some(7),
                ..GenerationParams::default()
            },
            ..test_support::request(model, vec![test_support::user("Hi")])
        }
    }

    #[test]
    fn both_forms_of_address_are_made() {
        let dated = "https://r.openai.azure.com/openai/deployments/";
        let v1 = "https://r.openai.azure.com/openai/v1/chat/completions";
        for (base_url, version, model, expected) in [
            (
                "https://r.openai.azure.com",
                None,
                "gpt-4o",
                format!("{dated}gpt-4o/chat/completions?api-version=2024-10-21"),
            ),
            (
                "https://r.openai.azure.com/openai/",
                Some("2025-04-01-preview"),
                "gpt-4o",
                format!("{dated}gpt-4o/chat/completions?api-version=2025-04-01-preview"),
            ),
            (
                "https://r.openai.azure.com/",
                None,
                "a/b c",
                format!("{dated}a%2Fb%20c/chat/completions?api-version=2024-10-21"),
            ),
            (
                "https://r.openai.azure.com/openai/v1/",
                None,
                "gpt-4o",
                v1.to_owned(),
            ),
            (
                "https://r.openai.azure.com/openai/v1",
                Some("preview"),
                "gpt-4o",
                format!("{v1}?api-version=preview"),
            ),
        ] {
            let outgoing = Azure
                .encode(&endpoint(base_url, version), request(model))
                .unwrap();
            assert_eq!(outgoing.url, expected);
        }
    }

    #[test]
    fn the_body_is_that_of_chat_completions() {
        let endpoint = endpoint("https://r.openai.azure.com", None);
        let outgoing = Azure.encode(&endpoint, request("gpt-4o")).unwrap();
        assert_eq!(
            serde_json::from_slice::<Value>(&outgoing.body).unwrap(),
            json!({
                "model": "gpt-4o",
                "messages": [{"role": "user", "content": "Hi"}],
                "seed": 7,
                "stream": true,
                "stream_options": {"include_usage": true},
            })
        );
    }
}
