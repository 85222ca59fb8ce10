//! One question: `mesoclaw TEXT`, `echo TEXT | mesoclaw`, `mesoclaw run TEXT`. The answer alone goes
//! to stdout; nothing is ever waited for but the answer.

pub mod refused;
mod report;

use std::io;
use std::time::Duration;

use mesoclaw_api::ops::NoParams;
use mesoclaw_api::ops::chat::{NewImage, SendParams};
use mesoclaw_api::ops::credential::WantedVariable;
use mesoclaw_api::ops::provider::ProviderDefaultGet;
use mesoclaw_api::ops::session::{ListParams, ResolveParams, Session, SessionList, SessionResolve};
use mesoclaw_api::{ApiError, ErrorCode, Surface};

use crate::args::probably_meant;
use crate::cli::{Global, RunArgs};
use crate::cmd::usage;
use crate::connect::{Home, everything, note_skew, runtime};
use crate::exit::{CliError, CliResult};
use crate::output::{Console, shell_word};
use crate::run::answer_file::Target;
use crate::run::approve::on_stderr::OnStderr;
use crate::run::attach::Attachments;
use crate::run::audience::{Audience, Ending};
use crate::run::chat;
use crate::run::conversation::Conversation;
use crate::run::follow::Follower;
use crate::run::input::{DEFAULT_MAX_INPUT, check_size, compose, no_prompt, read_text};
use crate::run::offer;
use crate::run::plan::{Form, Plan, StdinUse, needs_patience, plan};
use crate::run::render::{Renderer, Style};
use crate::run::setup;
use crate::run::stops::{Stop, Stops};
use crate::term::{PIPE_PATIENCE, columns, stdin_kind, stdout_kind};
use crate::workspace;
use report::{Report, one_object, report, status};

