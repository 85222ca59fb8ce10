//! Answers that go well.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mesoclaw_agent::model::{Image, ModelCall, ModelMessage, ModelRequest, StopReason};
use mesoclaw_api::Usage;
use mesoclaw_providers::{Dialect, Endpoint, client};
use mesoclaw_testkit::model_server::{CallScript, Reply, Script, Step, Stop};
use serde_json::{Value, json};

use crate::case::{Outcome, Result, same};
use crate::spoken::{Answer, Spoken, gather, prompt, prompt_with_tool, said, user};

pub async fn plain(spoken: Spoken) -> Result {
    let answer = spoken
        .played([said("one "), said("two "), said("three")])
        .await;
    let usage = answer.usage;
    same(&usage.map(|usage| usage.model_calls), &Some(1))?;
    let expected = Answer {
        text: "one two three".to_owned(),
        stop: Some(StopReason::End),
        usage,
        ..Answer::default()
    };
    same(&answer, &expected)
}

pub async fn history(spoken: Spoken) -> Result {
    let server = spoken.server(Script::always([Step::Echo])).await;
    let request = ModelRequest {
        messages: vec![
            user("first"),
            ModelMessage::Assistant {
                text: "second".to_owned(),
                calls: Vec::new(),
            },
            user("third"),
        ],
        ..prompt("")
    };
    let answer = gather(spoken.stream(&server, request)).await;
    let body = last_body(&server.requests()[..]);
    for text in ["Be brief.", "first", "second", "third"] {
        same(&body.contains(text), &true)?;
    }
    same(&server.refusals(), &Vec::new())?;
    same(&answer.text, &"third".to_owned())
}

fn last_body(requests: &[mesoclaw_testkit::model_server::RecordedRequest]) -> String {
    requests
        .last()
        .map(|request| request.body.to_string())
        .unwrap_or_default()
}

fn call(index: u32, id: &str, pieces: &[&str]) -> CallScript {
    CallScript {
        index,
        id: id.to_owned(),
        name: "files".to_owned(),
        arguments: pieces.iter().map(|piece| (*piece).to_owned()).collect(),
    }
}

/// The answer of the model as a later prompt has it. A provider that gives no ids gets ours.
fn remembered(answer: &Answer) -> ModelMessage {
    ModelMessage::Assistant {
        text: answer.text.clone(),
        calls: answer
            .calls
            .iter()
            .enumerate()
            .map(|(n, call)| ModelCall {
                call_id: id_of(n, &call.id).as_str().into(),
                tool: call.name.clone(),
                args: serde_json::from_str(&call.arguments)
                    .unwrap_or_else(|_| Value::from(call.arguments.as_str())),
                signature: call.signature.clone(),
            })
            .collect(),
    }
}

fn id_of(n: usize, id: &str) -> String {
    if id.is_empty() {
        format!("own_{n}")
    } else {
        id.to_owned()
    }
}

/// A round with these calls: the calls arrive, their results go back, the server takes them.
async fn round(spoken: Spoken, calls: Vec<CallScript>) -> std::result::Result<Answer, String> {
    let server = spoken
        .server(Script::replies([
            Reply::new([Step::ToolCalls(calls)]),
            Reply::text("done"),
        ]))
        .await;
    let request = prompt_with_tool("Read.");
    let answer = gather(spoken.stream(&server, request.clone())).await;
    let mut messages = request.messages.clone();
    messages.push(remembered(&answer));
    for (n, call) in answer.calls.iter().enumerate() {
        messages.push(ModelMessage::ToolResult {
            call_id: id_of(n, &call.id).as_str().into(),
            tool: call.name.clone(),
            output: format!("result {n}"),
        });
    }
    let request = ModelRequest {
        messages,
        ..request
    };
    let last = gather(spoken.stream(&server, request)).await;
    same(&server.refusals(), &Vec::new())?;
    same(&last.text, &"done".to_owned())?;
    let body = last_body(&server.requests()[..]);
    for n in 0..answer.calls.len() {
        same(&body.contains(&format!("result {n}")), &true)?;
    }
    Ok(answer)
}

/// Name, arguments and end of an answer that only calls.
fn called(answer: &Answer) -> (Vec<(String, Option<Value>)>, Option<StopReason>) {
    let calls = answer.calls.iter().map(|call| {
        let arguments = serde_json::from_str(&call.arguments).ok();
        (call.name.clone(), arguments)
    });
    (calls.collect(), answer.stop)
}

