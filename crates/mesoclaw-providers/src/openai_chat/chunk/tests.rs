//! Chunks as servers send them.

use serde_json::json;

use super::*;

fn deltas(chunks: &[Value]) -> Vec<ModelDelta> {
    let mut answer = Answer::default();
    let mut out = VecDeque::new();
    for chunk in chunks {
        answer.take(serde_json::from_str(&chunk.to_string()).unwrap(), &mut out);
    }
    answer.finish(&mut out);
    out.into()
}

fn delta(delta: Value) -> Value {
    json!({"choices": [{"index": 0, "delta": delta, "finish_reason": null}]})
}

fn finish(reason: &str) -> Value {
    json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
}

fn text(text: &str) -> ModelDelta {
    ModelDelta::Text(text.to_owned())
}

fn reasoning(text: &str) -> ModelDelta {
    ModelDelta::Reasoning(text.to_owned())
}

fn call(index: u32, id: &str, name: &str, arguments: &str) -> ModelDelta {
    ModelDelta::ToolCall {
        index,
        id: id.to_owned(),
        name: name.to_owned(),
        arguments: arguments.to_owned(),
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn chunks_say_what_they_say() {
    let stop = ModelDelta::Stop;
    for (name, chunks, expected) in [
        (
            "role and empty content say nothing",
            vec![
                delta(json!({"role": "assistant", "content": ""})),
                delta(json!({"content": null})),
            ],
            vec![stop(StopReason::End)],
        ),
        (
            "reasoning in either field, once",
            vec![
                delta(json!({"reasoning_content": "a", "content": null})),
                delta(json!({"reasoning": "b"})),
                delta(json!({"reasoning_content": "c", "reasoning": "c", "content": "d"})),
            ],
            vec![
                reasoning("a"),
                reasoning("b"),
                reasoning("c"),
                text("d"),
                stop(StopReason::End),
            ],
        ),
        (
            "a refusal is text",
            vec![delta(json!({"refusal": "no"})), finish("stop")],
            vec![text("no"), stop(StopReason::End)],
        ),
        (
            "a whole answer reads like a chunk",
            vec![json!({"object": "chat.completion", "choices": [{"index": 0,
                "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 1, "completion_tokens": 2}})],
            vec![
                text("hi"),
                ModelDelta::Usage(Usage {
                    input_tokens: 1,
                    cached_tokens: 0,
                    output_tokens: 2,
                    model_calls: 1,
                }),
                stop(StopReason::End),
            ],
        ),
        (
            "other answers of the same request are left out",
            vec![json!({"choices": [{"index": 1, "delta": {"content": "x"}},
                {"index": 0, "delta": {"content": "y"}}]})],
            vec![text("y"), stop(StopReason::End)],
        ),
        (
            "calls without an index are told by id, or follow the last",
            vec![
                delta(json!({"tool_calls": [{"id": "a", "function": {"name": "f"}}]})),
                delta(json!({"tool_calls": [{"function": {"arguments": "{}"}}]})),
                delta(json!({"tool_calls": [{"id": "b", "function": {"name": "g"}}]})),
                delta(json!({"tool_calls": [{"id": "a", "function": {"arguments": " "}}]})),
                finish("stop"),
            ],
            vec![
                call(0, "a", "f", ""),
                call(0, "", "", "{}"),
                call(1, "b", "g", ""),
                call(0, "a", "", " "),
                stop(StopReason::ToolCalls),
            ],
        ),
        (
            "arguments may be an object",
            vec![
                delta(json!({"tool_calls": [{"index": 0, "id": "a",
                    "function": {"name": "f", "arguments": {"x": 1}}}]})),
                finish("tool_calls"),
            ],
            vec![call(0, "a", "f", "{\"x\":1}"), stop(StopReason::ToolCalls)],
        ),
        (
            "a wild index costs no memory",
            vec![delta(
                json!({"tool_calls": [{"index": 4_294_967_295_u32, "id": "a",
                "function": {"name": "f"}}]}),
            )],
            vec![call(4096, "a", "f", ""), stop(StopReason::ToolCalls)],
        ),
    ] {
        assert_eq!(deltas(&chunks), expected, "{name}");
    }
}

#[test]
fn finish_reasons_become_stop_reasons() {
    for (reason, expected) in [
        ("stop", StopReason::End),
        ("eos", StopReason::End),
        ("something_new", StopReason::End),
        ("length", StopReason::Length),
        ("max_tokens", StopReason::Length),
        ("tool_calls", StopReason::ToolCalls),
        ("function_call", StopReason::ToolCalls),
        ("content_filter", StopReason::Filtered),
    ] {
        assert_eq!(
            deltas(&[finish(reason)]),
            [ModelDelta::Stop(expected)],
            "{reason}"
        );
    }
}
