//! What files were before a turn changed them, and putting them back.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use mesoclaw_api::ops::checkpoint::{
    Change, Checkpoint, CheckpointList, CheckpointUndo, ListParams, UndoParams, Undone,
};
use mesoclaw_api::{ApiResult, ErrorCode, SessionId, TurnId};
use serde_json::{Value, json};

use crate::support::{Work, within};

const AUTONOMOUS: &str = "security_autonomy_level = \"autonomous\"\n";

fn write(name: &str, content: &str) -> (&'static str, Value) {
    ("file_write", json!({"path": name, "content": content}))
}

fn delete(name: &str, line: &str) -> (&'static str, Value) {
    let patch = format!("--- a/{name}\n+++ /dev/null\n@@ -1 +0,0 @@\n-{line}\n");
    ("patch", json!({"file_path": name, "diff": patch}))
}

/// A turn that makes these calls, one round each; whatever asks is approved.
async fn turn(work: &mut Work, session: Option<&SessionId>, calls: &[(&str, Value)]) -> SessionId {
    let session = work.say(session).await;
    for call in calls {
        work.make(std::slice::from_ref(call)).await;
        let mut met = work.met().await;
        if met.word() == "asked" {
            let asked = met.asked();
            work.approve(&asked, mesoclaw_api::ops::approval::ApprovalScope::Once)
                .await;
            met = work.met().await;
        }
        assert_eq!(met.word(), "ran", "{met:?}");
    }
    work.end().await;
    session
}

async fn list(work: &Work, session: &SessionId) -> Vec<Checkpoint> {
    let params = ListParams {
        session_id: session.clone(),
    };
    work.bench.call::<CheckpointList>(params).await.unwrap()
}

async fn undo_of(
    work: &Work,
    session: &SessionId,
    turn_id: Option<TurnId>,
    dry_run: bool,
) -> ApiResult<Undone> {
    let params = UndoParams {
        session_id: session.clone(),
        turn_id,
        dry_run,
    };
    work.bench.call::<CheckpointUndo>(params).await
}

async fn undo(work: &Work, session: &SessionId) -> ApiResult<Undone> {
    undo_of(work, session, None, false).await
}

/// What was done about each file, by its name.
fn told(undone: &Undone) -> Vec<(String, bool)> {
    let mut told: Vec<_> = undone
        .files
        .iter()
        .map(|file| {
            let name = Path::new(&file.path).file_name().unwrap();
            (name.to_str().unwrap().to_owned(), file.is_restored)
        })
        .collect();
    told.sort();
    told
}

fn kept(work: &Work) -> Vec<PathBuf> {
    let dir = work.bench.db_path.parent().unwrap().join("checkpoints");
    let mut found = Vec::new();
    for folder in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let files = std::fs::read_dir(folder.path()).unwrap();
        found.extend(files.map(|file| file.unwrap().path()));
    }
    found
}

#[tokio::test]
async fn what_a_turn_created_changed_and_deleted_is_put_back() {
    let mut work = Work::configured(AUTONOMOUS).await;
    let script = work.file("run.sh", "old\n");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o750)).unwrap();
    work.file("gone.txt", "gone\n");
    let calls = [
        write("new/deep.txt", "new\n"),
        write("run.sh", "one\n"),
        write("run.sh", "two\n"),
        delete("gone.txt", "gone"),
    ];
    let session = turn(&mut work, None, &calls).await;
    assert_eq!(work.content("gone.txt"), None);
    let listed = list(&work, &session).await;
    assert_eq!(listed.len(), 1);
    let changes: Vec<_> = listed[0]
        .files
        .iter()
        .map(|file| (file.change, file.bytes_before, file.is_kept))
        .collect();
    assert_eq!(
        changes,
        [
            (Change::Created, None, true),
            (Change::Changed, Some(4), true),
            (Change::Deleted, Some(5), true)
        ]
    );
    let expected = [("deep.txt", true), ("gone.txt", true), ("run.sh", true)]
        .map(|(name, is_restored)| (name.to_owned(), is_restored));
    let tried = undo_of(&work, &session, None, true).await.unwrap();
    assert_eq!(told(&tried), expected);
    assert_eq!(work.content("run.sh").as_deref(), Some("two\n"));
    assert_eq!(list(&work, &session).await[0].undone_at, None);
    let undone = undo(&work, &session).await.unwrap();
    assert_eq!(told(&undone), expected);
    assert_eq!(undone.turn_id, listed[0].turn_id);
    assert_eq!(work.content("new/deep.txt"), None);
    assert_eq!(work.content("run.sh").as_deref(), Some("old\n"));
    assert_eq!(work.content("gone.txt").as_deref(), Some("gone\n"));
    let mode = std::fs::metadata(script).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o750);
    assert!(list(&work, &session).await[0].undone_at.is_some());
    let words = work.audit_words().await;
    assert_eq!(words.last().unwrap(), "undone ok -");
    // Once is enough.
    let again = undo_of(&work, &session, Some(undone.turn_id), false).await;
    assert_eq!(again.unwrap_err().code, ErrorCode::Conflict);
    let none = undo(&work, &session).await;
    assert_eq!(none.unwrap_err().code, ErrorCode::NotFound);
}

