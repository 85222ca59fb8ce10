//! Tests of sums over model calls.

use mesoclaw_api::{ErrorCode, Surface, Timestamp};

use super::*;
use crate::repo::model_call::{self, ModelCallRow};
use crate::repo::session;
use crate::repo::tests::{a_session, database, database_with_session, used};

/// A call of session `s` that went well, cost `n` and used what [`used`] says.
fn a_call(model: &str, day: &str, n: u64) -> ModelCallRow {
    ModelCallRow {
        turn_id: Some("t".into()),
        session_id: Some("s".into()),
        job_id: None,
        surface: Surface::Cli,
        provider_id: "p".into(),
        model: model.into(),
        started_at: Timestamp::from(format!("{day}T23:59:59.999Z")),
        first_token_ms: Some(10 * n),
        latency_ms: 100 * n,
        usage: used(n),
        cost_microusd: Some(n),
        is_estimated: false,
        error_code: None,
    }
}

/// The sum of calls that went well and cost the numbers `ns`.
fn spent(ns: &[u64]) -> Spent {
    let mut usage = Usage::default();
    for n in ns {
        usage.add(&used(*n));
    }
    let mean = |factor: u64| {
        let sum = ns.iter().sum::<u64>() * factor;
        sum.checked_div(ns.len() as u64)
    };
    Spent {
        usage,
        cost_microusd: ns.iter().sum(),
        first_token_ms: mean(10),
        latency_ms: mean(100),
        ..Spent::default()
    }
}

fn group(key: &str, label: &str, ns: &[u64]) -> UsageGroup {
    UsageGroup {
        key: key.into(),
        label: label.into(),
        spent: spent(ns),
    }
}

const DAYS: [&str; 3] = ["2026-01-01", "2026-01-02", "2026-01-03"];

/// Calls of two models, of sessions with and without a name, of a deleted one and of none.
fn some_calls() -> Connection {
    let conn = database_with_session();
    session::insert(&conn, &a_session("unnamed", "", 1)).unwrap();
    let [one, two, three] = DAYS;
    for (model, day, n, session, job) in [
        ("p:small", one, 2, Some("s"), None),
        ("p:large", two, 8, Some("s"), Some("j2")),
        ("p:small", three, 4, Some("deleted"), Some("j1")),
        ("p:small", three, 6, Some("unnamed"), Some("j1")),
        ("p:large", three, 20, None, None),
    ] {
        let call = ModelCallRow {
            session_id: session.map(SessionId::from),
            job_id: job.map(Into::into),
            ..a_call(model, day, n)
        };
        model_call::insert(&conn, &call).unwrap();
    }
    conn
}

#[test]
fn calls_are_summed_up_by_what_was_asked_for() {
    let conn = some_calls();
    let [_, two, three] = DAYS;
    let cases = [
        (
            (GroupBy::Model, None, None),
            &[2, 8, 4, 6, 20][..],
            vec![
                group("p:large", "p:large", &[8, 20]),
                group("p:small", "p:small", &[2, 4, 6]),
            ],
        ),
        (
            (GroupBy::Model, Some("s"), None),
            &[2, 8],
            vec![
                group("p:large", "p:large", &[8]),
                group("p:small", "p:small", &[2]),
            ],
        ),
        (
            (GroupBy::Day, None, Some(two)),
            &[8, 4, 6, 20],
            vec![group(three, three, &[4, 6, 20]), group(two, two, &[8])],
        ),
        (
            (GroupBy::Day, Some("s"), Some(two)),
            &[8],
            vec![group(two, two, &[8])],
        ),
        (
            (GroupBy::Session, None, None),
            &[2, 8, 4, 6, 20],
            vec![
                group("", "", &[20]),
                group("s", "first", &[2, 8]),
                group("unnamed", "unnamed", &[6]),
                group("deleted", "deleted", &[4]),
            ],
        ),
        (
            (GroupBy::Job, None, None),
            &[8, 4, 6],
            vec![group("j1", "j1", &[4, 6]), group("j2", "j2", &[8])],
        ),
        ((GroupBy::Job, Some("none"), None), &[], vec![]),
        ((GroupBy::Day, None, Some("2026-01-04")), &[], vec![]),
    ];
    for ((by, session, since), total, groups) in cases {
        let session = session.map(SessionId::from);
        let got = summary(&conn, by, session.as_ref(), since).unwrap();
        assert_eq!(got, (spent(total), groups), "{by:?} {session:?} {since:?}");
    }
}

