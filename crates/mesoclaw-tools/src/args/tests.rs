//! Tests of the module beside.

use super::*;
use crate::testing::Ground;
use crate::web_search::tests::server::guard;

#[derive(serde::Deserialize, JsonSchema, PartialEq, Debug)]
#[serde(deny_unknown_fields)]
struct Sample {
    /// Where.
    path: String,
    /// How many.
    max_lines: Option<usize>,
    /// Whether.
    #[serde(default)]
    recursive: bool,
    /// Which.
    action: Option<Word>,
}

#[derive(serde::Deserialize, JsonSchema, PartialEq, Debug)]
#[serde(rename_all = "snake_case")]
enum Word {
    CpuCount,
    /// The other.
    Os,
}

fn spec() -> ArgSpec {
    ArgSpec::new::<Sample>("sample", "A sample.", &[], json!({"path": "a"}))
}

#[test]
fn the_schema_says_what_a_model_needs_and_no_more() {
    let spec = spec();
    let parameters = &spec.spec().definition.parameters;
    assert_eq!(
        *parameters,
        json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["path"],
            "properties": {
                "path": {"type": "string", "description": "Where."},
                "max_lines": {"type": "integer", "description": "How many."},
                "recursive": {"type": "boolean", "description": "Whether."},
                "action": {
                    "type": "string",
                    "enum": ["cpu_count", "os"],
                    "description": "Which."
                },
            },
        })
    );
}

#[test]
fn harmless_slips_of_small_models_are_understood() {
    let full = Sample {
        path: "7".to_owned(),
        max_lines: Some(10),
        recursive: true,
        action: Some(Word::CpuCount),
    };
    let bare = Sample {
        path: "7".to_owned(),
        max_lines: None,
        recursive: false,
        action: None,
    };
    for (args, expected) in [
        (
            json!({"path": "7", "max_lines": 10, "recursive": true, "action": "cpu_count"}),
            &full,
        ),
        (
            json!({"path": 7, "max_lines": "10", "recursive": "True", "action": "CPU-Count"}),
            &full,
        ),
        (
            json!({"path": "7", "max_lines": 10.0, "recursive": " true", "action": "cpu_count "}),
            &full,
        ),
        (
            json!("{\"path\": \"7\", \"max_lines\": null, \"action\": null}"),
            &bare,
        ),
        (json!({"path": "7", "recursive": null}), &bare),
    ] {
        assert_eq!(
            spec().parse::<Sample>(&args).as_ref(),
            Ok(expected),
            "{args}"
        );
    }
}

#[test]
fn faults_become_sentences_that_name_the_field() {
    for (args, part) in [
        (
            json!({}),
            "`sample` needs the argument `path`: Where. Example: {\"path\":\"a\"}",
        ),
        (
            json!({"path": null}),
            "`path` of `sample` must be a string, not null",
        ),
        (json!(null), "needs the argument `path`"),
        (
            json!({"path": "a", "max_line": 1}),
            "has no argument `max_line`; did you mean `max_lines`? It takes `path` (needed), ",
        ),
        (
            json!({"path": "a", "zzzzzzzzz": 1}),
            "has no argument `zzzzzzzzz`. It takes",
        ),
        (
            json!({"path": "a", "max_lines": -1}),
            "`max_lines` of `sample` must be a whole number, not negative, not -1",
        ),
        (json!({"path": "a", "max_lines": 1.5}), "not 1.5"),
        (json!({"path": "a", "max_lines": "ten"}), "not \"ten\""),
        (
            json!({"path": "a", "recursive": "maybe"}),
            "must be `true` or `false`",
        ),
        (
            json!({"path": "a", "recursive": 1}),
            "must be `true` or `false`",
        ),
        (
            json!({"path": "a", "action": "run"}),
            "must be one of `cpu_count`, `os`, not \"run\"",
        ),
        (json!({"path": ["a"]}), "must be a string, not [\"a\"]"),
        (json!(["a"]), "must be a JSON object"),
        (json!("a"), "must be a JSON object"),
    ] {
        let sentence = spec().parse::<Sample>(&args).unwrap_err();
        assert!(sentence.contains(part), "{args}: {sentence}");
    }
}

/// Case 27.
#[test]
fn paths_of_other_systems_are_refused_as_they_are_written() {
    for path in [
        "",
        "a\0b",
        "C:\\x",
        "\\\\server\\x",
        "\\\\?\\C:\\x",
        "x.txt:stream",
        "CON",
        "a./b",
        "b ",
        "a\u{202e}b",
    ] {
        let sentence = check_path("path", path).unwrap_err();
        assert!(sentence.starts_with("`path` cannot be"), "{sentence}");
        assert!(!sentence.contains(['\0', '\u{202e}']), "{sentence}");
    }
    assert_eq!(check_path("path", "src/main.rs"), Ok(()));
}

#[test]
fn every_tool_has_a_plain_schema_and_refuses_what_it_does_not_know() {
    let ground = Ground::new();
    let parts = crate::ToolParts {
        options: ground.options(),
        environment: std::collections::BTreeMap::new(),
        sandbox: std::sync::Arc::new(|| mesoclaw_sandbox::Sandbox {
            level: mesoclaw_sandbox::Level::Off,
            helper: None,
        }),
        guard: std::sync::Arc::new(|| std::sync::Arc::new(guard())),
        search: std::sync::Arc::new(|| Box::pin(std::future::pending())),
    };
    let tools = crate::builtin(parts);
    let names: Vec<&str> = tools
        .iter()
        .map(|tool| tool.spec().definition.name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "file_read",
            "file_write",
            "file_list",
            "file_search",
            "content_search",
            "edit",
            "patch",
            "process",
            "shell",
            "web_fetch",
            "web_search",
            "system_info"
        ]
    );
    for tool in &tools {
        let definition = &tool.spec().definition;
        let text = definition.parameters.to_string();
        for noise in [
            "$ref", "$schema", "anyOf", "oneOf", "null", "format", "title",
        ] {
            assert!(!text.contains(noise), "{}: {text}", definition.name);
        }
        let properties = definition.parameters["properties"].as_object().unwrap();
        for (name, property) in properties {
            assert!(
                property["description"].is_string(),
                "{} {name}",
                definition.name
            );
        }
        let unknown = tool.plan(&json!({"no_such_argument": 1})).unwrap_err();
        assert!(unknown.contains("no_such_argument"), "{unknown}");
        assert!(tool.plan(&json!([])).is_err());
    }
}
