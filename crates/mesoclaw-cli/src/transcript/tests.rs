//! Tests of the transcript.

use mesoclaw_api::{Timestamp, Usage};

use super::*;

fn items() -> Vec<Item> {
    let bodies = [
        ItemBody::User {
            text: "time?".to_owned(),
            images: Vec::new(),
        },
        ItemBody::ToolCall {
            call_id: "c".into(),
            tool: "clock".to_owned(),
            args: serde_json::json!({"zone": "UTC"}),
            signature: None,
        },
        ItemBody::ToolResult {
            call_id: "c".into(),
            tool: "clock".to_owned(),
            output: "12\n00".to_owned(),
            success: true,
            duration_ms: Some(1),
            diff: Some("-a\n+b\n".to_owned()),
            provenance: None,
        },
        ItemBody::Assistant {
            text: "Noon.\n".to_owned(),
            complete: false,
            model: "p:m".to_owned(),
        },
        ItemBody::Outcome {
            outcome: TurnOutcome::Cancelled,
            usage: Usage::default(),
        },
    ];
    let number = |body| Item {
        id: "i".into(),
        session_id: "s".into(),
        turn_id: Some("t".into()),
        position: 1,
        created_at: Timestamp::from_unix_ms(0),
        body,
    };
    bodies.into_iter().map(number).collect()
}

#[test]
fn conversation_reads_as_text() {
    assert_eq!(
        plain(&items()),
        "you: time?\n\
         [tool] clock {\"zone\":\"UTC\"}\n\
         [tool] clock ok: 12\n00\n-a\n+b\n\
         meso: Noon. [unfinished]\n\
         (stopped; /continue goes on)\n"
    );
}

#[test]
fn conversation_reads_as_markdown() {
    let session = Session {
        id: "s".into(),
        title: "Clock".to_owned(),
        created_at: Timestamp::from_unix_ms(0),
        updated_at: Timestamp::from_unix_ms(0),
        source: "cli".to_owned(),
        channel_key: None,
        model: None,
        workspace: None,
    };
    assert_eq!(
        markdown(&session, &items()),
        "# Clock\n\nSession s, begun 1970-01-01T00:00:00.000Z\n\
         \n## You\n\ntime?\n\
         \nTool `clock`: `{\"zone\":\"UTC\"}`\n\
         \nTool `clock` answered:\n\n    12\n    00\n\
         \nIt changed:\n\n    -a\n    +b\n\
         \n## p:m, unfinished\n\nNoon.\n\
         \n*(stopped; /continue goes on)*\n"
    );
}

#[test]
fn chat_repeats_messages_only_and_shortens_them() {
    let lines: Vec<String> = items().iter().filter_map(chat_line).collect();
    assert_eq!(lines, ["> time?\n", "meso: Noon.\n"]);
    assert_eq!(shortened(&"é".repeat(700)).chars().count(), 603);
}

#[test]
fn files_are_replaced_as_a_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.md");
    write_new(&path, "one").unwrap();
    write_new(&path, "two").unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "two");
    assert_eq!(write_new(dir.path(), "x").unwrap_err().exit_code(), 2);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn images_are_named_below_their_message() {
    let image = |name: Option<&str>| ImageRef {
        sha256: "0".to_owned(),
        media_type: "image/png".to_owned(),
        name: name.map(str::to_owned),
        size_bytes: 3,
    };
    assert_eq!(
        with_images("what is that?", &[image(Some("a\x1b.png")), image(None)]),
        "what is that?\n[image: a^[.png]\n[image: image/png]"
    );
}