#[tokio::test]
async fn undoing_goes_back_turn_by_turn() {
    let mut work = Work::configured(AUTONOMOUS).await;
    let session = turn(&mut work, None, &[write("a", "1\n")]).await;
    turn(&mut work, Some(&session), &[write("a", "2\n")]).await;
    turn(&mut work, Some(&session), &[]).await;
    for expected in [Some("1\n"), None] {
        undo(&work, &session).await.unwrap();
        assert_eq!(work.content("a").as_deref(), expected);
    }
}

#[tokio::test]
async fn a_person_who_changed_the_file_has_the_last_word() {
    let mut work = Work::configured(AUTONOMOUS).await;
    work.file("a", "old a\n");
    work.file("b", "old b\n");
    let session = turn(
        &mut work,
        None,
        &[write("a", "new a\n"), write("b", "new b\n")],
    )
    .await;
    work.file("a", "of a person\n");
    let undone = undo(&work, &session).await.unwrap();
    let expected = [("a".to_owned(), false), ("b".to_owned(), true)];
    assert_eq!(told(&undone), expected);
    assert_eq!(work.content("a").as_deref(), Some("of a person\n"));
    assert_eq!(work.content("b").as_deref(), Some("old b\n"));
    assert_eq!(work.audit_words().await.last().unwrap(), "undone failed -");
    // The file that is back already counts as back when it is tried again.
    assert_eq!(told(&undo(&work, &session).await.unwrap()), expected);
    work.file("a", "new a\n");
    let undone = undo(&work, &session).await.unwrap();
    assert!(
        undone.files.iter().all(|file| file.is_restored),
        "{undone:?}"
    );
    assert_eq!(work.content("a").as_deref(), Some("old a\n"));
    assert!(list(&work, &session).await[0].undone_at.is_some());
}

#[tokio::test]
async fn commands_are_told_for_nobody_can_put_their_changes_back() {
    let mut work = Work::configured(AUTONOMOUS).await;
    let calls = [
        write("a", "1\n"),
        ("shell", json!({"command": "touch made"})),
    ];
    let session = turn(&mut work, None, &calls).await;
    let undone = undo(&work, &session).await.unwrap();
    assert_eq!(undone.commands, ["touch made"]);
    assert!(work.content("made").is_some());
}

#[tokio::test]
async fn what_is_too_large_is_not_kept_and_that_is_said() {
    let mut work = Work::configured(&format!("{AUTONOMOUS}checkpoint_file_max_bytes = 10\n")).await;
    work.file("large", "more than ten bytes\n");
    work.file("small", "few\n");
    let session = turn(
        &mut work,
        None,
        &[write("large", "new\n"), write("small", "new\n")],
    )
    .await;
    let files = &list(&work, &session).await[0].files;
    let is_kept: Vec<_> = files.iter().map(|file| file.is_kept).collect();
    assert_eq!(is_kept, [false, true]);
    let undone = undo(&work, &session).await.unwrap();
    let expected = [("large".to_owned(), false), ("small".to_owned(), true)];
    assert_eq!(told(&undone), expected);
    assert_eq!(work.content("large").as_deref(), Some("new\n"));
}

