//! Rows as a table for a terminal, and as Markdown for `docs/benchmarks.md`.

use std::fmt::Write as _;

use crate::row::Row;

/// The table for a terminal.
pub(crate) fn text(rows: &[Row]) -> String {
    let head = [
        "figure",
        "goal",
        "median",
        "min",
        "max",
        "unit",
        "runs",
        "zenii*",
        "zeroclaw*",
    ];
    let mut lines = vec![head.map(str::to_owned)];
    for row in rows {
        lines.push([
            format!("{}: {}", row.bench, row.name),
            or_dash(&row.goal),
            number(row.median),
            number(row.min),
            number(row.max),
            row.unit.clone(),
            row.runs.to_string(),
            or_dash(&row.zenii),
            or_dash(&row.zeroclaw),
        ]);
    }
    let mut widths = [0; 9];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut out = String::new();
    for line in &lines {
        let mut text = String::new();
        for (n, (cell, width)) in line.iter().zip(widths).enumerate() {
            if (2..=4).contains(&n) || n == 6 {
                write!(text, "{cell:>width$}  ").unwrap();
            } else {
                write!(text, "{cell:<width$}  ").unwrap();
            }
        }
        writeln!(out, "{}", text.trim_end()).unwrap();
    }
    out.push_str("* measured on another day on a machine of the same size\n");
    out
}

/// Rows of the table in `docs/benchmarks.md`, with a head for every bench.
pub(crate) fn markdown(rows: &[Row]) -> String {
    let mut out = String::new();
    for (n, row) in rows.iter().enumerate() {
        if n == 0 || rows[n - 1].bench != row.bench {
            let gap = if n == 0 { "" } else { "\n" };
            write!(
                out,
                "{gap}### `{}`\n\n| Figure | Goal | mesoclaw | zenii | zeroclaw |\n\
                 |---|---|---|---|---|\n",
                row.bench
            )
            .unwrap();
        }
        let spread = if row.runs > 1 {
            format!(
                " ({} – {}, n = {})",
                number(row.min),
                number(row.max),
                row.runs
            )
        } else {
            String::new()
        };
        writeln!(
            out,
            "| {} | {} | **{}** {}{spread} | {} | {} |",
            row.name,
            or_dash(&row.goal),
            number(row.median),
            row.unit,
            or_dash(&row.zenii),
            or_dash(&row.zeroclaw),
        )
        .unwrap();
    }
    out
}

fn or_dash(text: &str) -> String {
    if text.is_empty() { "–" } else { text }.to_owned()
}

/// Three digits that count, and commas between thousands.
fn number(value: f64) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    let size = value.abs();
    if size.fract() == 0.0 || size >= 100.0 {
        return thousands(value.round() as i64);
    }
    match size {
        10.0.. => format!("{value:.1}"),
        1.0.. => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

fn thousands(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut out = if value < 0 { "-" } else { "" }.to_owned();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits_that_count() {
        for (value, expected) in [
            (0.0, "0"),
            (0.0421, "0.042"),
            (1.234, "1.23"),
            (-1.234, "-1.23"),
            (12.345, "12.3"),
            (128.4, "128"),
            (1_234_567.0, "1,234,567"),
            (f64::NAN, "–"),
        ] {
            assert_eq!(number(value), expected);
        }
    }

    #[test]
    fn markdown_has_one_table_a_bench() {
        let row = |bench: &str, values| Row {
            bench: bench.to_owned(),
            ..Row::of("start", "ms", values)
                .goal("≤ 8 ms")
                .peers("20.4 ms", "")
        };
        assert_eq!(
            markdown(&[row("a", vec![1.0, 2.0]), row("b", vec![3.5])]),
            "### `a`\n\n| Figure | Goal | mesoclaw | zenii | zeroclaw |\n|---|---|---|---|---|\n\
             | start | ≤ 8 ms | **1.50** ms (1 – 2, n = 2) | 20.4 ms | – |\n\n\
             ### `b`\n\n| Figure | Goal | mesoclaw | zenii | zeroclaw |\n|---|---|---|---|---|\n\
             | start | ≤ 8 ms | **3.50** ms | 20.4 ms | – |\n"
        );
    }
}
