//! Which models an endpoint lists, and what it says about them.
//!
//! Every maker has a list of its own (`entries.rs` reads them all). Pages are followed up to a
//! limit, and what a list leaves out is asked for where the server has a place for it: Ollama's
//! `/api/show`, llama.cpp's `/props`, LM Studio's own list. Azure has no list of deployments that
//! a key opens.

mod entries;

use futures_util::{StreamExt as _, stream};
use mesoclaw_agent::model::{ModelError, ModelErrorKind};
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::Value;
use tokio::time::{Duration, timeout};

use crate::dialect::Dialect;
use crate::endpoint::{Endpoint, ProviderError};
use crate::error;
use crate::http::Http;
use crate::ollama::request::root as ollama_root;
use crate::ollama::show;

/// Longest page of a list that is read, in bytes.
const MAX_PAGE_BYTES: usize = 8 * 1024 * 1024;

/// Most pages that are followed; makers fit a thousand models into one.
const MAX_PAGES: usize = 20;

/// Most models of an Ollama server that are asked about one by one.
const MAX_SHOWN: usize = 64;

/// Questions to an Ollama server at a time.
const SHOWN_AT_ONCE: usize = 4;

/// Longest time for what is asked beside a list.
const DETAILS: Duration = Duration::from_secs(3);

/// A model of an endpoint.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct ListedModel {
    /// Its name in requests.
    pub id: String,
    /// Tokens of prompt and answer together; `None` = not told.
    pub context_limit: Option<u32>,
    /// Whether it calls tools; `None` = not told.
    pub supports_tools: Option<bool>,
    /// Whether it sees images; `None` = not told.
    pub supports_vision: Option<bool>,
}

/// The models an endpoint lists, sorted by id.
///
/// Waits for the list no longer than the endpoint's `first_token_timeout`, and up to three seconds
/// more for what is asked beside it. Models that make no text (embeddings, images, speech) are
/// left out where the list says what they are.
pub async fn list_models(endpoint: &Endpoint) -> Result<Vec<ListedModel>, ModelError> {
    let http = Http::new(endpoint.clone())?;
    list(&http).await
}

/// The same over a connection that is there.
pub(crate) async fn list(http: &Http) -> Result<Vec<ListedModel>, ModelError> {
    let endpoint = &http.endpoint;
    match endpoint.dialect {
        Dialect::Azure => return Err(not_listed(endpoint)),
        Dialect::Local => {
            return Err(ProviderError::AcceptDialect {
                provider_id: endpoint.provider_id.clone(),
            }
            .into());
        }
        Dialect::OpenAiChat
        | Dialect::OpenAiResponses
        | Dialect::Anthropic
        | Dialect::Gemini
        | Dialect::Cohere
        | Dialect::Ollama => {}
    }
    let limit = endpoint.first_token_timeout;
    let listed = timeout(limit, pages(http)).await;
    let (mut models, origin) =
        listed.unwrap_or_else(|_| Err(error::of_silence(endpoint, limit, false)))?;
    // What a list leaves out is good to have; without an answer it stays unknown.
    timeout(DETAILS, details(http, &origin, &mut models))
        .await
        .ok();
    models.sort_by(|a, b| a.id.cmp(&b.id));
    models.dedup_by(|a, b| a.id == b.id);
    Ok(models)
}

/// Azure names models of its own making: a deployment is known to its owner alone.
fn not_listed(endpoint: &Endpoint) -> ModelError {
    ModelError::new(
        ModelErrorKind::Capability,
        format!(
            "the deployments of `{}` cannot be listed with an API key",
            endpoint.provider_id
        ),
    )
    .with_hint("name the deployment as the model, as the Azure portal shows it")
}

/// All pages of the list, and who the server says made the models.
async fn pages(http: &Http) -> Result<(Vec<ListedModel>, String), ModelError> {
    let dialect = http.endpoint.dialect;
    let (mut models, mut origin, mut cursor) = (Vec::new(), String::new(), None);
    for _ in 0..MAX_PAGES {
        let url = page_url(&http.endpoint, cursor.as_deref());
        let page = ask(http, Method::GET, &url, None).await?;
        let Some(found) = entries::read(dialect, &page) else {
            let what = "it is not a list of models";
            return Err(error::of_stream(&http.endpoint, what));
        };
        origin = found.origin;
        models.extend(found.models);
        cursor = found.cursor;
        if cursor.is_none() {
            break;
        }
    }
    Ok((models, origin))
}

