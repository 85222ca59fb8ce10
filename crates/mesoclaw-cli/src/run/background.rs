//! Turns of other clients in the session that is being followed: kept until they end, then shown
//! as a whole, so that they never run into what is being typed or answered.

use mesoclaw_api::{Event, SessionId};

use crate::run::view::{Show, TurnView};

/// A turn of somebody else.
#[derive(Debug, Default)]
pub struct Background {
    turn: Option<(TurnView, Vec<Show>)>,
}

impl Background {
    /// Takes an event; gives the whole turn when it ended.
    pub fn take(&mut self, session_id: &SessionId, event: &Event) -> Vec<Show> {
        let begins = match event {
            Event::TurnStarted { turn_id, .. } => Some(turn_id),
            // The user message may be stored before its turn is told to begin.
            Event::ItemStored { item } if self.turn.is_none() => item.turn_id.as_ref(),
            _ => None,
        };
        let current = self.turn.as_ref().map(|(view, _)| view.turn_id());
        if let Some(turn_id) = begins
            && current != Some(turn_id)
        {
            let view = TurnView::new(session_id.clone(), turn_id.clone());
            self.turn = Some((view, Vec::new()));
        }
        let Some((view, shows)) = &mut self.turn else {
            return Vec::new();
        };
        shows.extend(view.apply(event));
        if view.finished().is_none() {
            return Vec::new();
        }
        self.turn.take().map(|(_, shows)| shows).unwrap_or_default()
    }
}