pub async fn tool_round(spoken: Spoken) -> Result {
    let answer = round(spoken, vec![call(0, "call_1", &["{\"path\":", "\"a\"}"])]).await?;
    let calls = vec![("files".to_owned(), Some(json!({"path": "a"})))];
    same(&called(&answer), &(calls, Some(StopReason::ToolCalls)))
}

pub async fn parallel_tools(spoken: Spoken) -> Result {
    let scripted = vec![
        call(0, "call_1", &["{\"path\":", "\"a\"}"]),
        call(1, "call_2", &["{\"path\"", ":\"b\"}"]),
    ];
    let answer = round(spoken, scripted).await?;
    let calls = ["a", "b"].map(|path| ("files".to_owned(), Some(json!({"path": path}))));
    same(
        &called(&answer),
        &(calls.to_vec(), Some(StopReason::ToolCalls)),
    )
}

pub async fn image(spoken: Spoken) -> Result {
    let server = spoken.server(Script::text("A dot.")).await;
    let data: Arc<[u8]> = b"\x89PNG\r\n\x1a\nnot a real one"[..].into();
    let request = ModelRequest {
        messages: vec![ModelMessage::User {
            text: "What is it?".to_owned(),
            images: vec![Image {
                media_type: "image/png".to_owned(),
                data: Arc::clone(&data),
            }],
        }],
        ..prompt("")
    };
    let answer = gather(spoken.stream(&server, request)).await;
    same(&server.refusals(), &Vec::new())?;
    same(&answer.text, &"A dot.".to_owned())?;
    let body = last_body(&server.requests()[..]);
    same(&body.contains(&STANDARD.encode(&data)), &true)?;
    same(&body.contains("What is it?"), &true)
}

pub async fn reasoning(spoken: Spoken) -> Result {
    let thought = |text: &str| Step::Reasoning(text.to_owned());
    let answer = spoken
        .played([thought("hm, "), thought("yes"), said("Yes.")])
        .await;
    same(
        &(answer.reasoning.as_str(), answer.text.as_str()),
        &("hm, yes", "Yes."),
    )
}

/// The usage of an answer whose provider counted all of this.
async fn counted(spoken: Spoken) -> Option<Usage> {
    let answer = spoken
        .played([
            said("a"),
            Step::Usage {
                prompt_tokens: 100,
                completion_tokens: 20,
                cached_tokens: 64,
            },
            Step::UsageDetails {
                reasoning_tokens: 8,
                cache_write_tokens: 16,
            },
        ])
        .await;
    answer.usage
}

pub async fn usage(spoken: Spoken) -> Result {
    let usage = counted(spoken).await.unwrap_or_default();
    same(
        &(usage.input_tokens, usage.output_tokens, usage.model_calls),
        &(100, 20, 1),
    )
}

pub async fn usage_cached(spoken: Spoken) -> Result {
    if spoken.dialect == Dialect::Ollama {
        return Ok(Outcome::NotSpoken("not told"));
    }
    same(
        &counted(spoken).await.unwrap_or_default().cached_tokens,
        &64,
    )
}

pub async fn usage_cache_written(spoken: Spoken) -> Result {
    match spoken.dialect {
        Dialect::Anthropic => {
            let usage = counted(spoken).await.unwrap_or_default();
            same(&usage.cache_write_tokens, &16)
        }
        _ => Ok(Outcome::NotSpoken("not told")),
    }
}

pub async fn usage_reasoning(spoken: Spoken) -> Result {
    if matches!(spoken.dialect, Dialect::Cohere | Dialect::Ollama) {
        return Ok(Outcome::NotSpoken("not told"));
    }
    same(
        &counted(spoken).await.unwrap_or_default().reasoning_tokens,
        &8,
    )
}

async fn stopped(spoken: Spoken, stop: Stop) -> Option<StopReason> {
    let word = spoken.wire.stop_word(stop).to_owned();
    spoken.played([said("a"), Step::Finish(word)]).await.stop
}

pub async fn stop_end(spoken: Spoken) -> Result {
    same(&stopped(spoken, Stop::End).await, &Some(StopReason::End))
}

pub async fn stop_length(spoken: Spoken) -> Result {
    same(
        &stopped(spoken, Stop::Length).await,
        &Some(StopReason::Length),
    )
}

