//! `mesoclaw approval ...`: list, show and answer the calls that wait for a yes.

use mesoclaw_api::item::ApprovalDecision;
use mesoclaw_api::ops::approval::{
    Answer, Approval, ApprovalGet, ApprovalList, ApprovalResolve, ApprovalScope, GetParams,
    ListParams, Resolution, ResolveParams,
};
use mesoclaw_ipc::Client;

use crate::cli::{AllowArgs, ApprovalCommand, Global};
use crate::cmd::session;
use crate::connect::{Home, runtime};
use crate::exit::{CliError, CliResult, OK};
use crate::output::{Console, minute, push, short_id};
use crate::request::{Extent, body, headline, in_a_line, push_field, risk_word};
use crate::run::approve::dialog::elsewhere_text;
use crate::sanitise::one_line;
use crate::term::columns;

/// Runs an approval command.
///
/// # Errors
/// The operation's own.
pub fn main(console: Console, global: &Global, command: ApprovalCommand) -> CliResult {
    let home = Home::find(global.config.clone())?;
    runtime()?.block_on(async {
        let client = home.client(console).await?;
        run(console, &client, command).await
    })
}

async fn run(console: Console, client: &Client, command: ApprovalCommand) -> CliResult {
    match command {
        ApprovalCommand::List { all, session } => {
            let session_id = match session {
                Some(name) => Some(session::find(client, &name).await?.id),
                None => None,
            };
            let params = ListParams {
                session_id,
                include_resolved: all,
            };
            let approvals = client.call::<ApprovalList>(params).await?;
            console.result(&approvals, &listing(&approvals))?;
        }
        ApprovalCommand::Show { id } => {
            let approval = get(client, &id).await?;
            console.result(&approval, &whole(&approval, columns()))?;
        }
        ApprovalCommand::Allow(args) => {
            let approval = get(client, &args.id).await?;
            let params = allowing(&approval, args)?;
            let resolved = client.call::<ApprovalResolve>(params).await?;
            console.done(&resolved, &resolved_text(&resolved))?;
        }
        ApprovalCommand::Deny { id, reason } => {
            let approval = get(client, &id).await?;
            let params = ResolveParams {
                approval_id: approval.id.clone(),
                answer: Answer::Deny,
                reason,
                scope: ApprovalScope::Once,
                patterns: None,
                expires_in_secs: None,
                digest: None,
            };
            let resolved = client.call::<ApprovalResolve>(params).await?;
            console.done(&resolved, &resolved_text(&resolved))?;
        }
    }
    Ok(OK)
}

async fn get(client: &Client, id: &str) -> CliResult<Approval> {
    let params = GetParams {
        approval_id: id.into(),
    };
    Ok(client.call::<ApprovalGet>(params).await?)
}

/// A yes to the request as it was read just now: a request with another digest is not answered.
fn allowing(approval: &Approval, args: AllowArgs) -> CliResult<ResolveParams> {
    let scope = match (args.session, args.project, args.always) {
        (true, _, _) => ApprovalScope::Session,
        (_, true, _) => ApprovalScope::Project,
        (_, _, true) => ApprovalScope::Always,
        (false, false, false) => ApprovalScope::Once,
    };
    if scope == ApprovalScope::Once && (args.expires.is_some() || !args.patterns.is_empty()) {
        return Err(CliError::usage_hint(
            "a pattern and a time belong to an answer that counts for more than this call",
            "add --session, --project or --always",
        ));
    }
    if scope != ApprovalScope::Once && args.patterns.is_empty() && approval.patterns.is_empty() {
        return Err(CliError::usage_hint(
            "no rule can cover this call: it asks every time",
            "leave --session, --project and --always out to allow it this once",
        ));
    }
    Ok(ResolveParams {
        approval_id: approval.id.clone(),
        answer: Answer::Approve,
        reason: None,
        scope,
        patterns: (!args.patterns.is_empty()).then_some(args.patterns),
        expires_in_secs: args.expires,
        digest: Some(args.digest.unwrap_or_else(|| approval.digest.clone())),
    })
}

fn listing(approvals: &[Approval]) -> String {
    if approvals.is_empty() {
        return "nothing waits for an answer\n".to_owned();
    }
    let mut text = String::new();
    for approval in approvals {
        push(
            &mut text,
            format_args!(
                "{}  {}  {}  {}\n  {}\n",
                short_id(approval.id.as_str()),
                minute(&approval.requested_at),
                risk_word(approval.risk),
                state(approval),
                in_a_line(&approval.tool, &approval.args)
            ),
        );
    }
    text
}

fn state(approval: &Approval) -> String {
    match approval.decision {
        None => "waits".to_owned(),
        Some(decision) => decision_words(approval, decision),
    }
}

fn decision_words(approval: &Approval, decision: ApprovalDecision) -> String {
    // In a list there is no command line that this would be another than.
    let mut text = elsewhere_text(decision, approval.resolved_by).replace("another", "the");
    if let Some(scope) = approval.scope.and_then(scope_words) {
        push(&mut text, format_args!(", {scope}"));
    }
    text
}

fn scope_words(scope: ApprovalScope) -> Option<&'static str> {
    match scope {
        ApprovalScope::Once => None,
        ApprovalScope::Session => Some("for the session"),
        ApprovalScope::Project => Some("for the project"),
        ApprovalScope::Always => Some("everywhere"),
    }
}

/// Everything about a request.
fn whole(approval: &Approval, width: usize) -> String {
    let mut text = headline(approval, width);
    text.push_str(&body(approval, Extent::Whole, width));
    push_field(&mut text, "id: ", approval.id.as_str(), width);
    if let Some(session_id) = &approval.session_id {
        push_field(&mut text, "session: ", session_id.as_str(), width);
    }
    push_field(&mut text, "digest: ", &approval.digest, width);
    push_field(&mut text, "asked: ", approval.requested_at.as_str(), width);
    match (&approval.decision, &approval.expires_at) {
        (Some(decision), _) => {
            push_field(
                &mut text,
                "answer: ",
                &decision_words(approval, *decision),
                width,
            );
        }
        (None, Some(until)) => push_field(&mut text, "denied by itself: ", until.as_str(), width),
        (None, None) => text.push_str("  its turn broke off; an answer takes it up again\n"),
    }
    if let Some(reason) = &approval.answer_reason {
        push_field(&mut text, "because: ", reason, width);
    }
    text
}

fn resolved_text(resolved: &Resolution) -> String {
    let approval = &resolved.approval;
    let word = match approval.decision {
        Some(ApprovalDecision::Approved) => "allowed",
        Some(ApprovalDecision::Denied | ApprovalDecision::TimedOut) | None => "denied",
    };
    let mut text = format!("{word}: {}\n", in_a_line(&approval.tool, &approval.args));
    for grant in &resolved.grants {
        push(
            &mut text,
            format_args!(
                "grant {}; `mesoclaw grant revoke` ends it\n",
                one_line(grant.as_str())
            ),
        );
    }
    text
}

#[cfg(test)]
mod tests;