#[tokio::test]
async fn the_oldest_is_dropped_when_too_much_is_kept() {
    let mib = 1024 * 1024;
    let mut work = Work::configured(&format!("{AUTONOMOUS}checkpoint_max_bytes = {mib}\n")).await;
    let large = |letter: &str| letter.repeat(mib * 2 / 3);
    work.file("a", &large("a"));
    let session = turn(&mut work, None, &[write("a", &large("b"))]).await;
    turn(&mut work, Some(&session), &[write("a", &large("c"))]).await;
    let is_kept: Vec<_> = list(&work, &session)
        .await
        .iter()
        .map(|turn| turn.files[0].is_kept)
        .collect();
    assert_eq!(is_kept, [true]);
    assert_eq!(kept(&work).len(), 1);
    undo(&work, &session).await.unwrap();
    assert_eq!(work.content("a"), Some(large("b")));
    let older = undo(&work, &session).await;
    assert_eq!(older.unwrap_err().code, ErrorCode::NotFound);
}

#[tokio::test]
async fn while_a_turn_runs_nothing_is_undone() {
    let mut work = Work::configured(AUTONOMOUS).await;
    let session = turn(&mut work, None, &[write("a", "1\n")]).await;
    work.say(Some(&session)).await;
    let refused = undo(&work, &session).await;
    assert_eq!(refused.unwrap_err().code, ErrorCode::Conflict);
    work.end().await;
    undo(&work, &session).await.unwrap();
    assert_eq!(work.content("a"), None);
}

#[tokio::test]
async fn contents_nobody_refers_to_are_removed_at_start() {
    let mut work = Work::configured(AUTONOMOUS).await;
    work.file("a", "old\n");
    let session = turn(&mut work, None, &[write("a", "new\n")]).await;
    let one = kept(&work).pop().unwrap();
    let stray = one.with_file_name("0".repeat(64));
    std::fs::write(&stray, "stray").unwrap();
    let work = work.crash_and_restart().await;
    within(async {
        while stray.exists() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(kept(&work), [one]);
    undo(&work, &session).await.unwrap();
    assert_eq!(work.content("a").as_deref(), Some("old\n"));
}

#[tokio::test]
async fn a_kept_content_that_was_damaged_is_not_put_back() {
    let mut work = Work::configured(AUTONOMOUS).await;
    work.file("a", "old\n");
    let session = turn(&mut work, None, &[write("a", "new\n")]).await;
    let one = kept(&work).pop().unwrap();
    std::fs::write(one, "evil\n").unwrap();
    let undone = undo(&work, &session).await.unwrap();
    assert_eq!(told(&undone), [("a".to_owned(), false)]);
    assert_eq!(work.content("a").as_deref(), Some("new\n"));
}

#[tokio::test]
async fn a_link_at_the_place_of_the_file_is_not_followed() {
    let mut work = Work::configured(AUTONOMOUS).await;
    let path = work.file("a", "old\n");
    let session = turn(&mut work, None, &[write("a", "new\n")]).await;
    let outside = work.bench.home.path().join("outside");
    std::fs::write(&outside, "new\n").unwrap();
    std::fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink(&outside, &path).unwrap();
    let undone = undo(&work, &session).await.unwrap();
    assert_eq!(told(&undone), [("a".to_owned(), false)]);
    assert_eq!(std::fs::read_to_string(outside).unwrap(), "new\n");
}

#[tokio::test]
async fn a_tool_run_by_itself_in_a_session_can_be_undone() {
    let mut work = Work::configured(AUTONOMOUS).await;
    let session = turn(&mut work, None, &[]).await;
    let params = mesoclaw_api::ops::tool::ExecuteParams {
        session_id: Some(session.clone()),
        workspace: None,
        ..work.execution("file_write", json!({"path": "a", "content": "x\n"}))
    };
    work.bench
        .call::<mesoclaw_api::ops::tool::ToolExecute>(params)
        .await
        .unwrap();
    assert_eq!(work.content("a").as_deref(), Some("x\n"));
    undo(&work, &session).await.unwrap();
    assert_eq!(work.content("a"), None);
    let missing = list(&work, &session).await;
    assert_eq!(missing.len(), 1);
    let params = ListParams {
        session_id: "no-such-session".into(),
    };
    let missing = work.bench.call::<CheckpointList>(params).await;
    assert_eq!(missing.unwrap_err().code, ErrorCode::NotFound);
}
