//! `mesoclaw audit ...`: read, check and export the chain of decisions and actions.

mod csv;

use std::path::PathBuf;

use mesoclaw_api::ops::audit::{
    AuditEntry, AuditGet, AuditKind, AuditList, AuditVerify, GetParams, ListParams, Verified,
    VerifyParams,
};
use mesoclaw_api::{ApiError, CallId, SessionId, TurnId};
use mesoclaw_ipc::Client;
use serde_json::json;

use crate::cli::{AuditCommand, AuditFilter, AuditFormat, AuditKindWord, Global};
use crate::cmd::session;
use crate::connect::{Home, runtime};
use crate::exit::{CliResult, FAILED, OK};
use crate::output::{Console, minute, push};
use crate::request::{barred, push_field};
use crate::sanitise::{one_line, visible};
use crate::term::columns;
use crate::transcript::write_new;

/// Entries asked for at once.
const PAGE: u32 = 1000;

/// Runs an audit command.
///
/// # Errors
/// The operation's own.
pub fn main(console: Console, global: &Global, command: AuditCommand) -> CliResult {
    let home = Home::find(global.config.clone())?;
    runtime()?.block_on(async {
        let client = home.client(console).await?;
        run(console, &client, command).await
    })
}

async fn run(console: Console, client: &Client, command: AuditCommand) -> CliResult {
    match command {
        AuditCommand::List { filter, limit } => {
            let entries = latest(client, filtered(client, filter).await?, limit).await?;
            console.result(&entries, &listing(&entries))?;
            Ok(OK)
        }
        AuditCommand::Show { number } => {
            let entry = client.call::<AuditGet>(GetParams { id: number }).await?;
            console.result(&entry, &whole(&entry, columns()))?;
            Ok(OK)
        }
        AuditCommand::Verify { head } => {
            let verified = client.call::<AuditVerify>(VerifyParams { head }).await?;
            console.result(&verified, &verified_text(&verified))?;
            Ok(if verified.is_intact { OK } else { FAILED })
        }
        AuditCommand::Export {
            filter,
            format,
            output,
        } => {
            let params = filtered(client, filter).await?;
            export(console, client, params, format, output).await
        }
    }
}

async fn filtered(client: &Client, filter: AuditFilter) -> CliResult<ListParams> {
    let session_id = match filter.session {
        Some(name) => Some(session::find(client, &name).await?.id),
        None => None,
    };
    Ok(ListParams {
        session_id,
        tool: filter.tool,
        kind: filter.kind.map(kind),
        ..ListParams::default()
    })
}

/// The newest entries, oldest first, page by page.
async fn latest(client: &Client, filter: ListParams, most: u32) -> CliResult<Vec<AuditEntry>> {
    let mut entries: Vec<AuditEntry> = Vec::new();
    let mut before = None;
    loop {
        let missing = most.saturating_sub(u32::try_from(entries.len()).unwrap_or(u32::MAX));
        let limit = missing.min(PAGE);
        if limit == 0 {
            return Ok(entries);
        }
        let params = ListParams {
            before,
            limit: Some(limit),
            ..filter.clone()
        };
        let mut page = client.call::<AuditList>(params).await?;
        let is_last = page.len() < limit as usize;
        before = page.first().map(|entry| entry.id);
        page.append(&mut entries);
        entries = page;
        if is_last {
            return Ok(entries);
        }
    }
}

async fn export(
    console: Console,
    client: &Client,
    filter: ListParams,
    format: AuditFormat,
    output: Option<PathBuf>,
) -> CliResult {
    let mut whole = String::new();
    let mut count = 0;
    if format == AuditFormat::Csv {
        whole.push_str(&csv::heading());
    }
    let mut after = Some(0);
    loop {
        let params = ListParams {
            after,
            limit: Some(PAGE),
            ..filter.clone()
        };
        let page = client.call::<AuditList>(params).await?;
        for entry in &page {
            whole.push_str(&line(entry, format)?);
        }
        count += page.len();
        let last = page.last().map(|entry| entry.id);
        // A page is written before the next is asked for, unless it goes to a file that is
        // replaced as a whole.
        if output.is_none() {
            console.print(&whole)?;
            whole.clear();
        }
        if page.len() < PAGE as usize || last == after {
            break;
        }
        after = last;
    }
    if let Some(path) = output {
        write_new(&path, &whole)?;
        let value = json!({"written": path, "entries": count});
        console.done(
            &value,
            &format!("{count} entries written to {}", path.display()),
        )?;
    }
    Ok(OK)
}

