//! Chooses the engine and falls back to the next one.

use std::time::Duration;

use mesoclaw_api::Secret;
use mesoclaw_net::{Fetched, Guard, NetError};

use super::result::SearchResult;
use super::{brave, duckduckgo, tavily};
use crate::web_fetch::{one_line, sentence};

/// The longest question the engines take.
const MAX_QUERY_CHARS: usize = 400;
/// And in words.
const MAX_QUERY_WORDS: usize = 50;

/// What a search needs to know.
#[derive(Clone, Debug)]
pub struct SearchOptions {
    /// For one engine (`web_search_timeout_secs`).
    pub timeout: Duration,
    /// Results at most, whatever a call asks for (`web_search_max_results`).
    pub max_results: usize,
    /// Key of Tavily.
    pub tavily_key: Option<Secret<String>>,
    /// Key of Brave Search.
    pub brave_key: Option<Secret<String>>,
    /// Where Tavily is asked.
    pub tavily_url: String,
    /// Where Brave Search is asked.
    pub brave_url: String,
    /// Where DuckDuckGo is asked.
    pub duckduckgo_url: String,
}

impl Default for SearchOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            max_results: 20,
            tavily_key: None,
            brave_key: None,
            tavily_url: "https://api.tavily.com/search".to_owned(),
            brave_url: "https://api.search.brave.com/res/v1/web/search".to_owned(),
            duckduckgo_url: "https://html.duckduckgo.com/html/".to_owned(),
        }
    }
}

/// What a search found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// The results, best first.
    pub results: Vec<SearchResult>,
    /// Who answered.
    pub engine: &'static str,
    /// Why the engines before did not, a sentence each.
    pub failed: Vec<String>,
}

/// Searches the web.
///
/// # Errors
/// A sentence for the model that names every engine that was asked.
pub async fn search(
    guard: &Guard,
    options: &SearchOptions,
    query: &str,
    num_results: usize,
) -> Result<Found, String> {
    let query = check_query(query)?;
    let n_results = num_results.min(options.max_results).clamp(1, 20);
    let mut failed = Vec::new();
    for engine in [Engine::Tavily, Engine::Brave, Engine::DuckDuckGo] {
        match engine.ask(guard, options, &query, n_results).await {
            None => {}
            Some(Ok(mut results)) => {
                results.truncate(n_results);
                let engine = engine.name();
                return Ok(Found {
                    results,
                    engine,
                    failed,
                });
            }
            Some(Err(fault)) => failed.push(format!("{}: {}", engine.name(), fault.sentence())),
        }
    }
    Err(format!(
        "The web could not be searched. {}",
        failed.join(" ")
    ))
}

fn check_query(query: &str) -> Result<String, String> {
    let query = one_line(query, usize::MAX);
    let n_chars = query.chars().count();
    if query.is_empty() {
        Err("`query` is empty: say what to search for.".to_owned())
    } else if n_chars > MAX_QUERY_CHARS || query.split(' ').count() > MAX_QUERY_WORDS {
        Err(format!(
            "`query` is too long: at most {MAX_QUERY_CHARS} characters and {MAX_QUERY_WORDS} \
             words. Search for the few words that matter."
        ))
    } else {
        Ok(query)
    }
}

#[derive(Clone, Copy)]
enum Engine {
    Tavily,
    Brave,
    DuckDuckGo,
}

impl Engine {
    fn name(self) -> &'static str {
        match self {
            Self::Tavily => "Tavily",
            Self::Brave => "Brave Search",
            Self::DuckDuckGo => "DuckDuckGo",
        }
    }

    /// `None` = it needs a key, and there is none.
    async fn ask(
        self,
        guard: &Guard,
        options: &SearchOptions,
        query: &str,
        n_results: usize,
    ) -> Option<Result<Vec<SearchResult>, Fault>> {
        let asked = match self {
            Self::Tavily => {
                let key = options.tavily_key.as_ref()?;
                tavily::ask(guard, options, key, query, n_results).await
            }
            Self::Brave => {
                let key = options.brave_key.as_ref()?;
                brave::ask(guard, options, key, query, n_results).await
            }
            Self::DuckDuckGo => duckduckgo::ask(guard, options, query).await,
        };
        Some(asked)
    }
}

/// Why an engine gave no results.
#[derive(Debug)]
pub(crate) enum Fault {
    /// It could not be reached, or may not be.
    Net(NetError),
    /// It does not know the key.
    Key,
    /// The plan of the key is used up.
    Quota,
    /// Too many questions.
    Busy { retry_after: Option<String> },
    /// It takes us for a robot.
    Challenge,
    /// Another status.
    Status(u16),
    /// An answer that is not understood.
    Unreadable,
}

impl From<NetError> for Fault {
    fn from(error: NetError) -> Self {
        Self::Net(error)
    }
}

impl Fault {
    /// Of an answer that is not a success.
    pub(crate) fn of_status(fetched: &Fetched) -> Option<Self> {
        match fetched.status {
            200 => None,
            401 | 403 => Some(Self::Key),
            429 => Some(Self::Busy {
                retry_after: fetched.retry_after.clone(),
            }),
            status => Some(Self::Status(status)),
        }
    }

    fn sentence(&self) -> String {
        match self {
            Self::Net(error) => sentence(error),
            Self::Key => "the key is refused; set a new one with `mesoclaw key set`.".to_owned(),
            Self::Quota => "the plan of the key is used up.".to_owned(),
            Self::Busy { retry_after: None } => "too many searches; wait a minute.".to_owned(),
            Self::Busy {
                retry_after: Some(wait),
            } => match wait.parse::<u32>() {
                Ok(secs) => format!("too many searches; wait {secs} seconds."),
                Err(_) => "too many searches; wait a minute.".to_owned(),
            },
            Self::Challenge => "it asks for a proof that a person is searching, which cannot be \
                                given; wait some minutes, or add a key of Tavily or Brave Search."
                .to_owned(),
            Self::Status(status) => format!("it answered with status {status}."),
            Self::Unreadable => "its answer could not be understood.".to_owned(),
        }
    }
}
