//! Fetches one page and answers with its text.

use std::fmt::Write as _;

use mesoclaw_net::{Fetched, Guard, NetError, RedirectHosts, Request, WebUrl};

use super::charset;
use super::clean::visible;
use super::html;
use super::window::window;

/// What is asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wanted {
    /// The address.
    pub url: String,
    /// Whether HTML is given as it is.
    pub is_raw: bool,
    /// Characters to leave out from the start.
    pub offset: usize,
    /// Characters of text at most.
    pub max_chars: usize,
    /// Bytes of text at most.
    pub max_bytes: usize,
}

/// Of the answer of a server that says no.
const MAX_ERROR_CHARS: usize = 1_000;

/// Text of a page with a few lines about it.
///
/// # Errors
/// A sentence for the model.
pub async fn fetch(guard: &Guard, wanted: &Wanted) -> Result<String, String> {
    let request = Request::get(&wanted.url)
        .header(
            "accept",
            "text/html, text/plain;q=0.9, application/json;q=0.9, */*;q=0.5",
        )
        .map_err(|error| sentence(&error))?;
    // What was allowed is this host: another one has to be asked for by itself.
    let request = request.redirect_hosts(RedirectHosts::Same);
    let fetched = guard.fetch(request).await.map_err(|error| match error {
        NetError::Elsewhere { url, .. } => format!(
            "The page redirects to another host, which was not asked. To read it, call web_fetch \
             with this address: {url}"
        ),
        error => sentence(&error),
    })?;
    let answer = read(&fetched, wanted)?;
    if (200..300).contains(&fetched.status) {
        Ok(answer)
    } else {
        let text: String = answer.chars().take(MAX_ERROR_CHARS).collect();
        Err(format!(
            "The server answered with status {}. {text}",
            fetched.status
        ))
    }
}

/// The answer of a server as text.
fn read(fetched: &Fetched, wanted: &Wanted) -> Result<String, String> {
    let kind = Kind::of(fetched);
    if kind == Kind::Binary {
        let more = if fetched.cut { "more than " } else { "" };
        return Err(format!(
            "{} is {}, {more}{} bytes: not text, so it cannot be shown.",
            fetched.final_url,
            fetched
                .content_type
                .as_deref()
                .unwrap_or("of an unknown type"),
            fetched.body.len()
        ));
    }
    let is_html = kind == Kind::Html;
    let text = charset::decode(&fetched.body, fetched.charset.as_deref(), is_html);
    let mut answer = String::new();
    let mut notes = Vec::new();
    let base = WebUrl::parse(&fetched.final_url);
    let text = match base.filter(|_| is_html && !wanted.is_raw) {
        Some(base) => {
            let document = html::read(&text, &base);
            if !document.title.is_empty() {
                line(&mut answer, format_args!("Title: {}", document.title));
            }
            if document.is_part {
                notes.push("[navigation and other parts around the text left out]");
            }
            if document.is_cut {
                notes.push("[the page is longer than what can be read of one page]");
            }
            document.text
        }
        None => visible(&text),
    };
    line(&mut answer, format_args!("URL: {}", fetched.final_url));
    for hop in &fetched.hops {
        line(&mut answer, format_args!("Redirected from: {hop}"));
    }
    let (part, note) = window(&text, wanted.offset, wanted.max_chars, wanted.max_bytes)?;
    answer.push('\n');
    answer.push_str(if text.is_empty() { "[no text]" } else { part });
    if fetched.cut {
        notes.push("[the server sent more than is taken of one page; the rest cannot be read]");
    }
    for note in note.as_deref().into_iter().chain(notes) {
        answer.push_str("\n\n");
        answer.push_str(note);
    }
    Ok(answer)
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to memory does not fail.
    text.write_fmt(line).ok();
    text.push('\n');
}

/// What a body is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Html,
    Text,
    Binary,
}

impl Kind {
    fn of(fetched: &Fetched) -> Self {
        let (start, _) = fetched.body.split_at(fetched.body.len().min(1024));
        let is_utf16 = start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff");
        let has_nul = start.contains(&0) && !is_utf16;
        let is_wide = fetched
            .charset
            .as_deref()
            .is_some_and(|name| name.starts_with("utf-16"));
        if has_nul && !is_wide {
            return Self::Binary;
        }
        match fetched.content_type.as_deref() {
            Some("text/html" | "application/xhtml+xml") => Self::Html,
            Some(kind) if is_text(kind) => Self::Text,
            Some("application/octet-stream" | "binary/octet-stream") | None => sniff(start),
            Some(_) if start.is_empty() => Self::Text,
            Some(_) => Self::Binary,
        }
    }
}

fn is_text(kind: &str) -> bool {
    kind.starts_with("text/")
        || kind.ends_with("+json")
        || kind.ends_with("+xml") && kind != "image/svg+xml"
        || matches!(
            kind,
            "application/json"
                | "application/ld+json"
                | "application/x-ndjson"
                | "application/jsonl"
                | "application/xml"
                | "application/javascript"
                | "application/x-javascript"
                | "application/yaml"
                | "application/x-yaml"
                | "application/toml"
                | "application/x-sh"
                | "application/sql"
                | "application/x-www-form-urlencoded"
                | "image/svg+xml"
        )
}

fn sniff(start: &[u8]) -> Kind {
    let is_text = match std::str::from_utf8(start) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    let lower = start.trim_ascii_start().to_ascii_lowercase();
    if lower.starts_with(b"<!doctype html") || lower.starts_with(b"<html") {
        Kind::Html
    } else if is_text {
        Kind::Text
    } else {
        Kind::Binary
    }
}

/// An error with its causes, as a sentence.
pub(crate) fn sentence(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.ends_with(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text.push('.');
    text
}
