//! The first set-up: by questions on a terminal, without any by `setup --local`, and the commands
//! to run where nobody can be asked.

use std::io::{self, BufRead};

use mesoclaw_api::ops::NoParams;
use mesoclaw_api::ops::model::{ModelFile, ModelList, PullParams};
use mesoclaw_api::ops::provider::{DefaultModel, ProviderDefaultGet, ProviderDefaultSet};
use mesoclaw_api::{ApiError, ErrorCode, Surface};
use mesoclaw_ipc::Client;
use tokio::sync::oneshot;

use crate::cli::{Global, SetupArgs};
use crate::cmd::model::size;
use crate::connect::{Home, Link, is_newer, note_skew, runtime};
use crate::exit::{CliError, CliResult, OK};
use crate::output::{Console, bytes, push};
use crate::run::daemon;
use crate::run::pull::pull;
use crate::run::setup_remote::{Found, ask_remote, local_servers, use_server};
use crate::run::stops::Stops;
use crate::sanitise::one_line;

/// Up to so many parameters a model is called very limited.
const LIMITED_MILLIONS: u32 = 200;

/// The exact commands that set up a model.
pub const COMMANDS: &str = "\
set up a model with one of:
  mesoclaw setup --local
  mesoclaw provider add ollama --base-url http://127.0.0.1:11434/v1 && mesoclaw provider default ollama MODEL
  mesoclaw provider add openai --base-url https://api.openai.com/v1 --api-key-env OPENAI_API_KEY && mesoclaw provider default openai MODEL";

/// The provider of the embedded engine.
const LOCAL: &str = "local";

/// Runs `mesoclaw setup`.
///
/// # Errors
/// No model could be set up.
pub fn main(console: Console, global: &Global, args: &SetupArgs) -> CliResult {
    let home = Home::find(global.config.clone())?;
    if !args.local && !console.can_ask() {
        return Err(CliError::usage_hint(
            "there is no terminal to ask on",
            COMMANDS,
        ));
    }
    runtime()?.block_on(async {
        if args.local {
            let default = set_up_local(console, &home).await?;
            if console.json {
                console.value(&default)?;
            }
        } else {
            ask(console, &home).await?;
        }
        Ok(OK)
    })
}

/// The same error, with the commands that help when nothing is set up. Advice the daemon gave (a
/// missing key, a model that is not installed) stays.
pub fn with_commands(error: ApiError) -> ApiError {
    if error.code == ErrorCode::AgentNotConfigured && error.hint.is_none() {
        error.with_hint(COMMANDS)
    } else {
        error
    }
}

/// Says that the daemon is older than this program and, on a terminal, restarts it when wanted.
///
/// # Errors
/// The restart failed.
pub async fn offer_restart(console: Console, home: &Home, link: Link) -> CliResult<Link> {
    note_skew(console, &link.hello);
    if !is_newer(&link.hello) || !console.can_ask() {
        return Ok(link);
    }
    console.say("restart it now? [y/N] ");
    if !is_yes(&read_answer().await?) {
        return Ok(link);
    }
    drop(link);
    daemon::stop(console, home, "a newer client asked for a restart").await?;
    let everything = Some(crate::connect::everything());
    Ok(home.connect_or_start(Surface::Cli, everything).await?.0)
}

/// Asks where answers shall come from, until something works or the person has enough. Says whether
/// something works.
///
/// # Errors
/// The daemon cannot be reached.
pub async fn ask(console: Console, home: &Home) -> CliResult<bool> {
    let client = home.client(console).await?;
    if let Some(default) = client.call::<ProviderDefaultGet>(NoParams {}).await? {
        console.say(&format!(
            "Answers come from {}:{} now.\n",
            default.provider_id, default.model_id
        ));
    }
    loop {
        let choices = choices(&client, home).await?;
        let mut text = "Where shall answers come from?\n".to_owned();
        for (at, choice) in choices.iter().enumerate() {
            push(&mut text, format_args!("  {} {}\n", at + 1, choice.text()));
        }
        console.say(&format!("{text}choice [1]: "));
        let answer = read_answer().await?;
        let number = match answer.trim() {
            "" => 1,
            text => text.parse().unwrap_or(0),
        };
        let Some(choice) = usize::checked_sub(number, 1).and_then(|at| choices.get(at)) else {
            console.say(&format!("a number from 1 to {}, please\n", choices.len()));
            continue;
        };
        let done = match choice {
            Choice::Embedded(_) => set_up_local_again(console, home).await,
            Choice::Server(found) => use_server(console, &client, found).await,
            Choice::Remote => ask_remote(console, &client).await,
            Choice::NotNow => {
                console.say(&format!("later: {COMMANDS}\n"));
                return Ok(false);
            }
        };
        match done {
            Ok(Some(default)) => {
                console.say(&format!(
                    "Done: answers come from {}:{}.\n",
                    default.provider_id, default.model_id
                ));
                return Ok(true);
            }
            Ok(None) => {}
            Err(CliError::Api(error)) => console.error(&error),
            Err(other) => return Err(other),
        }
    }
}

