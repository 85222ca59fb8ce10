//! Cohere's chat v2, against the events of the reference.

use super::*;

const KIND: WireKind = WireKind::Cohere;

fn message(kind: &str, index: usize, message: Value) -> Value {
    json!({"type": kind, "index": index, "delta": {"message": message}})
}

fn end(kind: &str, index: usize) -> Value {
    json!({"type": kind, "index": index})
}

fn usage() -> Value {
    json!({
        "billed_units": {"input_tokens": 18, "output_tokens": 9},
        "tokens": {"input_tokens": 20, "output_tokens": 9},
        "cached_tokens": 5,
    })
}

#[test]
fn a_stream_has_the_events_of_the_reference() {
    let mut steps = rich();
    steps.insert(3, Step::Plan("I will look.".to_owned()));
    let server = ModelServer::start_blocking(Script::always(steps));
    let raw = ask(&server, KIND);
    let content = |kind: &str, text: &str| json!({"content": {kind: text}});
    let head = |id: &str, name: &str| {
        json!({"tool_calls": {"id": id, "type": "function",
            "function": {"name": name, "arguments": ""}}})
    };
    let piece = |text: &str| json!({"tool_calls": {"function": {"arguments": text}}});
    assert_eq!(
        events(&raw.body),
        [
            json!({"id": "test0", "type": "message-start", "delta": {"message": {
                "role": "assistant", "content": [], "tool_plan": "", "tool_calls": [],
                "citations": []}}}),
            message(
                "content-start",
                0,
                json!({"content": {"type": "thinking", "thinking": ""}})
            ),
            message("content-delta", 0, content("thinking", "hm")),
            end("content-end", 0),
            message(
                "content-start",
                1,
                json!({"content": {"type": "text", "text": ""}})
            ),
            message("content-delta", 1, content("text", "é \"b\"\n")),
            message("content-delta", 1, content("text", "say it back")),
            end("content-end", 1),
            json!({"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "I will look."}}}),
            message("tool-call-start", 0, head("c0", "files")),
            message("tool-call-delta", 0, piece("{\"a\":")),
            message("tool-call-delta", 0, piece("1}")),
            end("tool-call-end", 0),
            message("tool-call-start", 1, head("c1", "shell")),
            message("tool-call-delta", 1, piece("{}")),
            end("tool-call-end", 1),
            json!({"type": "message-end",
                "delta": {"finish_reason": "TOOL_CALL", "usage": usage()}}),
        ]
    );
}

#[test]
fn an_answer_in_one_piece_has_the_same_content() {
    let server = ModelServer::start_blocking(Script::always(rich()));
    let call = |id: &str, name: &str, arguments: &str| {
        json!({"id": id, "type": "function",
            "function": {"name": name, "arguments": arguments}})
    };
    assert_eq!(
        ask_whole(&server, KIND).json(),
        json!({
            "id": "test0", "finish_reason": "TOOL_CALL", "usage": usage(),
            "message": {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "hm"},
                    {"type": "text", "text": "é \"b\"\nsay it back"},
                ],
                "tool_calls": [call("c0", "files", "{\"a\":1}"), call("c1", "shell", "{}")],
            },
        })
    );
}
