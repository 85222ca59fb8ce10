//! DuckDuckGo without a key: its page for browsers without scripts. The classes read here
//! (`result__a`, `result__snippet`, `result--ad`, `no-results`), the redirecting `uddg=` links and
//! the challenge page (status 202, `anomaly-modal`) are those that SearXNG
//! (searx/engines/duckduckgo.py) and captures in public test data show.

use html5gum::{StartTag, Token};
use mesoclaw_net::{Guard, Request, WebUrl};

use super::engine::{Fault, SearchOptions};
use super::result::SearchResult;
use crate::web_fetch::{attribute, text_of, tokens};

/// Words of the page that asks for a proof that a person is searching.
const CHALLENGE: [&str; 4] = [
    "anomaly-modal",
    "anomaly.js",
    "challenge-form",
    "bots use duckduckgo",
];

pub(crate) async fn ask(
    guard: &Guard,
    options: &SearchOptions,
    query: &str,
) -> Result<Vec<SearchResult>, Fault> {
    let base = WebUrl::parse(&options.duckduckgo_url).ok_or(Fault::Unreadable)?;
    let request = Request::get(base.with_query(&[("q", query), ("kl", "wt-wt")]))
        .header("accept", "text/html")?
        .total_timeout(options.timeout);
    let fetched = guard.fetch(request).await?;
    let html = String::from_utf8_lossy(&fetched.body);
    let page = read(&html, &base);
    if !page.results.is_empty() && fetched.status == 200 {
        return Ok(page.results);
    }
    let lower = html.to_ascii_lowercase();
    if matches!(fetched.status, 202 | 403) || CHALLENGE.iter().any(|word| lower.contains(word)) {
        return Err(Fault::Challenge);
    }
    match Fault::of_status(&fetched) {
        Some(fault) => Err(fault),
        None if page.says_nothing_found => Ok(Vec::new()),
        None => Err(Fault::Unreadable),
    }
}

/// A page of results.
#[derive(Default)]
struct Page {
    results: Vec<SearchResult>,
    says_nothing_found: bool,
}

/// A result being read.
#[derive(Default)]
struct Draft {
    title: String,
    url: Option<String>,
    snippet: String,
    is_ad: bool,
}

/// What text belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Nothing,
    Title,
    Snippet,
}

fn read(html: &str, base: &WebUrl) -> Page {
    let mut page = Page::default();
    let mut draft = Draft::default();
    let mut part = Part::Nothing;
    for token in tokens(html) {
        match token {
            Token::StartTag(tag) => {
                let has = |class: &str| has_class(&tag, class);
                if has("result") {
                    page.take(std::mem::take(&mut draft));
                    draft.is_ad = has("result--ad") || has("result--ad--small");
                }
                page.says_nothing_found |= has("no-results") || has("result--no-result");
                if has("result__a") {
                    part = Part::Title;
                    draft.url = target(attribute(&tag, "href"), base);
                } else if has("result__snippet") {
                    part = Part::Snippet;
                }
            }
            Token::EndTag(tag) if matches!(text_of(&tag.name), "a" | "div" | "h2" | "td") => {
                part = Part::Nothing;
            }
            Token::String(text) => match part {
                Part::Nothing => {}
                Part::Title => draft.title.push_str(text_of(&text)),
                Part::Snippet => draft.snippet.push_str(text_of(&text)),
            },
            Token::EndTag(_) | Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
        }
    }
    page.take(draft);
    page
}

impl Page {
    fn take(&mut self, draft: Draft) {
        let Some(url) = draft.url.filter(|_| !draft.is_ad) else {
            return;
        };
        let result = SearchResult::clean_text(&draft.title, &url, &draft.snippet);
        let is_new =
            |result: &SearchResult| self.results.iter().all(|known| known.url != result.url);
        if let Some(result) = result.filter(|result| !result.title.is_empty() && is_new(result)) {
            self.results.push(result);
        }
    }
}

/// Where a link of the page leads: redirecting links are unwrapped, links to advertisers and into
/// DuckDuckGo itself lead nowhere.
fn target(href: &str, base: &WebUrl) -> Option<String> {
    let link = WebUrl::parse(&base.join(href)?)?;
    if let Some(url) = link.query_value("uddg") {
        // An advertisement may hide inside a redirecting link.
        let inner = WebUrl::parse(&url)?;
        return (!is_own(&inner)).then(|| inner.as_str().to_owned());
    }
    let is_relative = !href.contains("//");
    (!is_relative && !is_own(&link)).then(|| link.as_str().to_owned())
}

fn is_own(url: &WebUrl) -> bool {
    let is_own_host = url.host() == "duckduckgo.com" || url.host().ends_with(".duckduckgo.com");
    is_own_host && (url.path().ends_with("/y.js") || url.path().starts_with("/l/"))
}

fn has_class(tag: &StartTag<()>, class: &str) -> bool {
    attribute(tag, "class")
        .split_ascii_whitespace()
        .any(|own| own == class)
}
