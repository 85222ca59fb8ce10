//! Writes `docs/api.md` from the table of operations, the error codes and the schema of the events.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use mesoclaw_api::rpc::{EVENT_METHOD, LAGGED_METHOD, MAX_LINE_BYTES, PROTOCOL};
use mesoclaw_api::{Body, ErrorCode, Event, EventFrame, Lane, OpInfo, Reply, Verb, operations};
use serde_json::{Map, Value, json};

/// A kind of event, with what a sample of it says about itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EventKind {
    /// The name on the wire.
    pub kind: String,
    /// Whether a slow reader may never miss it.
    pub must_deliver: bool,
    schema: Value,
}

/// The types that params and answers name, by name.
type Types = BTreeMap<String, Value>;

/// The whole document.
pub fn api_markdown() -> String {
    let mut out = introduction();
    let mut types = Types::new();
    let mut domain = "";
    for row in operations() {
        let (noun, _) = row.method.split_once('.').expect("noun.verb");
        if noun != domain {
            domain = noun;
            write!(out, "\n## `{noun}`\n").unwrap();
        }
        operation(&mut out, row, &mut types);
    }
    events(&mut out, &mut types);
    type_list(&mut out, &types);
    errors(&mut out);
    out
}

/// All kinds of events, in the order they are declared.
pub fn event_kinds() -> Vec<EventKind> {
    let schema = schemars::schema_for!(Event).to_value();
    let variants = schema["oneOf"].as_array().expect("one schema a kind");
    variants
        .iter()
        .map(|variant| {
            let sample = sample(variant, &schema["$defs"]);
            let event: Event = serde_json::from_value(sample.clone())
                .unwrap_or_else(|error| panic!("{error}: {sample}"));
            EventKind {
                kind: event.kind().to_owned(),
                must_deliver: event.must_deliver(),
                schema: variant.clone(),
            }
        })
        .collect()
}

fn introduction() -> String {
    format!(
        "# The API\n\
         \n\
         <!-- Written by a test from the code. Do not edit: \
         UPDATE_DOCS=1 cargo test -p mesoclaw-cli --test e2e docs_in_sync -->\n\
         \n\
         A client talks to the daemon over a local socket: JSON-RPC 2.0, one object a line, UTF-8, \
         at most {MAX_LINE_BYTES} bytes a line. The first request of a connection is \
         [`daemon.hello`](#daemonhello) with protocol {PROTOCOL}. Requests may overlap; an answer \
         has the `id` of its request. `mesoclaw daemon status` says where the socket is.\n\
         \n\
         ```text\n\
         -> {{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"daemon.hello\",\"params\":\
         {{\"protocol\":{PROTOCOL},\"client\":\"example\",\"version\":\"1\",\"surface\":\"cli\"}}}}\n\
         -> {{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"daemon.health\"}}\n\
         <- {{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{{\"protocol\":{PROTOCOL}, ...}}}}\n\
         <- {{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{{\"status\":\"ok\"}}}}\n\
         ```\n\
         \n\
         *Access* says who may call an operation: `Public` anyone who reaches the endpoint, `Read` \
         whoever may look, `Write` whoever may change conversations, `Owner` whoever may change \
         what the agent is allowed to do. The surface a client names is the ceiling. *Runs* says \
         beside whom: operations of one lane wait for each other. The HTTP line is the place of \
         the operation in the HTTP bridge. Params that are not listed are refused.\n"
    )
}

fn operation(out: &mut String, row: &OpInfo, types: &mut Types) {
    write!(out, "\n### `{}`\n\n{}\n\n", row.method, row.summary.trim()).unwrap();
    writeln!(out, "- Access: `{:?}`", row.access).unwrap();
    writeln!(
        out,
        "- HTTP: `{} {}`, {}{}",
        verb(row.verb),
        row.path,
        reply(row.reply),
        match row.body {
            Body::Merge => String::new(),
            Body::Field(field) => format!("; the body is the value of `{field}`"),
        }
    )
    .unwrap();
    writeln!(out, "- Runs: {}", lane(row.lane)).unwrap();
    let params = (row.params_schema)().to_value();
    collect(&params, types);
    if fields(&params).is_empty() {
        out.push_str("- Params: none\n");
    } else {
        out.push_str("- Params:\n\n");
        field_table(out, &params);
        out.push('\n');
    }
    let output = (row.output_schema)().to_value();
    collect(&output, types);
    match output["title"].as_str().filter(|_| is_object(&output)) {
        Some(title) if !fields(&output).is_empty() => {
            insert(types, title, &output);
            writeln!(out, "- Answer: {}", link(title)).unwrap();
        }
        _ => writeln!(out, "- Answer: {}", type_of(&output)).unwrap(),
    }
}

