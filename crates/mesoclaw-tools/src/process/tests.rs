//! Tests of the module beside.

use mesoclaw_agent::policy::{Autonomy, Facts, Inquiry, Situation, decide};
use mesoclaw_api::{Surface, Timestamp};
use serde_json::json;

use super::*;
use crate::testing::Ground;

fn call(ground: &Ground, args: Value) -> ToolOutput {
    ground.call(&Process::new(ground.options()), args)
}

#[test]
fn processes_are_listed_as_json_and_bounded() {
    let mut ground = Ground::new();
    let output = call(&ground, json!({"action": "list"}));
    let rows: Vec<Value> = serde_json::from_str(output.output.lines().next().unwrap()).unwrap();
    let own = rows.iter().find(|row| row["pid"] == std::process::id());
    assert!(
        own.is_some_and(|row| row["name"].is_string()),
        "{}",
        output.output
    );
    assert!(rows.iter().all(|row| row.as_object().unwrap().len() == 2));
    ground.options.tool_process_list_limit = 1;
    let output = call(&ground, json!({"action": "list"})).output;
    assert!(output.contains("[1 of "), "{output}");
    let output = call(
        &ground,
        json!({"action": "list", "filter": "no such process"}),
    )
    .output;
    assert_eq!(output, "[]");
}

#[test]
fn some_processes_are_never_ended() {
    let ground = Ground::new();
    for (args, part) in [
        (json!({"action": "kill"}), "`pid` is needed"),
        (json!({"action": "kill", "pid": 0}), "a whole group"),
        (json!({"action": "kill", "pid": 1}), "the system itself"),
        (
            json!({"action": "kill", "pid": std::process::id()}),
            "is mesoclaw itself",
        ),
        (
            json!({"action": "kill", "pid": u32::MAX}),
            "is not a process",
        ),
        (
            json!({"action": "kill", "pid": -5}),
            "must be a whole number",
        ),
        (
            json!({"action": "kill", "pid": i32::MAX}),
            "There is no process",
        ),
        (json!({"action": "stop"}), "must be one of `list`, `kill`"),
    ] {
        let output = call(&ground, args.clone());
        assert!(
            !output.success && output.output.contains(part),
            "{args}: {}",
            output.output
        );
    }
}

#[test]
fn plans_tell_looking_from_killing() {
    let tool = Process::new(Ground::new().options());
    assert_eq!(
        tool.plan(&json!({"action": "list"})),
        Ok(vec![Action::Inspect])
    );
    assert_eq!(
        tool.plan(&json!({"action": "kill", "pid": "77"})),
        Ok(vec![Action::Signal { pid: 77 }])
    );
}

#[cfg(unix)]
#[test]
fn a_process_is_asked_to_end() {
    let ground = Ground::new();
    let mut child = std::process::Command::new("sleep")
        .arg("60")
        .spawn()
        .unwrap();
    let output = call(&ground, json!({"action": "kill", "pid": child.id()}));
    assert_eq!(
        output.output,
        format!("Asked process {} (`sleep`) to end.", child.id())
    );
    let status = child.wait().unwrap();
    assert_eq!(
        std::os::unix::process::ExitStatusExt::signal(&status),
        Some(15)
    );
}

#[cfg(unix)]
#[test]
fn another_process_with_the_number_is_left_alone() {
    let ground = Ground::new();
    let mut child = std::process::Command::new("sleep")
        .arg("60")
        .spawn()
        .unwrap();
    let tool = Process::new(ground.options());
    let args = json!({"action": "kill", "pid": child.id()});
    let facts = ground.facts(&tool, &args).unwrap();
    let judged = facts.processes.get(&child.id()).copied().flatten();
    assert!(judged.is_some_and(|started| started > 1));
    // The number was somebody else's, or nobody's, when the call was judged.
    for started in [Some(1), None] {
        let mut earlier = Facts::clone(&facts);
        earlier.processes.insert(child.id(), started);
        let output = ground.run(&tool, args.clone(), Arc::new(earlier));
        assert!(!output.success, "{}", output.output);
        assert!(child.try_wait().unwrap().is_none());
    }
    let output = ground.run(&tool, args, facts);
    assert!(output.success, "{}", output.output);
    child.wait().unwrap();
}

#[test]
fn another_process_is_another_call_to_approve() {
    let ground = Ground::new();
    let tool = Process::new(ground.options());
    let args = json!({"action": "kill", "pid": 77});
    let inquiry = Inquiry::new("process", &args, tool.plan(&args).unwrap());
    let facts = ground.facts(&tool, &args).unwrap();
    let now = Timestamp::from_unix_ms(0);
    let situation = Situation {
        autonomy: Autonomy::Supervised,
        surface: Surface::Cli,
        taint: None,
        grants: &[],
        session_id: None,
        now: &now,
    };
    let digest = |started: Option<u64>| {
        let mut facts = Facts::clone(&facts);
        facts.processes.insert(77, started);
        decide(&inquiry, &facts, &situation).digest
    };
    assert_eq!(digest(Some(5)), digest(Some(5)));
    assert_ne!(digest(Some(5)), digest(Some(6)));
    assert_ne!(digest(Some(5)), digest(None));
}
