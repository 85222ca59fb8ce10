//! Requests for approval: what is shown, who answers first, and what runs after it.

use mesoclaw_api::item::ApprovalDecision;
use mesoclaw_api::ops::approval::{
    Answer, Approval, ApprovalGet, ApprovalList, ApprovalResolve, ApprovalScope, GetParams,
    ListParams, ResolveParams,
};
use mesoclaw_api::ops::chat::{CancelParams, ContinueParams, TurnCancel, TurnContinue};
use mesoclaw_api::ops::session::{SessionGet, SessionParams, SessionState};
use mesoclaw_api::{ErrorCode, Event, SessionId, Surface, Timestamp};
use mesoclaw_store::repo::approval;
use mesoclaw_store::{Store, StoreOptions};
use serde_json::{Value, json};

use crate::support::{Work, answer, answer_of, within};

fn poem(text: &str) -> Value {
    json!({"path": "poem.txt", "content": text})
}

async fn read(work: &Work, approval: &Approval) -> Approval {
    let params = GetParams {
        approval_id: approval.id.clone(),
    };
    work.bench.call::<ApprovalGet>(params).await.unwrap()
}

#[tokio::test]
async fn what_is_approved_once_runs_once_and_asks_again() {
    let mut work = Work::start().await;
    let (session, met) = work.begin(None, "file_write", poem("one\n")).await;
    let asked = met.asked();
    assert_eq!(
        (asked.tool.as_str(), asked.rule.as_str(), asked.steps.len()),
        ("file_write", "path.workspace.write", 1)
    );
    assert_eq!(asked.cwd, work.root.to_str().unwrap());
    let diff = asked.diff.clone().unwrap();
    assert!(diff.contains("+one"), "{diff}");
    assert_eq!(work.content("poem.txt"), None);
    work.approve(&asked, ApprovalScope::Once).await;
    assert_eq!(work.met().await.word(), "ran");
    work.end().await;
    assert_eq!(work.content("poem.txt").as_deref(), Some("one\n"));
    let (_, word) = work
        .attempt(Some(&session), "file_write", poem("one\ntwo\n"))
        .await;
    assert_eq!(word, "asked");
    assert_eq!(work.content("poem.txt").as_deref(), Some("one\n"));
}

#[tokio::test]
async fn an_answer_to_something_else_than_was_looked_at_is_refused() {
    let mut work = Work::start().await;
    let (_, met) = work.begin(None, "file_write", poem("one\n")).await;
    let asked = met.asked();
    let with = |digest: &str| ResolveParams {
        digest: Some(digest.to_owned()),
        ..answer_of(&asked, Answer::Approve)
    };
    let wrong = work
        .bench
        .call::<ApprovalResolve>(with(&"0".repeat(64)))
        .await;
    assert_eq!(wrong.unwrap_err().code, ErrorCode::Conflict);
    assert_eq!(read(&work, &asked).await.decision, None);
    let digest = asked.digest.clone();
    work.bench
        .call::<ApprovalResolve>(with(&digest))
        .await
        .unwrap();
    assert_eq!(work.met().await.word(), "ran");
    work.end().await;
}

#[tokio::test]
async fn a_file_that_changed_after_the_question_is_not_written_and_the_model_is_told() {
    let mut work = Work::start().await;
    work.file("poem.txt", "one\n");
    let (_, met) = work.begin(None, "file_write", poem("two\n")).await;
    let asked = met.asked();
    work.file("poem.txt", "of a person\n");
    work.approve(&asked, ApprovalScope::Once).await;
    assert_eq!(work.met().await.word(), "refused");
    assert_eq!(work.content("poem.txt").as_deref(), Some("of a person\n"));
    let seen = work.end().await;
    assert!(seen[0].contains("no longer what was approved"), "{seen:?}");
    let words = work.audit_words().await;
    assert_eq!(
        words,
        [
            "decision ask file_write",
            "approval approved file_write",
            "decision deny file_write"
        ]
    );
}

