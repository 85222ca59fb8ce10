//! Tests of how the audit looks.

use mesoclaw_api::{Surface, Timestamp};

use super::*;

fn entry(text: &str) -> AuditEntry {
    AuditEntry {
        id: 7,
        at: Timestamp::from_unix_ms(0),
        kind: AuditKind::Result,
        surface: Surface::Cli,
        session_id: None,
        turn_id: None,
        call_id: Some("c".into()),
        tool: Some("shell".to_owned()),
        text: text.to_owned(),
        digest: None,
        outcome: "ok".to_owned(),
        rule: Some("read".to_owned()),
        duration_ms: Some(12),
        prev_hash: "00".to_owned(),
        hash: "ab".to_owned(),
    }
}

#[test]
fn entries_are_two_lines_each() {
    assert_eq!(
        listing(&[entry("ls\n\u{1b}[2J")]),
        "7  1970-01-01 00:00  result  ok  read\n  shell: ls^J^[[2J\n"
    );
    assert_eq!(listing(&[]), "the audit has no such entry\n");
}

#[test]
fn an_entry_has_all_its_fields() {
    assert_eq!(
        whole(&entry("ls"), 80),
        "entry 7\n  at: 1970-01-01T00:00:00.000Z\n  kind: result\n  by: cli\n  call: c\n\
         \x20 tool: shell\n  outcome: ok\n  rule: read\n  took: 12 ms\n  hash: ab\n  before: 00\n\
         \x20 | ls\n"
    );
}

#[test]
fn csv_has_a_column_for_every_field() {
    assert_eq!(
        csv::heading(),
        "id,at,kind,surface,session_id,turn_id,call_id,tool,text,digest,outcome,rule,duration_ms,prev_hash,hash\n"
    );
    assert_eq!(
        csv::line(&entry("ls, now")),
        "7,1970-01-01T00:00:00.000Z,result,cli,,,c,shell,\"ls, now\",,ok,read,12,00,ab\n"
    );
}

#[test]
fn a_broken_chain_says_where() {
    let verified = |fault: Option<&str>| Verified {
        is_intact: fault.is_none(),
        entries: 3,
        head: "ab".to_owned(),
        fault: fault.map(str::to_owned),
    };
    assert!(verified_text(&verified(None)).starts_with("the chain holds: 3 entries\nhead ab\n"));
    assert_eq!(
        verified_text(&verified(Some("entry 2 was changed"))),
        "THE CHAIN IS BROKEN: entry 2 was changed\n3 entries, head ab\n"
    );
}
