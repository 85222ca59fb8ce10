//! `mesoclaw policy ...`: what runs, what asks, what never runs, and how a call would be judged.

use mesoclaw_api::ops::NoParams;
use mesoclaw_api::ops::policy::{Judged, Policy, PolicyShow, PolicyTest, TestParams, VerdictWord};
use mesoclaw_ipc::Client;
use serde_json::Value;

use crate::cli::{Global, PolicyCommand, PolicyTestArgs};
use crate::cmd::session;
use crate::connect::{Home, runtime};
use crate::exit::{CliError, CliResult, DENIED, OK};
use crate::output::{Console, push, table};
use crate::request::{network_line, push_field, push_sandbox, push_step, push_wrapped, risk_word};
use crate::sanitise::{one_line, visible};
use crate::term::columns;
use crate::workspace;

/// Runs a policy command.
///
/// # Errors
/// The operation's own.
pub fn main(console: Console, global: &Global, command: PolicyCommand) -> CliResult {
    let home = Home::find(global.config.clone())?;
    runtime()?.block_on(async {
        let client = home.client(console).await?;
        match command {
            PolicyCommand::Show { rules, programs } => {
                show(console, &client, rules, programs).await
            }
            PolicyCommand::Test(args) => test(console, &client, args).await,
        }
    })
}

async fn show(console: Console, client: &Client, rules: bool, programs: bool) -> CliResult {
    let policy = client.call::<PolicyShow>(NoParams {}).await?;
    if rules {
        console.result(&policy.rules, &rules_text(&policy, columns()))?;
    } else if programs {
        console.result(&policy.programs, &programs_text(&policy))?;
    } else {
        console.result(&policy, &whole(&policy, columns()))?;
    }
    Ok(OK)
}

async fn test(console: Console, client: &Client, args: PolicyTestArgs) -> CliResult {
    let session_id = match &args.session {
        Some(name) => Some(session::find(client, name).await?.id),
        None => None,
    };
    let params = TestParams {
        command: args.command,
        tool: args.tool,
        args: args.args.as_deref().map(object).transpose()?,
        autonomy: args.level,
        // The workspace of the session counts where one is named.
        workspace: match session_id {
            Some(_) => None,
            None => workspace::here(),
        },
        session_id,
        tainted: args.tainted,
    };
    let judged = client.call::<PolicyTest>(params).await?;
    console.result(&judged, &judged_text(&judged, columns()))?;
    Ok(exit_code(judged.verdict))
}

/// A call that would not run ends as one that was denied; a question is no failure.
fn exit_code(verdict: VerdictWord) -> u8 {
    match verdict {
        VerdictWord::Allow | VerdictWord::Ask => OK,
        VerdictWord::Deny => DENIED,
    }
}

/// JSON of the command line that has to be an object.
///
/// # Errors
/// It is none.
pub fn object(text: &str) -> CliResult<Value> {
    let mistake = |message: String| {
        CliError::usage_hint(
            message,
            r#"arguments are a JSON object, for example '{"path": "src"}'"#,
        )
    };
    match serde_json::from_str(text) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err(mistake("the arguments are no JSON object".to_owned())),
        Err(error) => Err(mistake(format!("the arguments are no JSON: {error}"))),
    }
}

/// A verdict in a word.
pub fn verdict_word(verdict: VerdictWord) -> &'static str {
    match verdict {
        VerdictWord::Allow => "allow",
        VerdictWord::Ask => "ask",
        VerdictWord::Deny => "deny",
    }
}

/// The level and what keeps programs inside their bounds.
pub fn summary(policy: &Policy) -> String {
    let mut text = format!(
        "level: {}\n  {}\n",
        one_line(&policy.autonomy),
        one_line(&policy.autonomy_text)
    );
    if let Some(notice) = &policy.notice {
        push(&mut text, format_args!("  {}\n", one_line(notice)));
    }
    push(
        &mut text,
        format_args!(
            "{}\nprograms come from: {}\n",
            one_line(&policy.sandbox),
            one_line(&policy.program_dirs.join(", "))
        ),
    );
    text
}

fn whole(policy: &Policy, width: usize) -> String {
    let mut text = summary(policy);
    push(
        &mut text,
        format_args!("\nrules:\n{}", rules_text(policy, width)),
    );
    push(
        &mut text,
        format_args!(
            "\n{} programs are known: mesoclaw policy show --programs\n\
             the level is changed with: mesoclaw config set security_autonomy_level LEVEL\n",
            policy.programs.len()
        ),
    );
    text
}

fn rules_text(policy: &Policy, width: usize) -> String {
    let longest = policy.rules.iter().map(|rule| rule.id.chars().count());
    let longest = longest.max().unwrap_or(0).min(width / 3);
    let mut text = String::new();
    for rule in &policy.rules {
        let first = format!(
            "{:<6}  {:<longest$}  ",
            one_line(&rule.leads_to),
            one_line(&rule.id)
        );
        push_wrapped(&mut text, &first, "        ", &one_line(&rule.text), width);
    }
    text
}

fn programs_text(policy: &Policy) -> String {
    let mut rows = vec![["PROGRAM", "RISK", ""].map(str::to_owned).to_vec()];
    rows.extend(policy.programs.iter().map(|program| {
        vec![
            one_line(&program.name),
            one_line(&program.risk),
            one_line(&program.note),
        ]
    }));
    table(&rows)
}

fn judged_text(judged: &Judged, width: usize) -> String {
    let mut text = format!(
        "{}   risk {}\n",
        verdict_word(judged.verdict),
        risk_word(judged.risk)
    );
    let why = format!("{} ({})", visible(&judged.reason), visible(&judged.rule));
    push_wrapped(&mut text, "  ", "  ", &why.replace('\n', " "), width);
    for step in &judged.steps {
        push_step(&mut text, step, width);
    }
    if let Some(grant) = &judged.grant {
        push(&mut text, format_args!("  covered by grant {grant}\n"));
    }
    for pattern in &judged.patterns {
        push_field(&mut text, "a grant would be: ", pattern, width);
    }
    if judged.patterns.is_empty() && judged.verdict == VerdictWord::Ask {
        text.push_str("  no rule can cover this call: it asks every time\n");
    }
    text.push_str(network_line(judged.network));
    push_sandbox(&mut text, &judged.sandbox, width);
    text
}

#[cfg(test)]
mod tests;
