//! Paths of any kind: what is written without a question lies in the workspace, and what always
//! asks is not hidden by another spelling.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use mesoclaw_agent::policy::{Action, Autonomy, Pattern, check_given, place};
use mesoclaw_fuzz::{facts, inquiry, judge, judge_at_all_levels, resolved, roots, runs};
use serde_json::json;

fuzz_target!(|path: &str| {
    let roots = roots();
    let leads_to = resolved(path, &roots);
    let place_of = place(&leads_to, &roots);
    let is_within = |root: &str| leads_to.starts_with(root);
    let is_near = is_within("/srv/project") || is_within("/run/user/1000/session");
    let args = json!({"file_path": path});
    let owned = || path.to_owned();

    let write = inquiry("file_write", &args, Action::Write { path: owned() });
    let decisions = judge_at_all_levels(&write, &facts(&write));
    if runs(&decisions[2]) {
        assert!(is_near, "{path:?} is written without a question");
        assert!(place_of.protected.is_none(), "{path:?}: {place_of:?}");
        assert_eq!(check_given(path), Ok(()), "{path:?}");
    }
    let delete = inquiry("patch", &args, Action::Delete { path: owned() });
    let decision = judge(&delete, &facts(&delete), Autonomy::Autonomous);
    if runs(&decision) {
        assert!(is_near && place_of.protected.is_none(), "{path:?}");
    }
    let read = inquiry("file_read", &args, Action::Read { path: owned() });
    let decisions = judge_at_all_levels(&read, &facts(&read));
    if runs(&decisions[1]) {
        assert!(is_near, "{path:?} is read without a question");
    }
    if runs(&decisions[2]) {
        assert!(place_of.secret.is_none(), "{path:?}: {place_of:?}");
    }

    if let Ok(pattern) = Pattern::parse("file_write", path) {
        pattern.matches_path(&leads_to, Some(Path::new("/srv/project")));
        pattern.describe();
    }
    if let Ok(pattern) = Pattern::parse("shell", path) {
        pattern.matches_words(&path.split(' ').collect::<Vec<_>>());
    }
    if let Ok(pattern) = Pattern::parse("web_fetch", path) {
        pattern.matches_host(path);
    }
});
