//! `tool`, `policy`: looked at, tried, run by themselves.

use mesoclaw_testkit::site::{Page, Site};
use serde_json::{Value, json};

use crate::chat::type_line;
use crate::desk::{Desk, wait_for_question};
use crate::process::Ran;
use mesoclaw_testkit::model_server::Script;

fn idle(config: &str) -> Desk {
    Desk::with(Script::text("Fine."), config)
}

/// The tools there are, and no other.
const TOOLS: [&str; 12] = [
    "content_search",
    "edit",
    "file_list",
    "file_read",
    "file_search",
    "file_write",
    "patch",
    "process",
    "shell",
    "system_info",
    "web_fetch",
    "web_search",
];

fn names(list: &Value) -> Vec<&str> {
    let list = list.as_array().expect("a list");
    list.iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect()
}

#[test]
fn the_list_names_the_tools_that_work() {
    let site = Site::start(vec![Page::html("/", "<p>hello from the page</p>")]);
    let desk = idle(&format!(
        "security_autonomy_level = \"autonomous\"\nweb_allow_private_hosts = [\"{}\"]\n",
        site.addr()
    ));
    let list = desk.json(&["tool", "list"]);
    assert_eq!(names(&list), TOOLS);
    desk.write("a.txt", "one\ntwo\n");
    let patch = "--- a.txt\n+++ a.txt\n@@ -1,2 +1,2 @@\n-one\n+ONE\n two\n";
    for (tool, args, found) in [
        (
            "file_write",
            json!({"path": "b.txt", "content": "needle\n"}),
            "b.txt",
        ),
        ("file_read", json!({"path": "b.txt"}), "needle"),
        ("file_list", json!({"path": "."}), "a.txt"),
        ("file_search", json!({"pattern": "b.tx"}), "b.txt"),
        ("content_search", json!({"pattern": "needle"}), "b.txt"),
        (
            "patch",
            json!({"file_path": "a.txt", "diff": patch}),
            "a.txt",
        ),
        ("shell", json!({"command": "cat a.txt"}), "ONE"),
        ("process", json!({"action": "list"}), "mesoclaw"),
        ("system_info", json!({"action": "os"}), "inux"),
        (
            "web_fetch",
            json!({"url": site.url("/")}),
            "hello from the page",
        ),
    ] {
        let ran = desk.run(&["tool", "run", tool, "--args", &args.to_string()]);
        assert_eq!(ran.code, 0, "{tool}: {ran:?}");
        assert!(ran.stdout.contains(found), "{tool}: {ran:?}");
    }
    assert_eq!(desk.read("a.txt").as_deref(), Some("ONE\ntwo\n"));
}

