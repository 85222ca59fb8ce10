//! Tests of grammars made from JSON schemas.

use std::rc::Rc;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::grammar::Matcher;

fn accepts(schema: &Value, text: &str) -> bool {
    let mut grammar = Grammar::default();
    let root = arguments(&mut grammar, schema);
    let mut matcher = Matcher::new(Rc::new(grammar), root);
    matcher.push(text.as_bytes()) && matcher.is_complete()
}

/// A schema of one property, for the tables below.
fn only(schema: Value) -> Value {
    json!({"type": "object", "properties": {"x": schema}, "required": ["x"]})
}

/// A schema, texts it allows, and texts it does not.
type Case<'a> = (&'a Value, &'a [&'a str], &'a [&'a str]);

fn check(cases: &[Case]) {
    for (schema, good, bad) in cases {
        for (texts, expected) in [(good, true), (bad, false)] {
            for text in *texts {
                assert_eq!(accepts(schema, text), expected, "{schema} {text}");
            }
        }
    }
}

#[test]
fn values_follow_their_schema() {
    let string = json!({"type": "string"});
    let short = json!({"type": "string", "minLength": 1, "maxLength": 2});
    let choice = json!({"enum": ["on", 3, null]});
    let age = json!({"type": "integer", "minimum": 18, "maximum": 120});
    let share = json!({"type": "number", "minimum": 0, "maximum": 1});
    let open = json!({"type": "integer", "exclusiveMinimum": -3, "maximum": 10});
    let list = json!({"type": "array", "items": {"type": "boolean"}, "minItems": 1, "maxItems": 2});
    let either = json!({"anyOf": [{"type": "integer"}, {"type": "null"}]});
    let several = json!({"type": ["string", "null"]});
    let cases: &[Case] = &[
        (
            &string,
            &[r#""""#, r#""a\n\u00e9 é😀""#],
            &["1", r#""\x""#, "\"a\nb\"", r#""\ud800""#],
        ),
        (&short, &[r#""é""#, r#""\u0041b""#], &[r#""""#, r#""abc""#]),
        (&choice, &[r#""on""#, "3", "null"], &[r#""off""#, "4"]),
        (
            &age,
            &["18", "19", "99", "100", "120"],
            &["17", "121", "1", "018", "-20", "20.5"],
        ),
        (
            &share,
            &["0", "1", "0.25", "0.000001"],
            &["1.5", "2", "-0.1", ".5", "1."],
        ),
        (&open, &["-2", "0", "10"], &["-3", "-0", "11"]),
        (
            &list,
            &["[true]", "[true, false]", "[true,false]"],
            &["[]", "[true,true,true]", "[1]"],
        ),
        (&either, &["-17", "null"], &["true", "1.5"]),
        (&several, &[r#""a""#, "null"], &["1"]),
    ];
    for (schema, good, bad) in cases {
        let schema = only((*schema).clone());
        for (values, expected) in [(good, true), (bad, false)] {
            for value in *values {
                let text = format!("{{\"x\": {value}}}");
                assert_eq!(accepts(&schema, &text), expected, "{schema} {text}");
            }
        }
    }
}

#[test]
fn objects_follow_their_schema() {
    let named = json!({
        "type": "object",
        "properties": {"path": {"type": "string"}, "n": {"type": "integer"}},
        "required": ["path"],
    });
    let tree = json!({
        "$ref": "#/$defs/node",
        "type": "object",
        "$defs": {"node": {
            "type": "object",
            "properties": {
                "name": {"const": "n"},
                "inner": {"type": "array", "items": {"$ref": "#/$defs/node"}},
            },
            "required": ["name"],
        }},
    });
    let cases: &[Case] = &[
        (
            &named,
            &[r#"{"path":"a"}"#, r#"{"n": 1, "path": "a"}"#],
            &[
                "{}",
                r#"{"n": 1}"#,
                r#"{"path":"a","x":1}"#,
                r#"{"path":"a","path":"b"}"#,
                "[]",
            ],
        ),
        (
            &tree,
            &[r#"{"name": "n", "inner": [{"name": "n", "inner": []}]}"#],
            &[r#"{"inner": []}"#],
        ),
    ];
    check(cases);
}

#[test]
fn loose_and_impossible_objects_follow_their_schema() {
    let map = json!({"type": "object", "additionalProperties": {"type": "integer"}});
    let one_of_two = json!({
        "type": "object",
        "properties": {"a": {"type": "null"}, "b": {"type": "null"}},
        "anyOf": [{"required": ["a"]}, {"required": ["b"]}],
    });
    let both = json!({"allOf": [
        {"properties": {"a": {"type": "null"}}, "required": ["a"]},
        {"properties": {"b": {"type": "null"}}, "required": ["b"]},
    ]});
    let endless = json!({
        "type": "object",
        "properties": {"next": {"$ref": "#"}},
        "required": ["next"],
    });
    let cases: &[Case] = &[
        (&map, &["{}", r#"{"a": 1, "b": 2}"#], &[r#"{"a": "1"}"#]),
        (
            &one_of_two,
            &[r#"{"a": null}"#, r#"{"b": null, "a": null}"#],
            &["{}"],
        ),
        (&both, &[r#"{"b": null, "a": null}"#], &[r#"{"a": null}"#]),
        (
            &json!({"type": "object", "properties": {}}),
            &["{}"],
            &[r#"{"a": 1}"#],
        ),
        (&Value::Null, &["{}"], &[r#"{"a": 1}"#]),
        // What nothing can satisfy, or is no object, says nothing about the object.
        (&endless, &["{}", r#"{"a": [1.5, {"b": "c"}]}"#], &["[]"]),
        (&json!({"type": "string"}), &["{}"], &[r#""a""#]),
        (&json!(true), &[r#"{"a": true}"#], &["true"]),
    ];
    check(cases);
}

#[test]
fn schema_that_branches_into_itself_stays_small() {
    let branch = json!({"$ref": "#/$defs/e"});
    let schema = json!({
        "type": "object",
        "properties": {"e": branch},
        "$defs": {"e": {"anyOf": [
            {"type": "integer"},
            {"type": "object", "properties": {"l": branch, "r": branch, "m": branch}},
            {"type": "object", "properties": {"deep": {"anyOf": [branch, branch, {"type": "null"}]}}},
        ]}},
    });
    let mut grammar = Grammar::default();
    arguments(&mut grammar, &schema);
    assert!(grammar.n_nodes() < 5_000, "{}", grammar.n_nodes());
}

/// Whether a value fits a schema, for the keywords the strategy below uses.
fn is_valid(root: &Value, schema: &Value, value: &Value) -> bool {
    let count = |key: &str| schema.get(key).and_then(Value::as_u64);
    let number = |key: &str| schema.get(key).and_then(Value::as_f64);
    if let Some(pointer) = schema.get("$ref").and_then(Value::as_str) {
        return is_valid(root, root.pointer(&pointer[1..]).unwrap(), value);
    }
    if let Some(parts) = schema.get("anyOf").and_then(Value::as_array) {
        return parts.iter().any(|part| is_valid(root, part, value));
    }
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return values.contains(value);
    }
    let is_inside = |value: f64| {
        number("minimum").is_none_or(|min| value >= min)
            && number("maximum").is_none_or(|max| value <= max)
            && number("exclusiveMinimum").is_none_or(|min| value > min)
            && number("exclusiveMaximum").is_none_or(|max| value < max)
    };
    let is_count = |n: usize, min: &str, max: &str| {
        count(min).is_none_or(|min| n as u64 >= min) && count(max).is_none_or(|max| n as u64 <= max)
    };
    match (schema.get("type").and_then(Value::as_str), value) {
        (None, _) | (Some("boolean"), Value::Bool(_)) | (Some("null"), Value::Null) => true,
        (Some("string"), Value::String(text)) => {
            is_count(text.chars().count(), "minLength", "maxLength")
        }
        (Some("integer"), Value::Number(n)) => n.as_i64().is_some_and(|n| is_inside(n as f64)),
        (Some("number"), Value::Number(n)) => is_inside(n.as_f64().unwrap()),
        (Some("array"), Value::Array(items)) => {
            is_count(items.len(), "minItems", "maxItems")
                && items
                    .iter()
                    .all(|item| is_valid(root, &schema["items"], item))
        }
        (Some("object"), Value::Object(entries)) => {
            let required = schema["required"].as_array().unwrap();
            required
                .iter()
                .all(|name| entries.contains_key(name.as_str().unwrap()))
                && entries.iter().all(|(name, value)| {
                    let property = schema["properties"].get(name);
                    property.is_some_and(|property| is_valid(root, property, value))
                })
        }
        _ => false,
    }
}

fn schemas() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!({})),
        Just(json!({"$ref": "#/$defs/named"})),
        Just(json!({"type": "boolean"})),
        Just(json!({"type": "null"})),
        Just(json!({"enum": ["a \"quoted\" word", 7, null, ["x"]]})),
        (0_u32..3, 0_u32..5).prop_map(
            |(min, more)| json!({"type": "string", "minLength": min, "maxLength": min + more})
        ),
        (-2000_i64..2000, 0_i64..3000).prop_map(
            |(min, more)| json!({"type": "integer", "minimum": min, "maximum": min + more})
        ),
        (-300_i32..300, 1_i32..300).prop_map(|(min, more)| {
            let (min, max) = (f64::from(min) / 10.0, f64::from(min + more) / 10.0);
            json!({"type": "number", "minimum": min, "exclusiveMaximum": max})
        }),
        (-300_i32..300, 1_i32..300).prop_map(|(min, more)| {
            let (min, max) = (f64::from(min) / 10.0, f64::from(min + more) / 10.0);
            json!({"type": "number", "exclusiveMinimum": min, "maximum": max})
        }),
        Just(json!({"type": "integer"})),
        Just(json!({"type": "number"})),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| json!({"anyOf": parts})),
            (inner.clone(), 0_u32..3, 0_u32..3).prop_map(|(items, min, more)| {
                json!({"type": "array", "items": items, "minItems": min, "maxItems": min + more})
            }),
            object(inner),
        ]
    })
}

fn object(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    prop::collection::btree_map("[a-c\"é]{1,2}", (inner, any::<bool>()), 1..4).prop_map(|named| {
        let required: Vec<&String> = named
            .iter()
            .filter_map(|(name, (_, is_required))| is_required.then_some(name))
            .collect();
        let properties: Map<String, Value> = named
            .iter()
            .map(|(name, (schema, _))| (name.clone(), schema.clone()))
            .collect();
        json!({"type": "object", "properties": properties, "required": required})
    })
}

/// A text of the grammar, chosen by chance; rather short than long.
fn walk(matcher: &mut Matcher, mut chance: u64) -> Vec<u8> {
    let mut next = |n: usize| {
        chance = chance
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (chance >> 33) as usize % n
    };
    let mut text = Vec::new();
    while !matcher.is_complete() {
        let set = matcher.next_bytes();
        let allowed: Vec<u8> = (0..=u8::MAX).filter(|byte| set.contains(*byte)).collect();
        assert!(
            !allowed.is_empty(),
            "stuck behind {:?}",
            String::from_utf8_lossy(&text)
        );
        let closing: Vec<u8> = allowed
            .iter()
            .copied()
            .filter(|byte| b"\"]}".contains(byte))
            .collect();
        let byte = if closing.is_empty() || next(4) > 0 {
            allowed[next(allowed.len())]
        } else {
            closing[next(closing.len())]
        };
        assert!(matcher.push(&[byte]));
        text.push(byte);
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn every_text_of_the_grammar_parses_and_is_valid(mut schema in object(schemas()), chance in any::<u64>()) {
        schema["$defs"] = json!({"named": {"type": "string", "maxLength": 3}});
        let mut grammar = Grammar::default();
        let root = arguments(&mut grammar, &schema);
        let grammar = Rc::new(grammar);
        for turn in 0..4 {
            let mut matcher = Matcher::new(Rc::clone(&grammar), root);
            let text = walk(&mut matcher, chance.wrapping_add(turn));
            let value: Value = serde_json::from_slice(&text)
                .map_err(|error| TestCaseError::fail(format!("{error}: {}", String::from_utf8_lossy(&text))))?;
            prop_assert!(is_valid(&schema, &schema, &value), "{} {}", schema, value);
        }
    }
}
