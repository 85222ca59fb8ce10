//! One question: `mesoclaw TEXT`, `echo TEXT | mesoclaw`, `mesoclaw run TEXT`. The answer alone goes
//! to stdout; nothing is ever waited for but the answer.

use std::io;
use std::time::Duration;

use mesoclaw_api::ops::NoParams;
use mesoclaw_api::ops::chat::SendParams;
use mesoclaw_api::ops::provider::ProviderDefaultGet;
use mesoclaw_api::ops::session::{ListParams, ResolveParams, SessionList, SessionResolve};
use mesoclaw_api::{ApiError, ErrorCode, Surface, TurnOutcome};
use serde_json::json;

use crate::args::probably_meant;
use crate::cli::{Global, RunArgs};
use crate::connect::{Home, everything, note_skew, runtime};
use crate::exit::{CliError, CliResult, FAILED, of_outcome};
use crate::output::{Console, shell_word};
use crate::run::answer_file::Target;
use crate::run::audience::{Audience, Ending};
use crate::run::chat;
use crate::run::conversation::Conversation;
use crate::run::follow::Follower;
use crate::run::input::{DEFAULT_MAX_INPUT, compose, no_prompt, read_text};
use crate::run::plan::{Form, Plan, StdinUse, needs_patience, plan};
use crate::run::render::{Renderer, Style};
use crate::run::setup;
use crate::run::stops::{Stop, Stops};
use crate::term::{PIPE_PATIENCE, stdin_kind, stdout_kind};

/// What was found out, for the one object of `--json`.
struct Report {
    ending: Ending,
    session_id: Option<String>,
    error: Option<ApiError>,
    exit_code: u8,
}

/// Runs `mesoclaw ...` or `mesoclaw run ...`.
///
/// # Errors
/// Nothing was asked, or the question could not be answered.
pub fn main(console: Console, global: &Global, form: Form, args: RunArgs) -> CliResult {
    let patience = if needs_patience(&args.words) {
        PIPE_PATIENCE
    } else {
        Duration::ZERO
    };
    let usage = match plan(form, &args.words, stdin_kind(patience), stdout_kind()) {
        Plan::Chat => return chat::main(console, global, chat_args(args)),
        Plan::NoPrompt => return Err(no_prompt()),
        Plan::Ask(usage) => usage,
    };
    if form == Form::Bare
        && let Some(meant) = probably_meant(&args.words)
    {
        return Err(CliError::usage_hint(
            format!("there is no command `{}`", args.words.join(" ")),
            format!(
                "did you mean `mesoclaw {meant}`?\nto ask it as a question: mesoclaw run {}",
                shell_word(&args.words.join(" "))
            ),
        ));
    }
    let prompt = prompt(console, &args, usage)?;
    let style = style(console, &args);
    let mut target = match &args.output {
        Some(path) => Target::open(path)?,
        None => Target::Stdout,
    };
    let runtime = runtime()?;
    let result = runtime.block_on(answer(console, global, &args, style, prompt, &mut target));
    let (code, is_complete) = match &result {
        Ok(code) => (*code, *code == 0),
        Err(error) => (error.exit_code(), false),
    };
    if let Some(kept) = target.close(is_complete)? {
        console.note(&kept);
    }
    result.map(|_| code)
}

fn chat_args(args: RunArgs) -> crate::cli::ChatArgs {
    crate::cli::ChatArgs {
        session: args.session,
        resume: args.resume,
        model: args.model,
    }
}

fn prompt(console: Console, args: &RunArgs, usage: StdinUse) -> CliResult<String> {
    let limit = args.max_input.unwrap_or(DEFAULT_MAX_INPUT);
    let stdin = match usage {
        StdinUse::Ignore => String::new(),
        StdinUse::IgnoreWithNote => {
            console
                .note("stdin has nothing to read and is ignored; `-` makes it part of the prompt");
            String::new()
        }
        StdinUse::Whole | StdinUse::Append | StdinUse::Place => {
            read_text(io::stdin().lock(), limit)?
        }
    };
    compose(&args.words, usage, &stdin)
}