/// A line of the question.
enum Choice {
    Embedded(Box<ModelFile>),
    Server(Found),
    Remote,
    NotNow,
}

impl Choice {
    fn text(&self) -> String {
        match self {
            Self::Embedded(file) => {
                let what = match (file.is_installed, file.size_bytes) {
                    (true, _) => "installed".to_owned(),
                    (false, Some(count)) => format!("{} to download", bytes(count)),
                    (false, None) => "size unverified".to_owned(),
                };
                let limits = if is_limited(file) {
                    "; very limited: it chats, but knows little and often errs"
                } else {
                    ""
                };
                format!(
                    "a model that runs inside mesoclaw: {} ({what}{limits})",
                    one_line(&file.name)
                )
            }
            Self::Server(found) => format!("{} on this machine, port {}", found.name, found.port),
            Self::Remote => {
                "another provider: an OpenAI-compatible address, with or without a key".to_owned()
            }
            Self::NotNow => "not now".to_owned(),
        }
    }
}

async fn choices(client: &Client, home: &Home) -> CliResult<Vec<Choice>> {
    let files = client
        .call::<ModelList>(NoParams {})
        .await
        .unwrap_or_default();
    let mut choices = Vec::new();
    if let Some(file) = candidates(&files, recommended(home)?.as_deref())
        .into_iter()
        .next()
    {
        choices.push(Choice::Embedded(Box::new(file.clone())));
    }
    choices.extend(local_servers().into_iter().map(Choice::Server));
    choices.extend([Choice::Remote, Choice::NotNow]);
    Ok(choices)
}

/// Makes sure that a model runs inside mesoclaw and is the default. A default that somebody chose
/// stays; what is there already costs no network.
///
/// # Errors
/// This build has no engine, or no model could be fetched.
async fn set_up_local(console: Console, home: &Home) -> CliResult<DefaultModel> {
    let client = home.client(console).await?;
    if let Some(default) = client.call::<ProviderDefaultGet>(NoParams {}).await? {
        if default.provider_id != LOCAL {
            console.note(&format!(
                "the default model is {}:{} already; it stays",
                default.provider_id, default.model_id
            ));
            return Ok(default);
        }
        let files = client.call::<ModelList>(NoParams {}).await?;
        let is_here = |file: &ModelFile| file.id == default.model_id && file.is_installed;
        if files.iter().any(is_here) {
            console.note(&format!("local:{} is set up already", default.model_id));
            return Ok(default);
        }
    }
    install(console, home, &client).await
}

/// The same by choice of a person, who may want to change the default.
async fn set_up_local_again(console: Console, home: &Home) -> CliResult<Option<DefaultModel>> {
    let client = home.client(console).await?;
    install(console, home, &client).await.map(Some)
}

async fn install(console: Console, home: &Home, client: &Client) -> CliResult<DefaultModel> {
    let files = client.call::<ModelList>(NoParams {}).await?;
    let recommended = recommended(home)?;
    let candidates = candidates(&files, recommended.as_deref());
    let mut last: Option<CliError> = None;
    for file in candidates {
        if !file.is_installed {
            console.note(&format!(
                "fetching {} ({})",
                one_line(&file.name),
                size(file)
            ));
            let params = PullParams {
                model_id: file.id.clone(),
                source: None,
                sha256: None,
            };
            match pull(console, home, params).await {
                Ok(_) => {}
                Err(CliError::Api(error)) => {
                    console.note(&format!(
                        "{} could not be fetched: {}",
                        file.id, error.message
                    ));
                    last = Some(error.into());
                    continue;
                }
                Err(other) => return Err(other),
            }
        }
        let default = DefaultModel {
            provider_id: LOCAL.to_owned(),
            model_id: file.id.clone(),
        };
        client.call::<ProviderDefaultSet>(default.clone()).await?;
        console.note(&format!("the default model is local:{}", file.id));
        if is_limited(file) {
            console.note(
                "it is very limited: it chats, but knows little and often errs; \
                 `mesoclaw model list` shows others",
            );
        }
        return Ok(default);
    }
    Err(last.unwrap_or_else(|| {
        ApiError::new(
            ErrorCode::AgentNotConfigured,
            "this build has no engine for models of its own",
        )
        .with_hint(COMMANDS)
        .into()
    }))
}

