//! The table is a promise: a removed or changed row fails here.

use std::fmt::Write as _;

use mesoclaw_api::operations;

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
            serde_json::to_string(&(row.params_schema)()).unwrap(),
            serde_json::to_string(&(row.output_schema)()).unwrap(),
        )
        .unwrap();
    }
    insta::assert_snapshot!(text);
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
