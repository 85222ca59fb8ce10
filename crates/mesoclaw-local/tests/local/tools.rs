//! Tool calls with the real model: always whole and valid, cancel, limits, cache, history.

use futures_util::StreamExt;
use mesoclaw_agent::model::{
    ModelCall, ModelClient, ModelDelta, ModelError, ModelMessage, ModelRequest, ModelStream,
    StopReason, ToolDefinition,
};
use mesoclaw_api::{CallId, Usage};
use mesoclaw_local::{FLOOR_MODEL, LocalEngine};
use serde_json::{Value, json};

use crate::support::{engine, home_with_model, request, until, user};
use crate::tool_prompts::{PromptSet, is_valid};

/// An answer with its calls.
#[derive(Debug)]
struct Called {
    text: String,
    calls: Vec<(String, Value)>,
    usage: Usage,
    stop: StopReason,
}

/// Reads an answer to its end; calls come whole, one delta each.
async fn read(mut stream: ModelStream) -> Result<Called, ModelError> {
    let mut called = Called {
        text: String::new(),
        calls: Vec::new(),
        usage: Usage::default(),
        stop: StopReason::Filtered,
    };
    while let Some(delta) = stream.next().await {
        match delta? {
            ModelDelta::Text(text) => {
                assert_eq!(called.calls, [], "text behind a call");
                called.text.push_str(&text);
            }
            ModelDelta::ToolCall {
                index,
                id,
                name,
                arguments,
            } => {
                assert_eq!((index as usize, id.as_str()), (called.calls.len(), ""));
                called
                    .calls
                    .push((name, serde_json::from_str(&arguments).unwrap()));
            }
            ModelDelta::Usage(usage) => called.usage = usage,
            ModelDelta::Stop(reason) => called.stop = reason,
            other => panic!("unexpected {other:?}"),
        }
    }
    Ok(called)
}

fn check(tools: &[ToolDefinition], called: &Called) {
    for (name, arguments) in &called.calls {
        let tool = tools.iter().find(|tool| tool.name == *name).unwrap();
        assert!(
            is_valid(&tool.parameters, &tool.parameters, arguments),
            "{name} {arguments}"
        );
    }
    for tag in ["<tool_call", "</tool_call"] {
        assert!(!called.text.contains(tag), "{called:?}");
    }
    match called.stop {
        StopReason::ToolCalls => assert_ne!(called.calls, []),
        StopReason::End => assert_eq!(called.calls, []),
        StopReason::Length => {}
        StopReason::Filtered => panic!("{called:?}"),
    }
}

fn read_file() -> ToolDefinition {
    ToolDefinition {
        name: "file_read".to_owned(),
        description: "Read a text file.".to_owned(),
        parameters: json!({
            "type": "object",
            "properties": {"path": {"type": "string"}},
            "required": ["path"],
        }),
    }
}

fn with_tool(question: &str) -> ModelRequest {
    let mut request = request(vec![user(question)]);
    request.tools = vec![read_file()];
    request
}

#[tokio::test]
async fn ten_of_the_fixed_prompts_give_whole_and_valid_calls() {
    let (_home, engine) = engine();
    let set = PromptSet::load().unwrap();
    assert_eq!(set.prompts.len(), 50);
    for prompt in &set.prompts {
        let offers = |name: &String| prompt.tools.contains(name);
        assert!(
            prompt.expected.as_ref().is_none_or(offers),
            "{}",
            prompt.text
        );
        assert_eq!(set.tools_of(prompt).len(), prompt.tools.len());
    }
    for prompt in set.prompts.iter().step_by(5) {
        let tools = set.tools_of(prompt);
        let mut request = set.request(prompt, FLOOR_MODEL);
        request.params.max_tokens = Some(16);
        let free = read(engine.stream(request.clone())).await.unwrap();
        check(&tools, &free);
        request.params.max_tokens = Some(40);
        let bound = read(engine.stream_call(request)).await.unwrap();
        check(&tools, &bound);
        assert_eq!(bound.text, "");
        assert!(
            bound.stop == StopReason::Length || !bound.calls.is_empty(),
            "{bound:?}"
        );
    }
}