#[tokio::test]
async fn a_place_that_became_a_link_after_the_question_is_not_written() {
    let mut work = Work::start().await;
    let outside = work.bench.home.path().join("outside.txt");
    std::fs::write(&outside, "outside\n").unwrap();
    let (_, met) = work.begin(None, "file_write", poem("two\n")).await;
    std::os::unix::fs::symlink(&outside, work.root.join("poem.txt")).unwrap();
    work.approve(&met.asked(), ApprovalScope::Once).await;
    assert_eq!(work.met().await.word(), "refused");
    work.end().await;
    assert_eq!(std::fs::read_to_string(outside).unwrap(), "outside\n");
}

#[tokio::test]
async fn two_edits_of_one_file_can_both_be_approved() {
    let mut work = Work::start().await;
    let lines: Vec<String> = (0..40).map(|n| format!("line {n}\n")).collect();
    work.file("long.txt", &lines.concat());
    let edit = |old: &str, new: &str| json!({"path": "long.txt", "old": old, "new": new});
    work.ask(
        None,
        &[
            ("edit", edit("line 2\n", "second\nline\n")),
            ("edit", edit("line 35\n", "late\n")),
        ],
    )
    .await;
    let (one, two) = (work.asked().await, work.asked().await);
    for asked in [one, two] {
        work.approve(&asked, ApprovalScope::Once).await;
        let met = work.met().await;
        assert_eq!(met.word(), "ran", "{met:?}");
    }
    work.end().await;
    let content = work.content("long.txt").unwrap();
    assert!(content.contains("second\nline\n") && content.contains("late\n"));
}

#[tokio::test]
async fn a_reason_to_deny_reaches_the_model() {
    let mut work = Work::start().await;
    let (_, met) = work.begin(None, "file_write", poem("one\n")).await;
    work.deny(&met.asked(), Some("write it in German")).await;
    let seen = work.end().await;
    assert!(
        seen[0].contains("denied by the user: write it in German"),
        "{seen:?}"
    );
    assert_eq!(work.content("poem.txt"), None);
    let words = work.audit_words().await;
    assert_eq!(
        words,
        ["decision ask file_write", "approval denied file_write"]
    );
    let entry = &work.audit().await[1];
    assert!(entry.text.contains("write it in German"), "{}", entry.text);
}

#[tokio::test]
async fn the_second_answer_is_told_who_was_first() {
    let mut work = Work::start().await;
    let (_, met) = work.begin(None, "file_write", poem("one\n")).await;
    let asked = met.asked();
    let answers = [Answer::Approve, Answer::Deny].map(|answer| answer_of(&asked, answer));
    let [first, second] = answers;
    work.bench
        .call_from::<ApprovalResolve>(Surface::Tui, 7, first)
        .await
        .unwrap();
    let late = work
        .bench
        .call::<ApprovalResolve>(second)
        .await
        .unwrap_err();
    assert_eq!(
        (late.code, late.message.as_str()),
        (
            ErrorCode::Conflict,
            "the request was answered before: approved by tui"
        )
    );
    assert_eq!(work.met().await.word(), "ran");
    work.end().await;
}

#[tokio::test]
async fn of_two_answers_in_one_moment_one_wins() {
    let mut work = Work::start().await;
    let (_, met) = work.begin(None, "file_write", poem("one\n")).await;
    let asked = met.asked();
    let (yes, no) = tokio::join!(
        work.bench
            .call::<ApprovalResolve>(answer_of(&asked, Answer::Approve)),
        work.bench
            .call::<ApprovalResolve>(answer_of(&asked, Answer::Deny))
    );
    assert_ne!(yes.is_ok(), no.is_ok());
    let expected = if yes.is_ok() { "ran" } else { "refused" };
    assert_eq!(work.met().await.word(), expected);
    work.end().await;
}

#[tokio::test]
async fn nobody_answers_and_the_call_counts_as_denied() {
    let mut work = Work::configured("").await;
    let patch = json!({"approval_timeout_secs": 5});
    work.bench
        .call::<mesoclaw_api::ops::config::ConfigUpdate>(mesoclaw_api::ops::config::UpdateParams {
            patch: crate::support::patch(patch),
        })
        .await
        .unwrap();
    let (_, met) = work.begin(None, "file_write", poem("one\n")).await;
    let asked = met.asked();
    assert!(asked.expires_at.is_some());
    assert_eq!(work.met().await.word(), "refused");
    let seen = work.end().await;
    assert!(seen[0].contains("nobody answered in time"), "{seen:?}");
    let row = read(&work, &asked).await;
    assert_eq!(row.decision, Some(ApprovalDecision::TimedOut));
    let words = work.audit_words().await;
    assert_eq!(
        words,
        ["decision ask file_write", "approval timed_out file_write"]
    );
}

