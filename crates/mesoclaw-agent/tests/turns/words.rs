//! The words a line of a fixture is made of.

use std::time::Duration;

use mesoclaw_agent::tool::ToolOutput;
use serde_json::Value;

pub fn is_ok(word: &str) -> Result<bool, String> {
    match word {
        "ok" => Ok(true),
        "error" => Ok(false),
        _ => Err("ok or error".to_owned()),
    }
}

pub fn word(line: &str) -> (&str, &str) {
    line.split_once(' ').unwrap_or((line, ""))
}

/// A text as it stands, or a quoted one.
pub fn text(line: &str) -> Result<String, String> {
    if line.starts_with('"') {
        quoted(line)
    } else if line.is_empty() {
        Err("a text is missing".to_owned())
    } else {
        Ok(line.to_owned())
    }
}

/// A JSON string, or one repeated: `"ab" * 1000`.
pub fn quoted(line: &str) -> Result<String, String> {
    let (text, times) = match line.rsplit_once("\" * ") {
        Some((text, times)) => (format!("{text}\""), number(times)?),
        None => (line.to_owned(), 1),
    };
    let text: String = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    Ok(text.repeat(times))
}

pub fn milliseconds(word: &str) -> Result<Duration, String> {
    let ms = word.strip_suffix("ms").ok_or("a time ends with ms")?;
    Ok(Duration::from_millis(number(ms)?))
}

pub fn number<T: std::str::FromStr>(word: &str) -> Result<T, String> {
    word.parse().map_err(|_| format!("`{word}` is no number"))
}

/// The number after `name=`.
pub fn number_of<T: std::str::FromStr>(line: &str, name: &str) -> Result<T, String> {
    number(value_of(line, name).ok_or_else(|| format!("{name}= is missing"))?)
}

pub fn value_of<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    line.split_whitespace()
        .find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
}

pub fn named<T: serde::de::DeserializeOwned>(word: &str) -> Result<T, String> {
    serde_json::from_value(Value::from(word)).map_err(|error| error.to_string())
}

/// A real one is random; one made of the id of the call can be read.
pub fn fence_of(call_id: &str) -> String {
    format!("f0{call_id}")
}

/// A text, then where it comes from and what changed, if anything.
pub fn output(line: &str, success: bool) -> Result<ToolOutput, String> {
    let mut output = ToolOutput {
        success,
        ..ToolOutput::default()
    };
    let mut line = line;
    for (mark, taints) in [("from", false), ("taints", true)] {
        if let Some((before, source)) = more(line, mark) {
            output = output.from_source(quoted(&source)?, taints);
            line = before;
        }
    }
    if let Some((before, diff)) = more(line, "diff") {
        output = output.with_diff(quoted(&diff)?);
        line = before;
    }
    output.output = text(line)?;
    Ok(output)
}

/// What stands before `mark` and the quoted text after it.
fn more<'a>(line: &'a str, mark: &str) -> Option<(&'a str, String)> {
    let (before, after) = line.rsplit_once(&format!(" {mark} \""))?;
    Some((before, format!("\"{after}")))
}
