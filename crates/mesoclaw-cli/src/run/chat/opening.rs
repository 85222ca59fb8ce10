//! The beginning of a chat: the daemon, the session, a model, keys of this shell.

use mesoclaw_api::Surface;
use mesoclaw_api::ops::NoParams;
use mesoclaw_api::ops::provider::ProviderDefaultGet;
use mesoclaw_api::ops::session::{ListParams, ResolveParams, Session, SessionList, SessionResolve};

use crate::cli::ChatArgs;
use crate::connect::{Home, everything};
use crate::exit::{CliResult, OK};
use crate::output::Console;
use crate::run::answer_file::Target;
use crate::run::attach::Attachments;
use crate::run::background::Background;
use crate::run::chat::Chat;
use crate::run::conversation::Conversation;
use crate::run::editor::Editor;
use crate::run::input::DEFAULT_MAX_INPUT;
use crate::run::offer;
use crate::run::setup;
use crate::run::stops::Stops;
use crate::sanitise::visible;
use crate::workspace;

/// Opens a chat.
///
/// # Errors
/// The daemon cannot be reached, or the session does not exist.
pub(super) async fn open(console: Console, home: Home, args: ChatArgs) -> CliResult<Chat> {
    let attachments = attached(console, &args)?;
    let (link, was_started) = home
        .connect_or_start(Surface::Cli, Some(everything()))
        .await?;
    if was_started {
        console.progress(&format!("started the daemon (pid {})", link.hello.pid));
    }
    let link = setup::offer_restart(console, &home, link).await?;
    let mut conversation = Conversation::new(home, console, Surface::Cli, link);
    let session = choose(&conversation, &args).await?;
    if let Some(session) = &session {
        conversation.follow_session(session.id.clone()).await?;
    }
    let mut default = conversation.call::<ProviderDefaultGet>(NoParams {}).await?;
    if default.is_none() && args.model.is_none() && console.can_ask() {
        setup::ask(console, &conversation.home).await?;
        default = conversation.call::<ProviderDefaultGet>(NoParams {}).await?;
    }
    let session_model = session.as_ref().and_then(|session| session.model.clone());
    let model = args.model.clone().or(session_model);
    let offered = offer::offer(
        console,
        &conversation.link.client,
        model.as_deref(),
        console.can_ask() && console.stdout_is_terminal,
    )
    .await?;
    conversation.lent.clone_from(&offered.lent);
    let here = workspace::here();
    if let Some(text) = session
        .as_ref()
        .and_then(|session| workspace::elsewhere(session, here.as_deref()))
    {
        console.note(&text);
    }
    let history = conversation.home.paths.data_dir.join("history");
    let mut chat = Chat {
        editor: Editor::start(history)?,
        stops: Stops::listen(None)?,
        model: args.model,
        is_model_for_session: false,
        title: session.as_ref().map(|session| session.title.clone()),
        place: place(session.as_ref(), here.as_deref()),
        target: Target::Stdout,
        attachments,
        offered,
        background: Background::default(),
        draft: Vec::new(),
        interrupts: 0,
        retry_at: None,
        last_code: OK,
        conversation,
    };
    chat.greet(model.as_deref(), default.as_ref())?;
    Ok(chat)
}

/// Where tools will work: where the session does, else here.
fn place(session: Option<&Session>, here: Option<&str>) -> Option<String> {
    match session.and_then(|session| session.workspace.as_ref()) {
        Some(workspace) => Some(workspace::text(Some(workspace))),
        None => here.map(visible),
    }
}

fn attached(console: Console, args: &ChatArgs) -> CliResult<Attachments> {
    let mut attachments = Attachments::new(DEFAULT_MAX_INPUT);
    for image in &args.images {
        attachments.add_image(image)?;
    }
    if let Some(summary) = attachments.summary() {
        console.note(&format!("{summary} to the first message"));
    }
    Ok(attachments)
}

async fn choose(conversation: &Conversation, args: &ChatArgs) -> CliResult<Option<Session>> {
    if let Some(name) = &args.session {
        let params = ResolveParams {
            name: name.clone(),
            create: true,
        };
        let resolved = conversation.call::<SessionResolve>(params).await?;
        return Ok(Some(resolved.session));
    }
    if !args.resume {
        return Ok(None);
    }
    let newest = ListParams {
        limit: Some(1),
        offset: None,
    };
    let sessions = conversation.call::<SessionList>(newest).await?;
    Ok(sessions.into_iter().next().map(|summary| summary.session))
}