fn verb(verb: Verb) -> &'static str {
    match verb {
        Verb::Get => "GET",
        Verb::Post => "POST",
        Verb::Put => "PUT",
        Verb::Delete => "DELETE",
    }
}

fn reply(reply: Reply) -> &'static str {
    match reply {
        Reply::Json => "answers 200",
        Reply::Created => "answers 201",
        Reply::Accepted => "answers 202",
        Reply::Empty => "answers 200 without a body",
        Reply::NoContent => "answers 204 without a body",
    }
}

fn lane(lane: Lane) -> String {
    match lane {
        Lane::Free => "beside everything".to_owned(),
        Lane::Session => "one at a time for each session".to_owned(),
        Lane::Global(name) => format!("one at a time, lane `{name}`"),
    }
}

fn events(out: &mut String, types: &mut Types) {
    let frame = schemars::schema_for!(EventFrame).to_value();
    collect(&schemars::schema_for!(Event).to_value(), types);
    write!(
        out,
        "\n## Events\n\n\
         A subscriber receives notifications `{{\"jsonrpc\":\"2.0\",\"method\":\"{EVENT_METHOD}\",\
         \"params\":{{...}}}}`. The params have the fields of the kind and these:\n\n"
    )
    .unwrap();
    field_table(
        out,
        &json!({"properties": frame["properties"], "required": frame["required"]}),
    );
    write!(
        out,
        "\nA client that reads slowly gets parts of a growing text joined. What still does not fit \
         is dropped, and `{{\"jsonrpc\":\"2.0\",\"method\":\"{LAGGED_METHOD}\",\"params\":\
         {{\"skipped\":n}}}}` says how many; the client then reads the session again. Events that \
         must be delivered are never dropped: when even they do not fit, the connection is closed.\n"
    )
    .unwrap();
    for event in event_kinds() {
        let description = text(&event.schema["description"]);
        write!(out, "\n### `{}`\n\n{description}\n\n", event.kind).unwrap();
        let promise = if event.must_deliver { "yes" } else { "no" };
        write!(out, "- Must be delivered: {promise}\n\n").unwrap();
        field_table(out, &without_tag(&event.schema, "kind"));
    }
}

fn type_list(out: &mut String, types: &Types) {
    out.push_str("\n## Types\n");
    for (name, schema) in types {
        write!(out, "\n### `{name}`\n\n{}\n", text(&schema["description"])).unwrap();
        let variants = variants(schema);
        if is_object(schema) {
            out.push('\n');
            field_table(out, schema);
        } else if variants.is_empty() {
            write!(out, "\nA {}.\n", type_of(schema)).unwrap();
        } else if name == "ErrorCode" {
            out.push_str("\nOne of the codes under [Errors](#errors).\n");
        } else {
            enumeration(out, &variants);
        }
    }
}

/// The cases of an enum: words, or objects told apart by one field.
fn enumeration(out: &mut String, variants: &[Value]) {
    let Some(tag) = variants.iter().find_map(tag_of) else {
        out.push('\n');
        for variant in variants {
            let word = variant["const"].to_string();
            let description = text(&variant["description"]);
            writeln!(out, "- `{word}`: {description}").unwrap();
        }
        return;
    };
    for variant in variants {
        let value = variant["properties"][&tag]["const"].to_string();
        let description = text(&variant["description"]);
        write!(out, "\n`{tag}` = `{value}`: {description}\n").unwrap();
        let rest = without_tag(variant, &tag);
        if !fields(&rest).is_empty() {
            out.push('\n');
            field_table(out, &rest);
        }
    }
}

fn errors(out: &mut String) {
    out.push_str(
        "\n## Errors\n\n\
         An answer with an error has `error.code` (the number), `error.message` (for people), \
         `error.data.error_code` (for programs) and perhaps `error.data.hint` (what to do next). \
         The command line ends with the exit code.\n\n\
         | Code | HTTP | JSON-RPC | Exit | Meaning |\n|---|---|---|---|---|\n",
    );
    let schema = schemars::schema_for!(ErrorCode).to_value();
    let variants = schema["oneOf"].as_array().expect("one schema a code");
    for code in ErrorCode::ALL {
        let found = variants.iter().find(|v| v["const"] == code.wire());
        writeln!(
            out,
            "| `{}` | {} | {} | {} | {} |",
            code.wire(),
            code.http_status(),
            code.rpc_number(),
            code.exit_code(),
            text(&found.expect("a schema of the code")["description"])
        )
        .unwrap();
    }
}