#[test]
fn a_tool_answers_to_the_names_of_the_reference() {
    let desk = idle("");
    for (alias, name) in [("websearch", "web_search"), ("sysinfo", "system_info")] {
        let info = desk.json(&["tool", "info", alias]);
        assert_eq!(info["name"], name, "{info}");
        assert_eq!(info["parameters"]["type"], "object", "{info}");
    }
    assert_eq!(desk.run(&["tool", "info", "nope"]).code, 4);
    let ran = desk.run(&["tool", "run", "sysinfo", "action=cpu_count"]);
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[test]
fn a_tool_that_is_off_is_off_everywhere() {
    let desk = idle("disabled_tools = [\"shell\"]\n");
    assert!(!names(&desk.json(&["tool", "list"])).contains(&"shell"));
    let ran = desk.run(&["tool", "run", "shell", "command=ls"]);
    assert_eq!(ran.code, 4, "{ran:?}");
}

#[test]
fn a_tool_asks_on_a_terminal() {
    let desk = idle("");
    for (choice, code, is_there) in [("5", 5, false), ("1", 0, true)] {
        let pty = desk.terminal(&["tool", "run", "shell", "touch a"]);
        wait_for_question(&pty, 0);
        assert!(!desk.work().join("a").exists());
        type_line(&pty, choice);
        assert_eq!(pty.wait_for_exit().exit_code(), code);
        assert_eq!(desk.work().join("a").exists(), is_there);
    }
}

#[test]
fn a_tool_does_not_ask_in_a_pipe() {
    let desk = idle("");
    let ran = desk.run(&["tool", "run", "shell", "touch a"]);
    ran.assert_error(5, &["touch a"]);
    assert!(!desk.work().join("a").exists());
    let ran = desk.run(&["tool", "run", "shell", "ls"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    // Wrong arguments are told apart from a denied call.
    let ran = desk.run(&["tool", "run", "shell", "nope=1"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert_eq!(desk.run(&["audit", "verify"]).code, 0);
}

/// How a command line is judged: verdict, rule, exit code.
fn judged(desk: &Desk, args: &[&str]) -> (String, String, i32) {
    let mut words = vec!["--json", "policy", "test"];
    words.extend(args);
    let ran: Ran = desk.run(&words);
    let judged = ran.json();
    let word = |name: &str| judged[name].as_str().unwrap_or_default().to_owned();
    (word("verdict"), word("rule"), ran.code)
}

#[test]
fn a_command_is_judged_without_running_it() {
    let desk = idle("");
    for (line, verdict, code) in [
        ("ls -la", "allow", 0),
        ("touch a", "ask", 0),
        ("ls && touch a", "ask", 0),
        ("rm -rf build", "ask", 0),
        ("sudo ls", "deny", 5),
        ("rm -rf /", "deny", 5),
        ("echo $(touch a)", "ask", 0),
        ("cat ~/.ssh/id_ed25519", "ask", 0),
    ] {
        let (found, rule, exit) = judged(&desk, &[line]);
        assert_eq!((found.as_str(), exit), (verdict, code), "{line}: {rule}");
        assert!(!rule.is_empty(), "{line}");
    }
    let (verdict, ..) = judged(&desk, &["--level", "autonomous", "touch a"]);
    assert_eq!(verdict, "allow");
    let (verdict, ..) = judged(&desk, &["--level", "autonomous", "--tainted", "touch a"]);
    assert_eq!(verdict, "ask");
    let args = json!({"path": "a", "content": ""}).to_string();
    let (verdict, ..) = judged(&desk, &["--tool", "file_write", "--args", &args]);
    assert_eq!(verdict, "ask");
    assert!(!desk.work().join("a").exists());
    let text = desk.run(&["policy", "test", "touch a"]);
    assert!(text.stdout.starts_with("ask"), "{text:?}");
}

#[test]
fn the_policy_can_be_read() {
    let desk = idle("security_autonomy_level = \"full\"\n");
    let policy = desk.json(&["policy", "show"]);
    assert_eq!(policy["autonomy"], "autonomous", "{policy}");
    assert!(
        policy["notice"].as_str().unwrap().contains("full"),
        "{policy}"
    );
    assert!(policy["rules"].as_array().unwrap().len() > 20, "{policy}");
    assert!(
        policy["programs"].as_array().unwrap().len() > 20,
        "{policy}"
    );
    // Every rule a verdict names can be looked up.
    let rules: Vec<&str> = policy["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| rule["id"].as_str().unwrap())
        .collect();
    for line in [
        "ls",
        "touch a",
        "rm a",
        "sudo id",
        "x; y",
        "a=b",
        "echo $(x)",
    ] {
        let (_, rule, _) = judged(&desk, &[line]);
        assert!(rules.contains(&rule.as_str()), "{line}: {rule}");
    }
    let text = desk.run(&["policy", "show"]);
    assert!(text.assert_ok().contains("autonomous"), "{text:?}");
}

#[test]
fn doctor_tells_what_keeps_programs_in_their_bounds() {
    let desk = idle("");
    let report = desk.json(&["doctor"]);
    let checks = report["checks"].as_array().expect("checks");
    let sandbox = checks.iter().find(|check| check["name"] == "sandbox");
    assert!(sandbox.is_some(), "{report}");
}
