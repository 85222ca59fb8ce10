//! Stored keys never come back: not in results, differences, questions, or the audit.

use serde_json::{Value, json};

use crate::support::Work;

const KEY: &str = "sk-live-0123456789abcdefghijklmnop";

/// Everything that was stored or told about a session.
async fn everything(work: &Work, session: &mesoclaw_api::SessionId) -> String {
    let items = serde_json::to_string(&work.bench.items(session).await).unwrap();
    let audit = serde_json::to_string(&work.audit().await).unwrap();
    items + &audit
}

async fn with_key() -> Work {
    let work = Work::start().await;
    work.bench.keep_keys().await;
    work.bench.set_key("openai", KEY).await;
    // Nothing of this process has seen the key from here on.
    work.crash_and_restart().await
}

#[tokio::test]
async fn a_key_in_a_file_is_not_read_out() {
    let mut work = with_key().await;
    work.file("notes.md", &format!("the key is {KEY}\n"));
    let (session, met) = work
        .begin(None, "file_read", json!({"path": "notes.md"}))
        .await;
    let output = met.output();
    assert!(
        output.contains("the key is") && !output.contains(KEY),
        "{output}"
    );
    let seen = work.end().await;
    assert!(!seen[0].contains(KEY));
    assert!(!everything(&work, &session).await.contains(KEY));
    let run = work
        .execute("content_search", json!({"pattern": "key is"}))
        .await
        .unwrap();
    assert!(!serde_json::to_string(&run).unwrap().contains(KEY));
}

#[tokio::test]
async fn a_key_is_not_in_the_difference_a_person_is_shown() {
    let mut work = with_key().await;
    work.file("notes.md", &format!("the key is {KEY}\n"));
    let args = json!({"path": "notes.md", "content": "nothing\n"});
    let (session, met) = work.begin(None, "file_write", args).await;
    let asked = met.asked();
    let shown = serde_json::to_string(&asked).unwrap();
    assert!(
        shown.contains("the key is") && !shown.contains(KEY),
        "{shown}"
    );
    work.approve(&asked, mesoclaw_api::ops::approval::ApprovalScope::Once)
        .await;
    assert_eq!(work.met().await.word(), "ran");
    work.end().await;
    assert!(!everything(&work, &session).await.contains(KEY));
}

#[tokio::test]
async fn a_key_in_a_command_is_not_in_its_question_or_the_audit() {
    let mut work = with_key().await;
    let line = format!("touch {KEY}");
    let (_, met) = work.begin(None, "shell", json!({"command": line})).await;
    let asked = met.asked();
    let shown = serde_json::to_string(&asked).unwrap();
    assert!(shown.contains("touch") && !shown.contains(KEY), "{shown}");
    work.approve(&asked, mesoclaw_api::ops::approval::ApprovalScope::Once)
        .await;
    assert_eq!(work.met().await.word(), "ran");
    work.end().await;
    // What ran is what the model wrote, not what was shown.
    assert!(work.content(KEY).is_some());
    let audit: Vec<Value> = work
        .audit()
        .await
        .iter()
        .map(|entry| serde_json::to_value(entry).unwrap())
        .collect();
    assert_eq!(audit.len(), 3);
    assert!(
        !serde_json::to_string(&audit).unwrap().contains(KEY),
        "{audit:?}"
    );
}
