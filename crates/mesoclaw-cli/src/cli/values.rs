//! Reads the values of options.

/// Seconds above 0, at most a year.
pub(super) fn parse_secs(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(secs) if secs > 0.0 && secs <= 31_536_000.0 => Ok(secs),
        Ok(_) | Err(_) => Err("expected a number of seconds above 0, at most a year".to_owned()),
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
}
