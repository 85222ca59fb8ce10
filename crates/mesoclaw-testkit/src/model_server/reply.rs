//! Answers one request: the way it takes, the key, what its maker would refuse, then its reply.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use serde_json::Value;

use super::answer::{Answer, Broken};
use super::body::{cut, fixed, set, streamed};
use super::echo::last_text;
use super::obedient::Obedience;
use super::player::{self, Player};
use super::record::{Ending, RecordedRequest, Records};
use super::route::{Route, Target, show, unknown_model};
use super::script::{Reply, Script, Step};
use super::wire::{Asked, WireKind};

/// What all requests of one server share.
pub(super) struct Shared {
    pub(super) script: Script,
    pub(super) records: Arc<Records>,
    pub(super) n_replies: AtomicUsize,
    pub(super) n_connections: AtomicUsize,
    pub(super) obedience: Obedience,
}

/// Answers a request.
pub(super) async fn handle(shared: Arc<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(bytes) = axum::body::to_bytes(body, usize::MAX).await else {
        return fixed(400, &WireKind::OpenAiChat.error(400, None), None);
    };
    let body = read_body(&bytes);
    let query = parts.uri.query().unwrap_or_default();
    let n_request = shared.records.push(RecordedRequest {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: query.to_owned(),
        headers: headers(&parts.headers),
        body: body.clone(),
        body_bytes: bytes.len(),
        refusal: None,
        arrived: Instant::now(),
        first_content: None,
        ending: None,
        ended: None,
    });
    let waiting = Waiting {
        records: Arc::clone(&shared.records),
        n_request,
        is_armed: true,
    };
    let route = Route::of(&shared.script, &parts.method, &parts.uri, &parts.headers);
    let (response, ending) = match route.admit(&shared.script, &parts.headers, query) {
        Ok(()) => respond(&shared, route, body, n_request).await,
        Err((status, error)) => (fixed(status, &error, None), Some(Ending::Complete)),
    };
    waiting.disarm();
    if let Some(ending) = ending {
        player::end(&shared.records, n_request, ending);
    }
    response
}

/// The response, and how it ended; `None` where the player of a stream will say it.
type Responded = (Response, Option<Ending>);

fn complete(status: u16, body: &Value) -> Responded {
    (fixed(status, body, None), Some(Ending::Complete))
}

async fn respond(shared: &Arc<Shared>, route: Route, body: Value, n_request: usize) -> Responded {
    let kind = route.kind;
    match route.target {
        Target::Answer { model, is_stream } => {
            let named = model.or_else(|| body["model"].as_str().map(str::to_owned));
            let asked = Asked {
                n: n_request,
                model: named.unwrap_or_else(|| "test-model".to_owned()),
                body,
            };
            answer(shared, kind, asked, is_stream).await
        }
        Target::Models => {
            let script = &shared.script;
            let mut reply = script.models_reply.clone().unwrap_or_default();
            match begin(script, kind, &mut reply).await {
                Some(response) => (response, Some(Ending::Complete)),
                None => complete(200, &kind.models(script)),
            }
        }
        Target::Show => {
            let (status, said) = show(&shared.script, &body);
            complete(status, &said)
        }
        Target::Said(said) => complete(200, &said),
        Target::Unknown => complete(404, &kind.not_found()),
    }
}

async fn answer(
    shared: &Arc<Shared>,
    kind: WireKind,
    asked: Asked,
    is_stream: Option<bool>,
) -> Responded {
    let (script, n_request) = (&shared.script, asked.n);
    if let Err((status, error)) = accept(shared, kind, &asked) {
        return complete(status, &error);
    }
    let obeyed = script
        .is_obedient
        .then(|| shared.obedience.next(&asked.body))
        .flatten();
    let mut reply =
        obeyed.unwrap_or_else(|| script.reply(shared.n_replies.fetch_add(1, Ordering::Relaxed)));
    if let Some(response) = begin(script, kind, &mut reply).await {
        return (response, Some(Ending::Complete));
    }
    let echo = last_text(kind, &asked.body);
    let mut writer = kind.writer(&asked);
    if is_stream.unwrap_or_else(|| kind.wants_stream(&asked.body)) {
        let records = Arc::clone(&shared.records);
        let player = Player::new(writer, reply, echo, script.line_ending, records, n_request);
        return (streamed(player, script.split_bytes), None);
    }
    let answer = match Answer::gather(reply, &echo).await {
        Ok(answer) => answer,
        Err(Broken::Cut) => return (cut(), Some(Ending::Cut)),
        Err(Broken::Status(status)) => return complete(status, &kind.error(status, None)),
    };
    let now = Instant::now();
    shared
        .records
        .update(n_request, |request| request.first_content = Some(now));
    let whole = fixed(200, &writer.whole(&answer), script.split_bytes);
    (whole, Some(Ending::Complete))
}

/// Refuses what the maker would refuse, and models that are not there.
fn accept(shared: &Shared, kind: WireKind, asked: &Asked) -> Result<(), (u16, Value)> {
    let script = &shared.script;
    if script.is_lenient {
        return Ok(());
    }
    if let Err(refusal) = kind.check(&asked.body, script) {
        let error = kind.refused(&refusal);
        shared
            .records
            .update(asked.n, |request| request.refusal = Some(refusal.message));
        return Err((400, error));
    }
    let is_listed = script.model_ids().contains(&asked.model);
    let has_list =
        script.has_only_listed_models || (kind == WireKind::Ollama && !script.models.is_empty());
    if has_list && !is_listed {
        return Err((404, unknown_model(kind, &asked.model)));
    }
    Ok(())
}

/// Plays what comes before the first byte: delays, and a status that ends the answer.
async fn begin(script: &Script, kind: WireKind, reply: &mut Reply) -> Option<Response> {
    let mut steps = std::mem::take(&mut reply.steps).into_iter().peekable();
    while let Some(Step::Delay(ms)) = steps.peek() {
        tokio::time::sleep(Duration::from_millis(*ms)).await;
        steps.next();
    }
    match steps.peek() {
        Some(Step::ContextLength) => Some(fixed(400, &kind.context_length(script), None)),
        Some(Step::Status {
            code,
            body,
            retry_after,
            location,
        }) => {
            let default = || kind.error(*code, retry_after.as_deref());
            let body = body.clone().unwrap_or_else(default);
            let mut response = fixed(*code, &body, None);
            if let Some(wait) = retry_after {
                set(&mut response, header::RETRY_AFTER, wait);
            }
            if let Some(location) = location {
                set(&mut response, header::LOCATION, location);
            }
            Some(response)
        }
        _ => {
            reply.steps = steps.collect();
            None
        }
    }
}

/// Notes that the client went away before the answer began.
struct Waiting {
    records: Arc<Records>,
    n_request: usize,
    is_armed: bool,
}

impl Waiting {
    fn disarm(mut self) {
        self.is_armed = false;
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if self.is_armed {
            player::end(&self.records, self.n_request, Ending::ClientGone);
        }
    }
}

fn read_body(bytes: &Bytes) -> Value {
    if bytes.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(bytes)
        .unwrap_or_else(|_| Value::from(String::from_utf8_lossy(bytes).into_owned()))
}

fn headers(headers: &HeaderMap) -> std::collections::BTreeMap<String, String> {
    headers
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        })
        .collect()
}
