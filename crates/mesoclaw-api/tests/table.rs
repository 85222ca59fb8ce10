//! The table is a promise: a removed or changed row fails here.

use std::fmt::Write as _;

use mesoclaw_api::operations;
use serde_json::Value;

#[test]
fn rows_and_schemas_are_as_released() {
    let mut text = String::new();
    for row in operations() {
        writeln!(
            text,
            "{} {:?} {} {:?} {:?} {:?} {:?}\n  params {}\n  output {}",
            row.method,
            row.verb,
            row.path,
            row.access,
            row.reply,
            row.lane,
            row.body,
            in_order((row.params_schema)().to_value()),
            in_order((row.output_schema)().to_value()),
        )
        .unwrap();
    }
    insta::assert_snapshot!(text);
}

/// JSON with sorted keys: whether maps keep their order depends on what else is built with us.
fn in_order(value: Value) -> String {
    fn sorted(value: Value) -> Value {
        match value {
            Value::Object(map) => {
                let mut entries: Vec<_> = map.into_iter().collect();
                entries.sort_by(|(a, _), (b, _)| a.cmp(b));
                let entries = entries.into_iter().map(|(key, value)| (key, sorted(value)));
                Value::Object(entries.collect())
            }
            Value::Array(values) => Value::Array(values.into_iter().map(sorted).collect()),
            other => other,
        }
    }
    sorted(value).to_string()
}

#[test]
fn methods_and_routes_are_unique() {
    let mut methods: Vec<_> = operations().map(|row| row.method).collect();
    let mut routes: Vec<_> = operations()
        .map(|row| format!("{:?} {}", row.verb, row.path))
        .collect();
    let (n_methods, n_routes) = (methods.len(), routes.len());
    methods.sort_unstable();
    methods.dedup();
    routes.sort();
    routes.dedup();
    assert_eq!((methods.len(), routes.len()), (n_methods, n_routes));
}

#[test]
fn params_refuse_unknown_fields() {
    for row in operations() {
        let schema = serde_json::to_value((row.params_schema)()).unwrap();
        assert_eq!(
            schema.get("additionalProperties"),
            Some(&serde_json::Value::Bool(false)),
            "params of {} take unknown fields",
            row.method
        );
    }
}
