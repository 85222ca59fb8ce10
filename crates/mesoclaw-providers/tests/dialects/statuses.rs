//! What a status means, with the error object of each maker.

use std::time::Duration;

use mesoclaw_agent::model::ModelErrorKind as Kind;
use mesoclaw_api::Secret;
use mesoclaw_providers::{Dialect, Endpoint, client, list_models, probe};
use mesoclaw_testkit::model_server::{Script, ServerKind, Step};

use crate::case::{Outcome, Result, same};
use crate::spoken::{Spoken, gather, prompt};

async fn status(spoken: Spoken, code: u16, kind: Kind) -> Result {
    let answer = spoken.played([Step::status(code)]).await;
    let found = answer.error.as_ref().map(|error| error.kind);
    same(&found, &Some(kind))?;
    same(&(answer.text.as_str(), answer.stop), &("", None))
}

pub async fn bad_request(spoken: Spoken) -> Result {
    status(spoken, 400, Kind::Rejected).await
}

pub async fn unauthorized(spoken: Spoken) -> Result {
    status(spoken, 401, Kind::Auth).await
}

/// The maker's own answer to a key that is not the right one (Gemini: a 400).
pub async fn wrong_key(spoken: Spoken) -> Result {
    let server = spoken.server(Script::text("a")).await;
    for key in [Some("sk-wrong"), None] {
        let endpoint = Endpoint {
            api_key: key.map(|key| Secret::new(key.to_owned())),
            ..spoken.endpoint(&server)
        };
        let stream = client(endpoint).unwrap().stream(prompt("Hi"));
        let error = gather(stream).await.error;
        same(&error.as_ref().map(|error| error.kind), &Some(Kind::Auth))?;
        let shown = error.map(|error| error.message).unwrap_or_default();
        same(&shown.contains("sk-wrong"), &false)?;
    }
    Ok(Outcome::Passes)
}

pub async fn payment(spoken: Spoken) -> Result {
    let answer = spoken.played([Step::status(402)]).await;
    let error = answer.error.as_ref();
    same(&error.map(|error| error.kind), &Some(Kind::Payment))?;
    let hint = error.and_then(|error| error.hint.clone());
    let expected = "the account at `test` has nothing left to pay with: check its balance and \
                    limits there";
    same(&hint.as_deref(), &Some(expected))
}

pub async fn forbidden(spoken: Spoken) -> Result {
    status(spoken, 403, Kind::Auth).await
}

pub async fn not_found(spoken: Spoken) -> Result {
    status(spoken, 404, Kind::ModelNotFound).await
}

pub async fn timed_out(spoken: Spoken) -> Result {
    status(spoken, 408, Kind::Timeout).await
}

pub async fn rate_limited(spoken: Spoken) -> Result {
    let answer = spoken
        .played([Step::Status {
            code: 429,
            body: None,
            retry_after: Some("7".to_owned()),
            location: None,
        }])
        .await;
    let found = answer.error.map(|error| (error.kind, error.retry_after));
    let expected = (Kind::RateLimited, Some(Duration::from_secs(7)));
    same(&found, &Some(expected))
}

pub async fn server_error(spoken: Spoken) -> Result {
    status(spoken, 500, Kind::Server).await
}

pub async fn unavailable(spoken: Spoken) -> Result {
    status(spoken, 503, Kind::Server).await
}

pub async fn overloaded(spoken: Spoken) -> Result {
    status(spoken, 529, Kind::Server).await
}

pub async fn context_length(spoken: Spoken) -> Result {
    let answer = spoken.played([Step::ContextLength]).await;
    let kind = answer.error.map(|error| error.kind);
    match spoken.dialect {
        Dialect::Anthropic | Dialect::Gemini | Dialect::Cohere | Dialect::Ollama => {
            same(&kind, &Some(Kind::Rejected))?;
            Ok(Outcome::NotSpoken(
                "no code of its own: a rejection (see the classes of errors)",
            ))
        }
        Dialect::OpenAiChat | Dialect::OpenAiResponses | Dialect::Azure | Dialect::Local => {
            same(&kind, &Some(Kind::ContextLength))
        }
    }
}

pub async fn listed(spoken: Spoken) -> Result {
    let server = spoken
        .server(Script {
            server: if spoken.dialect == Dialect::Cohere {
                ServerKind::Cohere
            } else {
                ServerKind::Any
            },
            models: vec!["b".to_owned(), "a".to_owned()],
            ..Script::default()
        })
        .await;
    let listed = list_models(&spoken.endpoint(&server)).await;
    if spoken.dialect == Dialect::Azure {
        same(&listed.map_err(|error| error.kind), &Err(Kind::Capability))?;
        return Ok(Outcome::NotSpoken("a key opens no list of deployments"));
    }
    let ids = listed.map(|models| models.into_iter().map(|model| model.id).collect::<Vec<_>>());
    same(&ids, &Ok(vec!["a".to_owned(), "b".to_owned()]))
}

pub async fn tried(spoken: Spoken) -> Result {
    let server = spoken.server(Script::text("Hello.")).await;
    let found = probe(&spoken.endpoint(&server), "test-model")
        .await
        .unwrap();
    same(&found.outcome, &Ok(()))?;
    same(&found.usage.is_some(), &true)?;
    same(&server.refusals(), &Vec::new())
}
