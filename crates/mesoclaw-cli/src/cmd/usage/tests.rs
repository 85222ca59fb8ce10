//! Tests of what usage looks like.

use mesoclaw_api::ops::usage::UsageGroup;

use super::*;

fn spent() -> Spent {
    Spent {
        usage: Usage {
            input_tokens: 1200,
            cached_tokens: 200,
            cache_write_tokens: 0,
            output_tokens: 80,
            reasoning_tokens: 30,
            model_calls: 3,
        },
        cost_microusd: 12_345,
        unpriced_calls: 1,
        estimated_calls: 0,
        failed_calls: 1,
        first_token_ms: Some(240),
        latency_ms: None,
    }
}

fn budget() -> BudgetStatus {
    BudgetStatus {
        day: "2026-11-22".to_owned(),
        used_tokens: 900,
        limit_tokens: None,
        used_microusd: 850_000,
        limit_microusd: None,
        state: BudgetState::Ok,
    }
}

#[test]
fn rows_say_what_they_do_not_know() {
    let summary = UsageSummary {
        total: Spent::default(),
        groups: vec![UsageGroup {
            key: "s1".to_owned(),
            label: "My\x1b session".to_owned(),
            spent: spent(),
        }],
        budget: budget(),
    };
    let text = report(&summary, UsageBy::Session);
    let lines: Vec<String> = text
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        lines,
        [
            "SESSION CALLS IN CACHED OUT THINKING COST FIRST WHOLE",
            "My^[ session 3 1200 200 80 30 ≥ $0.0123 240 ms - 1 without a known price, 1 failed",
            "total 0 0 0 0 0 $0.00 - -",
            "today (2026-11-22 UTC): 900 tokens, $0.8500; no budget is set",
        ]
    );
}

#[test]
fn budgets_are_told_in_percent() {
    let check = |tokens, money, state, expected: &str| {
        let text = budget_text(&BudgetStatus {
            limit_tokens: tokens,
            limit_microusd: money,
            state,
            ..budget()
        });
        assert!(text.ends_with(expected), "{text}");
    };
    check(
        Some(1000),
        None,
        BudgetState::Warning,
        "; budget: 900 of 1000 tokens (90 %); scheduled work is stopped",
    );
    check(
        Some(900),
        Some(1_000_000),
        BudgetState::Exhausted,
        "; budget: $0.8500 of $1.00 (85 %), 900 of 900 tokens (100 %); \
         nothing more is asked today",
    );
}

#[test]
fn a_footer_needs_a_price() {
    let before = Spent {
        cost_microusd: 345,
        ..Spent::default()
    };
    let after = spent();
    assert_eq!(
        footer(&after.usage, &before, &after).map(|footer| footer.text()),
        Some("1200 tokens in, 80 out, ≥ $0.0120".to_owned())
    );
    assert_eq!(footer(&after.usage, &after, &after), None);
}

#[test]
fn usage_is_told_in_a_line() {
    assert_eq!(
        spent_text(&spent()),
        "in 1200 (200 cached), out 80 (30 thinking) tokens, 3 model calls, ≥ $0.0123"
    );
    assert_eq!(
        spent_text(&Spent::default()),
        "in 0 (0 cached), out 0 tokens, 0 model calls"
    );
}
