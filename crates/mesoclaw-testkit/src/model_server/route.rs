//! Which path leads where, and who may go there.

use axum::http::{HeaderMap, Method, Uri, header};
use serde_json::Value;

use super::script::Script;
use super::server_kind::ServerKind;
use super::wire::{WireKind, ollama_show, probe};

/// What a request asks for.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Target {
    /// An answer of the model; the path may name the model, and say whether it is a stream.
    Answer {
        model: Option<String>,
        is_stream: Option<bool>,
    },
    /// The list of models.
    Models,
    /// What Ollama knows of the model that the body names.
    Show,
    /// Something that the server says about itself.
    Said(Value),
    /// A path that is not there.
    Unknown,
}

/// A request's way: the format of its answer, the maker whose key it needs, what it asks for.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Route {
    pub(super) kind: WireKind,
    pub(super) keys: WireKind,
    pub(super) target: Target,
}

impl Route {
    fn new(kind: WireKind, target: Target) -> Self {
        Self {
            kind,
            keys: kind,
            target,
        }
    }

    fn answer(kind: WireKind) -> Self {
        let (model, is_stream) = (None, None);
        Self::new(kind, Target::Answer { model, is_stream })
    }

    /// Finds the way of a request.
    pub(super) fn of(script: &Script, method: &Method, uri: &Uri, headers: &HeaderMap) -> Self {
        let path = uri.path();
        let found = match *method {
            Method::POST => Self::post(script.server, path, uri.query().unwrap_or_default()),
            Method::GET => Self::get(script, path, headers),
            _ => None,
        };
        found.unwrap_or_else(|| Self::new(maker_of(path, headers), Target::Unknown))
    }

    fn post(server: ServerKind, path: &str, query: &str) -> Option<Self> {
        let is_any = server == ServerKind::Any;
        let has_own = matches!(server, ServerKind::Any | ServerKind::Ollama);
        match path {
            "/v1/chat/completions" if server != ServerKind::Cohere => {
                Some(Self::answer(WireKind::OpenAiChat))
            }
            "/v1/responses" if server != ServerKind::Cohere => {
                Some(Self::answer(WireKind::OpenAiResponses))
            }
            "/v1/messages" if is_any => Some(Self::answer(WireKind::Anthropic)),
            "/v2/chat" if is_any || server == ServerKind::Cohere => {
                Some(Self::answer(WireKind::Cohere))
            }
            "/api/chat" if has_own => Some(Self::answer(WireKind::Ollama)),
            "/api/show" if has_own => Some(Self::new(WireKind::Ollama, Target::Show)),
            "/openai/v1/chat/completions" if is_any => Some(Self::answer(WireKind::Azure)),
            "/openai/v1/responses" if is_any => Some(Self {
                keys: WireKind::Azure,
                ..Self::answer(WireKind::OpenAiResponses)
            }),
            _ if is_any => Self::gemini(path, query).or_else(|| Self::deployment(path, query)),
            _ => None,
        }
    }

    fn gemini(path: &str, query: &str) -> Option<Self> {
        let (model, method) = path.strip_prefix("/v1beta/models/")?.split_once(':')?;
        let is_stream = match method {
            // Without this the maker sends no stream of events but one JSON array; here it is one
            // answer, which no client of events can take for a stream either.
            "streamGenerateContent" => query.split('&').any(|pair| pair == "alt=sse"),
            "generateContent" => false,
            _ => return None,
        };
        let target = Target::Answer {
            model: Some(model.to_owned()),
            is_stream: Some(is_stream),
        };
        Some(Self::new(WireKind::Gemini, target))
    }

    /// Azure's older form: the path names the deployment, the query the version of the API.
    fn deployment(path: &str, query: &str) -> Option<Self> {
        let rest = path.strip_prefix("/openai/deployments/")?;
        let deployment = rest.strip_suffix("/chat/completions")?;
        let has_version = query.split('&').any(|pair| {
            let version = pair.strip_prefix("api-version=");
            version.is_some_and(|version| !version.is_empty())
        });
        let target = Target::Answer {
            model: Some(deployment.to_owned()),
            is_stream: None,
        };
        has_version.then(|| Self::new(WireKind::Azure, target))
    }

