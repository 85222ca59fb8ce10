//! Calls of tools of the past, for people who ask what a pattern would have covered.
//!
//! The rows are written with the items; see `item.rs`.

use mesoclaw_api::{SessionId, Timestamp};
use rusqlite::{Connection, params};
use serde_json::Value;

use crate::error::StoreResult;
use crate::repo::row::{all, from_json, text};

/// A call as the model made it.
#[derive(Clone, PartialEq, Debug)]
pub struct PastCall {
    /// The session.
    pub session_id: SessionId,
    /// Root of the workspace the session has; `None` when it has none.
    pub workspace: Option<String>,
    /// The arguments.
    pub args: Value,
    /// Whether the tool did its work; `None` when it did not run.
    pub success: Option<bool>,
    /// When it was called.
    pub created_at: Timestamp,
}

/// The latest calls of a tool, the latest first.
pub fn latest(conn: &Connection, tool: &str, limit: u32) -> StoreResult<Vec<PastCall>> {
    all(
        conn.prepare_cached(
            "SELECT c.session_id, s.workspace_root, c.args, c.success, c.created_at
             FROM tool_calls c JOIN sessions s ON s.id = c.session_id
             WHERE c.tool = ?1 ORDER BY c.seq DESC LIMIT ?2",
        )?
        .query(params![tool, limit])?,
        |row| {
            let args: String = row.get("args")?;
            Ok(PastCall {
                session_id: text(row, "session_id")?,
                workspace: row.get("workspace_root")?,
                args: from_json("the arguments of a tool call", &args)?,
                success: row.get("success")?,
                created_at: text(row, "created_at")?,
            })
        },
    )
}

#[cfg(test)]
mod tests {
    use mesoclaw_api::ops::session::{Session, Workspace};
    use serde_json::json;

    use super::*;
    use crate::repo::tests::{a_session, an_item, at, call, database_with_session, put, result};
    use crate::repo::{item, session};

    #[test]
    fn the_latest_calls_come_first() {
        let conn = database_with_session();
        let in_a = Session {
            workspace: Some(Workspace {
                root: "/a".into(),
                git_root: None,
                too_broad: None,
            }),
            ..a_session("other", "other", 1)
        };
        session::insert(&conn, &in_a).unwrap();
        put(&conn, "i1", call("1"));
        put(&conn, "i2", result("1"));
        item::upsert(&conn, &an_item("i3", "other", None, call("2"))).unwrap();
        let past = |session: &str, workspace: Option<&str>, id: &str, success| PastCall {
            session_id: session.into(),
            workspace: workspace.map(Into::into),
            args: json!({"path": id}),
            success,
            created_at: at(1),
        };
        let expected = [
            past("other", Some("/a"), "2", None),
            past("s", None, "1", Some(true)),
        ];
        assert_eq!(latest(&conn, "look", 9).unwrap(), expected);
        assert_eq!(latest(&conn, "look", 1).unwrap(), expected[..1]);
        assert_eq!(latest(&conn, "shell", 9).unwrap(), []);
    }
}
