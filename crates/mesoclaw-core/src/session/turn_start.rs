//! What a turn begins with: who asks, which model answers, and what goes into the prompt.

use std::collections::BTreeMap;

use mesoclaw_agent::model::{GenerationParams, Image, ToolDefinition};
use mesoclaw_agent::prompt::DEFAULT_SYSTEM;
use mesoclaw_agent::turn::{Context, Event, TurnLimits, TurnSetup};
use mesoclaw_api::item::ImageRef;
use mesoclaw_api::ops::session::Workspace;
use mesoclaw_api::{Item, ItemBody, SessionId, Surface, TurnId};
use mesoclaw_config::Config;
use mesoclaw_store::repo::{image, item, session};
use mesoclaw_store::{Connection, StoreError};

use crate::models::ResolvedModel;
use crate::models::facts::ModelFacts;
use crate::session::first_write::AfterFirstWrite;
use crate::session::registry::SessionParts;
use crate::session::teller::Step;

/// Image bytes of one prompt at most; older images are told by name only.
const MAX_IMAGE_BYTES: u64 = 16 * 1024 * 1024;

/// What a turn begins with.
pub(crate) enum Begin {
    /// A message of a person.
    User {
        text: String,
        images: Vec<ImageRef>,
        /// Contents that may not be stored yet, by hash.
        contents: BTreeMap<String, Image>,
    },
    /// The last turn is taken up, perhaps because somebody decided about a call of it.
    Resume { decided: Option<Event> },
}

impl Begin {
    /// What the machine is told first, and the images that came with it.
    pub fn into_events(self) -> (Vec<Event>, OwnImages) {
        match self {
            Self::User {
                text,
                images,
                contents,
            } => {
                let own = OwnImages {
                    said: images.clone(),
                    contents,
                };
                (vec![Event::UserMessage { text, images }], own)
            }
            Self::Resume { decided } => {
                let events = [Event::Resume].into_iter().chain(decided).collect();
                (events, OwnImages::default())
            }
        }
    }
}

/// Images just said.
#[derive(Clone, Default)]
pub(crate) struct OwnImages {
    pub said: Vec<ImageRef>,
    /// Contents that may not be stored yet, by hash.
    pub contents: BTreeMap<String, Image>,
}

/// Who and what a turn is.
pub(crate) struct TurnStart {
    pub session_id: SessionId,
    pub surface: Surface,
    pub model: ResolvedModel,
    pub begin: Begin,
    /// Steps that belong into the first transaction, before everything of the turn.
    pub before: Vec<Step>,
    /// Steps that follow the first transaction, before its news.
    pub after_first_write: AfterFirstWrite,
}

/// The machine's side of it.
pub(crate) fn setup(start: &TurnStart, turn_id: &TurnId, config: &Config) -> TurnSetup {
    TurnSetup {
        session_id: start.session_id.clone(),
        turn_id: turn_id.clone(),
        surface: start.surface,
        model: start.model.display.clone(),
        provider_model: start.model.model_id.clone(),
        params: GenerationParams {
            max_tokens: Some(max_tokens(start, config)),
            temperature: config.agent_temperature,
            top_p: config.agent_top_p,
            seed: config.agent_seed,
            stop: config.agent_stop.clone(),
        },
        limits: TurnLimits {
            max_model_calls: config.agent_max_turns,
            max_continuations: config.agent_max_continuations,
            max_repeats: config.max_tool_retries,
        },
    }
}

/// The limit of configuration, or the model's own where that is lower.
fn max_tokens(start: &TurnStart, config: &Config) -> u32 {
    let limit = start.model.facts.output_limit.unwrap_or(u32::MAX);
    config.agent_max_tokens.min(limit)
}

/// What a model can do with a prompt.
#[derive(Clone, Copy)]
pub(crate) struct Able {
    /// It is shown images.
    pub sees: bool,
    /// It is told of tools.
    pub acts: bool,
}

