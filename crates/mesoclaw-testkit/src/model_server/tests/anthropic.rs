//! Anthropic Messages, against a stream that the maker's own client is tested with.

use super::*;

const KIND: WireKind = WireKind::Anthropic;

/// The stream of the maker's fixture `tool_use_response`, with the names of a script in it.
const FIXTURE: &str = r#"event: message_start
data: {"type":"message_start","message":{"id":"msg_test0","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":377,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":1,"service_tier":"standard"}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"I"}}

event: ping
data: {"type": "ping"}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"'ll check the current weather in Paris for you."}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: content_block_start
data: {"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"toolu_1","name":"get_weather","input":{}}}

event: content_block_delta
data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"locati"}}

event: content_block_delta
data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"on\": \"Paris\"}"}}

event: content_block_stop
data: {"type":"content_block_stop","index":1}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"input_tokens":377,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":65}}

event: message_stop
data: {"type":"message_stop"}

"#;

#[test]
fn a_stream_is_the_makers_own() {
    let arguments = vec!["{\"locati", "on\": \"Paris\"}"];
    let server = ModelServer::start_blocking(Script::always([
        text("I"),
        Step::KeepAlive,
        text("'ll check the current weather in Paris for you."),
        Step::ToolCall(call(0, "toolu_1", "get_weather", arguments)),
        Step::Usage {
            prompt_tokens: 377,
            completion_tokens: 65,
            cached_tokens: 0,
        },
    ]));
    let raw = ask(&server, KIND);
    assert!(raw.head.contains("content-type: text/event-stream"));
    assert_eq!(events(&raw.body), events(FIXTURE));
}

fn usage() -> Value {
    json!({
        "input_tokens": 12, "cache_creation_input_tokens": 3, "cache_read_input_tokens": 5,
        "output_tokens": 9,
        "output_tokens_details": {"thinking_tokens": 4},
    })
}

#[test]
fn blocks_come_one_after_the_other_and_thinking_is_signed() {
    let server = ModelServer::start_blocking(Script::always(rich()));
    let events = events(&ask(&server, KIND).body);
    let start = |index: usize, block: Value| json!({"type": "content_block_start", "index": index, "content_block": block});
    let delta = |index: usize, delta: Value| json!({"type": "content_block_delta", "index": index, "delta": delta});
    let stop = |index: usize| json!({"type": "content_block_stop", "index": index});
    let input = |text: &str| json!({"type": "input_json_delta", "partial_json": text});
    let tool =
        |id: &str, name: &str| json!({"type": "tool_use", "id": id, "name": name, "input": {}});
    assert_eq!(
        events[0]["message"]["usage"],
        json!({"input_tokens": 12, "cache_creation_input_tokens": 3,
            "cache_read_input_tokens": 5, "output_tokens": 1, "service_tier": "standard"})
    );
    assert_eq!(
        events[1..],
        [
            start(
                0,
                json!({"type": "thinking", "thinking": "", "signature": ""})
            ),
            delta(0, json!({"type": "thinking_delta", "thinking": "hm"})),
            delta(
                0,
                json!({"type": "signature_delta", "signature": "c2lnbmVkIGJ5IHRoZSB0ZXN0"})
            ),
            stop(0),
            start(1, json!({"type": "text", "text": ""})),
            delta(1, json!({"type": "text_delta", "text": "é \"b\"\n"})),
            delta(1, json!({"type": "text_delta", "text": "say it back"})),
            stop(1),
            start(2, tool("c0", "files")),
            delta(2, input("")),
            delta(2, input("{\"a\":")),
            delta(2, input("1}")),
            stop(2),
            start(3, tool("c1", "shell")),
            delta(3, input("")),
            delta(3, input("{}")),
            stop(3),
            json!({"type": "message_delta",
                "delta": {"stop_reason": "tool_use", "stop_sequence": null}, "usage": usage()}),
            json!({"type": "message_stop"}),
        ]
    );
}

#[test]
fn an_answer_in_one_piece_has_the_same_blocks() {
    let mut usage = usage();
    usage["service_tier"] = json!("standard");
    let server = ModelServer::start_blocking(Script::always(rich()));
    assert_eq!(
        ask_whole(&server, KIND).json(),
        json!({
            "id": "msg_test0", "type": "message", "role": "assistant", "model": "m",
            "content": [
                {"type": "thinking", "thinking": "hm",
                    "signature": "c2lnbmVkIGJ5IHRoZSB0ZXN0"},
                {"type": "text", "text": "é \"b\"\nsay it back"},
                {"type": "tool_use", "id": "c0", "name": "files", "input": {"a": 1}},
                {"type": "tool_use", "id": "c1", "name": "shell", "input": {}},
            ],
            "stop_reason": "tool_use", "stop_sequence": null, "usage": usage,
        })
    );
}
