//! The part of following a turn that does not live from events alone: a message that waits behind
//! another turn, and a turn of which events were lost.

use mesoclaw_api::ops::approval::{ApprovalList, ListParams};
use mesoclaw_api::ops::chat::{ChatSend, Sent};
use mesoclaw_api::ops::session::{SessionGet, SessionParams, SessionState};
use mesoclaw_api::{Event, TurnId};

use crate::exit::CliResult;
use crate::run::follow::Follower;
use crate::run::view::{Show, TurnView};

impl Follower<'_> {
    /// Our message waits behind another turn: watch that one, and for our own to begin.
    pub(super) async fn take_while_waiting(&mut self, event: &Event) -> CliResult<Vec<Show>> {
        let mut shows = Vec::new();
        if self.audience.shows_others
            && let Some(session_id) = &self.conversation.session_id
        {
            shows = self.others.take(session_id, event);
        }
        let is_time = match event {
            Event::TurnStarted { .. } | Event::TurnFinished { .. } | Event::ItemStored { .. } => {
                true
            }
            Event::QueueChanged { queue, started, .. } => {
                let mine = self.waiting.as_ref().and_then(|w| w.queue_id.as_ref());
                let is_started = mine.is_some() && started.as_ref() == mine;
                let waits = queue.iter().any(|message| Some(&message.id) == mine);
                // Neither waiting nor begun: somebody took it back. Asking would say it again.
                if mine.is_some() && !is_started && !waits {
                    self.was_taken_back = true;
                    shows.push(Show::Notice(
                        "somebody took the message back before it was answered".to_owned(),
                    ));
                }
                is_started
            }
            _ => false,
        };
        if is_time && !self.was_taken_back {
            let is_begin = matches!(event, Event::TurnStarted { .. });
            self.find_turn().await?;
            if let Some(view) = &mut self.view
                && !is_begin
            {
                view.lost_events();
                shows.extend(self.read_stored().await?);
            }
        }
        Ok(shows)
    }

    /// Asks which turn answers our message, by saying it again under the same id.
    pub(super) async fn find_turn(&mut self) -> CliResult<()> {
        if self.view.is_some() {
            return Ok(());
        }
        let Some(params) = self.waiting.as_ref().map(|w| w.params.clone()) else {
            return Ok(());
        };
        let (sent, missed) = self.conversation.call_again::<ChatSend>(params).await?;
        self.adopt(&sent, missed).await
    }

    pub(super) async fn adopt(&mut self, sent: &Sent, missed: bool) -> CliResult<()> {
        let Some(turn_id) = sent.turn_id.clone() else {
            return Ok(());
        };
        let mut view = TurnView::of_own_message(sent.session_id.clone(), turn_id);
        if missed {
            view.lost_events();
        }
        self.view = Some(view);
        if missed {
            let shows = self.read_stored().await?;
            self.show(&shows).await?;
        }
        Ok(())
    }

    /// Shows what is stored of the turn; a turn that neither ended nor runs was interrupted.
    pub(super) async fn read_stored(&mut self) -> CliResult<Vec<Show>> {
        let Some(turn_id) = self.view.as_ref().map(|view| view.turn_id().clone()) else {
            return Ok(Vec::new());
        };
        let items = self.conversation.items_of(&turn_id).await?;
        let mut shows = Vec::new();
        if let Some(view) = &mut self.view {
            shows.extend(items.iter().flat_map(|item| view.reconcile(item)));
            if view.finished().is_some() {
                return Ok(shows);
            }
        }
        let Some(session_id) = self.conversation.session_id.clone() else {
            return Ok(shows);
        };
        let params = SessionParams { session_id };
        let (detail, _) = self.conversation.call_again::<SessionGet>(params).await?;
        let runs = matches!(
            detail.summary.state,
            SessionState::Running | SessionState::Waiting
        );
        if detail.summary.state == SessionState::Waiting {
            shows.extend(self.open_approvals(&turn_id).await?);
        }
        if let (false, Some(view)) = (runs, &mut self.view) {
            // It may have ended between the two questions.
            let items = self.conversation.items_of(&turn_id).await?;
            shows.extend(items.iter().flat_map(|item| view.reconcile(item)));
            shows.extend(view.reconcile_end());
        }
        Ok(shows)
    }

    /// Requests for approval whose event was missed; shown again, decided once.
    async fn open_approvals(&mut self, turn_id: &TurnId) -> CliResult<Vec<Show>> {
        let params = ListParams {
            session_id: self.conversation.session_id.clone(),
            include_resolved: false,
        };
        let (open, _) = self.conversation.call_again::<ApprovalList>(params).await?;
        Ok(open
            .into_iter()
            .filter(|approval| {
                approval.turn_id.as_ref() == Some(turn_id) && !self.asked.contains(&approval.id)
            })
            .map(|approval| Show::Approval(Box::new(approval)))
            .collect())
    }
}