fn page_url(endpoint: &Endpoint, cursor: Option<&str>) -> String {
    let base = endpoint.base_url.trim_end_matches('/');
    let (url, cursor_name) = match endpoint.dialect {
        Dialect::Anthropic => (
            format!("{}/v1/models?limit=1000", without_version(base)),
            "after_id",
        ),
        Dialect::Gemini => (format!("{base}/models?pageSize=1000"), "pageToken"),
        Dialect::Cohere => (
            format!(
                "{}/v1/models?page_size=1000&endpoint=chat",
                without_version(base)
            ),
            "page_token",
        ),
        Dialect::Ollama => (format!("{}/api/tags", ollama_root(base)), ""),
        Dialect::OpenAiChat | Dialect::OpenAiResponses | Dialect::Azure | Dialect::Local => {
            (format!("{base}/models"), "")
        }
    };
    match cursor {
        Some(cursor) if !cursor_name.is_empty() => {
            let mut pair = reqwest::Url::parse(&url).ok();
            if let Some(url) = &mut pair {
                url.query_pairs_mut().append_pair(cursor_name, cursor);
            }
            pair.map_or(url, String::from)
        }
        _ => url,
    }
}

/// An address without the version part at its end.
pub(crate) fn without_version(base_url: &str) -> &str {
    let base = base_url.trim_end_matches('/');
    ["/v1", "/v2"]
        .into_iter()
        .find_map(|version| base.strip_suffix(version))
        .unwrap_or(base)
        .trim_end_matches('/')
}

/// Asks what the list left out.
async fn details(http: &Http, origin: &str, models: &mut [ListedModel]) {
    let root = without_version(&http.endpoint.base_url);
    match (http.endpoint.dialect, origin) {
        (Dialect::Ollama, _) => show_all(http, models).await,
        (Dialect::OpenAiChat, "llamacpp") => {
            // The list tells what the model was trained with; the server may have set aside less.
            if let Ok(props) = ask(http, Method::GET, &format!("{root}/props"), None).await {
                for model in models {
                    entries::learn_props(&props, model);
                }
            }
        }
        (Dialect::OpenAiChat, "organization_owner") => {
            for path in ["/api/v0/models", "/api/v1/models"] {
                if let Ok(list) = ask(http, Method::GET, &format!("{root}{path}"), None).await
                    && entries::learn_lm_studio(&list, models)
                {
                    return;
                }
            }
        }
        _ => {}
    }
}

async fn show_all(http: &Http, models: &mut [ListedModel]) {
    stream::iter(models.iter_mut().take(MAX_SHOWN))
        .for_each_concurrent(SHOWN_AT_ONCE, |model| async move {
            if let Some(shown) = show::ask(http, &model.id).await {
                entries::learn_shown(&shown, model);
            }
        })
        .await;
}

/// What an Ollama server says about one model.
pub(crate) async fn one(http: &Http, model: &str) -> Option<ListedModel> {
    let shown = timeout(DETAILS, show::ask(http, model)).await.ok()??;
    let mut model = ListedModel {
        id: model.to_owned(),
        ..ListedModel::default()
    };
    entries::learn_shown(&shown, &mut model);
    Some(model)
}

/// One question and its whole answer.
pub(crate) async fn ask(
    http: &Http,
    method: Method,
    url: &str,
    body: Option<Value>,
) -> Result<Value, ModelError> {
    let endpoint = &http.endpoint;
    let mut request = http.request(method, url).await?;
    if endpoint.dialect == Dialect::Anthropic {
        request = request.header("anthropic-version", "2023-06-01");
    }
    if let Some(body) = body {
        request = request
            .header(CONTENT_TYPE, "application/json")
            .body(body.to_string());
    }
    let mut response = match request.send().await {
        Ok(response) => response,
        Err(failure) => return Err(http.failed(failure)),
    };
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(bytes)) if body.len() + bytes.len() <= MAX_PAGE_BYTES => {
                body.extend_from_slice(&bytes);
            }
            Ok(Some(_)) => return Err(error::of_stream(endpoint, "it is longer than 8 MiB")),
            Ok(None) => break,
            Err(failure) => {
                let what = mesoclaw_api::error::chain(&failure.without_url());
                return Err(error::of_stream(endpoint, &what));
            }
        }
    }
    if status != 200 {
        return Err(error::of_status(endpoint, "", status, &headers, &body));
    }
    serde_json::from_slice(&body)
        .map_err(|failure| error::of_stream(endpoint, &format!("it is not JSON ({failure})")))
}

#[cfg(test)]
mod tests;
