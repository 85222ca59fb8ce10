//! Money for people, from millionths of a US dollar.

/// A price as it is, no digit lost: at least two decimals, at most six.
pub fn price(microusd: u64) -> String {
    let decimals = format!("{:06}", microusd % 1_000_000);
    let shown = decimals.trim_end_matches('0');
    format!("${}.{shown:0<2}", microusd / 1_000_000)
}

/// What something cost, rounded to what is worth reading. `is_least`: some of it has no known price.
pub fn cost(microusd: u64, is_least: bool) -> String {
    let least = if is_least { "≥ " } else { "" };
    let decimals = match microusd {
        0 | 1_000_000.. => 2,
        100..1_000_000 => 4,
        1..100 => 6,
    };
    format!("{least}${:.decimals$}", microusd as f64 / 1_000_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_lose_no_digit() {
        for (microusd, expected) in [
            (0, "$0.00"),
            (2_500_000, "$2.50"),
            (10_000_000, "$10.00"),
            (75_000, "$0.075"),
            (1, "$0.000001"),
            (1_234_567, "$1.234567"),
        ] {
            assert_eq!(price(microusd), expected);
        }
    }

    #[test]
    fn costs_are_rounded() {
        for (microusd, is_least, expected) in [
            (0, false, "$0.00"),
            (0, true, "≥ $0.00"),
            (7, false, "$0.000007"),
            (1_240, false, "$0.0012"),
            (999_960, false, "$1.0000"),
            (1_234_567, true, "≥ $1.23"),
        ] {
            assert_eq!(cost(microusd, is_least), expected);
        }
    }
}
