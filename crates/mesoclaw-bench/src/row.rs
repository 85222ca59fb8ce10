//! One figure: name, goal, what was measured, and what the peers reached.

use serde::{Deserialize, Serialize};

/// A figure.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    /// The bench it comes from.
    pub(crate) bench: String,
    /// What was measured.
    pub(crate) name: String,
    /// The goal as text; empty = for orientation.
    pub(crate) goal: String,
    /// The unit.
    pub(crate) unit: String,
    /// The middle of the values.
    pub(crate) median: f64,
    /// The smallest.
    pub(crate) min: f64,
    /// The largest.
    pub(crate) max: f64,
    /// How many values.
    pub(crate) runs: usize,
    /// What zenii reached, measured on another day; empty = no figure.
    pub(crate) zenii: String,
    /// The same for zeroclaw.
    pub(crate) zeroclaw: String,
}

impl Row {
    /// A figure of several values.
    pub(crate) fn of(name: impl Into<String>, unit: &str, mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        Self {
            bench: String::new(),
            name: name.into(),
            goal: String::new(),
            unit: unit.to_owned(),
            median: median(&values),
            min: values.first().copied().unwrap_or(f64::NAN),
            max: values.last().copied().unwrap_or(f64::NAN),
            runs: values.len(),
            zenii: String::new(),
            zeroclaw: String::new(),
        }
    }

    /// A figure measured once.
    pub(crate) fn one(name: impl Into<String>, unit: &str, value: f64) -> Self {
        Self::of(name, unit, vec![value])
    }

    /// The same with a goal.
    pub(crate) fn goal(mut self, goal: &str) -> Self {
        goal.clone_into(&mut self.goal);
        self
    }

    /// The same with the figures of the peers; empty = none.
    pub(crate) fn peers(mut self, zenii: &str, zeroclaw: &str) -> Self {
        zenii.clone_into(&mut self.zenii);
        zeroclaw.clone_into(&mut self.zeroclaw);
        self
    }
}

/// The middle of sorted values.
fn median(sorted: &[f64]) -> f64 {
    let half = sorted.len() / 2;
    match (sorted.len() % 2, sorted.get(half)) {
        (_, None) => f64::NAN,
        (0, Some(upper)) => f64::midpoint(sorted[half - 1], *upper),
        (_, Some(middle)) => *middle,
    }
}

/// Bytes as MB of 10^6 bytes.
pub(crate) fn mb(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// A span in milliseconds.
pub(crate) fn ms(span: std::time::Duration) -> f64 {
    span.as_secs_f64() * 1e3
}

/// A span in microseconds for each of `n` things.
pub(crate) fn us_each(span: std::time::Duration, n: u64) -> f64 {
    span.as_secs_f64() * 1e6 / n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_minimum_and_maximum_do_not_depend_on_order() {
        for (values, expected) in [
            (vec![3.0, 1.0, 2.0], (2.0, 1.0, 3.0)),
            (vec![4.0, 1.0, 2.0, 3.0], (2.5, 1.0, 4.0)),
            (vec![7.0], (7.0, 7.0, 7.0)),
        ] {
            let row = Row::of("x", "ms", values);
            assert_eq!((row.median, row.min, row.max), expected);
        }
    }
}
