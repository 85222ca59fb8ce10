//! Whole bodies, as they go over the wire.

use mesoclaw_agent::model::ModelCall;

use super::*;

fn user(text: &str) -> ModelMessage {
    ModelMessage::User {
        text: text.to_owned(),
    }
}

fn assistant(text: &str, calls: Vec<ModelCall>) -> ModelMessage {
    ModelMessage::Assistant {
        text: text.to_owned(),
        calls,
    }
}

fn call(call_id: &str, tool: &str, args: Value) -> ModelCall {
    ModelCall {
        call_id: call_id.into(),
        tool: tool.to_owned(),
        args,
    }
}

fn result(call_id: &str, tool: &str, output: &str) -> ModelMessage {
    ModelMessage::ToolResult {
        call_id: call_id.into(),
        tool: tool.to_owned(),
        output: output.to_owned(),
    }
}

fn request(model: &str, messages: Vec<ModelMessage>) -> ModelRequest {
    ModelRequest {
        model: model.to_owned(),
        cache_key: "session".to_owned(),
        system: "Be brief.".to_owned(),
        messages,
        tools: Vec::new(),
        params: GenerationParams::default(),
    }
}

fn body(request: ModelRequest) -> Value {
    let outgoing = encode("http://host/v1/", request).unwrap();
    assert_eq!(outgoing.url, "http://host/v1/chat/completions");
    serde_json::from_slice(&outgoing.body).unwrap()
}

#[test]
fn a_plain_prompt_has_string_contents_and_asks_for_usage() {
    let messages = vec![user("Hi"), assistant("Hello.", vec![]), user("And?")];
    assert_eq!(
        body(request("m", messages)),
        json!({
            "model": "m",
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "Hi"},
                {"role": "assistant", "content": "Hello."},
                {"role": "user", "content": "And?"},
            ],
            "stream": true,
            "stream_options": {"include_usage": true},
        })
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn calls_results_tools_and_params_are_all_there() {
    let schema = json!({"type": "object", "properties": {"path": {"type": "string"}}});
    let request = ModelRequest {
        tools: vec![ToolDefinition {
            name: "files".to_owned(),
            description: "Reads a file.".to_owned(),
            parameters: schema.clone(),
        }],
        params: GenerationParams {
            max_tokens: Some(64),
            temperature: Some(0.7),
            top_p: Some(0.9),
            seed: Some(7),
            stop: vec!["END".to_owned()],
        },
        ..request(
            "m",
            vec![
                user("Read both."),
                assistant(
                    "Reading.",
                    vec![
                        call("c1", "files", json!({"path": "a"})),
                        call("c2", "files", json!("{\"path\": \"b")),
                    ],
                ),
                result("c1", "files", "A"),
                result("c2", "files", "the arguments are not valid JSON"),
                assistant("", vec![call("c3", "files", json!({}))]),
                result("c3", "files", ""),
            ],
        )
    };
    let wire_call = |id: &str, arguments: &str| {
        json!({"id": id, "type": "function",
            "function": {"name": "files", "arguments": arguments}})
    };
    let wire_result =
        |id: &str, output: &str| json!({"role": "tool", "tool_call_id": id, "content": output});
    assert_eq!(
        body(request),
        json!({
            "model": "m",
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "Read both."},
                {"role": "assistant", "content": "Reading.", "tool_calls": [
                    wire_call("c1", "{\"path\":\"a\"}"),
                    wire_call("c2", "{\"path\":\"b\"}"),
                ]},
                wire_result("c1", "A"),
                wire_result("c2", "the arguments are not valid JSON"),
                {"role": "assistant", "tool_calls": [wire_call("c3", "{}")]},
                wire_result("c3", "(no tool output)"),
            ],
            "tools": [{"type": "function", "function": {
                "name": "files", "description": "Reads a file.", "parameters": schema,
            }}],
            "max_tokens": 64,
            "temperature": 0.7,
            "top_p": 0.9,
            "seed": 7,
            "stop": ["END"],
            "stream": true,
            "stream_options": {"include_usage": true},
        })
    );
}

#[test]
fn the_output_limit_has_the_name_the_model_knows() {
    for (model, field) in [
        ("llama3.2", "max_tokens"),
        ("gpt-4o-mini", "max_tokens"),
        ("o3-mini", "max_completion_tokens"),
        ("gpt-5", "max_completion_tokens"),
    ] {
        let mut request = request(model, vec![user("Hi")]);
        request.params.max_tokens = Some(5);
        assert_eq!(body(request)[field], 5, "{model}");
    }
}

#[test]
fn empty_texts_are_left_out_and_what_a_person_said_twice_is_joined() {
    let mut request = request("m", vec![user("Hi"), assistant("", vec![]), user("Hi")]);
    request.system = String::new();
    assert_eq!(
        body(request)["messages"],
        json!([{"role": "user", "content": "Hi\nHi"}])
    );
}

#[test]
fn hello_with_no_tools_is_a_small_request() {
    let outgoing = encode("http://h/v1", request("m", vec![user("hello")])).unwrap();
    assert_eq!(outgoing.body.len(), 154);
}

#[test]
fn calls_fit_what_the_request_offers() {
    let messages = || {
        vec![
            user("Read."),
            assistant("", vec![call("c1", "files", json!({}))]),
            user("Never mind."),
        ]
    };
    let unanswered = |tools| {
        let request = ModelRequest {
            tools,
            ..request("m", messages())
        };
        body(request)["messages"].clone()
    };
    let tool = ToolDefinition {
        name: "files".to_owned(),
        description: String::new(),
        parameters: json!({"type": "object"}),
    };
    assert_eq!(
        unanswered(vec![tool]),
        json!([
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Read."},
            {"role": "assistant", "tool_calls": [{"id": "c1", "type": "function",
                "function": {"name": "files", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "c1", "content": "No result provided"},
            {"role": "user", "content": "Never mind."},
        ])
    );
    // Servers refuse calls in a request without tools: there they are told as text.
    assert_eq!(
        unanswered(vec![]),
        json!([
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Read."},
            {"role": "assistant", "content": "[called tool files with {}]"},
            {"role": "user", "content": "Never mind."},
        ])
    );
}