impl Able {
    pub fn of(facts: &ModelFacts, config: &Config) -> Self {
        Self {
            sees: facts.supports_vision != Some(false),
            acts: match config.agent_tools.as_str() {
                "always" => true,
                "never" => false,
                _ => !facts.is_small,
            },
        }
    }
}

/// The tools a model is told of.
fn tools(parts: &SessionParts, config: &Config) -> Vec<ToolDefinition> {
    let enabled = parts.toolbox.enabled(config);
    enabled.map(|tool| tool.spec().definition.clone()).collect()
}

/// History, system text and tools, as an event for the machine.
pub(crate) async fn gather(
    parts: &SessionParts,
    config: &Config,
    session_id: SessionId,
    turn_id: TurnId,
    own: OwnImages,
    able: Able,
) -> Event {
    let limit = config.context_max_history_messages;
    let history = parts
        .store
        .read(move |conn| {
            let history = item::history(conn, &session_id, limit, Some(&turn_id))?;
            let images = if able.sees {
                contents(conn, own, &history)?
            } else {
                BTreeMap::new()
            };
            let workspace = session::get(conn, &session_id)?.and_then(|found| found.workspace);
            Ok((history, images, workspace))
        })
        .await;
    match history {
        Ok((history, images, workspace)) => Event::ContextReady(Context {
            images,
            system: system_text(config, workspace.as_ref()),
            history,
            aliases: parts.toolbox.aliases(),
            tools: if able.acts {
                tools(parts, config)
            } else {
                Vec::new()
            },
        }),
        Err(error) => Event::ContextFailed {
            message: crate::error::from_store(error).message,
        },
    }
}

/// Who the agent is, and where its tools work.
fn system_text(config: &Config, workspace: Option<&Workspace>) -> String {
    let mut system = config
        .agent_system_prompt
        .clone()
        .unwrap_or_else(|| DEFAULT_SYSTEM.to_owned());
    if let Some(workspace) = workspace {
        // Names of directories are data: a line break in one must not begin a sentence of ours.
        let root = workspace.root.escape_debug();
        let sentence = match &workspace.git_root {
            Some(git_root) if *git_root != workspace.root => format!(
                "\n\nYou work in the directory `{root}` of the repository `{}`.",
                git_root.escape_debug()
            ),
            Some(_) => format!("\n\nYou work in the repository `{root}`."),
            None => format!("\n\nYou work in the directory `{root}`."),
        };
        system.push_str(&sentence);
    }
    system
}

/// The images of a prompt, by hash: those just said and those of the history, the latest first and
/// no more than providers take.
fn contents(
    conn: &Connection,
    own: OwnImages,
    history: &[Item],
) -> Result<BTreeMap<String, Image>, StoreError> {
    let OwnImages {
        said,
        contents: mut images,
    } = own;
    let known_bytes: u64 = images.values().map(|image| image.data.len() as u64).sum();
    let mut left_bytes = MAX_IMAGE_BYTES.saturating_sub(known_bytes);
    let earlier = history.iter().rev().flat_map(|item| match &item.body {
        ItemBody::User { images, .. } => images.as_slice(),
        ItemBody::Assistant { .. }
        | ItemBody::Reasoning { .. }
        | ItemBody::ToolCall { .. }
        | ItemBody::ToolResult { .. }
        | ItemBody::Approval { .. }
        | ItemBody::Notice { .. }
        | ItemBody::Outcome { .. }
        | ItemBody::System { .. } => &[],
    });
    for reference in said.iter().chain(earlier) {
        if images.contains_key(&reference.sha256) || reference.size_bytes > left_bytes {
            continue;
        }
        if let Some(row) = image::get(conn, &reference.sha256)? {
            left_bytes -= reference.size_bytes;
            let image = Image {
                media_type: row.media_type,
                data: row.data.into(),
            };
            images.insert(reference.sha256.clone(), image);
        }
    }
    Ok(images)
}
