//! What a turn begins with: who asks, which model answers, and what goes into the prompt.

use mesoclaw_agent::model::GenerationParams;
use mesoclaw_agent::prompt::DEFAULT_SYSTEM;
use mesoclaw_agent::turn::{Context, Event, TurnLimits, TurnSetup};
use mesoclaw_api::{SessionId, Surface, TurnId};
use mesoclaw_config::Config;
use mesoclaw_store::repo::item;

use crate::models::ResolvedModel;
use crate::session::first_write::AfterFirstWrite;
use crate::session::registry::SessionParts;
use crate::session::teller::Step;

/// What a turn begins with.
pub(crate) enum Begin {
    /// A message of a person.
    User(String),
    /// The last turn is taken up, perhaps because somebody decided about a call of it.
    Resume { decided: Option<Event> },
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
            max_tokens: Some(config.agent_max_tokens),
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

/// History, system text and tools, as an event for the machine.
pub(crate) async fn gather(
    parts: &SessionParts,
    config: &Config,
    session_id: SessionId,
    turn_id: TurnId,
) -> Event {
    let limit = config.context_max_history_messages;
    let history = parts
        .store
        .read(move |conn| item::history(conn, &session_id, limit, Some(&turn_id)))
        .await;
    match history {
        Ok(history) => Event::ContextReady(Context {
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
