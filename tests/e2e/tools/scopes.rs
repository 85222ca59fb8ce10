//! For how much a yes counts: this call, this session, this workspace, everywhere.

use mesoclaw_api::item::TurnOutcome;
use mesoclaw_api::ops::approval::{Answer, ApprovalScope, ResolveParams};

use crate::chat::{type_line, wait_for_prompt};
use crate::desk::{Desk, Talk, answer_to, commands, wait_for_question};

/// Says something that leads to a question, and allows it for more than this call.
fn allow(talk: &mut Talk, scope: ApprovalScope, pattern: &str, expires_in_secs: Option<u64>) {
    talk.say("go");
    let approval = talk.asked();
    let params = ResolveParams {
        scope,
        patterns: Some(vec![pattern.to_owned()]),
        expires_in_secs,
        ..answer_to(&approval, Answer::Approve)
    };
    let resolved = talk.resolve(params).unwrap();
    assert_eq!(resolved.grants.len(), 1, "{resolved:?}");
    assert_eq!(talk.finished(), TurnOutcome::Completed);
    assert!(talk.last_result().success);
}

/// Says something that must lead to a question, and says no.
fn is_asked(talk: &mut Talk) {
    talk.say("go");
    let approval = talk.asked();
    talk.answer(&approval, Answer::Deny).unwrap();
    assert_eq!(talk.finished(), TurnOutcome::Completed);
}

/// Says something that must run unasked.
fn runs(talk: &mut Talk) {
    talk.say_unasked("go");
    let result = talk.last_result();
    assert!(result.ran && result.success, "{result:?}");
}

#[test]
fn a_yes_for_this_call_is_for_this_call() {
    let desk = Desk::new(commands(["touch a", "touch a"]));
    let mut talk = desk.talk();
    let (asked, _) = talk.say_and("go", Answer::Approve);
    assert_eq!(asked.len(), 1);
    is_asked(&mut talk);
}

#[test]
fn a_yes_for_the_session_in_the_chat_is_not_asked_again_for_its_pattern() {
    let desk = Desk::new(commands([
        "touch a",
        "touch b",
        "mkdir c",
        "touch ~/.bashrc",
    ]));
    let pty = desk.chat(&["-s", "demo"]);
    type_line(&pty, "go");
    wait_for_question(&pty, 0);
    // 4 edits the rule, then it says where the rule counts.
    type_line(&pty, "4");
    pty.wait_for_text("rule [");
    type_line(&pty, "touch *");
    pty.wait_for_text("where [4]:");
    type_line(&pty, "1");
    pty.wait_for_text("meso: Done.");
    wait_for_prompt(&pty);
    assert_eq!(desk.read("a").as_deref(), Some(""));

    type_line(&pty, "again");
    crate::fixture::until("the second file", || desk.read("b"));
    wait_for_prompt(&pty);
    // Another program, and a file that always asks.
    for n_before in [1, 2] {
        type_line(&pty, "something else");
        wait_for_question(&pty, n_before);
        type_line(&pty, "5");
        wait_for_prompt(&pty);
    }
    assert!(!desk.work().join("c").exists());
    assert!(!desk.home().join(".bashrc").exists());
}

#[test]
fn a_yes_for_the_session_ends_with_the_session() {
    let desk = Desk::new(commands(["touch a", "touch b", "touch c"]));
    let mut talk = desk.talk();
    allow(&mut talk, ApprovalScope::Session, "touch *", None);
    runs(&mut talk);
    is_asked(&mut desk.talk());
}

#[test]
fn a_yes_for_the_project_survives_a_restart_and_stays_in_the_project() {
    let mut desk = Desk::new(commands(["touch a", "touch b", "touch c", "touch d"]));
    let other = desk.home().join("other");
    std::fs::create_dir(&other).unwrap();
    allow(&mut desk.talk(), ApprovalScope::Project, "touch *", None);
    desk.fixture.daemon.restart();
    runs(&mut desk.talk());
    is_asked(&mut desk.talk_in(&other));

    let grants = desk.json(&["grant", "list"]);
    let grant = &grants[0];
    assert_eq!(grants.as_array().unwrap().len(), 1, "{grants}");
    assert_eq!(
        [
            &grant["scope"],
            &grant["tool"],
            &grant["pattern"],
            &grant["uses"]
        ],
        [
            &serde_json::json!("project"),
            &serde_json::json!("shell"),
            &serde_json::json!("touch *"),
            &serde_json::json!(1)
        ],
        "{grant}"
    );
    let id = grant["id"].as_str().unwrap();
    assert_eq!(desk.run(&["grant", "revoke", id]).code, 0);
    assert_eq!(desk.json(&["grant", "list"]), serde_json::json!([]));
    is_asked(&mut desk.talk());
}

#[test]
fn a_yes_for_always_counts_everywhere_until_it_is_taken_back() {
    let mut desk = Desk::new(commands(["touch a", "touch b", "touch c"]));
    let other = desk.home().join("other");
    std::fs::create_dir(&other).unwrap();
    allow(&mut desk.talk(), ApprovalScope::Always, "touch *", None);
    desk.fixture.daemon.restart();
    runs(&mut desk.talk_in(&other));
    let id = desk.json(&["grant", "list"])[0]["id"].clone();
    assert_eq!(desk.run(&["grant", "revoke", id.as_str().unwrap()]).code, 0);
    is_asked(&mut desk.talk());
    // Taken back is not forgotten.
    let all = desk.json(&["grant", "list", "--all"]);
    assert!(all[0]["revoked_at"].is_string(), "{all}");
}

#[test]
fn a_yes_ends_when_its_time_is_over() {
    let desk = Desk::new(commands(["touch a", "touch b"]));
    let mut talk = desk.talk();
    allow(&mut talk, ApprovalScope::Always, "touch *", Some(1));
    crate::fixture::until("the end of the grant", || {
        (desk.json(&["grant", "list"]) == serde_json::json!([])).then_some(())
    });
    is_asked(&mut talk);
}

#[test]
fn a_pattern_is_tried_before_it_is_granted() {
    let desk = Desk::new(commands(["touch a"]));
    let ran = desk.run(&["grant", "test", "touch *", "touch new"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    for other in ["rm new", "touch new; rm x", "touch $(id)", "sudo touch new"] {
        let ran = desk.run(&["grant", "test", "touch *", other]);
        assert_eq!(ran.code, 1, "{other}: {ran:?}");
    }
    assert_eq!(desk.json(&["grant", "list"]), serde_json::json!([]));
}

#[test]
fn a_grant_counts_in_a_pipe() {
    let desk = Desk::new(commands(["touch a", "touch b"]));
    allow(&mut desk.talk(), ApprovalScope::Project, "touch *", None);
    let ran = desk.run(&["make b"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "Done.\n"), "{ran:?}");
    assert_eq!(desk.read("b").as_deref(), Some(""));
}
