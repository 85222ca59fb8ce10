//! Tests of the form of calls and of following an answer.

use mesoclaw_api::CallId;
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn tools() -> Vec<ToolDefinition> {
    let tool = |name: &str, parameters| ToolDefinition {
        name: name.to_owned(),
        description: String::new(),
        parameters,
    };
    let path = json!({
        "type": "object",
        "properties": {"path": {"type": "string"}},
        "required": ["path"],
    });
    vec![tool("read", path), tool("now", Value::Null)]
}

fn call(name: &str, arguments: &str) -> Said {
    Said::Call {
        name: name.to_owned(),
        arguments: arguments.to_owned(),
    }
}

/// What a reader makes of pieces: text joined, calls, and whether it is over.
fn read(pieces: &[&str]) -> (String, Vec<Said>, bool) {
    let mut reader = CallReader::new(grammar(&tools()), false);
    let (mut text, mut made) = (Vec::new(), Vec::new());
    for piece in pieces {
        // A piece that goes beyond the end of a call is not taken; the model takes smaller ones.
        let parts = if reader.takes(piece.as_bytes()) {
            vec![*piece]
        } else {
            piece.split_inclusive(|_| true).collect()
        };
        for part in parts {
            assert!(reader.takes(part.as_bytes()), "{part}");
            for said in reader.push(part.as_bytes()) {
                match said {
                    Said::Text(more) => text.extend(more),
                    said @ Said::Call { .. } => made.push(said),
                }
            }
        }
    }
    let is_over = reader.is_over();
    text.extend(reader.finish());
    (String::from_utf8(text).unwrap(), made, is_over)
}

const READ: &str = r#"<tool_call>
{"name": "read", "arguments": {"path": "a </tool_call> b"}}
</tool_call>"#;
const NOW: &str = r#"<tool_call>{"name":"now","arguments":{}}</tool_call>"#;
const READ_ARGUMENTS: &str = r#"{"path": "a </tool_call> b"}"#;

#[test]
fn answers_are_read_the_same_wherever_they_are_cut() {
    let cases = [
        (
            "Just text. 1 < 2 <tool\n".to_owned(),
            "Just text. 1 < 2 <tool\n",
            vec![],
            false,
        ),
        (
            READ.to_owned(),
            "",
            vec![call("read", READ_ARGUMENTS)],
            false,
        ),
        (
            format!("Let me look.\n\n{NOW}"),
            "Let me look.",
            vec![call("now", "{}")],
            false,
        ),
        (
            format!("é{READ}\n{NOW} and more"),
            "é",
            vec![call("read", READ_ARGUMENTS), call("now", "{}")],
            true,
        ),
        // A call that was cut is no call.
        (
            "So: <tool_call>\n{\"name\": \"re".to_owned(),
            "So:",
            vec![],
            false,
        ),
        (
            NOW.repeat(9),
            "",
            vec![
                call("now", "{}"),
                call("now", "{}"),
                call("now", "{}"),
                call("now", "{}"),
                call("now", "{}"),
                call("now", "{}"),
                call("now", "{}"),
                call("now", "{}"),
            ],
            true,
        ),
    ];
    for (answer, text, made, is_over) in cases {
        let expected = (text.to_owned(), made, is_over);
        for size in [1, 2, 3, 5, 7] {
            let characters: Vec<char> = answer.chars().collect();
            let pieces: Vec<String> = characters
                .chunks(size)
                .map(|piece| piece.iter().collect())
                .collect();
            let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
            assert_eq!(read(&pieces), expected, "{answer} by {size}");
        }
    }
}

