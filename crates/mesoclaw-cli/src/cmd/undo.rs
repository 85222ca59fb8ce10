//! `mesoclaw undo`: put the files back that a turn changed.

use mesoclaw_api::ops::checkpoint::{
    Change, Checkpoint, CheckpointList, CheckpointUndo, ListParams, UndoParams, Undone,
};
use mesoclaw_api::ops::session::{ListParams as SessionListParams, Session, SessionList};
use mesoclaw_api::{ApiError, ErrorCode};
use mesoclaw_ipc::Client;

use crate::cli::{Global, UndoArgs};
use crate::cmd::session;
use crate::connect::{Home, runtime};
use crate::exit::{CliResult, FAILED, OK};
use crate::output::{Console, minute, push};
use crate::sanitise::visible;

/// Runs `mesoclaw undo`.
///
/// # Errors
/// The operation's own, or there is no session.
pub fn main(console: Console, global: &Global, args: UndoArgs) -> CliResult {
    let home = Home::find(global.config.clone())?;
    runtime()?.block_on(async {
        let client = home.client(console).await?;
        let session = match &args.session {
            Some(name) => session::find(&client, name).await?,
            None => latest(&client).await?,
        };
        if args.list {
            let params = ListParams {
                session_id: session.id,
            };
            let checkpoints = client.call::<CheckpointList>(params).await?;
            console.result(&checkpoints, &listing(&checkpoints))?;
            return Ok(OK);
        }
        let params = UndoParams {
            session_id: session.id,
            turn_id: args.turn.map(Into::into),
            dry_run: args.dry_run,
        };
        let undone = client.call::<CheckpointUndo>(params).await?;
        console.result(&undone, &report(&undone, args.dry_run))?;
        Ok(exit_code(&undone))
    })
}

/// The session used last, as `-c` takes it.
async fn latest(client: &Client) -> CliResult<Session> {
    let params = SessionListParams {
        limit: Some(1),
        offset: None,
    };
    let sessions = client.call::<SessionList>(params).await?;
    match sessions.into_iter().next() {
        Some(summary) => Ok(summary.session),
        None => Err(ApiError::new(ErrorCode::NotFound, "there is no session yet").into()),
    }
}

fn exit_code(undone: &Undone) -> u8 {
    if undone.files.iter().all(|file| file.is_restored) {
        OK
    } else {
        FAILED
    }
}

/// What was put back and what was not, in words.
pub fn report(undone: &Undone, is_dry: bool) -> String {
    let mut text = String::new();
    for file in &undone.files {
        let word = match (file.is_restored, is_dry) {
            (true, false) => "restored",
            (true, true) => "would restore",
            (false, false) => "NOT RESTORED",
            (false, true) => "CANNOT RESTORE",
        };
        push(
            &mut text,
            format_args!(
                "{word}  {}\n  {}\n",
                visible(&file.path).replace('\n', "^J"),
                visible(&file.note)
            ),
        );
    }
    if undone.files.is_empty() {
        text.push_str("no file was changed\n");
    }
    if !undone.commands.is_empty() {
        text.push_str("what these commands changed, if anything, is still there:\n");
        for command in &undone.commands {
            push(
                &mut text,
                format_args!("  | {}\n", visible(command).replace('\n', "\n  | ")),
            );
        }
    }
    text
}

fn listing(checkpoints: &[Checkpoint]) -> String {
    if checkpoints.is_empty() {
        return "no turn of this session changed files\n".to_owned();
    }
    let mut text = String::new();
    for checkpoint in checkpoints {
        let undone = match &checkpoint.undone_at {
            Some(at) => format!("  undone {}", minute(at)),
            None => String::new(),
        };
        push(
            &mut text,
            format_args!(
                "{}  {}{undone}\n",
                checkpoint.turn_id,
                minute(&checkpoint.at)
            ),
        );
        for file in &checkpoint.files {
            let kept = if file.is_kept {
                ""
            } else {
                " (too large to be kept)"
            };
            let word = match file.change {
                Change::Created => "created",
                Change::Changed => "changed",
                Change::Deleted => "deleted",
            };
            push(
                &mut text,
                format_args!(
                    "  {word} {}{kept}\n",
                    visible(&file.path).replace('\n', "^J")
                ),
            );
        }
        for command in &checkpoint.commands {
            push(
                &mut text,
                format_args!("  ran {}\n", visible(command).replace('\n', "^J")),
            );
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use mesoclaw_api::Timestamp;
    use mesoclaw_api::ops::checkpoint::{FileChange, UndoneFile};

    use super::*;

    fn undone(is_restored: bool) -> Undone {
        Undone {
            turn_id: "t".into(),
            files: vec![UndoneFile {
                path: "/w/a\u{1b}".to_owned(),
                is_restored,
                note: "somebody changed it since".to_owned(),
            }],
            commands: vec!["make\nclean".to_owned()],
        }
    }

    #[test]
    fn what_remains_is_told() {
        for (is_restored, is_dry, word, code) in [
            (true, false, "restored", 0),
            (true, true, "would restore", 0),
            (false, false, "NOT RESTORED", 1),
            (false, true, "CANNOT RESTORE", 1),
        ] {
            let undone = undone(is_restored);
            assert_eq!(
                (report(&undone, is_dry), exit_code(&undone)),
                (
                    format!(
                        "{word}  /w/a^[\n  somebody changed it since\n\
                         what these commands changed, if anything, is still there:\n\
                         \x20 | make\n  | clean\n"
                    ),
                    code
                )
            );
        }
        let nothing = Undone {
            turn_id: "t".into(),
            files: Vec::new(),
            commands: Vec::new(),
        };
        assert_eq!(report(&nothing, false), "no file was changed\n");
    }

    #[test]
    fn turns_list_their_files() {
        let checkpoint = Checkpoint {
            session_id: "s".into(),
            turn_id: "t".into(),
            at: Timestamp::from_unix_ms(0),
            files: vec![FileChange {
                path: "/w/a".to_owned(),
                change: Change::Created,
                bytes_before: None,
                is_kept: false,
            }],
            commands: vec!["make".to_owned()],
            undone_at: Some(Timestamp::from_unix_ms(60_000)),
        };
        assert_eq!(
            listing(&[checkpoint]),
            "t  1970-01-01 00:00  undone 1970-01-01 00:01\n  created /w/a (too large to be kept)\n  ran make\n"
        );
        assert_eq!(listing(&[]), "no turn of this session changed files\n");
    }
}