fn field_table(out: &mut String, schema: &Value) {
    out.push_str("| Field | Type | Required | |\n|---|---|---|---|\n");
    for (name, field) in fields(schema) {
        let is_required = schema["required"]
            .as_array()
            .is_some_and(|required| required.iter().any(|field| *field == name));
        writeln!(
            out,
            "| `{name}` | {} | {} | {} |",
            type_of(&field),
            if is_required { "yes" } else { "no" },
            text(&field["description"]).replace('|', "\\|")
        )
        .unwrap();
    }
}

/// Required fields first, then by name.
fn fields(schema: &Value) -> Vec<(String, Value)> {
    let empty = Map::new();
    let properties = schema["properties"].as_object().unwrap_or(&empty);
    let required: Vec<&str> = schema["required"]
        .as_array()
        .map(|names| names.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let mut names: Vec<&String> = properties.keys().collect();
    names.sort_by_key(|name| {
        let place = required.iter().position(|required| required == name);
        (place.unwrap_or(required.len()), name.as_str())
    });
    names
        .into_iter()
        .map(|name| (name.clone(), properties[name].clone()))
        .collect()
}

/// The type of a value, as people write it.
fn type_of(schema: &Value) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        return link(reference.rsplit('/').next().unwrap_or(reference));
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        let texts: Vec<String> = choices.iter().map(type_of).collect();
        return texts.join(" or ");
    }
    let words = match &schema["type"] {
        Value::String(word) => vec![word.as_str()],
        Value::Array(words) => words.iter().filter_map(Value::as_str).collect(),
        _ => return "any JSON".to_owned(),
    };
    let texts: Vec<String> = words
        .into_iter()
        .map(|word| one_type(word, schema))
        .collect();
    texts.join(" or ")
}

fn one_type(word: &str, schema: &Value) -> String {
    match word {
        "array" => format!("list of {}", type_of(&schema["items"])),
        "integer" if schema["minimum"] == 0 => "unsigned integer".to_owned(),
        "object" if fields(schema).is_empty() => "object".to_owned(),
        word => word.to_owned(),
    }
}

fn link(name: &str) -> String {
    format!("[`{name}`](#{})", name.to_lowercase())
}

fn is_object(schema: &Value) -> bool {
    schema["type"] == "object" && schema["oneOf"].is_null()
}

fn variants(schema: &Value) -> Vec<Value> {
    schema["oneOf"].as_array().cloned().unwrap_or_default()
}

/// The field with a fixed value, by which the cases of an enum are told apart.
fn tag_of(variant: &Value) -> Option<String> {
    let properties = variant["properties"].as_object()?;
    let tag = properties
        .iter()
        .find(|(_, field)| !field["const"].is_null());
    tag.map(|(name, _)| name.clone())
}

fn without_tag(variant: &Value, tag: &str) -> Value {
    let mut variant = variant.clone();
    if let Some(properties) = variant["properties"].as_object_mut() {
        properties.remove(tag);
    }
    variant
}

/// Documentation as one paragraph, since a table cell has no lines, in the words of the wire.
fn text(description: &Value) -> String {
    let text = description.as_str().unwrap_or_default();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut parts = text.replace("`None`", "`null`");
    while let Some((before, rest)) = parts.split_once("[`crate::") {
        let (path, after) = rest.split_once("`]").expect("a link ends");
        let name = path.rsplit("::").next().unwrap_or(path);
        parts = format!("{before}`{name}`{after}");
    }
    parts
}

fn collect(schema: &Value, types: &mut Types) {
    for (name, definition) in schema["$defs"].as_object().into_iter().flatten() {
        insert(types, name, definition);
    }
}

fn insert(types: &mut Types, name: &str, schema: &Value) {
    let mut schema = schema.clone();
    if let Some(object) = schema.as_object_mut() {
        for key in ["$defs", "$schema", "title"] {
            object.remove(key);
        }
    }
    let known = types
        .entry(name.to_owned())
        .or_insert_with(|| schema.clone());
    assert_eq!(*known, schema, "two types are called {name}");
}

/// The smallest value that fits the schema.
fn sample(schema: &Value, definitions: &Value) -> Value {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap_or(reference);
        return sample(&definitions[name], definitions);
    }
    if let Some(first) = variants(schema).first() {
        return sample(first, definitions);
    }
    if !schema["const"].is_null() {
        return schema["const"].clone();
    }
    match schema["type"].as_str() {
        Some("string") => json!("2023-11-14T22:13:20.123Z"),
        Some("integer" | "number") => json!(0),
        Some("boolean") => json!(false),
        Some("array") => json!([]),
        Some("object") => {
            let required = schema["required"].as_array();
            let names = required.into_iter().flatten().filter_map(Value::as_str);
            names
                .map(|name| {
                    (
                        name.to_owned(),
                        sample(&schema["properties"][name], definitions),
                    )
                })
                .collect::<Map<_, _>>()
                .into()
        }
        _ => Value::Null,
    }
}
