//! What local servers say about themselves: llama.cpp, LM Studio and vLLM.
//!
//! Read for it on 2026-11-22: ggml-org/llama.cpp `tools/server/README.md` at commit 00dc805,
//! <https://www.lmstudio.ai/docs/api/rest-api> (REST API v0, no date),
//! <https://docs.vllm.ai/en/v0.28.0/serving/online_serving/openai_compatible_server/>.

use serde_json::{Value, json};

use super::super::script::Script;
use super::super::server_kind::ServerKind;
use super::{TOO_MANY_TOKENS, ollama, openai_chat};

/// The answer to `GET path` that only one kind of server gives; `Null` stands for an empty body.
pub(in super::super) fn probe(script: &Script, path: &str) -> Option<Value> {
    match (script.server, path) {
        (ServerKind::LlamaCpp, "/health" | "/v1/health") => Some(json!({"status": "ok"})),
        (ServerKind::LlamaCpp, "/props") => Some(props(script)),
        (ServerKind::LlamaCpp, "/models") => Some(models(script)),
        (ServerKind::LmStudio, "/api/v0/models") => Some(lm_studio_models(script)),
        (ServerKind::Vllm, "/health") => Some(Value::Null),
        (ServerKind::Vllm, "/version") => Some(json!({"version": "0.28.0"})),
        (ServerKind::Any | ServerKind::Ollama, "/api/version") => {
            Some(json!({"version": "0.12.6"}))
        }
        (ServerKind::Any | ServerKind::Ollama, "/api/tags") => Some(ollama::tags(script)),
        (ServerKind::Ollama, "/") => Some(Value::from("Ollama is running")),
        _ => None,
    }
}

/// The OpenAI list of models as this kind of server writes it.
pub(super) fn models(script: &Script) -> Value {
    let context = script.context_tokens();
    let mut list = openai_chat::models(&script.model_ids());
    let Some(data) = list["data"].as_array_mut() else {
        return list;
    };
    for model in data {
        match script.server {
            ServerKind::LlamaCpp => {
                model["owned_by"] = "llamacpp".into();
                model["meta"] = json!({
                    "vocab_type": 2,
                    "n_vocab": 49152,
                    // What the model was trained with is more than what the server was given.
                    "n_ctx_train": context * 4,
                    "n_embd": 576,
                    "n_params": 134_515_008,
                    "size": 144_811_456,
                });
            }
            ServerKind::Vllm => {
                model["owned_by"] = "vllm".into();
                model["root"] = model["id"].clone();
                model["parent"] = Value::Null;
                model["max_model_len"] = context.into();
                model["permission"] = json!([]);
            }
            ServerKind::LmStudio => model["owned_by"] = "organization_owner".into(),
            ServerKind::Ollama => model["owned_by"] = "library".into(),
            ServerKind::Any | ServerKind::Cohere => {}
        }
    }
    list
}

fn props(script: &Script) -> Value {
    let model = script.model_ids().first().cloned().unwrap_or_default();
    let vision = script.capabilities().iter().any(|one| one == "vision");
    json!({
        "default_generation_settings": {
            "id": 0,
            "id_task": -1,
            "n_ctx": script.context_tokens(),
            "speculative": false,
            "is_processing": false,
            "params": {"n_predict": -1, "temperature": 0.8},
        },
        "total_slots": 1,
        "model_alias": model,
        "model_path": format!("../models/{model}.gguf"),
        "chat_template": "{{ messages }}",
        "chat_template_caps": {},
        "modalities": {"vision": vision},
        "build_info": "b8681-test",
        "is_sleeping": false,
    })
}

fn lm_studio_models(script: &Script) -> Value {
    let context = script.context_tokens();
    let data: Vec<_> = script
        .model_ids()
        .iter()
        .enumerate()
        .map(|(n, id)| {
            let mut model = json!({
                "id": id,
                "object": "model",
                "type": "llm",
                "publisher": "test",
                "arch": "llama",
                "compatibility_type": "gguf",
                "quantization": "Q8_0",
                "state": "not-loaded",
                "max_context_length": context * 4,
            });
            if n == 0 {
                model["state"] = "loaded".into();
                model["loaded_context_length"] = context.into();
            }
            model
        })
        .collect();
    json!({"object": "list", "data": data})
}

/// The error object for a too long prompt where a local server has its own.
pub(super) fn context_length(script: &Script) -> Option<Value> {
    let context = script.context_tokens();
    match script.server {
        ServerKind::LlamaCpp => Some(json!({"error": {
            "code": 400,
            "message": format!(
                "request ({TOO_MANY_TOKENS} tokens) exceeds the available context size \
                 ({context} tokens), try increasing it"
            ),
            "type": "exceed_context_size_error",
            "n_prompt_tokens": TOO_MANY_TOKENS,
            "n_ctx": context,
        }})),
        ServerKind::Vllm => Some(json!({"error": {
            "message": format!(
                "This model's maximum context length is {context} tokens. However, your request \
                 has {TOO_MANY_TOKENS} input tokens. Please reduce the length of the input \
                 messages."
            ),
            "type": "BadRequestError",
            "param": "input_tokens",
            "code": 400,
        }})),
        ServerKind::Any | ServerKind::Cohere | ServerKind::LmStudio | ServerKind::Ollama => None,
    }
}
