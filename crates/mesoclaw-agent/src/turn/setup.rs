//! What a turn is told when it is made. Nothing here changes while the turn runs.

use mesoclaw_api::{SessionId, Surface, TurnId};

use crate::model::GenerationParams;
use crate::turn::limits::TurnLimits;

/// What a turn is told when it is made.
#[derive(Clone, PartialEq, Debug)]
pub struct TurnSetup {
    /// The conversation; it is also the cache key of the requests.
    pub session_id: SessionId,
    /// The turn. A resumed turn is a new turn with a new id.
    pub turn_id: TurnId,
    /// Who started it.
    pub surface: Surface,
    /// `provider:model`, for entries and events.
    pub model: String,
    /// The model as its provider names it, for requests.
    pub provider_model: String,
    /// How to sample.
    pub params: GenerationParams,
    /// When to stop.
    pub limits: TurnLimits,
}