fn style(console: Console, args: &RunArgs) -> Style {
    if args.stream_json {
        Style::JsonLines
    } else if console.json {
        Style::Json
    } else if args.line {
        Style::Lines
    } else {
        Style::Text
    }
}

/// Asks and answers; in the JSON forms an error is part of the output.
async fn answer(
    console: Console,
    global: &Global,
    args: &RunArgs,
    style: Style,
    prompt: String,
    target: &mut Target,
) -> CliResult {
    let mut stops = Stops::listen(args.timeout.map(Duration::from_secs_f64))?;
    let is_terminal = matches!(target, Target::Stdout) && console.stdout_is_terminal;
    let mut renderer = Renderer::new(style, is_terminal);
    let asked = ask(
        console,
        global,
        args,
        prompt,
        target,
        &mut stops,
        &mut renderer,
    )
    .await;
    let report = match asked {
        Ok(report) => report,
        Err(CliError::Api(error)) => Report {
            ending: Ending::nothing(),
            session_id: None,
            exit_code: error.code.exit_code(),
            error: Some(error),
        },
        Err(other) => return Err(other),
    };
    let mut out = Vec::new();
    match style {
        Style::Json => {
            out = serde_json::to_vec(&one_object(&report, &renderer))
                .map_err(ApiError::unserialisable)?;
            out.push(b'\n');
        }
        Style::JsonLines => {
            let status = status(&report);
            renderer.end_lines(status, report.error.as_ref(), report.exit_code, &mut out);
        }
        Style::Text | Style::Lines | Style::Chat => {
            renderer.close(&mut out);
            let is_quiet_stop =
                matches!(report.ending.stop, Some(Stop::Interrupt | Stop::Terminate));
            if let Some(error) = report.error.as_ref().filter(|_| !is_quiet_stop) {
                console.error(error);
            }
        }
    }
    target.write(&out, &mut stops).await?;
    Ok(report.exit_code)
}

async fn ask(
    console: Console,
    global: &Global,
    args: &RunArgs,
    prompt: String,
    target: &mut Target,
    stops: &mut Stops,
    renderer: &mut Renderer,
) -> CliResult<Report> {
    let connecting = connect(console, global, args);
    let mut conversation = tokio::select! {
        conversation = connecting => conversation?,
        stop = stops.next() => {
            return Ok(report(Ending { stop: Some(stop), ..Ending::nothing() }, None, args));
        }
    };
    let params = SendParams {
        session_id: conversation.session_id.clone(),
        text: prompt,
        client_message_id: None,
        model: args.model.clone(),
    };
    let blank = Renderer::new(Style::Text, false);
    let audience = Audience {
        renderer: std::mem::replace(renderer, blank),
        target,
        stops,
        judge: None,
        shows_others: false,
    };
    let mut follower = Follower::new(&mut conversation, audience);
    let said = follower.say(params).await;
    *renderer = follower.into_renderer();
    let ending = said.map_err(|error| match error {
        CliError::Api(error) => CliError::Api(setup::with_commands(error)),
        other => other,
    })?;
    let session_id = conversation.session_id.map(|id| id.as_str().to_owned());
    Ok(report(ending, session_id, args))
}

async fn connect(console: Console, global: &Global, args: &RunArgs) -> CliResult<Conversation> {
    let home = Home::find(global.config.clone())?;
    let wants_session = args.session.is_some() || args.resume;
    // Without a session there is no id to ask for yet; the handshake carries the subscription then.
    let subscribe = (!wants_session).then(everything);
    let (link, was_started) = home.connect_or_start(Surface::Pipe, subscribe).await?;
    if was_started {
        console.progress(&format!("started the daemon (pid {})", link.hello.pid));
    }
    note_skew(console, &link.hello);
    let mut conversation = Conversation::new(home, console, Surface::Pipe, link);
    if console.can_ask() && console.stdout_is_terminal && args.model.is_none() {
        let default = conversation.call::<ProviderDefaultGet>(NoParams {}).await?;
        if default.is_none() && !setup::ask(console, &conversation.home).await? {
            return Err(CliError::Said(ErrorCode::AgentNotConfigured.exit_code()));
        }
    }
    if let Some(name) = &args.session {
        let resolved = conversation
            .call::<SessionResolve>(ResolveParams {
                name: name.clone(),
                create: true,
            })
            .await?;
        conversation.follow_session(resolved.session.id).await?;
    } else if args.resume {
        let newest = ListParams {
            limit: Some(1),
            offset: None,
        };
        let sessions = conversation.call::<SessionList>(newest).await?;
        let latest = sessions.into_iter().next().ok_or_else(|| {
            ApiError::new(ErrorCode::NotFound, "there is no session to continue")
                .with_hint("leave -c out to begin one")
        })?;
        conversation.follow_session(latest.session.id).await?;
    }
    Ok(conversation)
}

