//! Requests and answers of models without tools.

use serde_json::json;

use super::*;
use crate::model::{GenerationParams, ModelCall, ModelMessage, StopReason, ToolDefinition};

fn read(pieces: &[&str], stop: StopReason) -> Vec<ModelDelta> {
    let mut reader = Reader::default();
    let mut out = Vec::new();
    for piece in pieces {
        reader.take(ModelDelta::Text((*piece).to_owned()), &mut out);
    }
    reader.take(ModelDelta::Stop(stop), &mut out);
    joined(out)
}

/// Pieces of text that follow each other as one.
fn joined(deltas: Vec<ModelDelta>) -> Vec<ModelDelta> {
    let mut joined: Vec<ModelDelta> = Vec::new();
    for delta in deltas {
        match (joined.last_mut(), delta) {
            (Some(ModelDelta::Text(text)), ModelDelta::Text(more)) => text.push_str(&more),
            (_, delta) => joined.push(delta),
        }
    }
    joined
}

fn text(text: &str) -> ModelDelta {
    ModelDelta::Text(text.to_owned())
}

fn call(index: u32, name: &str, arguments: &str) -> ModelDelta {
    ModelDelta::ToolCall {
        index,
        id: String::new(),
        name: name.to_owned(),
        arguments: arguments.to_owned(),
    }
}

#[test]
fn calls_are_read_out_of_text_at_every_cut() {
    let stop = ModelDelta::Stop;
    for (answer, reason, expected) in [
        (
            "plain <b>text</b> <tool",
            StopReason::End,
            vec![text("plain <b>text</b> <tool"), stop(StopReason::End)],
        ),
        (
            "I look.\n<tool_call>\n{\"name\": \"read\", \"arguments\": {\"p\":\"ä\"}}\n</tool_call>\n",
            StopReason::End,
            vec![
                text("I look.\n"),
                call(0, "read", "{\"p\":\"ä\"}"),
                stop(StopReason::ToolCalls),
            ],
        ),
        (
            "<tool_call>{\"name\":\"a\"}</tool_call>\n<tool_call>{\"name\":\"b\",\"arguments\":\"{}\"}</tool_call>done",
            StopReason::End,
            vec![
                call(0, "a", ""),
                call(1, "b", "{}"),
                text("done"),
                stop(StopReason::ToolCalls),
            ],
        ),
        (
            "<tool_call>{\"name\": \"read\", \"arguments\": {\"p\": }</tool_call>",
            StopReason::End,
            vec![
                call(0, "read", "{\"name\": \"read\", \"arguments\": {\"p\": }"),
                stop(StopReason::ToolCalls),
            ],
        ),
        (
            "<tool_call>{\"name\":\"a\",\"arguments\":{}}",
            StopReason::End,
            vec![call(0, "a", "{}"), stop(StopReason::ToolCalls)],
        ),
        (
            "<tool_call>{\"name\":\"a\",\"argu",
            StopReason::Length,
            vec![
                call(0, "a", "{\"name\":\"a\",\"argu"),
                stop(StopReason::Length),
            ],
        ),
        (
            "<tool_call>{",
            StopReason::Filtered,
            vec![stop(StopReason::Filtered)],
        ),
    ] {
        for cut in (0..=answer.len()).filter(|cut| answer.is_char_boundary(*cut)) {
            let (before, after) = answer.split_at(cut);
            assert_eq!(read(&[before, after], reason), expected, "{before}|{after}");
        }
    }
}

#[test]
fn an_endless_call_is_a_broken_one() {
    let endless = "x".repeat(600 * 1024);
    let deltas = read(&["<tool_call>", &endless, &endless], StopReason::End);
    assert_eq!(
        deltas,
        [
            call(0, "", &format!("{endless}{endless}")),
            ModelDelta::Stop(StopReason::ToolCalls)
        ]
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "one request and all of its text")]
fn requests_say_in_text_what_tools_say() {
    let user = |text: &str| ModelMessage::User {
        text: text.to_owned(),
        images: Vec::new(),
    };
    let plain = ModelRequest {
        model: "m".to_owned(),
        cache_key: "s".to_owned(),
        system: "Be brief.".to_owned(),
        messages: vec![user("hi")],
        tools: Vec::new(),
        params: GenerationParams::default(),
    };
    assert!(!request::needs_rewriting(&plain));

    let asked = ModelRequest {
        messages: vec![
            user("read a"),
            ModelMessage::Assistant {
                text: "I look.".to_owned(),
                calls: vec![ModelCall {
                    call_id: "c1".into(),
                    tool: "read".to_owned(),
                    args: json!({"path": "a"}),
                    signature: None,
                }],
            },
            ModelMessage::ToolResult {
                call_id: "c1".into(),
                tool: "read".to_owned(),
                output: "A".to_owned(),
            },
            user("and?"),
        ],
        tools: vec![ToolDefinition {
            name: "read".to_owned(),
            description: "Reads a file.".to_owned(),
            parameters: json!({"type": "object"}),
        }],
        ..plain.clone()
    };
    assert!(request::needs_rewriting(&asked));
    let rewritten = request::rewritten(asked);
    assert_eq!(rewritten.tools, []);
    assert!(
        rewritten
            .system
            .starts_with("Be brief.\n\nYou can use tools.")
    );
    assert!(
        rewritten
            .system
            .ends_with("- read: Reads a file. Schema: {\"type\":\"object\"}")
    );
    let [question, ModelMessage::Assistant { text, calls }, results] = &rewritten.messages[..]
    else {
        panic!("{:?}", rewritten.messages);
    };
    assert_eq!(question, &user("read a"));
    assert_eq!(calls, &[]);
    let json = text
        .strip_prefix("I look.\n<tool_call>\n")
        .and_then(|text| text.strip_suffix("\n</tool_call>"))
        .unwrap();
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(json).unwrap(),
        json!({"name": "read", "arguments": {"path": "a"}})
    );
    assert_eq!(
        results,
        &user("<tool_result name=\"read\">\nA\n</tool_result>\n\nand?")
    );
}
