//! The directory this command was started in: what a new session takes as its workspace.

use mesoclaw_api::ops::session::{Session, Workspace};

use crate::sanitise::visible;

/// The current directory without links; `None` when it is gone or its name is no text.
pub fn here() -> Option<String> {
    let here = std::env::current_dir()
        .and_then(std::fs::canonicalize)
        .ok()?;
    here.to_str().map(str::to_owned)
}

/// Where a session works, in a sentence.
pub fn text(workspace: Option<&Workspace>) -> String {
    let Some(workspace) = workspace else {
        return "none: every access to files asks".to_owned();
    };
    let root = visible(&workspace.root);
    if let Some(why) = &workspace.too_broad {
        return format!("{root} is too broad ({}): every access asks", visible(why));
    }
    match &workspace.git_root {
        Some(git_root) if *git_root != workspace.root => {
            format!("{root} (in the repository {})", visible(git_root))
        }
        Some(_) => format!("{root} (a repository)"),
        None => root,
    }
}

/// What to say when a session that is taken up works elsewhere than here; `None` when it does not.
pub fn elsewhere(session: &Session, here: Option<&str>) -> Option<String> {
    let workspace = session.workspace.as_ref()?;
    (Some(workspace.root.as_str()) != here)
        .then(|| format!("this session works in {}", visible(&workspace.root)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn workspace(git_root: Option<&str>, too_broad: Option<&str>) -> Workspace {
        Workspace {
            root: "/w/a".to_owned(),
            git_root: git_root.map(str::to_owned),
            too_broad: too_broad.map(str::to_owned),
        }
    }

    #[test]
    fn a_workspace_says_how_far_it_goes() {
        for (git_root, too_broad, expected) in [
            (None, None, "/w/a"),
            (Some("/w/a"), None, "/w/a (a repository)"),
            (Some("/w"), None, "/w/a (in the repository /w)"),
            (
                None,
                Some("it is a home"),
                "/w/a is too broad (it is a home): every access asks",
            ),
        ] {
            assert_eq!(text(Some(&workspace(git_root, too_broad))), expected);
        }
        assert_eq!(text(None), "none: every access to files asks");
    }

    #[test]
    fn only_another_directory_is_told() {
        let mut session: Session = serde_json::from_value(json!({
            "id": "s", "title": "t", "created_at": "x", "updated_at": "x", "source": "cli",
        }))
        .unwrap();
        assert_eq!(elsewhere(&session, Some("/w/b")), None);
        session.workspace = Some(workspace(None, None));
        for (here, expected) in [
            (Some("/w/a"), None),
            (Some("/w/b"), Some("this session works in /w/a")),
            (None, Some("this session works in /w/a")),
        ] {
            assert_eq!(elsewhere(&session, here).as_deref(), expected, "{here:?}");
        }
    }
}
