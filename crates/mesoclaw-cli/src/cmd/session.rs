//! `mesoclaw session ...`: list, read and change conversations.

use std::path::PathBuf;

use mesoclaw_api::ops::session::{
    ForkParams, ItemsParams, ListParams, RenameParams, ResolveParams, SearchParams, Session,
    SessionDelete, SessionFork, SessionGet, SessionItems, SessionList, SessionParams,
    SessionRename, SessionResolve, SessionSearch, SessionSetModel, SessionState, SessionSummary,
    SetModelParams,
};
use mesoclaw_api::{ApiError, ErrorCode, Item, SessionId};
use mesoclaw_ipc::Client;
use serde_json::json;

use crate::cli::{ExportFormat, Global, SessionCommand};
use crate::cmd::queue;
use crate::connect::{Home, runtime};
use crate::exit::{CliError, CliResult, OK};
use crate::output::{Console, push, shell_word, table};
use crate::run::question::{is_yes, read_answer};
use crate::sanitise::one_line;
use crate::transcript;
use crate::workspace;

/// Items asked for at once.
const PAGE: u32 = 1000;

/// Runs a session command.
///
/// # Errors
/// The operation's own, or the session does not exist.
pub fn main(console: Console, global: &Global, command: SessionCommand) -> CliResult {
    let home = Home::find(global.config.clone())?;
    runtime()?.block_on(async {
        let client = home.client(console).await?;
        run(console, &client, command).await
    })
}

async fn run(console: Console, client: &Client, command: SessionCommand) -> CliResult {
    match command {
        SessionCommand::List { limit } => list(console, client, limit).await,
        SessionCommand::Show { session } => show(console, client, &session).await,
        SessionCommand::Rename { session, title } => {
            let params = RenameParams {
                session_id: find(client, &session).await?.id,
                title,
            };
            let session = client.call::<SessionRename>(params).await?;
            let text = format!("renamed to {}", session.title);
            console.done(&session, &text).map(|()| OK)
        }
        SessionCommand::Fork {
            session,
            title,
            until,
        } => {
            let params = ForkParams {
                session_id: find(client, &session).await?.id,
                until: until.map(Into::into),
                title,
            };
            let copy = client.call::<SessionFork>(params).await?;
            let text = format!("{}  {}", copy.id, copy.title);
            console.result(&copy, &text).map(|()| OK)
        }
        SessionCommand::Model {
            session,
            model,
            unset,
        } => choose_model(console, client, &session, model, unset).await,
        SessionCommand::Delete { session, yes } => delete(console, client, &session, yes).await,
        SessionCommand::Export {
            session,
            format,
            output,
        } => export(console, client, &session, format, output).await,
        SessionCommand::Search {
            query,
            session,
            limit,
        } => search(console, client, query.join(" "), session, limit).await,
        SessionCommand::Queue {
            session,
            text,
            edit,
            drop,
        } => {
            let session_id = find(client, &session).await?.id;
            queue::run(
                console,
                client,
                session_id,
                queue::Change { text, edit, drop },
            )
            .await
        }
    }
}

async fn list(console: Console, client: &Client, limit: Option<u32>) -> CliResult {
    let params = ListParams {
        limit,
        offset: None,
    };
    let sessions = client.call::<SessionList>(params).await?;
    let text = if sessions.is_empty() {
        "there are no sessions yet\n".to_owned()
    } else {
        table(&summary_rows(&sessions))
    };
    console.result(&sessions, &text).map(|()| OK)
}

async fn show(console: Console, client: &Client, name: &str) -> CliResult {
    let session = find(client, name).await?;
    let items = all_items(client, &session.id).await?;
    if console.json {
        let params = SessionParams {
            session_id: session.id,
        };
        let detail = client.call::<SessionGet>(params).await?;
        console.value(&json!({"session": detail, "items": items}))?;
    } else {
        if session.workspace.is_some() {
            let place = workspace::text(session.workspace.as_ref());
            console.line(&format!("(workspace: {place})"))?;
        }
        console.print(&transcript::plain(&items))?;
    }
    Ok(OK)
}

async fn choose_model(
    console: Console,
    client: &Client,
    name: &str,
    model: Option<String>,
    unset: bool,
) -> CliResult {
    let session = find(client, name).await?;
    if model.is_none() && !unset {
        let text = session.model.as_deref().unwrap_or("the default model");
        return console
            .result(&json!({"model": session.model}), &one_line(text))
            .map(|()| OK);
    }
    let params = SetModelParams {
        session_id: session.id,
        model,
    };
    let session = client.call::<SessionSetModel>(params).await?;
    let text = match &session.model {
        Some(model) => format!(
            "{} answers in {}",
            one_line(model),
            one_line(&session.title)
        ),
        None => format!("the default model answers in {}", one_line(&session.title)),
    };
    console.done(&session, &text).map(|()| OK)
}

