//! `mesoclaw usage`: tokens, money and time of model calls, and how far the budget of today goes.

use mesoclaw_api::ops::usage::{
    BudgetState, BudgetStatus, GroupBy, Spent, SummaryParams, UsageGetSummary, UsageSummary,
};
use mesoclaw_api::{SessionId, Usage};
use mesoclaw_ipc::Client;
use serde::Serialize;

use crate::cli::{Global, UsageArgs, UsageBy};
use crate::cmd::session;
use crate::connect::{Home, runtime};
use crate::exit::{CliResult, OK};
use crate::money::cost;
use crate::output::{Console, push, table};
use crate::sanitise::one_line;

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
            by: Some(group_by(args.by)),
        };
        let summary = client.call::<UsageGetSummary>(params).await?;
        console
            .result(&summary, &report(&summary, args.by))
            .map(|()| OK)
    })
}

fn group_by(by: UsageBy) -> GroupBy {
    match by {
        UsageBy::Day => GroupBy::Day,
        UsageBy::Session => GroupBy::Session,
        UsageBy::Model => GroupBy::Model,
        UsageBy::Job => GroupBy::Job,
    }
}

/// What a session spent until now; nothing for one that does not exist yet.
///
/// # Errors
/// The operation's own.
pub async fn spent_in(client: &Client, session_id: Option<&SessionId>) -> CliResult<Spent> {
    let Some(session_id) = session_id else {
        return Ok(Spent::default());
    };
    let params = SummaryParams {
        session_id: Some(session_id.clone()),
        ..SummaryParams::default()
    };
    Ok(client.call::<UsageGetSummary>(params).await?.total)
}

fn report(summary: &UsageSummary, by: UsageBy) -> String {
    let name = match by {
        UsageBy::Day => "DAY",
        UsageBy::Session => "SESSION",
        UsageBy::Model => "MODEL",
        UsageBy::Job => "JOB",
    };
    let heading = [
        name, "CALLS", "IN", "CACHED", "OUT", "THINKING", "COST", "FIRST", "WHOLE", "",
    ];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    rows.extend(
        summary
            .groups
            .iter()
            .map(|group| cells(&one_line(&group.label), &group.spent)),
    );
    rows.push(cells("total", &summary.total));
    let mut text = table(&rows);
    push(
        &mut text,
        format_args!("{}\n", budget_text(&summary.budget)),
    );
    text
}

fn cells(name: &str, spent: &Spent) -> Vec<String> {
    let usage = &spent.usage;
    let ms = |value: Option<u64>| value.map_or_else(|| "-".to_owned(), |ms| format!("{ms} ms"));
    vec![
        name.to_owned(),
        usage.model_calls.to_string(),
        usage.input_tokens.to_string(),
        usage.cached_tokens.to_string(),
        usage.output_tokens.to_string(),
        usage.reasoning_tokens.to_string(),
        cost(spent.cost_microusd, spent.unpriced_calls > 0),
        ms(spent.first_token_ms),
        ms(spent.latency_ms),
        remarks(spent),
    ]
}

/// What a number alone would hide.
fn remarks(spent: &Spent) -> String {
    let counts = [
        (spent.unpriced_calls, "without a known price"),
        (spent.estimated_calls, "estimated"),
        (spent.failed_calls, "failed"),
    ];
    let remarks: Vec<String> = counts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    remarks.join(", ")
}

/// How the budget of today stands, in a line.
pub fn budget_text(budget: &BudgetStatus) -> String {
    let used = format!(
        "today ({} UTC): {} tokens, {}",
        one_line(&budget.day),
        budget.used_tokens,
        cost(budget.used_microusd, false)
    );
    let mut limits = Vec::new();
    if let Some(limit) = budget.limit_microusd {
        limits.push(format!(
            "{} of {} ({} %)",
            cost(budget.used_microusd, false),
            cost(limit, false),
            percent(budget.used_microusd, limit)
        ));
    }
    if let Some(limit) = budget.limit_tokens {
        limits.push(format!(
            "{} of {limit} tokens ({} %)",
            budget.used_tokens,
            percent(budget.used_tokens, limit)
        ));
    }
    let state = match budget.state {
        BudgetState::Ok => "",
        BudgetState::Warning => "; scheduled work is stopped",
        BudgetState::Exhausted => "; nothing more is asked today",
    };
    if limits.is_empty() {
        format!("{used}; no budget is set")
    } else {
        format!("{used}; budget: {}{state}", limits.join(", "))
    }
}

/// Rounded down, so that 100 % is only said when nothing is left.
fn percent(used: u64, limit: u64) -> u64 {
    let percent = u128::from(used) * 100 / u128::from(limit.max(1));
    u64::try_from(percent).unwrap_or(u64::MAX)
}

/// Usage in words.
pub fn usage_text(usage: &Usage) -> String {
    let thinking = match usage.reasoning_tokens {
        0 => String::new(),
        count => format!(" ({count} thinking)"),
    };
    format!(
        "in {} ({} cached), out {}{thinking} tokens, {} model calls",
        usage.input_tokens, usage.cached_tokens, usage.output_tokens, usage.model_calls
    )
}

/// Usage and cost in words; the cost only where something of it is known.
pub fn spent_text(spent: &Spent) -> String {
    let usage = usage_text(&spent.usage);
    if spent.cost_microusd == 0 {
        return usage;
    }
    let money = cost(spent.cost_microusd, spent.unpriced_calls > 0);
    format!("{usage}, {money}")
}

/// Nothing.
pub fn nothing_spent() -> Spent {
    Spent::default()
}

/// What a turn used and cost.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Footer {
    /// Tokens of the prompts.
    #[serde(skip)]
    input_tokens: u64,
    /// Tokens of the answer.
    #[serde(skip)]
    output_tokens: u64,
    /// Price of the calls whose price is known, in millionths of a US dollar.
    microusd: u64,
    /// Whether some calls have no known price.
    is_least: bool,
}

impl Footer {
    /// The line below an answer.
    pub fn text(&self) -> String {
        format!(
            "{} tokens in, {} out, {}",
            self.input_tokens,
            self.output_tokens,
            cost(self.microusd, self.is_least)
        )
    }
}

/// What a turn used and cost, from what its session had spent before and after; `None` where no
/// price is known.
pub fn footer(usage: &Usage, before: &Spent, after: &Spent) -> Option<Footer> {
    let microusd = after.cost_microusd.saturating_sub(before.cost_microusd);
    (microusd > 0).then_some(Footer {
        input_tokens: usage.input_tokens,
        output_tokens: usage.output_tokens,
        microusd,
        is_least: after.unpriced_calls > before.unpriced_calls,
    })
}

#[cfg(test)]
mod tests;
