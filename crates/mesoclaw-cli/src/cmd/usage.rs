//! `mesoclaw usage`: tokens and model calls.

use mesoclaw_api::Usage;
use mesoclaw_api::ops::usage::{SummaryParams, UsageGetSummary};

use crate::cli::{Global, UsageArgs};
use crate::cmd::session;
use crate::connect::{Home, runtime};
use crate::exit::{CliResult, OK};
use crate::output::{Console, table};

/// Runs `mesoclaw usage`.
///
/// # Errors
/// The operation's own.
pub fn main(console: Console, global: &Global, args: UsageArgs) -> CliResult {
    let home = Home::find(global.config.clone())?;
    runtime()?.block_on(async {
        let client = home.client(console).await?;
        let session_id = match &args.session {
            Some(name) => Some(session::find(&client, name).await?.id),
            None => None,
        };
        let params = SummaryParams {
            session_id,
            days: args.days,
        };
        let summary = client.call::<UsageGetSummary>(params).await?;
        let heading = ["MODEL", "IN", "CACHED", "OUT", "CALLS"];
        let mut rows = vec![heading.map(str::to_owned).to_vec()];
        rows.extend(
            summary
                .by_model
                .iter()
                .map(|row| cells(&row.model, &row.usage)),
        );
        rows.push(cells("total", &summary.total));
        console.result(&summary, &table(&rows)).map(|()| OK)
    })
}

/// Usage in words.
pub fn usage_text(usage: &Usage) -> String {
    format!(
        "in {} ({} cached), out {} tokens, {} model calls",
        usage.input_tokens, usage.cached_tokens, usage.output_tokens, usage.model_calls
    )
}

fn cells(name: &str, usage: &Usage) -> Vec<String> {
    vec![
        name.to_owned(),
        usage.input_tokens.to_string(),
        usage.cached_tokens.to_string(),
        usage.output_tokens.to_string(),
        usage.model_calls.to_string(),
    ]
}