#[tokio::test]
async fn sampled_calls_are_valid_at_any_temperature() {
    let (_home, engine) = engine();
    let set = PromptSet::load().unwrap();
    let prompt = &set.prompts[23];
    for seed in 0..2 {
        let mut request = set.request(prompt, FLOOR_MODEL);
        request.params.temperature = Some(2.0);
        request.params.seed = Some(seed);
        request.params.max_tokens = Some(120);
        let called = read(engine.stream_call(request)).await.unwrap();
        check(&set.tools_of(prompt), &called);
    }
}

#[tokio::test]
async fn model_that_may_call_can_answer_in_text() {
    let (_home, engine) = engine();
    let mut asked = with_tool("What is the capital of France?");
    asked.params.max_tokens = Some(24);
    let called = read(engine.stream(asked)).await.unwrap();
    check(&[read_file()], &called);
    assert_ne!(called.text, "");
}

#[tokio::test]
async fn cut_call_is_not_sent() {
    let (_home, engine) = engine();
    let mut asked = with_tool("Read notes.txt");
    asked.params.max_tokens = Some(8);
    let called = read(engine.stream_call(asked)).await.unwrap();
    assert_eq!((called.text.as_str(), called.calls), ("", Vec::new()));
    assert_eq!(
        (called.stop, called.usage.output_tokens),
        (StopReason::Length, 8)
    );
}

#[tokio::test]
async fn dropped_stream_stops_inside_a_call() {
    let (_home, engine) = engine();
    let mut asked = with_tool("Read notes.txt");
    // A path that cannot end soon keeps the engine inside the call.
    asked.tools[0].parameters["properties"]["path"] = json!({"type": "string", "minLength": 1500});
    asked.params.max_tokens = Some(1000);
    let stream = engine.stream_call(asked);
    until("some of the call was written", || {
        engine.stats().output_tokens > 20
    })
    .await;
    let before = engine.stats().output_tokens;
    drop(stream);
    until("the answer ended", || engine.stats().answers == 1).await;
    let after = engine.stats().output_tokens;
    assert!(
        after <= before + 2,
        "{before} tokens before the drop, {after} at the end"
    );
    let next = read(engine.stream_call(with_tool("Read notes.txt"))).await;
    check(&[read_file()], &next.unwrap());
}

#[tokio::test]
async fn result_of_a_tool_computes_only_what_is_new() {
    let (_home, engine) = engine();
    let asked = with_tool("Read the file notes.txt.");
    let first = read(engine.stream_call(asked.clone())).await.unwrap();
    assert_eq!(first.stop, StopReason::ToolCalls);
    let call_id = |number: usize| CallId::from(format!("c{number}"));
    let mut next = asked;
    next.messages.push(ModelMessage::Assistant {
        text: first.text.clone(),
        calls: first
            .calls
            .iter()
            .enumerate()
            .map(|(number, (tool, args))| ModelCall {
                call_id: call_id(number),
                tool: tool.clone(),
                args: args.clone(),
                signature: None,
            })
            .collect(),
    });
    for (number, (tool, _)) in first.calls.iter().enumerate() {
        next.messages.push(ModelMessage::ToolResult {
            call_id: call_id(number),
            tool: tool.clone(),
            output: "Buy milk.".to_owned(),
        });
    }
    let second = read(engine.stream(next)).await.unwrap();
    check(&[read_file()], &second);
    let first_tokens = first.usage.input_tokens + first.usage.output_tokens;
    // White space behind the last call may have been generated too; it is not part of the call.
    assert!(
        second.usage.cached_tokens + 3 >= first_tokens
            && second.usage.cached_tokens > first.usage.input_tokens + 10,
        "{first:?} {second:?}"
    );
}

#[tokio::test]
async fn call_from_a_tool_without_arguments_is_an_empty_object() {
    let (_home, options) = home_with_model();
    let engine = LocalEngine::new(options);
    let mut asked = request(vec![user("What time is it?")]);
    asked.tools = vec![ToolDefinition {
        name: "now".to_owned(),
        description: "The time.".to_owned(),
        parameters: Value::Null,
    }];
    asked.params.max_tokens = Some(400);
    let called = read(engine.stream_call(asked)).await.unwrap();
    assert!(!called.calls.is_empty() && called.calls.len() <= 8);
    for call in called.calls {
        assert_eq!(call, ("now".to_owned(), json!({})));
    }
}
