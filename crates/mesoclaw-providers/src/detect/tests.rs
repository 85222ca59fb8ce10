//! Finding servers, by their answers.

use std::net::TcpListener;

use mesoclaw_testkit::model_server::{ModelServer, Reply, Script, ServerKind as Scripted};
use serde_json::json;

use super::*;

async fn server(kind: Scripted) -> ModelServer {
    ModelServer::start(Script {
        server: kind,
        models: vec!["b".to_owned(), "a".to_owned()],
        context_tokens: Some(4096),
        ..Script::default()
    })
    .await
}

/// A port where nobody listens.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn free_ports() -> DetectPorts {
    DetectPorts {
        ollama: free_port(),
        llama_cpp: free_port(),
        lm_studio: free_port(),
        vllm: free_port(),
    }
}

fn listed(
    id: &str,
    context: u32,
    supports_tools: Option<bool>,
    supports_vision: Option<bool>,
) -> ListedModel {
    ListedModel {
        id: id.to_owned(),
        context_limit: Some(context),
        supports_tools,
        supports_vision,
    }
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
async fn every_server_is_known_by_its_answers_whatever_its_port() {
    let told = Some(true);
    for (scripted, kind, version, models) in [
        (
            Scripted::Ollama,
            ServerKind::Ollama,
            Some("0.12.6"),
            vec![listed("a", 4096, told, told), listed("b", 4096, told, told)],
        ),
        (
            Scripted::LlamaCpp,
            ServerKind::LlamaCpp,
            Some("b8681-test"),
            vec![listed("a", 4096, None, told), listed("b", 4096, None, told)],
        ),
        (
            Scripted::LmStudio,
            ServerKind::LmStudio,
            None,
            vec![
                listed("a", 4 * 4096, None, None),
                listed("b", 4096, None, None),
            ],
        ),
        (
            Scripted::Vllm,
            ServerKind::Vllm,
            Some("0.28.0"),
            vec![listed("a", 4096, None, None), listed("b", 4096, None, None)],
        ),
    ] {
        let server = server(scripted).await;
        let port = server.addr().port();
        let path = if kind == ServerKind::Ollama {
            ""
        } else {
            "/v1"
        };
        let expected = Detected {
            kind,
            base_url: format!("http://127.0.0.1:{port}{path}"),
            version: version.map(str::to_owned),
            models,
        };
        for ports in [
            DetectPorts {
                ollama: port,
                ..free_ports()
            },
            DetectPorts {
                vllm: port,
                ..free_ports()
            },
        ] {
            assert_eq!(
                detect(&ports).await,
                std::slice::from_ref(&expected),
                "{scripted:?}"
            );
        }
        for request in server.requests() {
            assert!(
                !request.headers.contains_key("authorization"),
                "{request:?}"
            );
        }
    }
}

#[tokio::test]
async fn servers_are_told_in_the_order_of_the_ports_and_one_port_once() {
    let (ollama, vllm) = (server(Scripted::Ollama).await, server(Scripted::Vllm).await);
    let ports = DetectPorts {
        ollama: ollama.addr().port(),
        llama_cpp: ollama.addr().port(),
        vllm: vllm.addr().port(),
        ..free_ports()
    };
    let found: Vec<_> = detect(&ports).await.into_iter().map(|it| it.kind).collect();
    assert_eq!(found, [ServerKind::Ollama, ServerKind::Vllm]);
}

#[tokio::test]
async fn what_is_none_of_them_is_not_found() {
    assert_eq!(detect(&free_ports()).await, []);
    // A hosted-style server that knows only `/v1`.
    let other = server(Scripted::Cohere).await;
    // One that accepts and never answers: `TcpListener` queues the connection.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let ports = DetectPorts {
        llama_cpp: other.addr().port(),
        vllm: silent.local_addr().unwrap().port(),
        ..free_ports()
    };
    assert_eq!(detect(&ports).await, []);
}

#[tokio::test]
async fn a_server_that_wants_a_key_for_its_list_is_found_without_models() {
    let server = ModelServer::start(Script {
        server: Scripted::Vllm,
        models_reply: Some(Reply::status(401)),
        ..Script::default()
    })
    .await;
    let ports = DetectPorts {
        vllm: server.addr().port(),
        ..free_ports()
    };
    let found = detect(&ports).await;
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].kind, found[0].models.len()),
        (ServerKind::Vllm, 0)
    );
}

#[test]
fn both_forms_of_lm_studio_are_recognised() {
    for said in [
        json!({"data": [{"id": "m", "state": "loaded"}]}),
        json!({"models": [{"key": "m", "loaded_instances": []}]}),
    ] {
        let known = ServerKind::LmStudio.recognise(&said);
        assert_eq!(known, Some(Known { version: None }), "{said}");
    }
}

#[test]
fn answers_of_another_form_are_not_recognised() {
    for (kind, said) in [
        (ServerKind::Ollama, json!({"error": "Unexpected endpoint"})),
        (
            ServerKind::LlamaCpp,
            json!({"error": "Unexpected endpoint"}),
        ),
        (ServerKind::LmStudio, json!({"data": [{"id": "m"}]})),
        (ServerKind::Vllm, json!("1.0")),
    ] {
        assert_eq!(kind.recognise(&said), None, "{kind:?}");
    }
}
