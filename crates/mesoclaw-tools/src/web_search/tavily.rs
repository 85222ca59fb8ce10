//! Tavily: `POST /search` with a bearer key. The shapes are those of Tavily's API reference
//! (docs.tavily.com/api-reference/endpoint/search) and the error codes those of its help page
//! "Errors Code" (help.tavily.com).

use mesoclaw_api::Secret;
use mesoclaw_net::{Guard, Request};
use serde::Deserialize;
use serde_json::json;

use super::engine::{Fault, SearchOptions};
use super::result::SearchResult;

#[derive(Deserialize)]
struct Answer {
    results: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    #[serde(default)]
    title: String,
    url: String,
    #[serde(default)]
    content: String,
}

pub(crate) async fn ask(
    guard: &Guard,
    options: &SearchOptions,
    key: &Secret<String>,
    query: &str,
    n_results: usize,
) -> Result<Vec<SearchResult>, Fault> {
    let body = json!({
        "query": query,
        "max_results": n_results,
        "search_depth": "basic",
        "include_answer": false,
        "include_images": false,
        "include_raw_content": false,
    });
    let bearer = Secret::new(format!("Bearer {}", key.expose()));
    let request = Request::post_json(&options.tavily_url, &body)
        .secret_header("authorization", bearer.expose())?
        .total_timeout(options.timeout);
    let fetched = guard.fetch(request).await?;
    if matches!(fetched.status, 432 | 433) {
        return Err(Fault::Quota);
    }
    if let Some(fault) = Fault::of_status(&fetched) {
        return Err(fault);
    }
    let answer: Answer = serde_json::from_slice(&fetched.body).map_err(|_| Fault::Unreadable)?;
    let cleaned = answer.results.iter();
    // What Tavily sends is text, so a `<` in it is one.
    Ok(cleaned
        .filter_map(|item| SearchResult::clean_text(&item.title, &item.url, &item.content))
        .collect())
}
