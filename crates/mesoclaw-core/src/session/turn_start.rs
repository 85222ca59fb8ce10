//! What a turn begins with: who asks, which model answers, and what goes into the prompt.

use std::collections::BTreeMap;

use mesoclaw_agent::model::{GenerationParams, Image};
use mesoclaw_agent::prompt::DEFAULT_SYSTEM;
use mesoclaw_agent::turn::{Context, Event, TurnLimits, TurnSetup};
use mesoclaw_api::item::ImageRef;
use mesoclaw_api::{Item, ItemBody, SessionId, Surface, TurnId};
use mesoclaw_config::Config;
use mesoclaw_store::repo::{image, item};
use mesoclaw_store::{Connection, StoreError};

use crate::models::ResolvedModel;
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
        },
    }
}

/// The limit of configuration, or the model's own where that is lower.
fn max_tokens(start: &TurnStart, config: &Config) -> u32 {
    let limit = start.model.facts.output_limit.unwrap_or(u32::MAX);
    config.agent_max_tokens.min(limit)
}

/// History, system text and tools, as an event for the machine.
pub(crate) async fn gather(
    parts: &SessionParts,
    config: &Config,
    session_id: SessionId,
    turn_id: TurnId,
    own: OwnImages,
    sees: bool,
) -> Event {
    let limit = config.context_max_history_messages;
    let history = parts
        .store
        .read(move |conn| {
            let history = item::history(conn, &session_id, limit, Some(&turn_id))?;
            let images = if sees {
                contents(conn, own, &history)?
            } else {
                BTreeMap::new()
            };
            Ok((history, images))
        })
        .await;
    match history {
        Ok((history, images)) => Event::ContextReady(Context {
            images,
            system: config
                .agent_system_prompt
                .clone()
                .unwrap_or_else(|| DEFAULT_SYSTEM.to_owned()),
            history,
            tools: parts.tools.definitions(),
        }),
        Err(error) => Event::ContextFailed {
            message: crate::error::from_store(error).message,
        },
    }
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
