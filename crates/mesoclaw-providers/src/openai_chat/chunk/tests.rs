//! Chunks as servers send them.

use serde_json::json;

use super::*;
use crate::dialect::Reader as _;
use crate::test_support::{called, reasoning, text};

fn deltas(chunks: &[Value]) -> Vec<ModelDelta> {
    let mut answer = Answer::default();
    let mut out = VecDeque::new();
    for chunk in chunks {
        let chunk = chunk.to_string();
        let taken = answer.take_chunk(serde_json::from_str(&chunk).unwrap(), &mut out);
        assert!(taken.is_ok(), "{chunk}");
    }
    answer.last_words(&mut out);
    out.into()
}

fn delta(delta: Value) -> Value {
    json!({"choices": [{"index": 0, "delta": delta, "finish_reason": null}]})
}

fn finish(reason: &str) -> Value {
    json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
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
                    output_tokens: 2,
                    model_calls: 1,
                    ..Usage::default()
                }),
                stop(StopReason::End),
            ],
        ),
        (
            "what was said so far, beside a delta, is not said again",
            vec![
                json!({"choices": [{"index": 0, "delta": {"content": "a"},
                    "message": {"role": "assistant", "content": "a"}}]}),
                json!({"choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "stop",
                    "message": {"role": "assistant", "content": "a"}}]}),
            ],
            vec![text("a"), stop(StopReason::End)],
        ),
        (
            "no choices are none",
            vec![json!({"choices": null}), finish("stop")],
            vec![stop(StopReason::End)],
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
                called(0, "a", "f", ""),
                called(0, "", "", "{}"),
                called(1, "b", "g", ""),
                called(0, "a", "", " "),
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
            vec![
                called(0, "a", "f", "{\"x\":1}"),
                stop(StopReason::ToolCalls),
            ],
        ),
        (
            "a wild index costs no memory",
            vec![delta(
                json!({"tool_calls": [{"index": 4_294_967_295_u32, "id": "a",
                "function": {"name": "f"}}]}),
            )],
            vec![called(4096, "a", "f", ""), stop(StopReason::ToolCalls)],
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

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn usage_is_read_wherever_a_server_counts_it() {
    let plain = json!({"prompt_tokens": 10, "completion_tokens": 4});
    let with = |more: Value| {
        let mut usage = plain.clone();
        for (name, value) in more.as_object().unwrap() {
            usage[name] = value.clone();
        }
        usage
    };
    let counted = |usage: Usage| Usage {
        input_tokens: 10,
        model_calls: 1,
        ..usage
    };
    let four = Usage {
        output_tokens: 4,
        ..Usage::default()
    };
    let details = json!({"completion_tokens_details": {"reasoning_tokens": 3}});
    let choice = |more: Value| json!({"choices": [{"index": 0, "delta": {}, "usage": more}]});
    for (name, chunk, expected) in [
        (
            "OpenAI: reasoning is a part of the answer",
            json!({"choices": [], "usage": with(json!({"total_tokens": 14,
                "prompt_tokens_details": {"cached_tokens": 8},
                "completion_tokens_details": {"reasoning_tokens": 3}}))}),
            Usage {
                cached_tokens: 8,
                reasoning_tokens: 3,
                ..four
            },
        ),
        (
            "xAI: reasoning is counted beside it",
            json!({"choices": [], "usage": with(json!({"total_tokens": 17,
                "completion_tokens_details": {"reasoning_tokens": 3}}))}),
            Usage {
                output_tokens: 7,
                reasoning_tokens: 3,
                ..Usage::default()
            },
        ),
        (
            "no total: as OpenAI",
            json!({"choices": [], "usage": with(details)}),
            Usage {
                reasoning_tokens: 3,
                ..four
            },
        ),
        (
            "DeepSeek",
            json!({"choices": [], "usage": with(json!({"prompt_cache_hit_tokens": 6}))}),
            Usage {
                cached_tokens: 6,
                ..four
            },
        ),
        (
            "Moonshot",
            choice(with(json!({"cached_tokens": 5}))),
            Usage {
                cached_tokens: 5,
                ..four
            },
        ),
        (
            "Groq",
            json!({"choices": [], "x_groq": {"usage": plain}}),
            four,
        ),
        (
            "OpenRouter",
            json!({"choices": [], "usage": with(json!({
                "prompt_tokens_details": {"cached_tokens": 1, "cache_write_tokens": 2}}))}),
            Usage {
                cached_tokens: 1,
                cache_write_tokens: 2,
                ..four
            },
        ),
    ] {
        let expected = vec![
            ModelDelta::Usage(counted(expected)),
            ModelDelta::Stop(StopReason::End),
        ];
        assert_eq!(deltas(&[chunk]), expected, "{name}");
    }
}

#[test]
fn content_may_be_parts_with_thoughts_among_them() {
    let parts = json!({"content": [
        {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
        {"type": "thinking", "thinking": "so"},
        {"type": "text", "text": "yes"},
        {"type": "reference", "reference_ids": [1]},
    ]});
    assert_eq!(
        deltas(&[delta(parts), delta(json!({"content": " and"}))]),
        [
            reasoning("hm"),
            reasoning("so"),
            text("yes"),
            text(" and"),
            ModelDelta::Stop(StopReason::End)
        ]
    );
}

#[test]
fn a_server_that_failed_is_not_done() {
    for reason in FAILURES {
        let chunk = json!({"choices": [{"index": 0, "delta": {"content": "a"},
            "finish_reason": reason}]});
        let (mut answer, mut out) = (Answer::default(), VecDeque::new());
        let taken = answer.take(chunk.to_string().as_bytes(), &mut out);
        let Err(Fault::Reported(error)) = taken else {
            panic!("{taken:?}");
        };
        assert_eq!(error, json!({"error": {"type": reason}}));
        assert_eq!((out, answer.is_finished()), ([text("a")].into(), false));
    }
}

#[test]
fn an_error_is_known_inside_a_chunk_and_alone() {
    let inside = json!({"error": {"code": 429, "message": "slow"}, "choices": []});
    let alone = json!({"object": "error", "code": 400, "type": "BadRequestError", "message": "x"});
    for (event, expected) in [
        (&inside, json!({"error": {"code": 429, "message": "slow"}})),
        (&alone, alone.clone()),
    ] {
        let taken = Answer::default().take(event.to_string().as_bytes(), &mut VecDeque::new());
        let Err(Fault::Reported(error)) = taken else {
            panic!("{taken:?}");
        };
        assert_eq!(error, expected);
    }
}

#[test]
fn counts_beyond_all_sense_do_no_harm() {
    let usage = json!({"prompt_tokens": u64::MAX, "completion_tokens": u64::MAX,
        "total_tokens": 1, "completion_tokens_details": {"reasoning_tokens": u64::MAX}});
    let counted = ModelDelta::Usage(Usage {
        input_tokens: u64::MAX,
        output_tokens: u64::MAX,
        reasoning_tokens: u64::MAX,
        model_calls: 1,
        ..Usage::default()
    });
    assert_eq!(
        deltas(&[json!({"choices": [], "usage": usage})]),
        [counted, ModelDelta::Stop(StopReason::End)]
    );
}
