//! Compares the generated documents with the checked-in ones; `UPDATE_DOCS=1` writes them.

use std::path::Path;

#[test]
fn docs_in_sync() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let documents = [
        (
            "configuration.md",
            mesoclaw_config::configuration_markdown(),
        ),
        ("config.schema.json", mesoclaw_config::json_schema()),
    ];
    for (name, expected) in documents {
        let path = docs.join(name);
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, &expected).unwrap();
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            found == expected,
            "docs/{name} is out of date: UPDATE_DOCS=1 cargo test -p mesoclaw-config docs_in_sync"
        );
    }
}

#[test]
fn documents_name_every_setting() {
    let markdown = mesoclaw_config::configuration_markdown();
    let schema: serde_json::Value = serde_json::from_str(&mesoclaw_config::json_schema()).unwrap();
    for field in mesoclaw_config::fields() {
        let heading = format!("\n### `{}`\n\n{}\n", field.key, field.description);
        assert!(markdown.contains(&heading), "{}", field.key);
        assert!(markdown.contains(&format!("- Environment: `{}`\n", field.environment)));
        let property = &schema["properties"][field.key];
        assert_eq!(property["description"], field.description);
        assert_eq!(property["x-environment"], field.environment);
        assert_eq!(
            property.get("default").cloned().unwrap_or_default(),
            field.default
        );
    }
    assert_eq!(schema["properties"]["agent_top_p"]["exclusiveMinimum"], 0.0);
    assert_eq!(schema["properties"]["log_level"]["enum"][0], "error");
}