/// What to try, in order: the recommended model, else what is installed, else the smallest model
/// that comes as a package.
fn candidates<'a>(files: &'a [ModelFile], recommended: Option<&str>) -> Vec<&'a ModelFile> {
    let best = files
        .iter()
        .find(|file| Some(file.id.as_str()) == recommended);
    if let Some(best) = best.filter(|file| file.is_installed) {
        return vec![best];
    }
    let installed = files.iter().filter(|file| file.is_installed);
    if let Some(largest) = installed.max_by_key(|file| file.parameters_millions) {
        return vec![largest];
    }
    let is_package =
        |file: &&ModelFile| file.sources.iter().any(|source| source.starts_with("pip:"));
    let packages = files
        .iter()
        .filter(|file| file.is_in_catalogue)
        .filter(is_package);
    let smallest = packages.min_by_key(|file| file.ram_mib.unwrap_or(u32::MAX));
    let mut candidates: Vec<&ModelFile> = best.into_iter().collect();
    if let Some(smallest) = smallest.filter(|file| Some(file.id.as_str()) != recommended) {
        candidates.push(smallest);
    }
    candidates
}

fn recommended(home: &Home) -> CliResult<Option<String>> {
    let files = mesoclaw_daemon::model_files(home.base.clone(), home.config.clone())
        .map_err(|error| CliError::Api(error.api()))?;
    Ok(files.map(|files| files.recommended()))
}

fn is_limited(file: &ModelFile) -> bool {
    file.parameters_millions
        .is_some_and(|millions| millions <= LIMITED_MILLIONS)
}

/// A line a person typed; the end of the input or Ctrl-C ends the command.
///
/// # Errors
/// Stdin ended, or the person wants to leave.
pub async fn read_answer() -> CliResult<String> {
    // On a thread of its own, because a blocked read hears no signal.
    let (answer, typed) = oneshot::channel();
    std::thread::Builder::new()
        .name("answer".to_owned())
        .spawn(move || {
            let mut line = String::new();
            let count = io::stdin().lock().read_line(&mut line).unwrap_or(0);
            // Nobody waits any more after Ctrl-C.
            answer.send((count > 0).then_some(line)).ok();
        })?;
    let mut stops = Stops::listen(None)?;
    tokio::select! {
        stop = stops.next() => Err(CliError::Said(stop.exit_code())),
        line = typed => match line.ok().flatten() {
            Some(line) => Ok(line.trim_end_matches(['\n', '\r']).to_owned()),
            None => Err(CliError::Said(crate::exit::INTERRUPTED)),
        },
    }
}

/// Whether an answer means yes.
pub fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

/// One question with a default in brackets.
///
/// # Errors
/// Stdin ended.
pub async fn question(console: Console, text: &str, default: &str) -> CliResult<String> {
    let shown = if default.is_empty() {
        format!("{text}: ")
    } else {
        format!("{text} [{default}]: ")
    };
    console.say(&shown);
    let answer = read_answer().await?;
    let answer = answer.trim();
    Ok(if answer.is_empty() { default } else { answer }.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn file(id: &str, millions: u32, is_installed: bool, source: &str) -> ModelFile {
        serde_json::from_value(json!({
            "id": id, "name": id, "is_installed": is_installed, "is_in_catalogue": true,
            "path": null, "size_bytes": 5, "sha256": null, "is_verified": true, "licence": null,
            "parameters_millions": millions, "ram_mib": millions, "context_tokens": null,
            "architecture": null, "sources": [source], "note": null,
        }))
        .unwrap()
    }

    #[test]
    fn models_are_tried_in_order() {
        let check = |files: &[ModelFile], recommended: Option<&str>, expected: &[&str]| {
            let found: Vec<&str> = candidates(files, recommended)
                .iter()
                .map(|file| file.id.as_str())
                .collect();
            assert_eq!(found, expected);
        };
        let small = |is_installed| file("small", 135, is_installed, "pip:small==1");
        let big = |is_installed| file("big", 7000, is_installed, "https://host/big");
        check(&[small(false), big(false)], Some("big"), &["big", "small"]);
        check(&[small(false), big(false)], Some("small"), &["small"]);
        check(&[small(true), big(false)], Some("big"), &["small"]);
        check(&[small(true), big(true)], Some("small"), &["small"]);
        check(&[small(true), big(true)], None, &["big"]);
        check(&[small(false)], None, &["small"]);
        check(&[], None, &[]);
    }

    #[test]
    fn limits_are_told() {
        let text = Choice::Embedded(Box::new(file("small", 135, false, "pip:x"))).text();
        assert_eq!(
            text,
            "a model that runs inside mesoclaw: small (5 B to download; very limited: it chats, but \
             knows little and often errs)"
        );
        let text = Choice::Embedded(Box::new(file("big", 7000, true, "x"))).text();
        assert_eq!(text, "a model that runs inside mesoclaw: big (installed)");
    }

    #[test]
    fn commands_are_added_to_one_error_only() {
        let error = with_commands(ApiError::new(ErrorCode::AgentNotConfigured, "x"));
        assert_eq!(error.hint.as_deref(), Some(COMMANDS));
        let error = with_commands(ApiError::new(ErrorCode::Agent, "x"));
        assert_eq!(error.hint, None);
    }

    #[test]
    fn yes_is_yes() {
        for (answer, expected) in [("y", true), (" YES ", true), ("", false), ("n", false)] {
            assert_eq!(is_yes(answer), expected, "{answer:?}");
        }
    }
}