async fn delete(console: Console, client: &Client, name: &str, yes: bool) -> CliResult {
    let session = find(client, name).await?;
    if !yes && !console.can_ask() {
        return Err(CliError::usage_hint(
            "a session is deleted for good, and nobody can be asked",
            format!("mesoclaw session delete --yes {}", shell_word(name)),
        ));
    }
    if !yes {
        console.say(&format!(
            "delete session {} and everything in it? [y/N] ",
            one_line(&session.title)
        ));
        if !is_yes(&read_answer().await?) {
            console.note("nothing was deleted");
            return Err(CliError::Said(crate::exit::FAILED));
        }
    }
    let params = SessionParams {
        session_id: session.id.clone(),
    };
    client.call::<SessionDelete>(params).await?;
    let text = format!("deleted {}", session.title);
    console
        .done(&json!({"deleted": session.id}), &text)
        .map(|()| OK)
}

async fn export(
    console: Console,
    client: &Client,
    name: &str,
    format: ExportFormat,
    output: Option<PathBuf>,
) -> CliResult {
    let session = find(client, name).await?;
    let items = all_items(client, &session.id).await?;
    let text = match format {
        ExportFormat::Md => transcript::markdown(&session, &items),
        ExportFormat::Json => {
            serde_json::to_string_pretty(&json!({"session": session, "items": items}))
                .map_err(ApiError::unserialisable)?
                + "\n"
        }
        ExportFormat::Jsonl => {
            let lines = items.iter().map(serde_json::to_string);
            let lines: Vec<String> = lines
                .collect::<Result<_, _>>()
                .map_err(ApiError::unserialisable)?;
            lines.join("\n") + "\n"
        }
    };
    match output {
        Some(path) => {
            transcript::write_new(&path, &text)?;
            let value = json!({"written": path, "items": items.len()});
            console.done(&value, &format!("written to {}", path.display()))?;
        }
        None => console.print(&text)?,
    }
    Ok(OK)
}

async fn search(
    console: Console,
    client: &Client,
    query: String,
    session: Option<String>,
    limit: Option<u32>,
) -> CliResult {
    let session_id = match session {
        Some(name) => Some(find(client, &name).await?.id),
        None => None,
    };
    let params = SearchParams {
        query,
        session_id,
        limit,
    };
    let hits = client.call::<SessionSearch>(params).await?;
    let mut text = String::new();
    for hit in &hits {
        push(
            &mut text,
            format_args!(
                "{}  {}  {}: {}\n",
                one_line(&hit.title),
                hit.created_at,
                hit.role,
                one_line(&hit.snippet)
            ),
        );
    }
    if hits.is_empty() {
        "nothing was found\n".clone_into(&mut text);
    }
    console.result(&hits, &text).map(|()| OK)
}

/// The session a person named.
///
/// # Errors
/// There is none, or the beginning of an id fits several.
pub async fn find(client: &Client, name: &str) -> CliResult<Session> {
    let params = ResolveParams {
        name: name.to_owned(),
        create: false,
    };
    match client.call::<SessionResolve>(params).await {
        Ok(resolved) => Ok(resolved.session),
        Err(error) if error.code == ErrorCode::NotFound && error.hint.is_none() => {
            Err(error.with_hint("`mesoclaw session list` lists them").into())
        }
        Err(error) => Err(error.into()),
    }
}

/// All items of a session, oldest first.
///
/// # Errors
/// The operation's own.
pub async fn all_items(client: &Client, session_id: &SessionId) -> CliResult<Vec<Item>> {
    let mut items: Vec<Item> = Vec::new();
    let mut after = Some(-1);
    loop {
        let params = ItemsParams {
            session_id: session_id.clone(),
            before: None,
            after,
            limit: Some(PAGE),
        };
        let page = client.call::<SessionItems>(params).await?;
        let last = page.items.last().map(|item| item.position);
        items.extend(page.items);
        // A page without an end to go on from would be asked for again and again.
        if !page.has_more || last.is_none() || last == after {
            return Ok(items);
        }
        after = last;
    }
}

/// Sessions as rows of a table, with a heading.
pub fn summary_rows(sessions: &[SessionSummary]) -> Vec<Vec<String>> {
    let heading = ["ID", "UPDATED", "MESSAGES", "STATE", "NAME"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    rows.extend(sessions.iter().map(|summary| {
        let updated = summary.session.updated_at.as_str();
        let updated = updated.get(..16).unwrap_or(updated).replace('T', " ");
        let state = match summary.queued {
            0 => state_word(summary.state).to_owned(),
            queued => format!("{} +{queued}", state_word(summary.state)),
        };
        vec![
            summary.session.id.as_str().chars().take(8).collect(),
            updated,
            summary.message_count.to_string(),
            state,
            one_line(&summary.session.title),
        ]
    }));
    rows
}

/// A state in a word.
pub fn state_word(state: SessionState) -> &'static str {
    match state {
        SessionState::Idle => "idle",
        SessionState::Running => "running",
        SessionState::Waiting => "waiting",
        SessionState::Interrupted => "interrupted",
    }
}