pub async fn stop_filtered(spoken: Spoken) -> Result {
    match spoken.dialect {
        Dialect::Cohere | Dialect::Ollama => Ok(Outcome::NotSpoken("no word for it")),
        _ => same(
            &stopped(spoken, Stop::Filter).await,
            &Some(StopReason::Filtered),
        ),
    }
}

pub async fn stop_calls(spoken: Spoken) -> Result {
    let answer = spoken
        .played([
            Step::ToolCall(call(0, "call_1", &["{\"path\":\"a\"}"])),
            Step::Finish(spoken.wire.stop_word(Stop::Calls).to_owned()),
        ])
        .await;
    same(&answer.stop, &Some(StopReason::ToolCalls))
}

pub async fn bad_arguments(spoken: Spoken) -> Result {
    let broken = "{\"path\": nonsense";
    let answer = spoken
        .played([Step::ToolCall(call(0, "call_1", &[broken]))])
        .await;
    let arguments = answer.calls.first().map(|call| call.arguments.as_str());
    // Where arguments are objects, the text that is none arrives as a JSON text: both are no
    // object, and the turn says so to the model.
    let is_object = arguments
        .and_then(|arguments| serde_json::from_str::<Value>(arguments).ok())
        .is_some_and(|arguments| arguments.is_object());
    same(&is_object, &false)?;
    same(
        &arguments.is_some_and(|text| text.contains("nonsense")),
        &true,
    )?;
    same(&answer.error, &None)?;
    same(&answer.stop, &Some(StopReason::ToolCalls))
}

pub async fn ten_megabytes(spoken: Spoken) -> Result {
    const COUNT: u64 = 10 * 1024;
    let answer = spoken
        .played([Step::Tokens {
            count: COUNT,
            per_second: None,
            text: Some("x".repeat(1024)),
        }])
        .await;
    same(&answer.text.len(), &(10 * 1024 * 1024))?;
    same(&answer.stop, &Some(StopReason::End))
}

/// Asks as the dialect does, but for no stream, and serves what came to one who wants a stream.
pub async fn in_one_piece(spoken: Spoken) -> Result {
    let server = spoken
        .server(Script::always([said("one "), said("two")]))
        .await;
    spoken.answer(&server).await;
    let asked = server.requests().pop().unwrap();
    let mut body = asked.body.clone();
    // Gemini says it in the path, all others in the body.
    let path = asked
        .path
        .replace("streamGenerateContent", "generateContent");
    if path == asked.path {
        body["stream"] = false.into();
    }
    let query = asked.query.replace("alt=sse", "");
    let url = format!("http://{}{path}?{query}", server.addr());
    let mut request = reqwest::Client::new().post(url).body(body.to_string());
    for (name, value) in &asked.headers {
        if !matches!(name.as_str(), "host" | "content-length" | "accept") {
            request = request.header(name, value);
        }
    }
    let whole = request.send().await.unwrap().bytes().await.unwrap();
    let whole: Value = serde_json::from_slice(&whole).unwrap();
    let answer = spoken.played([Step::status_with(200, whole)]).await;
    same(&answer.error, &None)?;
    same(
        &(answer.text.as_str(), answer.stop),
        &("one two", Some(StopReason::End)),
    )?;
    same(&answer.usage.is_some(), &true)
}

pub async fn addresses(spoken: Spoken) -> Result {
    let paths: &[&str] = match spoken.dialect {
        Dialect::OpenAiChat | Dialect::OpenAiResponses | Dialect::Local => &["/v1", "/v1/"],
        Dialect::Anthropic | Dialect::Ollama => &["", "/", "/v1", "/v1/"],
        Dialect::Gemini => &["/v1beta", "/v1beta/"],
        Dialect::Cohere => &["", "/", "/v2", "/v2/"],
        Dialect::Azure => &["", "/", "/openai", "/openai/v1", "/openai/v1/"],
    };
    for path in paths {
        let server = spoken.server(Script::text("a")).await;
        let endpoint = Endpoint {
            base_url: format!("http://{}{path}", server.addr()),
            ..spoken.endpoint(&server)
        };
        let stream = client(endpoint).unwrap().stream(prompt("Hi"));
        let answer = gather(stream).await;
        same(
            &(path, answer.text.as_str(), answer.error),
            &(path, "a", None),
        )?;
    }
    Ok(Outcome::Passes)
}