fn report(ending: Ending, session_id: Option<String>, args: &RunArgs) -> Report {
    let is_complete = ending.outcome == Some(TurnOutcome::Completed);
    let exit_code = match (&ending.stop, &ending.outcome) {
        (Some(stop), _) if !is_complete => stop.exit_code(),
        (_, Some(outcome)) => of_outcome(outcome, ending.was_denied),
        (_, None) => FAILED,
    };
    let error = if is_complete && ending.was_denied {
        Some(
            ApiError::new(ErrorCode::PolicyDenied, "a tool call was denied")
                .with_hint("in a pipe nobody can be asked; `mesoclaw chat` asks"),
        )
    } else if is_complete {
        None
    } else {
        Some(error_of(&ending, session_id.as_deref(), args))
    };
    Report {
        ending,
        session_id,
        error,
        exit_code,
    }
}

fn error_of(ending: &Ending, session_id: Option<&str>, args: &RunArgs) -> ApiError {
    let go_on = session_id.map_or_else(
        || "try again".to_owned(),
        |id| format!("`mesoclaw chat -s {id}`, then /continue, goes on"),
    );
    let error = match (ending.stop, &ending.outcome) {
        (Some(Stop::Timeout), _) => ApiError::new(
            ErrorCode::Timeout,
            format!(
                "there was no complete answer within {} s",
                args.timeout.unwrap_or_default()
            ),
        ),
        (None, Some(TurnOutcome::Cancelled)) if ending.turn_id.is_none() => {
            return ApiError::new(
                ErrorCode::Cancelled,
                "somebody took the message back before it was answered",
            );
        }
        (Some(Stop::Interrupt | Stop::Terminate), _) | (None, Some(TurnOutcome::Cancelled)) => {
            ApiError::new(ErrorCode::Cancelled, "the answer was stopped")
        }
        (None, Some(TurnOutcome::LimitReached { message, .. })) => {
            ApiError::new(ErrorCode::LimitReached, message.clone())
        }
        (
            None,
            Some(TurnOutcome::Failed {
                error_code,
                message,
                hint,
            }),
        ) => {
            return setup::with_commands(ApiError {
                code: *error_code,
                message: message.clone(),
                hint: hint.clone(),
            });
        }
        (None, Some(TurnOutcome::Interrupted | TurnOutcome::Completed) | None) => ApiError::new(
            ErrorCode::Internal,
            "the daemon ended in the middle of the answer",
        ),
    };
    error.with_hint(go_on)
}

fn status(report: &Report) -> &'static str {
    match (&report.ending.outcome, report.ending.stop) {
        (Some(TurnOutcome::Completed), _) => TurnOutcome::Completed.status(),
        (_, Some(stop)) => stop.status(),
        (Some(outcome), None) => outcome.status(),
        (None, None) => "failed",
    }
}

fn one_object(report: &Report, renderer: &Renderer) -> serde_json::Value {
    let mut object = json!({
        "response": renderer.answer(),
        "session_id": report.session_id,
        "turn_id": report.ending.turn_id,
        "model": renderer.model(),
        "usage": report.ending.usage,
        "outcome": status(report),
    });
    if let (Some(error), Some(fields)) = (&report.error, object.as_object_mut()) {
        fields.insert("error".to_owned(), json!(error));
    }
    object
}

#[cfg(test)]
mod tests;
