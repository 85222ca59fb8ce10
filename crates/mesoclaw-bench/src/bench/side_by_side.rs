//! Two ways to the same answer, in turn, and the ratio round by round.

use std::sync::Arc;
use std::time::Duration;

use mesoclaw_agent::model_files::CancelToken;
use mesoclaw_tools::Stop;

use crate::row::{Row, ms};

/// What one side may take of the other's time.
const GOAL: &str = "≤ 1.3";

/// Measures both sides in turn. Each says how long it took and how many things it found; both
/// must find the same number.
pub(crate) fn compare(
    about: &str,
    other: &str,
    n_rounds: usize,
    ours: impl Fn() -> (Duration, usize),
    theirs: impl Fn() -> (Duration, usize),
) -> [Row; 4] {
    let mut rounds = Vec::new();
    let mut n_found = 0;
    // The first round warms the caches. Who goes first changes every round.
    for round in 0..=n_rounds {
        let (our, their) = if round % 2 == 0 {
            let our = ours();
            (our, theirs())
        } else {
            let their = theirs();
            (ours(), their)
        };
        assert_eq!(
            our.1, their.1,
            "{about}: we find another number than {other}"
        );
        n_found = our.1;
        if round > 0 {
            rounds.push((ms(our.0), ms(their.0)));
        }
    }
    let each = |name: &str, unit: &str, value: &dyn Fn(&(f64, f64)) -> f64| {
        let values = rounds.iter().map(value).collect();
        Row::of(format!("{about}: {name}"), unit, values)
    };
    [
        each(&format!("time over that of `{other}`"), "x", &|(
            ours,
            theirs,
        )| {
            ours / theirs
        })
        .goal(GOAL),
        each("time", "ms", &|(ours, _)| *ours),
        each(&format!("time of `{other}`"), "ms", &|(_, theirs)| *theirs),
        Row::one(format!("{about}: found by both"), "", n_found as f64),
    ]
}

/// Nobody stops a search here, and it has all the time it needs.
pub(crate) fn never() -> Stop {
    Stop::new(Arc::new(Never), Duration::from_mins(5))
}

struct Never;

impl CancelToken for Never {
    fn is_cancelled(&self) -> bool {
        false
    }
}
