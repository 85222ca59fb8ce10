//! The tool around [`search`]: its arguments, what it would do, and how it ends early.

use std::sync::Arc;

use mesoclaw_agent::policy::Action;
use mesoclaw_agent::tool::{Tool, ToolCx, ToolOutput, ToolSpec};
use mesoclaw_api::BoxFuture;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::engine::{Found, SearchOptions, search};
use super::result::SearchResult;
use crate::args::ArgSpec;
use crate::options::OptionsNow;
use crate::web_fetch::{GuardNow, unless_cancelled};

const DEFAULT_RESULTS: usize = 5;
const MAX_RESULTS: u64 = 20;

/// Gives the options and keys as they are now: asked at each call, so that a new key counts at
/// once. Reading a key may take a while.
pub type SearchNow = Arc<dyn Fn() -> BoxFuture<'static, SearchOptions> + Send + Sync>;

/// Arguments of `web_search`.
#[derive(Debug, Deserialize, JsonSchema)]
struct Args {
    /// What to search for, a few words.
    query: String,
    /// How many results, 1 to 20; 5 if left out.
    num_results: Option<u64>,
}

/// `web_search`.
pub struct WebSearch {
    args: ArgSpec,
    guard: GuardNow,
    search: SearchNow,
    options: OptionsNow,
}

impl WebSearch {
    /// A tool that searches through this guard.
    pub fn new(guard: GuardNow, search: SearchNow, options: OptionsNow) -> Self {
        let args = ArgSpec::new::<Args>(
            "web_search",
            "Searches the web; answers with a JSON list of title, url and snippet. \
             Read a page found with web_fetch.",
            &["websearch"],
            json!({"query": "rust release notes", "num_results": 5}),
        );
        Self {
            args,
            guard,
            search,
            options,
        }
    }

    fn asked(&self, args: &Value) -> Result<(String, usize), String> {
        let args: Args = self.args.parse(args)?;
        let n_results = match args.num_results {
            None => DEFAULT_RESULTS,
            Some(n) if (1..=MAX_RESULTS).contains(&n) => n as usize,
            Some(n) => return Err(format!("`num_results` must be 1 to 20, not {n}.")),
        };
        if args.query.trim().is_empty() {
            return Err("`query` is empty: say what to search for.".to_owned());
        }
        Ok((args.query, n_results))
    }
}

impl Tool for WebSearch {
    fn spec(&self) -> &ToolSpec {
        self.args.spec()
    }

    fn plan(&self, args: &Value) -> Result<Vec<Action>, String> {
        let (query, _) = self.asked(args)?;
        Ok(vec![Action::Search { query }])
    }

    fn run(&self, cx: ToolCx, args: Value) -> BoxFuture<'static, ToolOutput> {
        let asked = self.asked(&args);
        let (guard, options) = ((self.guard)(), (self.search)());
        let max_bytes = (self.options)().tool_output_max_bytes;
        Box::pin(async move {
            let (query, n_results) = match asked {
                Ok(asked) => asked,
                Err(fault) => return ToolOutput::failed(fault),
            };
            let searching = async { search(&guard, &options.await, &query, n_results).await };
            match unless_cancelled(cx.cancel.as_ref(), searching).await {
                Some(Ok(found)) => {
                    for fault in &found.failed {
                        (cx.progress)(fault.clone());
                    }
                    answer(found, max_bytes)
                }
                Some(Err(fault)) => ToolOutput::failed(fault),
                None => ToolOutput::failed("The call was cancelled."),
            }
        })
    }
}

/// The results as JSON, as many as there is room for.
fn answer(found: Found, max_bytes: usize) -> ToolOutput {
    let mut results = found.results;
    loop {
        match to_json(&results) {
            Err(fault) => return ToolOutput::failed(fault),
            Ok(text) if text.len() <= max_bytes || results.is_empty() => {
                let source = format!("web search by {}", found.engine);
                return ToolOutput::done(text).from_source(source, true);
            }
            Ok(_) => results.pop(),
        };
    }
}

fn to_json(results: &[SearchResult]) -> Result<String, String> {
    serde_json::to_string_pretty(results)
        .map_err(|error| format!("The results could not be written as JSON: {error}."))
}

#[cfg(test)]
mod tests {
    use mesoclaw_net::{Guard, GuardOptions};

    use super::*;
    use crate::options::ToolOptions;

    #[test]
    fn a_call_says_what_it_searches_for_or_what_is_wrong() {
        let search: SearchNow = Arc::new(|| Box::pin(async { SearchOptions::default() }));
        let guard = Arc::new(Guard::new(GuardOptions::default()));
        let tool = WebSearch::new(
            Arc::new(move || Arc::clone(&guard)),
            search,
            Arc::new(ToolOptions::default),
        );
        let search = |query: &str| {
            Ok(vec![Action::Search {
                query: query.to_owned(),
            }])
        };
        for (args, expected) in [
            (json!({"query": "a b"}), search("a b")),
            (json!({"query": "a", "num_results": "20"}), search("a")),
            (
                json!({"query": " "}),
                Err("`query` is empty: say what to search for."),
            ),
            (
                json!({"query": "a", "num_results": 0}),
                Err("`num_results` must be 1 to 20, not 0."),
            ),
            (
                json!({"query": "a", "num_results": 21}),
                Err("`num_results` must be 1 to 20, not 21."),
            ),
        ] {
            assert_eq!(tool.plan(&args), expected.map_err(str::to_owned), "{args}");
        }
    }

    #[test]
    fn results_are_json_and_fit() {
        let result = |n: usize| SearchResult {
            title: format!("t{n}"),
            url: format!("https://a.test/{n}"),
            snippet: "s".repeat(100),
        };
        let results: Vec<SearchResult> = (0..20).map(result).collect();
        for (max_bytes, n_results) in [(100_000, 20), (1_000, 5), (1, 0)] {
            let found = Found {
                results: results.clone(),
                engine: "Tavily",
                failed: Vec::new(),
            };
            let output = answer(found, max_bytes);
            let list: Vec<Value> = serde_json::from_str(&output.output).unwrap();
            assert_eq!(list.len(), n_results);
            assert!(output.success && output.source.unwrap().taints);
        }
    }
}
