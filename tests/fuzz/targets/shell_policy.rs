//! Command lines of any kind: the policy never breaks down, levels widen, and some things never
//! run.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mesoclaw_agent::policy::{Action, Facts, Verdict, git_config_runs};
use mesoclaw_fuzz::{facts, inquiry, judge_at_all_levels, roots, runs};
use serde_json::json;

fuzz_target!(|line: &str| {
    let call = |line: &str| {
        let line = line.to_owned();
        inquiry("shell", &json!({"command": line}), Action::Command { line })
    };
    let asked = call(line);
    let decisions = judge_at_all_levels(&asked, &facts(&asked));
    if line.contains('\0') {
        let verdict = &decisions[0].verdict;
        assert!(matches!(verdict, Verdict::Deny { .. }), "{verdict:?}");
    }

    // Nothing was looked up: no program and no path is known.
    let nothing = Facts {
        roots: roots(),
        ..Facts::default()
    };
    let unknown = judge_at_all_levels(&asked, &nothing);
    let questions = asked.questions();
    if !questions.programs.is_empty() {
        assert!(!runs(&unknown[2]), "{line:?}: {:?}", unknown[2]);
    }

    // Whatever follows, the first program changes who it is.
    let raised = call(&format!("sudo {line}"));
    let decisions = judge_at_all_levels(&raised, &facts(&raised));
    assert!(!runs(&decisions[2]), "{line:?}: {:?}", decisions[2]);

    git_config_runs(line);
});
