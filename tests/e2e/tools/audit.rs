//! The audit: every decision and every action, in a chain that shows tampering.

use std::fs;

use mesoclaw_api::ops::approval::Answer;
use serde_json::Value;

use crate::desk::{Desk, commands};

/// A word that stands nowhere else.
const MARK: &str = "tamper-mark-81726354";

/// One call that ran, one that was approved, one that a person denied, one that is forbidden.
fn worked() -> Desk {
    let allowed = format!("touch {MARK}");
    let lines = ["ls", allowed.as_str(), "touch denied", "sudo id"];
    let desk = Desk::new(commands(lines));
    let mut talk = desk.talk();
    for answer in [Answer::Approve, Answer::Approve, Answer::Deny, Answer::Deny] {
        talk.say_and("go", answer);
    }
    desk
}

fn entries(desk: &Desk) -> Vec<Value> {
    let ran = desk.run(&["audit", "export"]);
    let lines = ran.assert_ok().lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn words(entry: &Value) -> (&str, &str) {
    (
        entry["kind"].as_str().unwrap(),
        entry["outcome"].as_str().unwrap(),
    )
}

#[test]
fn every_decision_and_every_action_is_written_down() {
    let desk = worked();
    let entries = entries(&desk);
    let found: Vec<_> = entries.iter().map(words).collect();
    assert_eq!(
        found,
        [
            ("decision", "allow"),
            ("result", "ok"),
            ("decision", "ask"),
            ("approval", "approved"),
            ("result", "ok"),
            ("decision", "ask"),
            ("approval", "denied"),
            ("decision", "deny"),
        ],
        "{entries:#?}"
    );
    for (n, entry) in entries.iter().enumerate() {
        assert_eq!(entry["id"], n as u64 + 1, "{entry}");
        assert_eq!(entry["tool"], "shell", "{entry}");
        assert!(entry["session_id"].is_string(), "{entry}");
    }
    // What was approved is what was asked about.
    assert!(entries[2]["text"].as_str().unwrap().contains(MARK));
    assert_eq!(entries[2]["digest"], entries[3]["digest"]);
    assert!(entries[4]["duration_ms"].is_u64());
    assert!(
        entries[7]["rule"]
            .as_str()
            .unwrap()
            .contains("program.forbidden")
    );

    let csv = desk.run(&["audit", "export", "--format", "csv"]);
    assert_eq!(csv.assert_ok().lines().count(), 9);
    let listed = desk.json(&["audit", "list", "--kind", "approval"]);
    assert_eq!(listed.as_array().unwrap().len(), 2);
    let shown = desk.run(&["audit", "show", "3"]);
    assert!(shown.assert_ok().contains(MARK), "{shown:?}");
    assert_eq!(desk.run(&["audit", "show", "99"]).code, 4);
}

#[test]
fn a_whole_chain_is_verified_and_its_head_is_found_again() {
    let mut desk = worked();
    let verified = desk.json(&["audit", "verify"]);
    assert_eq!(verified["is_intact"], true, "{verified}");
    assert_eq!(verified["entries"], 8, "{verified}");
    let head = verified["head"].as_str().unwrap().to_owned();
    desk.fixture.daemon.kill9();
    desk.fixture.daemon.restart();
    assert_eq!(desk.run(&["audit", "verify", "--head", &head]).code, 0);
    let other = "0".repeat(63) + "1";
    assert_eq!(desk.run(&["audit", "verify", "--head", &other]).code, 1);
}

#[test]
fn a_changed_entry_is_found() {
    let mut desk = worked();
    assert_eq!(desk.run(&["audit", "verify"]).code, 0);
    assert!(desk.fixture.daemon.terminate().success());
    let database = desk.fixture.home.data_dir().join("mesoclaw.db");
    let log = database.with_extension("db-wal");
    assert!(
        fs::read(log).unwrap_or_default().is_empty(),
        "all is in the file"
    );
    // Somebody rewrites history without minding the chain.
    let mut bytes = fs::read(&database).unwrap();
    let other = MARK.replace('8', "9");
    let places: Vec<usize> = bytes
        .windows(MARK.len())
        .enumerate()
        .filter(|(_, window)| *window == MARK.as_bytes())
        .map(|(at, _)| at)
        .collect();
    assert!(!places.is_empty());
    for at in places {
        bytes[at..at + MARK.len()].copy_from_slice(other.as_bytes());
    }
    fs::write(&database, bytes).unwrap();
    desk.fixture.daemon.restart();
    let ran = desk.run(&["--json", "audit", "verify"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let verified = ran.json();
    assert_eq!(verified["is_intact"], false, "{verified}");
    assert!(
        verified["fault"].as_str().unwrap().contains('3'),
        "{verified}"
    );
}

#[test]
fn undoing_and_grants_are_written_down() {
    let desk = Desk::new(commands(["touch a"]));
    let mut talk = desk.talk();
    talk.say("go");
    let approval = talk.asked();
    let ran = desk.run(&["approval", "allow", approval.id.as_str(), "--always"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    talk.finished();
    let grant = desk.json(&["grant", "list"])[0]["id"].clone();
    assert_eq!(
        desk.run(&["grant", "revoke", grant.as_str().unwrap()]).code,
        0
    );
    let entries = entries(&desk);
    let kinds: Vec<&str> = entries.iter().map(|entry| words(entry).0).collect();
    assert_eq!(
        kinds,
        ["decision", "approval", "granted", "result", "revoked"],
        "{entries:#?}"
    );
}

#[test]
fn a_secret_in_a_call_is_not_written_down() {
    let key = "sk-Ab3dEf6hIj9kLmN0pQrStUvWx4yZ12cD5eF";
    let line = format!("echo {key}");
    let desk = Desk::new(commands([line.as_str()]));
    desk.talk().say_and("go", Answer::Approve);
    let text = desk.run(&["audit", "export"]).stdout;
    assert!(!text.is_empty() && !text.contains(key), "{text}");
}
