//! Brave Search: `GET /res/v1/web/search` with a token in a header. The shapes are those of
//! Brave's API reference (api-dashboard.search.brave.com/api-reference/web/search/get) and its
//! response objects; a wrong token is answered with 422 and the code `SUBSCRIPTION_TOKEN_INVALID`
//! (github.com/nearai/ironclaw/issues/2780).

use mesoclaw_api::Secret;
use mesoclaw_net::{Guard, Request, WebUrl};
use serde::Deserialize;

use super::engine::{Fault, SearchOptions};
use super::result::SearchResult;

#[derive(Deserialize)]
struct Answer {
    /// Missing when nothing was found.
    web: Option<Web>,
}

#[derive(Deserialize)]
struct Web {
    #[serde(default)]
    results: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    #[serde(default)]
    title: String,
    url: String,
    #[serde(default)]
    description: String,
}

#[derive(Deserialize)]
struct ErrorAnswer {
    error: ErrorItem,
}

#[derive(Deserialize)]
struct ErrorItem {
    #[serde(default)]
    code: String,
}

pub(crate) async fn ask(
    guard: &Guard,
    options: &SearchOptions,
    token: &Secret<String>,
    query: &str,
    n_results: usize,
) -> Result<Vec<SearchResult>, Fault> {
    let count = n_results.to_string();
    let pairs = [
        ("q", query),
        ("count", count.as_str()),
        ("text_decorations", "false"),
        ("result_filter", "web"),
    ];
    let base = WebUrl::parse(&options.brave_url).ok_or(Fault::Unreadable)?;
    let request = Request::get(base.with_query(&pairs))
        .header("accept", "application/json")?
        .secret_header("x-subscription-token", token.expose())?
        .total_timeout(options.timeout);
    let fetched = guard.fetch(request).await?;
    if fetched.status == 422 {
        let is_token = serde_json::from_slice::<ErrorAnswer>(&fetched.body)
            .is_ok_and(|answer| answer.error.code.contains("TOKEN"));
        return Err(if is_token {
            Fault::Key
        } else {
            Fault::Status(422)
        });
    }
    if fetched.status == 402 {
        return Err(Fault::Quota);
    }
    if let Some(fault) = Fault::of_status(&fetched) {
        return Err(fault);
    }
    let answer: Answer = serde_json::from_slice(&fetched.body).map_err(|_| Fault::Unreadable)?;
    let items = answer.web.map(|web| web.results).unwrap_or_default();
    Ok(items
        .iter()
        .filter_map(|item| SearchResult::clean(&item.title, &item.url, &item.description))
        .collect())
}