#[tokio::test]
async fn a_cancelled_turn_takes_its_question_back() {
    let mut work = Work::start().await;
    let (session_id, met) = work.begin(None, "file_write", poem("one\n")).await;
    let asked = met.asked();
    let params = CancelParams {
        session_id: session_id.clone(),
        turn_id: None,
    };
    work.bench.call::<TurnCancel>(params).await.unwrap();
    assert_eq!(work.bench.finished().await, "cancelled");
    let late = work
        .bench
        .call::<ApprovalResolve>(answer_of(&asked, Answer::Approve))
        .await;
    assert_eq!(late.unwrap_err().code, ErrorCode::Conflict);
    let words = work.audit_words().await;
    assert_eq!(words[0], "decision ask file_write");
    assert!(words[1].starts_with("approval withdrawn"), "{words:?}");
    assert_eq!(work.content("poem.txt"), None);
}

#[tokio::test]
async fn an_answer_in_the_moment_of_the_cancel_starts_nothing() {
    for _ in 0..20 {
        let mut work = Work::start().await;
        let (session_id, met) = work.begin(None, "file_write", poem("one\n")).await;
        let asked = met.asked();
        let params = CancelParams {
            session_id: session_id.clone(),
            turn_id: None,
        };
        let (cancelled, _answered) = tokio::join!(
            work.bench.call::<TurnCancel>(params),
            work.bench
                .call::<ApprovalResolve>(answer_of(&asked, Answer::Approve))
        );
        assert!(cancelled.unwrap().cancelled);
        assert_eq!(work.bench.finished().await, "cancelled");
        idle(&work, &session_id).await;
        let story = work.bench.story(&session_id).await;
        assert_eq!(story.last().unwrap(), "outcome cancelled", "{story:?}");
        assert!(work.bench.calls.try_recv().is_err());
    }
}

/// Whatever was in the mailbox of the session has been acted on.
async fn idle(work: &Work, session_id: &SessionId) {
    let params = ContinueParams {
        session_id: session_id.clone(),
        model: Some("nobody:nothing".to_owned()),
    };
    // Refused, but only once everything before it was taken from the mailbox.
    let refused = within(work.bench.call::<TurnContinue>(params)).await;
    assert!(refused.is_err());
}

#[tokio::test]
async fn an_approval_after_a_crash_continues_the_turn_and_runs_once() {
    let mut work = Work::start().await;
    let (session_id, met) = work.begin(None, "file_write", poem("one\n")).await;
    let asked = met.asked();
    let mut work = work.crash_and_restart().await;
    let open = work
        .bench
        .call::<ApprovalList>(ListParams::default())
        .await
        .unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!((&open[0].id, &open[0].digest), (&asked.id, &asked.digest));
    work.approve(&open[0], ApprovalScope::Once).await;
    assert_eq!(work.met().await.word(), "ran");
    work.end().await;
    assert_eq!(work.content("poem.txt").as_deref(), Some("one\n"));
    let words = work.audit_words().await;
    let ran = words.iter().filter(|word| *word == "result ok file_write");
    assert_eq!(ran.count(), 1, "{words:?}");
    // Answered is answered, also after one more restart.
    let work = work.crash_and_restart().await;
    let late = work
        .bench
        .call::<ApprovalResolve>(answer_of(&asked, Answer::Approve))
        .await;
    assert_eq!(late.unwrap_err().code, ErrorCode::Conflict);
    let params = ContinueParams {
        session_id,
        model: None,
    };
    let nothing = work.bench.call::<TurnContinue>(params).await;
    assert_eq!(nothing.unwrap_err().code, ErrorCode::Conflict);
}

#[tokio::test]
async fn what_changed_over_a_crash_is_not_run_by_the_old_approval() {
    let mut work = Work::start().await;
    work.file("poem.txt", "one\n");
    let (_, met) = work.begin(None, "file_write", poem("two\n")).await;
    let asked = met.asked();
    let mut work = work.crash_and_restart().await;
    work.file("poem.txt", "of a person\n");
    work.approve(&asked, ApprovalScope::Once).await;
    assert_eq!(work.met().await.word(), "refused");
    work.end().await;
    assert_eq!(work.content("poem.txt").as_deref(), Some("of a person\n"));
}

