//! Rounds that repeat each other.

use serde_json::{Value, json};

use super::*;

type Made = (&'static str, Value, Ending, &'static str);

fn trace((tool, args, ending, output): Made) -> Trace {
    let call = Call {
        call_id: "a".into(),
        tool: tool.to_owned(),
        args,
    };
    Trace::new(&call, ending, output)
}

fn read(path: &str, output: &'static str) -> Made {
    ("read", json!({ "path": path }), Ending::Done, output)
}

fn failed(path: &str, output: &'static str) -> Made {
    ("read", json!({ "path": path }), Ending::Failed, output)
}

fn unknown(name: &'static str) -> Made {
    (name, json!({}), Ending::Unknown, "there is no such tool")
}

/// For each round what the model was told (`hint`), and what ended the turn.
fn play(limit: u32, rounds: Vec<Vec<Made>>) -> (Vec<usize>, Option<(usize, String)>) {
    let mut guard = Repetition::new(limit);
    let mut hints = Vec::new();
    for (number, round) in rounds.into_iter().enumerate() {
        let traces: Vec<Trace> = round.into_iter().map(trace).collect();
        let round: Vec<&Trace> = traces.iter().collect();
        if guard.hint(&round).is_some() {
            hints.push(number + 1);
        }
        if let Some(message) = guard.take(&round) {
            return (hints, Some((number + 1, message)));
        }
    }
    (hints, None)
}

#[test]
fn what_repeats_itself_is_hinted_at_once_and_then_ends_the_turn() {
    let a = || vec![read("a", "1")];
    let b = || vec![read("b", "2")];
    let both = || vec![read("a", "1"), read("b", "2")];
    let turned = || vec![read("b", "2"), read("a", "1")];
    let same = "the model made the same call 3 times in a row and got the same result: `read` with";
    let a_again = format!("{same} {{\"path\":\"a\"}} (max_tool_retries is 3)");
    let b_again = format!("{same} {{\"path\":\"b\"}} (max_tool_retries is 3)");
    let cases: Vec<(&str, Vec<Vec<Made>>, usize, &str)> = vec![
        ("same call", vec![a(), a(), a()], 3, &a_again),
        ("after another", vec![b(), a(), a(), a()], 4, &a_again),
        (
            "parallel calls",
            vec![both(), turned(), both()],
            3,
            &b_again,
        ),
        (
            "back and forth",
            vec![a(), b(), a(), b(), a(), b()],
            6,
            "the model went back and forth between the same calls 3 times and got the same \
             results: the last was `read` with {\"path\":\"b\"} (max_tool_retries is 3)",
        ),
        (
            "unknown tools",
            ["fly", "run", "hop"].map(|name| vec![unknown(name)]).into(),
            3,
            "the model called tools that do not exist, 3 times in a row: the last was `hop` \
             (max_tool_retries is 3)",
        ),
        (
            "same error for other arguments",
            vec![
                vec![failed("a", "no disk")],
                vec![failed("b", "no disk"), failed("b", "no path")],
                vec![failed("c", "no disk")],
            ],
            3,
            "`read` gave the same error 3 times in a row: no disk (max_tool_retries is 3)",
        ),
    ];
    for (name, rounds, at, message) in cases {
        let (hints, end) = play(3, rounds);
        assert_eq!(end, Some((at, message.to_owned())), "{name}");
        let hint_at = if name == "back and forth" {
            at - 2
        } else {
            at - 1
        };
        assert_eq!(hints, [hint_at], "{name}");
    }
}

#[test]
fn what_goes_on_is_no_repetition() {
    let cases: Vec<(&str, Vec<Vec<Made>>)> = vec![
        (
            "a call whose result changes",
            ["1%", "2%", "3%", "4%", "5%"]
                .map(|said| vec![read("a", said)])
                .into(),
        ),
        (
            "a round in between",
            [
                ("a", "1"),
                ("a", "1"),
                ("b", "2"),
                ("a", "1"),
                ("a", "1"),
                ("c", "3"),
            ]
            .map(|(path, said)| vec![read(path, said)])
            .into(),
        ),
        (
            "three errors of one answer",
            vec![
                ["a", "b", "c"].map(|path| failed(path, "no disk")).into(),
                vec![read("a", "1")],
                vec![failed("a", "no disk")],
            ],
        ),
        (
            "an error beside a success",
            ["a", "b", "c", "d"]
                .map(|text| {
                    let edit = ("edit", json!({ "text": text }), Ending::Done, "written");
                    vec![edit, failed("test", "1 test failed")]
                })
                .into(),
        ),
        (
            "refusals of different calls",
            ["a", "b", "c", "d"]
                .map(|path| vec![("write", json!({ "path": path }), Ending::Refused, "denied")])
                .into(),
        ),
        (
            "three that take turns",
            ["a", "b", "c", "a", "b", "c", "a", "b", "c"]
                .map(|path| vec![read(path, "1")])
                .into(),
        ),
        ("rounds without calls", vec![vec![], vec![], vec![], vec![]]),
    ];
    for (name, rounds) in cases {
        assert_eq!(play(3, rounds).1, None, "{name}");
    }
}

#[test]
fn the_least_limit_is_two_and_leaves_no_room_for_a_hint() {
    for limit in [0, 1, 2] {
        let (hints, end) = play(limit, vec![vec![read("a", "1")], vec![read("a", "1")]]);
        assert_eq!((hints, end.map(|(at, _)| at)), (vec![], Some(2)));
    }
}

#[test]
fn the_order_of_keys_means_nothing() {
    let one: Value = serde_json::from_str(r#"{"a":1,"b":[{"c":2,"d":3}]}"#).unwrap();
    let other: Value = serde_json::from_str(r#"{"b":[{"d":3,"c":2}],"a":1}"#).unwrap();
    let hash = |args| trace(("t", args, Ending::Done, "x")).whole;
    assert_eq!(hash(one.clone()), hash(other));
    for different in [
        json!({"a":1,"b":[{"c":2}],"d":3}),
        json!({"a":1,"b":{"c":2,"d":3}}),
        json!({"a":"1","b":[{"c":2,"d":3}]}),
    ] {
        assert_ne!(hash(one.clone()), hash(different));
    }
}