    fn get(script: &Script, path: &str, headers: &HeaderMap) -> Option<Self> {
        if let Some(said) = probe(script, path) {
            // Ollama's list of models is what a script can let fail.
            let target = match path {
                "/api/tags" => Target::Models,
                _ => Target::Said(said),
            };
            return Some(Self::new(maker_of(path, headers), target));
        }
        let is_any = script.server == ServerKind::Any;
        let kind = match path {
            "/v1/models" if script.server == ServerKind::Cohere => WireKind::Cohere,
            "/v1/models" if is_any && is_anthropic(headers) => WireKind::Anthropic,
            "/v1/models" => WireKind::OpenAiChat,
            "/v1beta/models" if is_any => WireKind::Gemini,
            "/openai/v1/models" if is_any => WireKind::Azure,
            _ => return None,
        };
        Some(Self::new(kind, Target::Models))
    }

    /// Refuses a request without the right key, with a status and the maker's error object.
    pub(super) fn admit(
        &self,
        script: &Script,
        headers: &HeaderMap,
        query: &str,
    ) -> Result<(), (u16, Value)> {
        let given = given_key(self.keys, headers, query);
        let is_hosted = matches!(
            self.keys,
            WireKind::Anthropic | WireKind::Gemini | WireKind::Azure
        );
        match (&script.api_key, given) {
            (Some(wanted), Some(given)) if *wanted == given => {}
            (Some(_), Some(_)) => return Err(self.keys.wrong_key()),
            (None, Some(_)) => {}
            (None, None) if !is_hosted => {}
            (_, None) => return Err(self.keys.no_key()),
        }
        if self.kind == WireKind::Anthropic && !headers.contains_key("anthropic-version") {
            let refusal = super::check::Refusal::new("anthropic-version: header is required");
            return Err((400, self.kind.refused(&refusal)));
        }
        Ok(())
    }
}

/// The key of a request, from where its maker wants it.
fn given_key(keys: WireKind, headers: &HeaderMap, query: &str) -> Option<String> {
    let text = |name: &str| {
        let value = headers.get(name)?.to_str().ok()?;
        Some(value.to_owned())
    };
    let bearer = || {
        let value = text(header::AUTHORIZATION.as_str())?;
        value.strip_prefix("Bearer ").map(str::to_owned)
    };
    match keys {
        WireKind::Anthropic => text("x-api-key"),
        WireKind::Gemini => text("x-goog-api-key").or_else(|| {
            let mut pairs = query.split('&');
            pairs.find_map(|pair| pair.strip_prefix("key=").map(str::to_owned))
        }),
        WireKind::Azure => text("api-key").or_else(bearer),
        WireKind::OpenAiChat | WireKind::OpenAiResponses | WireKind::Cohere | WireKind::Ollama => {
            bearer()
        }
    }
}

fn is_anthropic(headers: &HeaderMap) -> bool {
    headers.contains_key("x-api-key") || headers.contains_key("anthropic-version")
}

/// Whose error a path gets that is not there.
fn maker_of(path: &str, headers: &HeaderMap) -> WireKind {
    let begins = |prefix: &str| path.starts_with(prefix);
    if begins("/v1beta/") {
        WireKind::Gemini
    } else if begins("/v2/") {
        WireKind::Cohere
    } else if begins("/openai/") {
        WireKind::Azure
    } else if begins("/api/") {
        WireKind::Ollama
    } else if is_anthropic(headers) {
        WireKind::Anthropic
    } else {
        WireKind::OpenAiChat
    }
}

/// What Ollama says of the model that the body names, with a status.
pub(super) fn show(script: &Script, body: &Value) -> (u16, Value) {
    let model = body["model"].as_str().or(body["name"].as_str());
    let is_known = model.is_some_and(|model| script.model_ids().iter().any(|id| id == model));
    if is_known {
        (200, ollama_show(script))
    } else {
        (
            404,
            unknown_model(WireKind::Ollama, model.unwrap_or_default()),
        )
    }
}

/// The maker's error object for a model it does not have.
pub(super) fn unknown_model(kind: WireKind, model: &str) -> Value {
    let message = match kind {
        WireKind::Ollama => format!("model '{model}' not found"),
        WireKind::Anthropic => format!("model: {model}"),
        WireKind::Gemini => format!(
            "models/{model} is not found for API version v1beta, or is not supported for \
             generateContent. Call ListModels to see the list of available models and their \
             supported methods."
        ),
        WireKind::Cohere => {
            format!("model '{model}' not found, make sure the correct model ID was used")
        }
        WireKind::OpenAiChat | WireKind::OpenAiResponses => {
            format!("The model `{model}` does not exist or you do not have access to it.")
        }
        WireKind::Azure => return kind.error(404, None),
    };
    let mut error = kind.error(404, None);
    let place = match kind {
        WireKind::Cohere => error.pointer_mut("/message"),
        WireKind::Ollama => error.pointer_mut("/error"),
        _ => error.pointer_mut("/error/message"),
    };
    if let Some(place) = place {
        *place = message.into();
    }
    error
}
