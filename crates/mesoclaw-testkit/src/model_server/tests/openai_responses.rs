//! OpenAI Responses, against the events of the reference.

use super::*;

const KIND: WireKind = WireKind::OpenAiResponses;

/// A response object; what it has beyond the fields that never change.
fn response(status: &str, more: Value) -> Value {
    let mut response = json!({
        "id": "resp_test0", "object": "response", "created_at": 1_700_000_000, "status": status,
        "background": false, "error": null, "incomplete_details": null, "instructions": null,
        "max_output_tokens": null, "model": "m", "output": [], "parallel_tool_calls": true,
        "previous_response_id": null, "reasoning": {"effort": null, "summary": null},
        "store": false, "temperature": 1.0, "text": {"format": {"type": "text"}},
        "tool_choice": "auto", "tools": [], "top_p": 1.0, "truncation": "disabled",
        "usage": null, "metadata": {},
    });
    if let (Value::Object(response), Value::Object(more)) = (&mut response, more) {
        response.extend(more);
    }
    response
}

fn output() -> Value {
    json!([
        {"id": "rs_test0_0", "type": "reasoning",
            "summary": [{"type": "summary_text", "text": "hm"}]},
        {"id": "msg_test0_1", "type": "message", "status": "completed", "role": "assistant",
            "content": [{"type": "output_text", "annotations": [], "logprobs": [],
                "text": "é \"b\"\nsay it back"}]},
        {"id": "fc_test0_2", "type": "function_call", "status": "completed",
            "arguments": "{\"a\":1}", "call_id": "c0", "name": "files"},
        {"id": "fc_test0_3", "type": "function_call", "status": "completed",
            "arguments": "{}", "call_id": "c1", "name": "shell"},
    ])
}

fn usage() -> Value {
    json!({
        "input_tokens": 20, "input_tokens_details": {"cached_tokens": 5, "cache_write_tokens": 3},
        "output_tokens": 9, "output_tokens_details": {"reasoning_tokens": 4},
        "total_tokens": 29,
    })
}

#[test]
#[expect(clippy::too_many_lines, reason = "one stream, event by event")]
fn a_stream_has_every_event_of_the_reference() {
    let server = ModelServer::start_blocking(Script::always(rich()));
    let raw = ask(&server, KIND);
    assert!(raw.is_whole);
    assert!(raw.body.starts_with("event: response.created\ndata: "));
    let (rs, msg) = ("rs_test0_0", "msg_test0_1");
    let part = |text: &str| json!({"type": "output_text", "annotations": [], "logprobs": [], "text": text});
    let summary = |text: &str| json!({"type": "summary_text", "text": text});
    let all = output();
    let begun = response("in_progress", json!({}));
    let text = "é \"b\"\nsay it back";
    let mut expected = vec![
        json!({"type": "response.created", "response": begun}),
        json!({"type": "response.in_progress", "response": begun}),
        json!({"type": "response.output_item.added", "output_index": 0,
            "item": {"id": rs, "type": "reasoning", "summary": []}}),
        json!({"type": "response.reasoning_summary_part.added", "item_id": rs, "output_index": 0,
            "summary_index": 0, "part": summary("")}),
        json!({"type": "response.reasoning_summary_text.delta", "item_id": rs, "output_index": 0,
            "summary_index": 0, "delta": "hm"}),
        json!({"type": "response.reasoning_summary_text.done", "item_id": rs, "output_index": 0,
            "summary_index": 0, "text": "hm"}),
        json!({"type": "response.reasoning_summary_part.done", "item_id": rs, "output_index": 0,
            "summary_index": 0, "part": summary("hm")}),
        json!({"type": "response.output_item.done", "output_index": 0, "item": all[0]}),
        json!({"type": "response.output_item.added", "output_index": 1,
            "item": {"id": msg, "type": "message", "status": "in_progress", "role": "assistant",
                "content": []}}),
        json!({"type": "response.content_part.added", "item_id": msg, "output_index": 1,
            "content_index": 0, "part": part("")}),
        json!({"type": "response.output_text.delta", "item_id": msg, "output_index": 1,
            "content_index": 0, "logprobs": [], "delta": "é \"b\"\n"}),
        json!({"type": "response.output_text.delta", "item_id": msg, "output_index": 1,
            "content_index": 0, "logprobs": [], "delta": "say it back"}),
        json!({"type": "response.output_text.done", "item_id": msg, "output_index": 1,
            "content_index": 0, "logprobs": [], "text": text}),
        json!({"type": "response.content_part.done", "item_id": msg, "output_index": 1,
            "content_index": 0, "part": part(text)}),
        json!({"type": "response.output_item.done", "output_index": 1, "item": all[1]}),
    ];
    for (index, pieces) in [(2, vec!["{\"a\":", "1}"]), (3, vec!["{}"])] {
        let (mut begun, id) = (all[index].clone(), all[index]["id"].clone());
        begun["status"] = json!("in_progress");
        begun["arguments"] = json!("");
        expected.push(
            json!({"type": "response.output_item.added", "output_index": index,
            "item": begun}),
        );
        for piece in pieces {
            expected.push(json!({"type": "response.function_call_arguments.delta",
                "item_id": id, "output_index": index, "delta": piece}));
        }
        expected.push(
            json!({"type": "response.function_call_arguments.done", "item_id": id,
            "output_index": index, "arguments": all[index]["arguments"]}),
        );
        expected.push(
            json!({"type": "response.output_item.done", "output_index": index,
            "item": all[index]}),
        );
    }
    let ended = response("completed", json!({"output": all, "usage": usage()}));
    expected.push(json!({"type": "response.completed", "response": ended}));
    for (n, event) in expected.iter_mut().enumerate() {
        event["sequence_number"] = json!(n);
    }
    assert_eq!(events(&raw.body), expected);
}

#[test]
fn an_answer_in_one_piece_is_the_response_that_a_stream_ends_with() {
    let server = ModelServer::start_blocking(Script::always(rich()));
    assert_eq!(
        ask_whole(&server, KIND).json(),
        response("completed", json!({"output": output(), "usage": usage()}))
    );
}

#[test]
fn an_answer_that_is_cut_short_is_incomplete() {
    for reason in ["max_output_tokens", "content_filter"] {
        let server = ModelServer::start_blocking(Script::always([
            text("a"),
            Step::Finish(reason.to_owned()),
        ]));
        let events = events(&ask(&server, KIND).body);
        let last = events.last().unwrap();
        assert_eq!(last["type"], "response.incomplete");
        assert_eq!(last["response"]["status"], "incomplete");
        assert_eq!(
            last["response"]["incomplete_details"],
            json!({"reason": reason})
        );
    }
}

#[test]
fn reasoning_is_encrypted_where_the_request_asks_for_it() {
    let server = ModelServer::start_blocking(Script::always([
        Step::Reasoning("hm".to_owned()),
        Step::Signature("c2ln".to_owned()),
        text("a"),
    ]));
    let mut body = least(KIND, false);
    body["include"] = json!(["reasoning.encrypted_content"]);
    assert_eq!(
        ask_with(&server, KIND, &body).json()["output"][0],
        json!({"id": "rs_test0_0", "type": "reasoning", "encrypted_content": "c2ln",
            "summary": [{"type": "summary_text", "text": "hm"}]})
    );
}