/// What is asked.
struct Prompt {
    text: String,
    images: Vec<NewImage>,
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
        // More words than a command has may hold a secret.
        let is_short = args.words.len() <= 2;
        let said = args.words.get(..2).unwrap_or(&args.words).join(" ");
        let question = if is_short {
            shell_word(&said)
        } else {
            "QUESTION".to_owned()
        };
        return Err(CliError::usage_hint(
            format!("there is no command `{said}`"),
            format!(
                "did you mean `mesoclaw {meant}`?\nto ask it as a question: mesoclaw run {question}"
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
        images: args.images,
    }
}

/// Words, stdin and files as one message. Only what a person wrote on the command line can name
/// files; what comes on stdin cannot.
fn prompt(console: Console, args: &RunArgs, usage: StdinUse) -> CliResult<Prompt> {
    let limit = args.max_input.unwrap_or(DEFAULT_MAX_INPUT);
    let mut attachments = Attachments::new(limit);
    for image in &args.images {
        attachments.add_image(image)?;
    }
    let words = args
        .words
        .iter()
        .map(|word| attachments.resolve(word))
        .collect::<CliResult<Vec<String>>>()?;
    if let Some(summary) = attachments.summary() {
        console.note(&summary);
    }
    let stdin = match usage {
        StdinUse::Ignore => String::new(),
        StdinUse::IgnoreWithNote => {
            console
                .note("stdin has nothing to read and is ignored; `-` makes it part of the prompt");
            String::new()
        }
        StdinUse::Whole | StdinUse::Append | StdinUse::Place => {
            read_text(io::stdin().lock(), limit, "stdin")?
        }
    };
    let mut text = compose(&words, usage, &stdin)?;
    let (blocks, images) = attachments.into_parts();
    text.push_str(&blocks);
    check_size(&text)?;
    Ok(Prompt { text, images })
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
    prompt: Prompt,
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
            footer: None,
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
    if let (Some(footer), true) = (&report.footer, style.is_plain()) {
        console.progress(&footer.text());
    }
    Ok(report.exit_code)
}

async fn ask(
    console: Console,
    global: &Global,
    args: &RunArgs,
    prompt: Prompt,
    target: &mut Target,
    stops: &mut Stops,
    renderer: &mut Renderer,
) -> CliResult<Report> {
    let may_ask = may_ask(console, renderer.style(), target);
    let connecting = connect(console, global, args, may_ask);
    let (mut conversation, refused) = tokio::select! {
        connected = connecting => connected?,
        stop = stops.next() => {
            let ending = Ending { stop: Some(stop), ..Ending::nothing() };
            return Ok(report(ending, None, args, None));
        }
    };
    let advised = |error| offer::with_variable(setup::with_commands(error), &refused);
    let params = SendParams {
        session_id: conversation.session_id.clone(),
        text: prompt.text,
        client_message_id: None,
        model: args.model.clone(),
        workspace: workspace::here(),
        images: prompt.images,
    };
    // What a turn cost is what its session cost more than before.
    let has_footer = renderer.style().wants_footer(console);
    let before = if has_footer {
        usage::spent_in(&conversation.link.client, params.session_id.as_ref()).await?
    } else {
        usage::nothing_spent()
    };
    let mut taken = std::mem::replace(renderer, Renderer::new(Style::Text, false));
    let mut judge = OnStderr::new(console);
    if may_ask {
        taken = taken.asking(columns());
    }
    let audience = Audience {
        renderer: taken,
        target,
        stops,
        judge: if may_ask { Some(&mut judge) } else { None },
        shows_others: false,
    };
    let mut follower = Follower::new(&mut conversation, audience);
    let said = follower.say(params).await;
    *renderer = follower.into_renderer();
    let ending = said.map_err(|error| match error {
        CliError::Api(error) => CliError::Api(advised(error)),
        other => other,
    })?;
    let footer = if has_footer && ending.stop.is_none() {
        // An answer that is there is not lost because its price cannot be asked for.
        usage::spent_in(&conversation.link.client, conversation.session_id.as_ref())
            .await
            .ok()
            .and_then(|after| usage::footer(&ending.usage, &before, &after))
    } else {
        None
    };
    let mut report = told(&conversation, ending, args, may_ask).await;
    report.error = report.error.map(advised);
    report.footer = footer;
    Ok(report)
}

/// How it ended, with the rule that denied a call.
async fn told(
    conversation: &Conversation,
    ending: Ending,
    args: &RunArgs,
    may_ask: bool,
) -> Report {
    let rule = match ending.refusals.first() {
        Some(refusal) => refused::rule(conversation, refusal).await,
        None => None,
    };
    let session_id = conversation.session_id.as_ref();
    let session_id = session_id.map(|id| id.as_str().to_owned());
    let mut report = report(ending, session_id, args, rule.as_deref());
    // Who was asked needs no advice how to be asked.
    if let Some(error) = report.error.as_mut().filter(|_| may_ask)
        && error.code == ErrorCode::PolicyDenied
    {
        error.hint = None;
    }
    report
}

/// Whether somebody sees questions and can answer them: a pipe never asks.
fn may_ask(console: Console, style: Style, target: &Target) -> bool {
    console.can_ask()
        && console.stdout_is_terminal
        && style.is_plain()
        && matches!(target, Target::Stdout)
}

/// Connects, finds the session, and offers the key variables of this shell; with those that would
/// help and may not be used.
async fn connect(
    console: Console,
    global: &Global,
    args: &RunArgs,
    may_ask: bool,
) -> CliResult<(Conversation, Vec<WantedVariable>)> {
    let surface = if may_ask { Surface::Cli } else { Surface::Pipe };
    let home = Home::find(global.config.clone())?;
    let wants_session = args.session.is_some() || args.resume;
    // Without a session there is no id to ask for yet; the handshake carries the subscription then.
    let subscribe = (!wants_session).then(everything);
    let (link, was_started) = home.connect_or_start(surface, subscribe).await?;
    if was_started {
        console.progress(&format!("started the daemon (pid {})", link.hello.pid));
    }
    note_skew(console, &link.hello);
    let mut conversation = Conversation::new(home, console, surface, link);
    let may_ask = console.can_ask() && console.stdout_is_terminal;
    if may_ask && args.model.is_none() {
        let default = conversation.call::<ProviderDefaultGet>(NoParams {}).await?;
        if default.is_none() && !setup::ask(console, &conversation.home).await? {
            return Err(CliError::Said(ErrorCode::AgentNotConfigured.exit_code()));
        }
    }
    let mut session_model = None;
    if let Some(name) = &args.session {
        let resolved = conversation
            .call::<SessionResolve>(ResolveParams {
                name: name.clone(),
                create: true,
            })
            .await?;
        note_elsewhere(console, &resolved.session);
        session_model = resolved.session.model;
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
        note_elsewhere(console, &latest.session);
        session_model = latest.session.model;
        conversation.follow_session(latest.session.id).await?;
    }
    let model = args.model.as_deref().or(session_model.as_deref());
    let offered = offer::offer(console, &conversation.link.client, model, may_ask).await?;
    conversation.lent = offered.lent;
    Ok((conversation, offered.refused))
}

fn note_elsewhere(console: Console, session: &Session) {
    if let Some(text) = workspace::elsewhere(session, workspace::here().as_deref()) {
        console.note(&text);
    }
}
