//! Answers of `/api/show`, from <https://docs.ollama.com/api-reference/show-model-details> (read on
//! 2026-11-22).

use super::*;

#[test]
fn context_and_capabilities_are_read() {
    let info = |length: Value| {
        json!({"general.architecture": "llama", "llama.context_length": length,
            "llama.embedding_length": 576, "tokenizer.ggml.tokens": null})
    };
    let shown = |length: u64, parameters: &str, capabilities: &[&str]| {
        json!({"modelfile": "FROM m", "parameters": parameters, "model_info": info(length.into()),
            "details": {"family": "llama"}, "capabilities": capabilities})
    };
    // The context to ask for, the one a request will have, whether it can call tools and think.
    for (shown, expected) in [
        (
            shown(8192, "", &["completion", "tools"]),
            (Some(8192), Some(8192), Some(true), Some(false)),
        ),
        (
            shown(131_072, "stop \"<x>\"\n", &["thinking"]),
            (Some(32_768), Some(32_768), Some(false), Some(true)),
        ),
        // Whoever made the model has chosen.
        (
            shown(
                131_072,
                "temperature 0.6\nnum_ctx                65536\n",
                &[],
            ),
            (None, Some(65_536), Some(false), Some(false)),
        ),
        (
            json!({"model_info": info(2048.into())}),
            (Some(2048), Some(2048), None, None),
        ),
        (
            json!({"model_info": info("x".into())}),
            (None, None, None, None),
        ),
        (
            json!({"model_info": info(0.into())}),
            (None, None, None, None),
        ),
        (
            json!({"model_info": {"llama.context_length": 8192}}),
            (None, None, None, None),
        ),
        (json!({}), (None, None, None, None)),
    ] {
        let read = read(&shown).unwrap();
        let found = (
            read.num_ctx(),
            read.context_limit(),
            read.can("tools"),
            read.can("thinking"),
        );
        assert_eq!(found, expected, "{shown}");
    }
    assert_eq!(read(&json!("m")), None);
}
