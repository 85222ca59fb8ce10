//! `mesoclaw tool run`: the output on stdout, everything else on stderr, a question on a terminal
//! and never elsewhere.

use std::collections::VecDeque;
use std::io::{self, Read};

use mesoclaw_api::item::ApprovalDecision;
use mesoclaw_api::ops::approval::{Approval, ApprovalResolve};
use mesoclaw_api::ops::tool::{ExecuteParams, ToolExecute, ToolRun};
use mesoclaw_api::{ApiResult, CallId, ErrorCode, Event, Surface};
use serde_json::Value;

use crate::cli::ToolRunArgs;
use crate::cmd::session;
use crate::cmd::tool::{arguments, find, parsed};
use crate::connect::{Home, everything, note_skew};
use crate::exit::{CliError, CliResult, DENIED, FAILED, OK};
use crate::output::Console;
use crate::request::{MOST_LINES, diff_text};
use crate::run::approve::Reply;
use crate::run::approve::dialog::{Decided, Judge, decide};
use crate::run::approve::on_stderr::OnStderr;
use crate::run::conversation::{Conversation, News};
use crate::run::pipe::refused;
use crate::run::stops::{Stop, Stops};
use crate::term::columns;
use crate::workspace;

/// Most bytes of arguments on stdin.
const MOST_ARGS: u64 = 10 * 1024 * 1024;

/// Runs a tool.
///
/// # Errors
/// The operation's own, a call that was denied, or a stop.
pub(super) async fn run(console: Console, home: Home, args: ToolRunArgs) -> CliResult {
    let mut stops = Stops::listen(None)?;
    // Where nobody can be asked the daemon has to know it: it denies at once then.
    let surface = if console.can_ask() {
        Surface::Cli
    } else {
        Surface::Pipe
    };
    let (link, was_started) = home.connect_or_start(surface, Some(everything())).await?;
    if was_started {
        console.progress(&format!("started the daemon (pid {})", link.hello.pid));
    }
    note_skew(console, &link.hello);
    let client = link.client.clone();
    let values = match args.args.as_deref() {
        Some("-") => parsed(&stdin()?)?,
        Some(text) => parsed(text)?,
        None => {
            let tool = find(&client, &args.name).await?;
            arguments::from_words(&tool.parameters, &args.words)?
        }
    };
    let session_id = match &args.session {
        Some(name) => Some(session::find(&client, name).await?.id),
        None => None,
    };
    let call_id = CallId::random();
    let params = ExecuteParams {
        name: args.name.clone(),
        args: values,
        call_id: Some(call_id.clone()),
        // The workspace of the session counts where one is named.
        workspace: match session_id {
            Some(_) => None,
            None => workspace::here(),
        },
        session_id,
    };
    let hint = refused::hint(&params.name, &params.args);
    let mut running = Running {
        conversation: Conversation::new(home, console, surface, link),
        stops: &mut stops,
        kept: VecDeque::new(),
        call_id,
        was_denied: false,
    };
    let ran = running.wait(client.call::<ToolExecute>(params)).await?;
    let was_denied = running.was_denied;
    match ran {
        Ok(ran) => shown(console, &ran, was_denied),
        Err(error) if error.code == ErrorCode::PolicyDenied && !console.can_ask() => {
            Err(error.with_hint(hint).into())
        }
        Err(error) => Err(error.into()),
    }
}

fn shown(console: Console, ran: &ToolRun, was_denied: bool) -> CliResult {
    let diff = ran
        .metadata
        .as_ref()
        .and_then(|metadata| metadata.get("diff"))
        .and_then(Value::as_str);
    if let Some(diff) = diff.filter(|_| !console.json) {
        console.progress(&format!(
            "changed files:\n{}",
            diff_text(diff, MOST_LINES, "--json has all", columns()).trim_end()
        ));
    }
    console.result(ran, &ran.output)?;
    Ok(match (ran.success, was_denied) {
        (true, _) => OK,
        (false, true) => DENIED,
        (false, false) => FAILED,
    })
}

fn stdin() -> CliResult<String> {
    let mut text = String::new();
    io::stdin()
        .lock()
        .take(MOST_ARGS)
        .read_to_string(&mut text)
        .map_err(|error| CliError::usage(format!("could not read stdin: {error}")))?;
    Ok(text)
}

/// A call on its way.
struct Running<'a> {
    conversation: Conversation,
    stops: &'a mut Stops,
    kept: VecDeque<News>,
    call_id: CallId,
    was_denied: bool,
}

impl Running<'_> {
    /// Waits for the end of the call, and asks where it asks.
    async fn wait(
        &mut self,
        call: impl Future<Output = ApiResult<ToolRun>>,
    ) -> CliResult<ApiResult<ToolRun>> {
        let mut call = std::pin::pin!(call);
        loop {
            let news = if let Some(news) = self.kept.pop_front() {
                news
            } else {
                tokio::select! {
                    biased;
                    stop = self.stops.next() => return Err(CliError::Said(stop.exit_code())),
                    ran = &mut call => return Ok(ran),
                    news = self.conversation.next() => news,
                }
            };
            match news {
                News::Event(frame) => self.take(&frame.event).await?,
                News::Lagged => {}
                // The call itself says that the connection is gone.
                News::Lost => return Ok(call.await),
            }
        }
    }

    async fn take(&mut self, event: &Event) -> CliResult<()> {
        match event {
            Event::ToolProgress { call_id, text, .. } if *call_id == self.call_id => {
                self.conversation.console.progress(text);
                Ok(())
            }
            Event::ApprovalRequested { approval } if approval.call_id == self.call_id => {
                self.ask(approval).await
            }
            _ => Ok(()),
        }
    }

    async fn ask(&mut self, approval: &Approval) -> CliResult<()> {
        let console = self.conversation.console;
        let mut judge = OnStderr::new(console);
        let decided = decide(
            &mut self.conversation,
            &mut self.kept,
            self.stops,
            &mut judge as &mut dyn Judge,
            approval,
        )
        .await?;
        let (reply, stop): (Reply, Option<Stop>) = match decided {
            Decided::Here(reply) => (reply, None),
            Decided::Stopped(stop) => (Reply::deny(None), Some(stop)),
            Decided::Elsewhere | Decided::Lost => {
                self.was_denied |= self.was_denied_elsewhere(approval);
                return Ok(());
            }
        };
        let params = reply.params(approval);
        let client = &self.conversation.link.client;
        let resolved = client.call::<ApprovalResolve>(params).await;
        if let Some(stop) = stop {
            return Err(CliError::Said(stop.exit_code()));
        }
        match resolved {
            Ok(resolved) => {
                self.was_denied |= resolved.approval.decision != Some(ApprovalDecision::Approved);
                Ok(())
            }
            // Somebody else was first; the result tells what counts.
            Err(error) if error.code == ErrorCode::Conflict => {
                console.note(&error.message);
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn was_denied_elsewhere(&self, approval: &Approval) -> bool {
        self.kept.iter().any(|news| match news {
            News::Event(frame) => matches!(
                &frame.event,
                Event::ApprovalResolved { approval_id, decision, .. }
                    if *approval_id == approval.id && *decision != ApprovalDecision::Approved
            ),
            News::Lagged | News::Lost => false,
        })
    }
}
