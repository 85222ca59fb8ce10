//! The tool around [`fetch`]: its arguments, what it would do, and how it ends early.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use mesoclaw_agent::model_files::CancelToken;
use mesoclaw_agent::policy::Action;
use mesoclaw_agent::tool::{Tool, ToolCx, ToolOutput, ToolSpec};
use mesoclaw_api::BoxFuture;
use mesoclaw_net::Guard;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::page::{Wanted, fetch, sentence};
use crate::args::ArgSpec;
use crate::options::OptionsNow;

const DEFAULT_CHARS: usize = 20_000;
const CANCEL_POLL: Duration = Duration::from_millis(50);

/// Arguments of `web_fetch`.
#[derive(Debug, Deserialize, JsonSchema)]
struct Args {
    /// Address of the page, with http:// or https://.
    url: String,
    /// Characters to leave out from the start, to go on reading a long page.
    offset: Option<u64>,
    /// Characters to read, 20000 if left out.
    max_chars: Option<u64>,
    /// true = HTML as it is instead of readable text.
    raw: Option<bool>,
}

/// Gives the guard as it is configured now, asked for at each call.
pub type GuardNow = Arc<dyn Fn() -> Arc<Guard> + Send + Sync>;

/// `web_fetch`.
pub struct WebFetch {
    args: ArgSpec,
    guard: GuardNow,
    options: OptionsNow,
}

impl WebFetch {
    /// A tool that fetches through this guard.
    pub fn new(guard: GuardNow, options: OptionsNow) -> Self {
        let args = ArgSpec::new::<Args>(
            "web_fetch",
            "Reads one page of the web as text, with links. Long pages come in parts. \
             Images and programs are not read.",
            &["fetch", "webfetch"],
            json!({"url": "https://docs.rs/tokio"}),
        );
        Self {
            args,
            guard,
            options,
        }
    }

    fn wanted(&self, args: &Value) -> Result<Wanted, String> {
        let args: Args = self.args.parse(args)?;
        let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        if args.max_chars == Some(0) {
            return Err("`max_chars` must be at least 1.".to_owned());
        }
        Ok(Wanted {
            url: args.url,
            is_raw: args.raw.unwrap_or(false),
            offset: number(args.offset.unwrap_or(0)),
            max_chars: args.max_chars.map_or(DEFAULT_CHARS, number),
            max_bytes: (self.options)().tool_output_max_bytes,
        })
    }
}

impl Tool for WebFetch {
    fn spec(&self) -> &ToolSpec {
        self.args.spec()
    }

    fn plan(&self, args: &Value) -> Result<Vec<Action>, String> {
        let url = self.wanted(args)?.url;
        (self.guard)()
            .check_url(&url)
            .map_err(|error| sentence(&error))?;
        Ok(vec![Action::Fetch { url }])
    }

    fn run(&self, cx: ToolCx, args: Value) -> BoxFuture<'static, ToolOutput> {
        let wanted = self.wanted(&args);
        let guard = (self.guard)();
        Box::pin(async move {
            let wanted = match wanted {
                Ok(wanted) => wanted,
                Err(fault) => return ToolOutput::failed(fault),
            };
            let place = match guard.check_url(&wanted.url) {
                Ok(target) => format!("web {}", target.host),
                Err(error) => return ToolOutput::failed(sentence(&error)),
            };
            (cx.progress)(format!("reading {place}"));
            let fetched = unless_cancelled(cx.cancel.as_ref(), fetch(&guard, &wanted)).await;
            // What a server says when it refuses is as foreign as its pages.
            match fetched {
                Some(Ok(text)) => ToolOutput::done(text).from_source(place, true),
                Some(Err(fault)) => ToolOutput::failed(fault).from_source(place, true),
                None => ToolOutput::failed("The call was cancelled."),
            }
        })
    }
}

/// What the work gives; `None` = the token was set before, and the work is dropped.
pub(crate) async fn unless_cancelled<T>(
    cancel: &dyn CancelToken,
    work: impl Future<Output = T>,
) -> Option<T> {
    let cancelled = async {
        while !cancel.is_cancelled() {
            tokio::time::sleep(CANCEL_POLL).await;
        }
    };
    tokio::select! {
        biased;
        () = cancelled => None,
        done = work => Some(done),
    }
}

#[cfg(test)]
mod tests {
    use mesoclaw_net::GuardOptions;

    use super::*;
    use crate::options::ToolOptions;

    fn tool() -> WebFetch {
        let guard = Arc::new(Guard::new(GuardOptions::default()));
        WebFetch::new(
            Arc::new(move || Arc::clone(&guard)),
            Arc::new(ToolOptions::default),
        )
    }

    #[test]
    fn a_call_says_which_page_it_reads_or_what_is_wrong() {
        let page = |url: &str| {
            Ok(vec![Action::Fetch {
                url: url.to_owned(),
            }])
        };
        for (args, expected) in [
            (json!({"url": "https://docs.rs/"}), page("https://docs.rs/")),
            (
                json!({"url": "https://docs.rs/", "offset": "20", "raw": "true"}),
                page("https://docs.rs/"),
            ),
            (
                json!({"url": "https://docs.rs/", "max_chars": 0}),
                Err("`max_chars` must be at least 1."),
            ),
            (
                json!({"url": "docs.rs"}),
                Err("docs.rs is refused: it is not a web address."),
            ),
            (
                json!({"url": "file:///etc/passwd"}),
                Err(
                    "file:///etc/passwd is refused: `file:` is not spoken, only `http:` and `https:`.",
                ),
            ),
            (
                json!({"url": "http://localhost/"}),
                Err(
                    "http://localhost/ is refused: `localhost` is this machine itself; \
                     allow it with the setting web_allow_private_hosts.",
                ),
            ),
        ] {
            assert_eq!(
                tool().plan(&args),
                expected.map_err(str::to_owned),
                "{args}"
            );
        }
        assert!(tool().plan(&json!({})).is_err());
    }

    #[test]
    fn small_models_can_read_the_schema() {
        let spec = tool().spec().definition.clone();
        let parameters = &spec.parameters;
        assert_eq!(parameters["required"], json!(["url"]));
        assert_eq!(parameters["properties"]["raw"]["type"], json!("boolean"));
        assert_eq!(parameters["properties"]["offset"]["type"], json!("integer"));
    }

    struct Flag(bool);

    impl CancelToken for Flag {
        fn is_cancelled(&self) -> bool {
            self.0
        }
    }

    #[tokio::test]
    async fn a_set_token_ends_the_work() {
        let never = std::future::pending::<()>();
        assert_eq!(unless_cancelled(&Flag(true), never).await, None);
        assert_eq!(unless_cancelled(&Flag(false), async { 7 }).await, Some(7));
    }
}
