//! What servers say about themselves: lists of models, probes, base URLs.

use super::*;

fn script(server: ServerKind) -> Script {
    Script {
        server,
        models: vec!["smol".to_owned(), "big".to_owned()],
        context_tokens: Some(4096),
        ..Script::text("a")
    }
}

fn json_of(server: &ModelServer, path: &str, headers: &str) -> Value {
    let raw = get(server, path, headers);
    assert_eq!(raw.status(), 200, "{path}");
    raw.json()
}

#[test]
fn every_maker_lists_models_in_its_own_way() {
    let server = ModelServer::start_blocking(script(ServerKind::Any));
    let openai = |id: &str| json!({"id": id, "object": "model", "created": 1_700_000_000, "owned_by": "test"});
    let anthropic = |id: &str| {
        json!({"type": "model", "id": id, "display_name": id,
            "created_at": "2023-11-14T22:13:20Z", "lifecycle": "active",
            "max_input_tokens": 4096, "max_tokens": 2048})
    };
    assert_eq!(
        json_of(&server, "/v1/models", ""),
        json!({"object": "list", "data": [openai("smol"), openai("big")]})
    );
    assert_eq!(
        json_of(&server, "/v1/models", key(WireKind::Anthropic)),
        json!({"data": [anthropic("smol"), anthropic("big")], "has_more": false,
            "first_id": "smol", "last_id": "big"})
    );
    let gemini = json_of(&server, "/v1beta/models", key(WireKind::Gemini));
    assert_eq!(gemini["models"][1]["name"], "models/big");
    assert_eq!(gemini["models"][1]["inputTokenLimit"], 4096);
    assert_eq!(
        json_of(&server, "/openai/v1/models", key(WireKind::Azure))["data"][0]["id"],
        "smol"
    );
    let cohere = ModelServer::start_blocking(script(ServerKind::Cohere));
    let cohere = json_of(&cohere, "/v1/models", "");
    assert_eq!(cohere["models"][0]["name"], "smol");
    assert_eq!(cohere["models"][0]["context_length"], 4096);
}

#[test]
fn a_scripted_list_fails_in_every_format() {
    let server = ModelServer::start_blocking(Script {
        models_reply: Some(Reply::status(500)),
        ..Script::text("a")
    });
    for (path, headers) in [
        ("/v1/models", ""),
        ("/v1/models", key(WireKind::Anthropic)),
        ("/v1beta/models", key(WireKind::Gemini)),
        ("/api/tags", ""),
    ] {
        assert_eq!(get(&server, path, headers).status(), 500, "{path}");
    }
}

#[test]
fn ollama_says_what_it_has_and_what_a_model_can_do() {
    for kind in [ServerKind::Any, ServerKind::Ollama] {
        let server = ModelServer::start_blocking(Script {
            capabilities: vec!["completion".to_owned(), "vision".to_owned()],
            ..script(kind)
        });
        assert_eq!(
            json_of(&server, "/api/version", ""),
            json!({"version": "0.12.6"})
        );
        let tags = json_of(&server, "/api/tags", "");
        assert_eq!(
            [&tags["models"][0]["name"], &tags["models"][1]["model"]],
            [&json!("smol"), &json!("big")]
        );
        let show = |model: &str| {
            let body = json!({"model": model}).to_string();
            let raw = read(send(&server, "POST", "/api/show", "", &body));
            (raw.status(), raw.json())
        };
        let (status, shown) = show("smol");
        assert_eq!(status, 200);
        assert_eq!(shown["capabilities"], json!(["completion", "vision"]));
        let info = &shown["model_info"];
        assert_eq!(info["general.architecture"], "llama");
        assert_eq!(info["llama.context_length"], 4096);
        assert_eq!(
            show("tiny"),
            (404, json!({"error": "model 'tiny' not found"}))
        );
    }
}

#[test]
fn local_servers_are_told_apart_by_their_probes() {
    let probes = [
        "/health",
        "/props",
        "/version",
        "/api/v0/models",
        "/api/version",
        "/v1/models",
    ];
    for (kind, found) in [
        (ServerKind::Any, [404, 404, 404, 404, 200, 200]),
        (ServerKind::LlamaCpp, [200, 200, 404, 404, 404, 200]),
        (ServerKind::LmStudio, [404, 404, 404, 200, 404, 200]),
        (ServerKind::Vllm, [200, 404, 200, 404, 404, 200]),
        (ServerKind::Ollama, [404, 404, 404, 404, 200, 200]),
    ] {
        let server = ModelServer::start_blocking(script(kind));
        let statuses = probes.map(|path| get(&server, path, "").status());
        assert_eq!(statuses, found, "{kind:?}");
    }
}

#[test]
fn local_servers_name_their_context_size() {
    let llama = ModelServer::start_blocking(script(ServerKind::LlamaCpp));
    assert_eq!(json_of(&llama, "/health", ""), json!({"status": "ok"}));
    let props = json_of(&llama, "/props", "");
    assert_eq!(props["default_generation_settings"]["n_ctx"], 4096);
    assert_eq!(props["model_path"], "../models/smol.gguf");
    let list = json_of(&llama, "/v1/models", "");
    assert_eq!(list["data"][0]["owned_by"], "llamacpp");
    assert_eq!(list["data"][0]["meta"]["n_ctx_train"], 16384);

    let vllm = ModelServer::start_blocking(script(ServerKind::Vllm));
    assert_eq!(json_of(&vllm, "/version", ""), json!({"version": "0.28.0"}));
    let list = json_of(&vllm, "/v1/models", "");
    assert_eq!(list["data"][1]["max_model_len"], 4096);

    let studio = ModelServer::start_blocking(script(ServerKind::LmStudio));
    let list = json_of(&studio, "/api/v0/models", "");
    assert_eq!(
        list["data"][0],
        json!({
            "id": "smol", "object": "model", "type": "llm", "publisher": "test", "arch": "llama",
            "compatibility_type": "gguf", "quantization": "Q8_0", "state": "loaded",
            "max_context_length": 16384, "loaded_context_length": 4096,
        })
    );
}

#[test]
fn base_urls_are_those_the_makers_document() {
    let server = ModelServer::start_blocking(Script::default());
    let root = format!("http://{}", server.addr());
    let paths = WireKind::ALL.map(|kind| server.base_url_for(kind).replace(&root, ""));
    assert_eq!(paths, ["/v1", "/v1", "", "/v1beta", "", "", ""]);
    assert_eq!(server.base_url(), format!("{root}/v1"));
}