#[tokio::test]
async fn a_denial_after_a_crash_continues_the_turn_with_the_reason() {
    let mut work = Work::start().await;
    let (_, met) = work.begin(None, "file_write", poem("one\n")).await;
    let asked = met.asked();
    let mut work = work.crash_and_restart().await;
    work.deny(&asked, Some("not now")).await;
    let seen = work.end().await;
    assert!(seen[0].contains("denied by the user: not now"), "{seen:?}");
    assert_eq!(work.content("poem.txt"), None);
}

#[tokio::test]
async fn an_answer_stored_by_a_daemon_that_died_at_once_counts_when_the_turn_goes_on() {
    let mut work = Work::start().await;
    let (session_id, met) = work.begin(None, "file_write", poem("one\n")).await;
    let asked = met.asked();
    // Nobody but the database hears of the answer: the daemon is gone before its turn does.
    let (store, _) = Store::open(StoreOptions {
        path: work.bench.db_path.clone(),
        readers: 1,
    })
    .unwrap();
    let id = asked.id.clone();
    store
        .write(move |tx| {
            let decision = approval::Decision {
                decision: ApprovalDecision::Approved,
                by: Some(Surface::Cli),
                scope: Some(ApprovalScope::Once),
                reason: None,
            };
            approval::resolve(tx, &id, &decision, &Timestamp::now())
        })
        .await
        .unwrap();
    store.close().await;
    let mut work = work.crash_and_restart().await;
    let params = ContinueParams {
        session_id: session_id.clone(),
        model: None,
    };
    work.bench.call::<TurnContinue>(params).await.unwrap();
    assert_eq!(work.met().await.word(), "ran");
    work.end().await;
    assert_eq!(work.content("poem.txt").as_deref(), Some("one\n"));
    // And only once.
    let mut work = work.crash_and_restart().await;
    work.file("poem.txt", "later\n");
    work.say(Some(&session_id)).await;
    answer(&mut work.bench, &["hello"]).await;
    assert_eq!(work.bench.finished().await, "completed");
    assert_eq!(work.content("poem.txt").as_deref(), Some("later\n"));
}

#[tokio::test]
async fn a_new_message_after_a_crash_takes_the_old_question_back() {
    let mut work = Work::start().await;
    let (session_id, met) = work.begin(None, "file_write", poem("one\n")).await;
    let asked = met.asked();
    let mut work = work.crash_and_restart().await;
    work.say(Some(&session_id)).await;
    answer(&mut work.bench, &["hello"]).await;
    let (told, _) = work.bench.until_finished().await;
    let withdrawn = told.iter().any(|event| {
        matches!(event, Event::ApprovalResolved { approval_id, .. } if *approval_id == asked.id)
    });
    assert!(withdrawn, "{told:?}");
    let late = work
        .bench
        .call::<ApprovalResolve>(answer_of(&asked, Answer::Approve))
        .await;
    assert_eq!(late.unwrap_err().code, ErrorCode::Conflict);
    let words = work.audit_words().await;
    assert_eq!(
        words,
        ["decision ask file_write", "approval withdrawn file_write"]
    );
    assert_eq!(work.content("poem.txt"), None);
}

#[tokio::test]
async fn a_session_that_waits_says_so() {
    let mut work = Work::start().await;
    let (session_id, met) = work.begin(None, "file_write", poem("one\n")).await;
    let asked = met.asked();
    let params = SessionParams { session_id };
    let detail = work.bench.call::<SessionGet>(params).await.unwrap();
    assert_eq!(detail.summary.state, SessionState::Waiting);
    let none = GetParams {
        approval_id: "nothing-like-it".into(),
    };
    let none = work.bench.call::<ApprovalGet>(none).await;
    assert_eq!(none.unwrap_err().code, ErrorCode::NotFound);
    let short = GetParams {
        approval_id: asked.id.as_str()[..8].into(),
    };
    let found = work.bench.call::<ApprovalGet>(short).await.unwrap();
    assert_eq!(found.id, asked.id);
}
