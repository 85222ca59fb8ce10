//! Reads the values of options.

use mesoclaw_api::secret::SecretText;

/// Seconds above 0, at most a year.
pub(super) fn parse_secs(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(secs) if secs > 0.0 && secs <= 31_536_000.0 => Ok(secs),
        Ok(_) | Err(_) => Err("expected a number of seconds above 0, at most a year".to_owned()),
    }
}

/// A span of time in seconds: `90s`, `30m`, `2h`, `7d`; at most a year.
///
/// # Errors
/// It is none; the text says what one looks like.
pub fn parse_span(text: &str) -> Result<u64, String> {
    const YEAR: u64 = 31_536_000;
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match text.get(digits.len()..).unwrap_or_default() {
        "s" => Some(1),
        "m" | "min" => Some(60),
        "h" => Some(3_600),
        "d" => Some(86_400),
        _ => None,
    };
    let count: Option<u64> = digits.parse().ok();
    match (count, factor) {
        (Some(count), Some(factor)) if count > 0 => count
            .checked_mul(factor)
            .filter(|secs| *secs <= YEAR)
            .ok_or_else(|| "that is more than a year".to_owned()),
        _ => Err("expected a time such as 30m, 2h or 7d".to_owned()),
    }
}

/// Bytes, with k, M or G for powers of 1024.
pub(super) fn parse_size(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => Some(1),
        "k" | "kb" | "kib" => Some(1 << 10),
        "m" | "mb" | "mib" => Some(1 << 20),
        "g" | "gb" | "gib" => Some(1 << 30),
        _ => None,
    };
    let count: Option<u64> = digits.parse().ok();
    match (count, factor) {
        (Some(count), Some(factor)) if count > 0 => count
            .checked_mul(factor)
            .ok_or_else(|| "that is too large".to_owned()),
        _ => Err("expected a number of bytes such as 500000, 64k or 10M".to_owned()),
    }
}

/// Tokens, with k and M for thousands and millions.
pub(super) fn parse_tokens(text: &str) -> Result<u32, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match &text[digits.len()..] {
        "" => Some(1),
        "k" | "K" => Some(1_000),
        "M" | "m" => Some(1_000_000),
        _ => None,
    };
    let count: Option<u32> = digits.parse().ok();
    match (count, factor) {
        (Some(count), Some(factor)) if count > 0 => count
            .checked_mul(factor)
            .ok_or_else(|| "that is too large".to_owned()),
        _ => Err("expected a number of tokens such as 8192, 128k or 1M".to_owned()),
    }
}

/// Dollars, in millionths; no digit is lost on the way.
pub(super) fn parse_usd(text: &str) -> Result<u64, String> {
    let wrong = || "expected dollars such as 2.50, with at most six decimals".to_owned();
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |digits: &str| digits.chars().all(|c| c.is_ascii_digit());
    if whole.is_empty() || decimals.len() > 6 || !is_number(whole) || !is_number(decimals) {
        return Err(wrong());
    }
    let whole: u64 = whole.parse().map_err(|_| wrong())?;
    let decimals: u64 = format!("{decimals:0<6}").parse().map_err(|_| wrong())?;
    whole
        .checked_mul(1_000_000)
        .and_then(|micro| micro.checked_add(decimals))
        .ok_or_else(wrong)
}

/// A secret, masked from here on.
#[expect(
    clippy::unnecessary_wraps,
    reason = "the signature of a parser of values"
)]
pub(super) fn parse_secret(text: &str) -> Result<SecretText, String> {
    Ok(SecretText::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_seconds_are_read() {
        for (text, expected) in [
            ("1", Some(1)),
            ("64k", Some(65_536)),
            ("10M", Some(10_485_760)),
            ("1GiB", Some(1 << 30)),
            ("0", None),
            ("-1", None),
            ("ten", None),
            ("1x", None),
            ("99999999999G", None),
        ] {
            assert_eq!(parse_size(text).ok(), expected, "{text}");
        }
        for (text, expected) in [
            ("1", Some(1.0)),
            ("0.5", Some(0.5)),
            ("0", None),
            ("-1", None),
            ("nan", None),
            ("inf", None),
        ] {
            assert_eq!(parse_secs(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn tokens_and_dollars_are_read() {
        for (text, expected) in [
            ("8192", Some(8192)),
            ("128k", Some(128_000)),
            ("1M", Some(1_000_000)),
            ("0", None),
            ("9999M", None),
            ("lots", None),
        ] {
            assert_eq!(parse_tokens(text).ok(), expected, "{text}");
        }
        for (text, expected) in [
            ("2.50", Some(2_500_000)),
            ("0.000001", Some(1)),
            ("10", Some(10_000_000)),
            ("0", Some(0)),
            ("1.", Some(1_000_000)),
            ("0.0000001", None),
            (".5", None),
            ("-1", None),
            ("1e3", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(parse_usd(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn spans_are_read() {
        for (text, expected) in [
            ("90s", Some(90)),
            ("30m", Some(1_800)),
            ("30min", Some(1_800)),
            ("2h", Some(7_200)),
            ("365d", Some(31_536_000)),
            ("366d", None),
            ("0h", None),
            ("2", None),
            ("h", None),
            ("-2h", None),
            ("99999999999999999999d", None),
        ] {
            assert_eq!(parse_span(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn a_secret_is_masked_at_once() {
        let secret = parse_secret("sk-very-secret").unwrap();
        assert_eq!(format!("{secret:?}"), "SecretText(***)");
        assert_eq!(secret.secret().expose(), "sk-very-secret");
    }
}
