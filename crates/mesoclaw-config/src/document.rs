//! The documentation of the settings, written from what the checks use.

use std::fmt::Write;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value, json};

use crate::field::{Field, Kind, fields};
use crate::limit::Limit;

const INTRODUCTION: &str = "\
# Configuration

<!-- Written by a test from the code. Do not edit: UPDATE_DOCS=1 cargo test -p mesoclaw-config -->

The config file is TOML, without sections: one `key = value` a line. `mesoclaw config path` says \
where it is; on Linux that is `~/.config/mesoclaw/config.toml`, and with `MESOCLAW_HOME=DIR` it is \
`DIR/config.toml`. A file that does not exist means defaults.

A value comes from the first of these that has it: an option of `mesoclaw daemon run`, the \
environment variable of the daemon, the file, the default. `mesoclaw config show --origin` says \
which one it was. An empty environment variable counts as not set.

An unknown key in the file is reported and ignored. A value of the wrong type or out of its range is \
an error, and `mesoclaw config set` writes nothing then. In an environment variable or on the \
command line a list is a JSON or TOML array, or texts with commas between them.

Relative paths start at the directory of the config file; `~/` is the home directory.
";

const SCHEMA_DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

const MODEL_PATTERN: &str = "^(?!hint:)[^:\\s]+:\\S(.*\\S)?$";

const VARIABLE_PATTERN: &str = "^[A-Za-z_][A-Za-z0-9_]*$";

const HOST_PATTERN: &str = "^(\\*\\.)?[^\\s/?#@*%\\\\.-][^\\s/?#@*%\\\\]*$";

/// The text of `docs/configuration.md`.
pub fn configuration_markdown() -> String {
    let mut text = INTRODUCTION.to_owned();
    let mut area = "";
    for field in fields() {
        if field.area != area {
            area = field.area;
            text.push_str("\n## ");
            text.push_str(area);
            text.push('\n');
        }
        text.push_str(&section(field));
    }
    text
}

/// The text of `docs/config.schema.json`, a JSON Schema of the config file.
pub fn json_schema() -> String {
    let schema = Ordered(vec![
        ("$schema".to_owned(), Node::Value(json!(SCHEMA_DIALECT))),
        (
            "title".to_owned(),
            Node::Value(json!("mesoclaw configuration")),
        ),
        ("type".to_owned(), Node::Value(json!("object"))),
        ("additionalProperties".to_owned(), Node::Value(json!(false))),
        ("properties".to_owned(), Node::Map(properties())),
    ]);
    // Writing plain values to memory has no way to fail.
    serde_json::to_string_pretty(&schema).unwrap_or_default() + "\n"
}

fn section(field: &Field) -> String {
    let mut rows = vec![
        ("Type", type_name(field).to_owned()),
        ("Default", default_text(&field.default)),
        ("Range", range_text(field)),
    ];
    if let Some(unit) = field.unit {
        rows.push(("Unit", unit.to_owned()));
    }
    rows.push(("Environment", format!("`{}`", field.environment)));
    if let Some(alias) = field.alias {
        rows.push(("Other name", format!("`{alias}`")));
    }
    let mut text = format!("\n### `{}`\n\n{}\n\n", field.key, field.description);
    for (name, value) in rows {
        // Writing to a `String` never fails.
        writeln!(text, "- {name}: {value}").ok();
    }
    text
}

fn type_name(field: &Field) -> &'static str {
    let name = field.kind.describe();
    if let Limit::Words(_) | Limit::WordsAndOld { .. } = field.limit {
        return "one of the words";
    }
    if field.limit == Limit::Path {
        return "path";
    }
    name.strip_prefix("an ")
        .or_else(|| name.strip_prefix("a "))
        .unwrap_or(name)
}

fn default_text(default: &Value) -> String {
    if default.is_null() {
        "unset".to_owned()
    } else {
        format!("`{default}`")
    }
}

fn range_text(field: &Field) -> String {
    if let Limit::Words(words) | Limit::WordsAndOld { words, .. } = field.limit {
        return format!("`{}`", words.join("`, `"));
    }
    field.limit.describe().unwrap_or_else(|| "any".to_owned())
}

/// A JSON object whose order does not depend on how `serde_json` was built.
struct Ordered(Vec<(String, Node)>);

enum Node {
    Value(Value),
    Map(Ordered),
}

impl Serialize for Ordered {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, node) in &self.0 {
            match node {
                Node::Value(value) => map.serialize_entry(key, value)?,
                Node::Map(inner) => map.serialize_entry(key, inner)?,
            }
        }
        map.end()
    }
}

fn properties() -> Ordered {
    let mut properties = Vec::new();
    for field in fields() {
        properties.push((
            field.key.to_owned(),
            Node::Map(property(field, &field.description)),
        ));
        if let Some(alias) = field.alias {
            let description = format!("Another name of `{}`.", field.key);
            properties.push((alias.to_owned(), Node::Map(property(field, &description))));
        }
    }
    Ordered(properties)
}

fn items(limit: Limit) -> Value {
    match limit {
        // In the order of the alphabet, which is also the order of a sorted map.
        Limit::Models { .. } => json!({ "pattern": MODEL_PATTERN, "type": "string" }),
        Limit::VariableNames { .. } => json!({ "pattern": VARIABLE_PATTERN, "type": "string" }),
        Limit::Hosts { .. } => json!({ "pattern": HOST_PATTERN, "type": "string" }),
        _ => json!({ "type": "string" }),
    }
}

fn property(field: &Field, description: &str) -> Ordered {
    let mut entries = vec![
        ("description", json!(description)),
        ("type", json!(field.kind.schema_name())),
    ];
    if field.kind == Kind::List {
        entries.push(("items", items(field.limit)));
    }
    match field.limit {
        Limit::Integer { min, max } => {
            entries.extend([("minimum", json!(min)), ("maximum", json!(max))]);
        }
        Limit::Number { min, with_min, max } => {
            let least = if with_min {
                "minimum"
            } else {
                "exclusiveMinimum"
            };
            entries.extend([(least, json!(min)), ("maximum", json!(max))]);
        }
        Limit::Words(words) => entries.push(("enum", json!(words))),
        Limit::WordsAndOld { words, old } => {
            let old = old.iter().map(|(word, _)| word);
            entries.push(("enum", words.iter().chain(old).copied().collect()));
        }
        Limit::Items { max }
        | Limit::Models { max }
        | Limit::VariableNames { max }
        | Limit::Hosts { max } => entries.push(("maxItems", json!(max))),
        Limit::Model => entries.push(("pattern", json!(MODEL_PATTERN))),
        Limit::ProviderId => entries.push(("pattern", json!("^[a-z0-9_-]{1,64}$"))),
        Limit::NotEmpty | Limit::Path => entries.push(("minLength", json!(1))),
        Limit::HttpUrl => entries.push(("pattern", json!("^https?://[^/?#@\\s]+([/?#]\\S*)?$"))),
        Limit::VariableName => entries.push(("pattern", json!(VARIABLE_PATTERN))),
        Limit::NoRange => {}
    }
    if !field.default.is_null() {
        entries.push(("default", field.default.clone()));
    }
    if let Some(unit) = field.unit {
        entries.push(("x-unit", json!(unit)));
    }
    entries.push(("x-environment", json!(field.environment)));
    Ordered(
        entries
            .into_iter()
            .map(|(key, value)| (key.to_owned(), Node::Value(value)))
            .collect(),
    )
}