#[test]
fn reader_forbids_what_is_no_call() {
    let at = |before: &str| {
        let mut reader = CallReader::new(grammar(&tools()), false);
        reader.push(before.as_bytes());
        reader
    };
    let cases = [
        ("", "Hello", true),
        ("", "<tool_call>", true),
        ("", "<tool_call>\n{", true),
        ("", "<tool_call>Hello", false),
        ("say <tool_", "call> x", false),
        ("<tool_call>", "", false),
        ("<tool_call>", "\n{\"name\": \"write", false),
        ("<tool_call>{\"name\":", " \"now\",", true),
        (
            "<tool_call>{\"name\": \"now\", \"arguments\": {",
            "\"",
            false,
        ),
        (
            "<tool_call>{\"name\": \"read\", \"arguments\": {",
            "}",
            false,
        ),
        (
            "<tool_call>{\"name\": \"now\", \"arguments\": {}}",
            "</tool_call>\n",
            false,
        ),
        (
            "<tool_call>{\"name\": \"now\", \"arguments\": {}}",
            "\n</tool_call>",
            true,
        ),
    ];
    for (before, bytes, expected) in cases {
        assert_eq!(
            at(before).takes(bytes.as_bytes()),
            expected,
            "{before} {bytes}"
        );
    }
    assert!(!at("some text").is_in_call() && at("some text <tool_call>").is_in_call());
    assert!(CallReader::new(grammar(&tools()), true).is_in_call());
}

#[test]
fn earlier_answer_is_written_as_it_is_read() {
    let made = |tool: &str, args: Value| ModelCall {
        call_id: CallId::from("c1".to_owned()),
        tool: tool.to_owned(),
        args,
        signature: None,
    };
    let args = json!({"path": "a </tool_call> b"});
    let written = answer_text(
        "Let me look.",
        &[made("read", args.clone()), made("now", json!({}))],
    );
    assert_eq!(
        written,
        "Let me look.\n<tool_call>\n{\"name\": \"read\", \"arguments\": {\"path\": \"a </tool_call> b\"}}\n</tool_call>\n<tool_call>\n{\"name\": \"now\", \"arguments\": {}}\n</tool_call>"
    );
    let answered = take_apart(written.as_bytes());
    let expected = Answered {
        text: b"Let me look.".to_vec(),
        calls: vec![("read".to_owned(), args), ("now".to_owned(), json!({}))],
        end: written.len(),
    };
    assert_eq!(answered, expected);
    // White space and what follows do not matter.
    let generated = format!("Let me look.{READ}\n{NOW}\n<tool");
    let found = take_apart(generated.as_bytes());
    assert_eq!((found.text, found.calls), (expected.text, expected.calls));
    assert_eq!(found.end, generated.len() - "\n<tool".len());
    assert_eq!(take_apart(b"only text").calls, []);
}

#[test]
fn tools_are_in_the_system_text_of_models_that_know_none() {
    assert_eq!(system_text("Be brief.", &[]), "Be brief.");
    let text = system_text("Be brief.", &tools());
    assert!(text.starts_with("Be brief.\n\n# Tools\n"), "{text}");
    for part in ["\"name\": \"read\"", "\"name\": \"now\"", OPENER, CLOSER] {
        assert!(text.contains(part), "{part}");
    }
}

proptest! {
    #[test]
    fn text_without_a_call_comes_out_unchanged(text in "[<tool_ca>\\n é]{0,60}", cuts in prop::collection::vec(1_usize..4, 60)) {
        prop_assume!(!text.contains(OPENER));
        let mut reader = CallReader::new(grammar(&tools()), false);
        let mut shown = Vec::new();
        let mut rest = text.as_bytes();
        for cut in cuts {
            let (now, later) = rest.split_at(cut.min(rest.len()));
            prop_assert!(reader.takes(now));
            for said in reader.push(now) {
                prop_assert!(matches!(said, Said::Text(_)));
                if let Said::Text(more) = said {
                    shown.extend(more);
                }
            }
            rest = later;
        }
        shown.extend(reader.finish());
        prop_assert_eq!(&shown[..], &text.as_bytes()[..text.len() - rest.len()]);
    }

    #[test]
    fn arbitrary_bytes_never_break_the_reader(pieces in prop::collection::vec(prop_oneof![
        Just(READ.as_bytes().to_vec()),
        Just(OPENER.as_bytes().to_vec()),
        Just(CLOSER.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..6),
    ], 0..8)) {
        let mut reader = CallReader::new(grammar(&tools()), false);
        for piece in &pieces {
            for said in reader.push(piece) {
                if let Said::Call { arguments, .. } = said {
                    prop_assert!(serde_json::from_str::<Value>(&arguments).is_ok());
                }
            }
        }
        take_apart(&pieces.concat());
        reader.finish();
    }
}
