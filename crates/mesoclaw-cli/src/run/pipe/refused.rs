//! A call that was not allowed to run, in words for somebody who was not asked.

use mesoclaw_api::ops::policy::{Judged, PolicyTest, TestParams};
use mesoclaw_api::{ApiError, ErrorCode};
use serde_json::Value;

use crate::output::shell_word;
use crate::request::in_a_line;
use crate::run::conversation::Conversation;
use crate::run::view::Refusal;
use crate::sanitise::one_line;

/// The rule that asked or refused, with its reason; `None` when the daemon does not tell.
pub(super) async fn rule(conversation: &Conversation, refusal: &Refusal) -> Option<String> {
    let params = TestParams {
        tool: Some(refusal.tool.clone()),
        args: Some(refusal.args.clone()),
        session_id: conversation.session_id.clone(),
        ..TestParams::default()
    };
    // The call was refused already; why is only a help.
    let judged = conversation.call::<PolicyTest>(params).await.ok()?;
    Some(rule_text(&judged))
}

fn rule_text(judged: &Judged) -> String {
    format!(
        "rule {}: {}",
        one_line(&judged.rule),
        one_line(&judged.reason)
    )
}

/// The error of a run in which calls were denied.
pub fn error(refusals: &[Refusal], rule: Option<&str>) -> ApiError {
    let Some(first) = refusals.first() else {
        return ApiError::new(ErrorCode::PolicyDenied, "a tool call was denied");
    };
    let more = match refusals.len() {
        1 => String::new(),
        count => format!(" and {} more", count - 1),
    };
    let why = match (rule, first.why.as_str()) {
        (Some(rule), _) => format!(" ({rule})"),
        (None, "") => String::new(),
        (None, why) => format!(" ({})", one_line(why)),
    };
    let call = in_a_line(&first.tool, &first.args);
    ApiError::new(
        ErrorCode::PolicyDenied,
        format!("a tool call was denied: {call}{why}{more}"),
    )
    .with_hint(hint(&first.tool, &first.args))
}

/// How to have a call allowed that was denied because nobody was asked.
pub fn hint(tool: &str, args: &Value) -> String {
    let test = match args.get("command").and_then(Value::as_str) {
        Some(command) if tool == "shell" => {
            format!("mesoclaw policy test {}", shell_word(&one_line(command)))
        }
        _ => format!(
            "mesoclaw policy test --tool {} --args {}",
            shell_word(&one_line(tool)),
            shell_word(&one_line(&args.to_string()))
        ),
    };
    format!(
        "`{test}` explains it\nnobody is asked here: `mesoclaw chat` asks, and its answer \
         `3 always` stores a rule that counts here too\n`mesoclaw grant list` lists those rules"
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_refusal_names_the_call_the_rule_and_the_way() {
        let refusal = |tool: &str, args: Value, why: &str| Refusal {
            call_id: "c".into(),
            tool: tool.to_owned(),
            args,
            why: why.to_owned(),
        };
        let rm = refusal(
            "shell",
            json!({"command": "rm x\u{1b}[2J"}),
            "denied by policy: no",
        );
        let write = refusal("file_write", json!({"path": "a b"}), "");
        for (refusals, rule, message, test) in [
            (
                vec![rm.clone()],
                Some("rule delete: it deletes"),
                "a tool call was denied: shell: rm x^[[2J (rule delete: it deletes)",
                "`mesoclaw policy test 'rm x^[[2J'` explains it",
            ),
            (
                vec![rm, write.clone()],
                None,
                "a tool call was denied: shell: rm x^[[2J (denied by policy: no) and 1 more",
                "`mesoclaw policy test 'rm x^[[2J'` explains it",
            ),
            (
                vec![write],
                None,
                "a tool call was denied: file_write: a b",
                "`mesoclaw policy test --tool file_write --args '{\"path\":\"a b\"}'` explains it",
            ),
        ] {
            let error = error(&refusals, rule);
            assert_eq!(error.message, message);
            assert_eq!(error.hint.unwrap().lines().next(), Some(test));
        }
    }
}
