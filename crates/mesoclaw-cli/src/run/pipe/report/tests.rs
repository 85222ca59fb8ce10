//! Tests of how questions end.

use ErrorCode::{AgentNotConfigured, Internal, PolicyDenied, Timeout};
use TurnOutcome::{Cancelled, Completed, Interrupted};
use mesoclaw_api::Usage;

use super::*;
use crate::run::render::Style;
use crate::run::view::Refusal;

fn refusal() -> Refusal {
    Refusal {
        call_id: "c".into(),
        tool: "shell".to_owned(),
        args: json!({"command": "rm x"}),
        why: String::new(),
    }
}

fn ending(outcome: Option<TurnOutcome>, was_denied: bool, stop: Option<Stop>) -> Ending {
    Ending {
        turn_id: Some("t".into()),
        outcome,
        usage: Usage::default(),
        refusals: if was_denied {
            vec![refusal()]
        } else {
            Vec::new()
        },
        stop,
        wants_out: false,
    }
}

fn check(ending: Ending, code: u8, word: &str, error: Option<ErrorCode>) {
    let report = report(ending.clone(), None, &RunArgs::default(), None);
    let word_found = status(&report);
    let error_found = report.error.map(|error| error.code);
    assert_eq!(
        (report.exit_code, word_found, error_found),
        (code, word, error),
        "{ending:?}"
    );
}

#[test]
fn outcomes_have_a_code_a_word_and_an_error() {
    let failed = TurnOutcome::Failed {
        error_code: AgentNotConfigured,
        message: "nothing is set up".to_owned(),
        hint: None,
    };
    let cases = [
        (Completed, false, 0, "completed", None),
        (Completed, true, 5, "completed", Some(PolicyDenied)),
        (
            Cancelled,
            false,
            130,
            "cancelled",
            Some(ErrorCode::Cancelled),
        ),
        (Interrupted, false, 1, "interrupted", Some(Internal)),
        (failed, false, 6, "failed", Some(AgentNotConfigured)),
    ];
    for (outcome, was_denied, code, word, error) in cases {
        check(ending(Some(outcome), was_denied, None), code, word, error);
    }
}

#[test]
fn stops_have_a_code_a_word_and_an_error() {
    let stopped = Some(ErrorCode::Cancelled);
    let cases = [
        // The answer was there before the stop had an effect.
        (Some(Completed), Stop::Timeout, 0, "completed", None),
        (
            Some(Cancelled),
            Stop::Timeout,
            124,
            "timeout",
            Some(Timeout),
        ),
        (Some(Cancelled), Stop::Interrupt, 130, "cancelled", stopped),
        (None, Stop::Terminate, 143, "cancelled", stopped),
    ];
    for (outcome, stop, code, word, error) in cases {
        check(ending(outcome, false, Some(stop)), code, word, error);
    }
}

#[test]
fn one_object_has_all_fields() {
    let ending = ending(Some(TurnOutcome::Completed), false, None);
    let report = report(ending, Some("s".to_owned()), &RunArgs::default(), None);
    let renderer = Renderer::new(Style::Json, false);
    assert_eq!(
        one_object(&report, &renderer),
        json!({
            "response": "",
            "session_id": "s",
            "turn_id": "t",
            "model": null,
            "usage": {"input_tokens": 0, "cached_tokens": 0, "cache_write_tokens": 0,
                "output_tokens": 0, "reasoning_tokens": 0, "model_calls": 0},
            "outcome": "completed",
        })
    );
}

#[test]
fn a_budget_that_is_used_up_has_its_own_code_and_advice() {
    let outcome = TurnOutcome::LimitReached {
        limit: TurnLimit::Budget,
        message: "the budget of today is used up".to_owned(),
    };
    let report = report(
        ending(Some(outcome), false, None),
        None,
        &RunArgs::default(),
        None,
    );
    let error = report.error.unwrap();
    assert_eq!(
        (report.exit_code, error.code, error.message.as_str()),
        (8, ErrorCode::LimitReached, "the budget of today is used up")
    );
    assert!(error.hint.unwrap().contains("budget_daily_usd"));
}

#[test]
fn a_denied_call_is_named_with_its_rule() {
    let report = report(
        ending(Some(Completed), true, None),
        None,
        &RunArgs::default(),
        Some("rule delete: it deletes"),
    );
    let error = report.error.unwrap();
    assert_eq!(
        (report.exit_code, error.message.as_str()),
        (
            5,
            "a tool call was denied: shell: rm x (rule delete: it deletes)"
        )
    );
    assert!(error.hint.unwrap().contains("mesoclaw policy test 'rm x'"));
}