#[test]
fn groups_of_the_same_price_are_ordered_by_tokens() {
    let conn = database();
    for (model, n) in [("p:a", 1), ("p:b", 3), ("p:c", 3), ("p:d", 2)] {
        let call = ModelCallRow {
            cost_microusd: Some(7),
            ..a_call(model, "2026-01-01", n)
        };
        model_call::insert(&conn, &call).unwrap();
    }
    let (_, groups) = summary(&conn, GroupBy::Model, None, None).unwrap();
    let keys: Vec<_> = groups.iter().map(|group| group.key.as_str()).collect();
    assert_eq!(keys, ["p:b", "p:c", "p:d", "p:a"]);
}

#[test]
fn what_is_not_known_and_what_failed_is_counted_apart() {
    let conn = database_with_session();
    let day = "2026-01-01";
    let unpriced = ModelCallRow {
        cost_microusd: None,
        is_estimated: true,
        first_token_ms: None,
        ..a_call("p:m", day, 3)
    };
    let failed = ModelCallRow {
        error_code: Some(ErrorCode::Internal),
        ..a_call("p:m", day, 1000)
    };
    for call in [&a_call("p:m", day, 1), &unpriced, &failed] {
        model_call::insert(&conn, call).unwrap();
    }
    let expected = Spent {
        cost_microusd: 1001,
        unpriced_calls: 1,
        estimated_calls: 1,
        failed_calls: 1,
        first_token_ms: Some(10),
        latency_ms: Some(200),
        ..spent(&[1, 3, 1000])
    };
    assert_eq!(
        summary(&conn, GroupBy::Model, None, None).unwrap().0,
        expected
    );
    assert_eq!(spent_on(&conn, day).unwrap(), (12 * 1004, 1001));
}

#[test]
fn a_budget_is_told_by_day_and_by_session_and_outlives_the_session() {
    let conn = database_with_session();
    for (day, n) in [("2026-01-01", 1), ("2026-01-02", 2), ("2026-01-02", 4)] {
        model_call::insert(&conn, &a_call("p:m", day, n)).unwrap();
    }
    assert!(session::delete(&conn, &"s".into()).unwrap());
    assert_eq!(spent_on(&conn, "2026-01-01").unwrap(), (12, 1));
    assert_eq!(spent_on(&conn, "2026-01-02").unwrap(), (72, 6));
    assert_eq!(spent_on(&conn, "2026-01-03").unwrap(), (0, 0));
    assert_eq!(spent_in(&conn, &"s".into()).unwrap(), (84, 7));
    assert_eq!(spent_in(&conn, &"none".into()).unwrap(), (0, 0));
}

#[test]
fn absurd_numbers_do_not_break_the_sums() {
    let conn = database();
    let most = Usage {
        input_tokens: u64::MAX,
        cached_tokens: u64::MAX,
        cache_write_tokens: u64::MAX,
        output_tokens: u64::MAX,
        reasoning_tokens: u64::MAX,
        model_calls: u32::MAX,
    };
    let call = ModelCallRow {
        first_token_ms: Some(u64::MAX),
        latency_ms: u64::MAX,
        usage: most,
        cost_microusd: Some(u64::MAX),
        ..a_call("p:m", "2026-01-01", 1)
    };
    for _ in 0..20 {
        model_call::insert(&conn, &call).unwrap();
    }
    let bound = 1_000_000_000_000;
    assert_eq!(
        spent_on(&conn, "2026-01-01").unwrap(),
        (40 * bound, 20 * bound)
    );
    let (total, _) = summary(&conn, GroupBy::Day, None, None).unwrap();
    assert_eq!(total.usage.model_calls, 20);
    assert_eq!(total.latency_ms, Some(bound));
}

#[test]
fn what_budgets_ask_for_is_in_step_with_the_calls() {
    let conn = some_calls();
    let unpriced = ModelCallRow {
        cost_microusd: None,
        ..a_call("p:m", DAYS[0], 5)
    };
    model_call::insert(&conn, &unpriced).unwrap();
    let sums = |by| {
        let (_, groups) = summary(&conn, by, None, None).unwrap();
        groups.into_iter().map(|group| {
            let usage = group.spent.usage;
            let tokens = usage.input_tokens + usage.output_tokens;
            (group.key, (tokens, group.spent.cost_microusd))
        })
    };
    for (day, spent) in sums(GroupBy::Day) {
        assert_eq!(spent_on(&conn, &day).unwrap(), spent, "{day}");
    }
    // A call of no session is in no budget of a session.
    for (session, spent) in sums(GroupBy::Session).filter(|(key, _)| !key.is_empty()) {
        let got = spent_in(&conn, &session.as_str().into()).unwrap();
        assert_eq!(got, spent, "{session}");
    }
    assert_eq!(spent_in(&conn, &"".into()).unwrap(), (0, 0));
}
