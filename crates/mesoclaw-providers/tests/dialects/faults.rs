//! Bad days: silence, cuts, odd bytes.

use std::time::Duration;

use futures_util::StreamExt as _;
use mesoclaw_agent::model::{ModelDelta, ModelErrorKind as Kind, StopReason};
use mesoclaw_providers::{Endpoint, client};
use mesoclaw_testkit::model_server::{Ending, LineEnding, Script, Step};

use crate::case::{Outcome, Result, same};
use crate::spoken::{Answer, HOUR_MS, Spoken, gather, prompt, said};

/// Characters of one to four bytes.
const MANY_BYTES: &str = "aé漢🦀 ñ—\u{301}e\u{301}";

pub async fn cancel(spoken: Spoken) -> Result {
    let server = spoken
        .server(Script::always([said("a"), Step::Stall(HOUR_MS)]))
        .await;
    let mut stream = spoken.stream(&server, prompt("Hi"));
    let first = stream.next().await;
    same(&first, &Some(Ok(ModelDelta::Text("a".to_owned()))))?;
    drop(stream);
    let last = server.requests().len() - 1;
    same(&server.wait_for_ending(last).await, &Ending::ClientGone)
}

/// What is left of an answer with this at its end.
async fn broken(spoken: Spoken, fault: Step, kind: Kind) -> Result {
    let answer = spoken.played([said("one "), said("two"), fault]).await;
    same(&(answer.text.as_str(), answer.stop), &("one two", None))?;
    same(&answer.error.map(|error| error.kind), &Some(kind))
}

pub async fn error_in_stream(spoken: Spoken) -> Result {
    broken(spoken, Step::StreamError(529), Kind::Server).await
}

pub async fn cut_mid_event(spoken: Spoken) -> Result {
    broken(spoken, Step::CutMidEvent, Kind::BrokenStream).await
}

pub async fn cut(spoken: Spoken) -> Result {
    broken(spoken, Step::Cut, Kind::BrokenStream).await
}

pub async fn ended(spoken: Spoken) -> Result {
    broken(spoken, Step::End, Kind::BrokenStream).await
}

pub async fn bad_json(spoken: Spoken) -> Result {
    broken(spoken, Step::BadJson, Kind::BrokenStream).await
}

/// An answer under time-outs of these milliseconds, and how the server saw its end.
async fn watched(
    spoken: Spoken,
    steps: Vec<Step>,
    first_ms: u64,
    idle_ms: u64,
) -> (Answer, Ending) {
    let server = spoken.server(Script::always(steps)).await;
    let endpoint = Endpoint {
        first_token_timeout: Duration::from_millis(first_ms),
        idle_timeout: Duration::from_millis(idle_ms),
        ..spoken.endpoint(&server)
    };
    let answer = gather(client(endpoint).unwrap().stream(prompt("Hi"))).await;
    let last = server.requests().len() - 1;
    (answer, server.wait_for_ending(last).await)
}

pub async fn stall_first(spoken: Spoken) -> Result {
    for step in [Step::Delay(HOUR_MS), Step::Stall(HOUR_MS)] {
        let (answer, ending) = watched(spoken, vec![step], 300, 20_000).await;
        let found = answer.error.map(|error| error.kind);
        same(
            &(answer.text.as_str(), found, ending),
            &("", Some(Kind::Timeout), Ending::ClientGone),
        )?;
    }
    Ok(Outcome::Passes)
}

pub async fn stall_idle(spoken: Spoken) -> Result {
    let steps = vec![said("one "), said("two"), Step::Stall(HOUR_MS)];
    let (answer, ending) = watched(spoken, steps, 20_000, 300).await;
    let found = answer.error.map(|error| error.kind);
    same(
        &(answer.text.as_str(), found, ending),
        &("one two", Some(Kind::Timeout), Ending::ClientGone),
    )
}

/// An answer with everything in it, from a script that is sent in this way.
async fn sent(spoken: Spoken, way: impl FnOnce(Script) -> Script) -> Result {
    let script = Script::always([
        Step::Reasoning(MANY_BYTES.to_owned()),
        said(MANY_BYTES),
        said(" end"),
        Step::tool_call("call_1", "files", &serde_json::json!({"path": MANY_BYTES})),
    ]);
    let server = spoken.server(way(script)).await;
    let answer = spoken.answer(&server).await;
    same(&answer.error, &None)?;
    same(&answer.reasoning.as_str(), &MANY_BYTES)?;
    same(&answer.text, &format!("{MANY_BYTES} end"))?;
    let arguments = answer.calls.first().map(|call| call.arguments.clone());
    let arguments = arguments.and_then(|text| serde_json::from_str(&text).ok());
    same(&arguments, &Some(serde_json::json!({"path": MANY_BYTES})))?;
    same(&answer.stop, &Some(StopReason::ToolCalls))
}

pub async fn every_byte(spoken: Spoken) -> Result {
    for size in [1, 2, 3] {
        sent(spoken, |script| Script {
            split_bytes: Some(size),
            ..script
        })
        .await?;
    }
    Ok(Outcome::Passes)
}

pub async fn crlf(spoken: Spoken) -> Result {
    for size in [None, Some(1)] {
        sent(spoken, |script| Script {
            line_ending: LineEnding::Crlf,
            split_bytes: size,
            ..script
        })
        .await?;
    }
    Ok(Outcome::Passes)
}

/// An answer with this before, between and after its words.
async fn between(spoken: Spoken, step: Step) -> Result {
    let answer = spoken
        .played([
            step.clone(),
            said("one "),
            step.clone(),
            step.clone(),
            said("two"),
            step,
        ])
        .await;
    same(&answer.error, &None)?;
    same(
        &(answer.text.as_str(), answer.stop),
        &("one two", Some(StopReason::End)),
    )
}

pub async fn keep_alives(spoken: Spoken) -> Result {
    between(spoken, Step::KeepAlive).await
}

pub async fn unknown_events(spoken: Spoken) -> Result {
    between(spoken, Step::UnknownEvent).await
}
