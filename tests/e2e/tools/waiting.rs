//! Questions that wait: who may answer, when, and what is shown.

use mesoclaw_api::ErrorCode;
use mesoclaw_api::item::TurnOutcome;
use mesoclaw_api::ops::approval::Answer;
use serde_json::json;

use crate::chat::{leave, type_line, wait_for_prompt};
use crate::desk::{Desk, commands, wait_for_question};

#[test]
fn the_first_of_two_clients_decides() {
    for (first, runs) in [(Answer::Approve, true), (Answer::Deny, false)] {
        let second = if runs { Answer::Deny } else { Answer::Approve };
        let desk = Desk::new(commands(["touch a"]));
        let mut one = desk.talk();
        let mut two = desk.talk_of(one.session_id.clone());
        one.say("go");
        let approval = one.asked();
        assert_eq!(two.asked(), approval);
        one.answer(&approval, first).unwrap();
        let late = two.answer(&approval, second).unwrap_err();
        assert_eq!(late.code, ErrorCode::Conflict, "{late:?}");
        assert_eq!(one.finished(), TurnOutcome::Completed);
        assert_eq!(desk.work().join("a").exists(), runs);
        let word = if runs { "deny" } else { "allow" };
        let ran = desk.run(&["approval", word, approval.id.as_str()]);
        assert_ne!(ran.code, 0, "{ran:?}");
    }
}

#[test]
fn an_answer_elsewhere_closes_the_question_in_the_chat() {
    let desk = Desk::new(commands(["touch a"]));
    let pty = desk.chat(&["-s", "demo"]);
    type_line(&pty, "go");
    wait_for_question(&pty, 0);
    let waiting = desk.json(&["approval", "list"]);
    let id = waiting[0]["id"].as_str().unwrap().to_owned();
    let ran = desk.run(&["approval", "show", &id]);
    assert!(ran.code == 0 && ran.stdout.contains("touch a"), "{ran:?}");
    // Half a line that is typed meanwhile answers nothing.
    pty.write("1");
    let ran = desk.run(&["approval", "allow", &id]);
    assert_eq!(ran.code, 0, "{ran:?}");
    pty.wait_for_text("allowed on another command line");
    pty.wait_for_text("meso: Done.");
    wait_for_prompt(&pty);
    assert!(desk.work().join("a").exists());
    leave(&pty);
}

#[test]
fn no_answer_in_time_is_a_no() {
    let desk = Desk::with(commands(["touch a"]), "approval_timeout_secs = 5\n");
    let mut talk = desk.talk();
    talk.say("go");
    let approval = talk.asked();
    assert_eq!(talk.finished(), TurnOutcome::Completed);
    assert!(!desk.work().join("a").exists());
    let result = talk.last_result();
    assert!(!result.ran && !result.success, "{result:?}");
    let late = talk.answer(&approval, Answer::Approve).unwrap_err();
    assert_eq!(late.code, ErrorCode::Conflict);
    let all = desk.json(&["approval", "list", "--all"]);
    assert_eq!(all[0]["decision"], "timed_out", "{all}");
}

#[test]
fn what_is_typed_ahead_answers_nothing() {
    let desk = Desk::new(commands(["touch a", "touch b"]));
    let pty = desk.chat(&["-s", "demo"]);
    // The lines after the message come long before the question does.
    pty.write("go\r1\r1\r");
    wait_for_question(&pty, 0);
    assert!(!desk.work().join("a").exists());
    // Several lines at once were pasted: nobody read the question between them.
    pty.write("1\r1\r");
    pty.wait_for_text("several lines came at once");
    wait_for_question(&pty, 1);
    assert!(!desk.work().join("a").exists());
    type_line(&pty, "5");
    pty.wait_for_text("meso: Done.");
    assert!(!desk.work().join("a").exists());
}

#[test]
fn the_whole_of_a_long_command_is_shown() {
    let words: Vec<String> = (0..400).map(|n| format!("word{n:03}")).collect();
    let line = format!("touch {} && ./last.sh", words.join(" "));
    let desk = Desk::new(commands([line.as_str()]));
    let pty = desk.chat(&["-s", "demo"]);
    type_line(&pty, "go");
    wait_for_question(&pty, 0);
    let seen: String = String::from_utf8_lossy(&pty.raw()).into_owned();
    for part in words.iter().map(String::as_str).chain(["./last.sh"]) {
        assert!(seen.contains(part), "{part} is not shown");
    }
    let id = desk.json(&["approval", "list"])[0]["id"].clone();
    let shown = desk.run(&["approval", "show", id.as_str().unwrap()]);
    for part in words.iter().map(String::as_str).chain(["./last.sh"]) {
        assert!(shown.stdout.contains(part), "{part} is not shown");
    }
    type_line(&pty, "5");
    pty.wait_for_text("meso: Done.");
}

#[test]
fn what_hides_in_a_command_is_spelled_out() {
    let line = "touch a\u{202e}b \u{1b}[2Jc \u{430}";
    let desk = Desk::new(commands([line]));
    let pty = desk.chat(&["-s", "demo"]);
    type_line(&pty, "go");
    wait_for_question(&pty, 0);
    let raw = String::from_utf8(pty.raw()).unwrap();
    for hidden in ["\u{202e}", "\u{1b}[2J"] {
        assert!(!raw.contains(hidden), "{hidden:?}");
    }
    for shown in ["<U+202E>", "^[[2J", "U+0430"] {
        assert!(raw.contains(shown), "no {shown} in {raw:?}");
    }
    type_line(&pty, "5");
    pty.wait_for_text("meso: Done.");
}

#[test]
fn a_question_is_bound_to_what_was_shown() {
    let desk = Desk::new(commands(["touch a"]));
    let mut talk = desk.talk();
    talk.say("go");
    let approval = talk.asked();
    let ran = desk.run(&["approval", "allow", approval.id.as_str(), "--digest", "00"]);
    assert_ne!(ran.code, 0, "{ran:?}");
    assert!(!desk.work().join("a").exists());
    // Fields a client makes up are no approval.
    let id = talk.wire.request(
        "approval.resolve",
        &json!({"approval_id": approval.id, "answer": "approve", "approved": true}),
    );
    assert!(talk.wire.answer_to(id).unwrap().is_err());
    assert!(!desk.work().join("a").exists());
    talk.answer(&approval, Answer::Approve).unwrap();
    assert_eq!(talk.finished(), TurnOutcome::Completed);
    assert!(desk.work().join("a").exists());
}