fn line(entry: &AuditEntry, format: AuditFormat) -> CliResult<String> {
    match format {
        AuditFormat::Csv => Ok(csv::line(entry)),
        AuditFormat::Jsonl => {
            let text = serde_json::to_string(entry).map_err(ApiError::unserialisable)?;
            Ok(text + "\n")
        }
    }
}

fn kind(word: AuditKindWord) -> AuditKind {
    match word {
        AuditKindWord::Decision => AuditKind::Decision,
        AuditKindWord::Approval => AuditKind::Approval,
        AuditKindWord::Result => AuditKind::Result,
        AuditKindWord::Granted => AuditKind::Granted,
        AuditKindWord::Revoked => AuditKind::Revoked,
        AuditKindWord::Undone => AuditKind::Undone,
    }
}

fn kind_word(kind: AuditKind) -> &'static str {
    match kind {
        AuditKind::Decision => "decision",
        AuditKind::Approval => "approval",
        AuditKind::Result => "result",
        AuditKind::Granted => "granted",
        AuditKind::Revoked => "revoked",
        AuditKind::Undone => "undone",
    }
}

fn listing(entries: &[AuditEntry]) -> String {
    if entries.is_empty() {
        return "the audit has no such entry\n".to_owned();
    }
    let mut text = String::new();
    for entry in entries {
        let rule = entry.rule.as_deref().map(one_line).unwrap_or_default();
        let first = format!(
            "{}  {}  {}  {}  {rule}",
            entry.id,
            minute(&entry.at),
            kind_word(entry.kind),
            one_line(&entry.outcome)
        );
        let tool = entry.tool.as_deref().map(visible);
        let tool = tool.map(|tool| format!("{tool}: ")).unwrap_or_default();
        let what: String = visible(&entry.text)
            .replace('\n', "^J")
            .chars()
            .take(120)
            .collect();
        push(
            &mut text,
            format_args!("{}\n  {tool}{what}\n", first.trim_end()),
        );
    }
    text
}

fn whole(entry: &AuditEntry, width: usize) -> String {
    let mut text = format!("entry {}\n", entry.id);
    let mut field = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            push_field(&mut text, name, value, width);
        }
    };
    let duration = entry.duration_ms.map(|ms| format!("{ms} ms"));
    let surface = serde_json::to_value(entry.surface).ok();
    field("at: ", Some(entry.at.as_str()));
    field("kind: ", Some(kind_word(entry.kind)));
    field("by: ", surface.as_ref().and_then(|value| value.as_str()));
    field(
        "session: ",
        entry.session_id.as_ref().map(SessionId::as_str),
    );
    field("turn: ", entry.turn_id.as_ref().map(TurnId::as_str));
    field("call: ", entry.call_id.as_ref().map(CallId::as_str));
    field("tool: ", entry.tool.as_deref());
    field("outcome: ", Some(&entry.outcome));
    field("rule: ", entry.rule.as_deref());
    field("took: ", duration.as_deref());
    field("digest: ", entry.digest.as_deref());
    field("hash: ", Some(&entry.hash));
    field("before: ", Some(&entry.prev_hash));
    text.push_str(&barred(&entry.text, width));
    text
}

fn verified_text(verified: &Verified) -> String {
    let head = one_line(&verified.head);
    match &verified.fault {
        None if verified.is_intact => format!(
            "the chain holds: {} entries\nhead {head}\n\
             note the head elsewhere: `mesoclaw audit verify --head HASH` finds out whether the end was cut off\n",
            verified.entries
        ),
        fault => format!(
            "THE CHAIN IS BROKEN: {}\n{} entries, head {head}\n",
            one_line(fault.as_deref().unwrap_or("the daemon does not say where")),
            verified.entries
        ),
    }
}

#[cfg(test)]
mod tests;
