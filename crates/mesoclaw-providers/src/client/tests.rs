//! Every dialect's reader against answers that nobody should send.

use std::collections::VecDeque;

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::dialect::Taken;
use crate::test_support::endpoint;

/// Names that occur in the events of some dialect.
const NAMES: [&str; 44] = [
    "choices",
    "delta",
    "content",
    "tool_calls",
    "function",
    "arguments",
    "index",
    "id",
    "name",
    "finish_reason",
    "usage",
    "prompt_tokens",
    "completion_tokens",
    "error",
    "message",
    "code",
    "type",
    "output_index",
    "item",
    "item_id",
    "response",
    "output",
    "status",
    "content_block",
    "input",
    "input_tokens",
    "output_tokens",
    "stop_reason",
    "candidates",
    "parts",
    "text",
    "functionCall",
    "args",
    "thoughtSignature",
    "usageMetadata",
    "promptTokenCount",
    "finishReason",
    "done",
    "done_reason",
    "reasoning",
    "thinking",
    "partial_json",
    "tool_plan",
    "billed_units",
];

/// Words that mean something as a value of some dialect.
const WORDS: [&str; 24] = [
    "content_block_start",
    "content_block_delta",
    "message_start",
    "message_delta",
    "message_stop",
    "text_delta",
    "input_json_delta",
    "tool_use",
    "tool_call",
    "stop",
    "length",
    "STOP",
    "response.created",
    "response.output_text.delta",
    "response.output_item.added",
    "response.function_call_arguments.delta",
    "response.completed",
    "response.failed",
    "content-delta",
    "tool-call-start",
    "message-end",
    "error",
    "{\"a\":",
    "",
];

/// Values of any form, with names and words that readers look for.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-3_i64..3).prop_map(Value::from),
        any::<f64>().prop_map(|n| json!(n)),
        prop::sample::select(WORDS.to_vec()).prop_map(Value::from),
        "\\PC{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 40, 5, |inner| {
        let name = prop::sample::select(NAMES.to_vec());
        prop_oneof![
            1 => vec(inner.clone(), 0..4).prop_map(Value::from),
            3 => vec((name, inner), 0..6).prop_map(|fields| {
                let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value));
                Value::from(fields.collect::<Map<_, _>>())
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_answer_breaks_a_reader(
        events in vec(value().prop_map(|value| value.to_string().into_bytes()), 1..6),
        broken in vec(any::<u8>(), 0..40),
    ) {
        for dialect in Dialect::ALL {
            let Ok(wire) = wire(&endpoint(dialect, "http://127.0.0.1:9")) else {
                continue;
            };
            let mut reader = wire.reader();
            let mut out = VecDeque::new();
            for event in events.iter().chain([&broken]) {
                match reader.take(event, &mut out) {
                    Ok(Taken::More) => {}
                    Ok(Taken::Last) | Err(_) => break,
                }
            }
            reader.finish(&mut out);
            // What is said is bounded by what arrived: some dialects repeat the whole answer.
            let n_bytes: usize = events.iter().map(Vec::len).sum();
            prop_assert!(out.len() <= 8 * n_bytes + 64, "{dialect:?}: {} deltas", out.len());
        }
    }
}
