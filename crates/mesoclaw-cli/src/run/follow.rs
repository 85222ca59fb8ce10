//! Follows one turn of our own to its end: says the message, shows what comes, stops when told to,
//! goes on over a new connection when one is lost.

use std::time::Duration;

use mesoclaw_api::event::EventFrame;
use mesoclaw_api::ops::approval::{Answer, Approval, ApprovalResolve, ResolveParams};
use mesoclaw_api::ops::chat::{ChatSend, SendParams, Sent};
use mesoclaw_api::ops::session::{
    QueueParams, QueueRemove, SessionGet, SessionParams, SessionState,
};
use mesoclaw_api::{ErrorCode, Event, QueueId, TurnId, TurnOutcome, Usage};
use tokio::time::{Instant, sleep_until};

use crate::exit::CliResult;
use crate::run::answer_file::Target;
use crate::run::background::Background;
use crate::run::conversation::{Conversation, News};
use crate::run::render::Renderer;
use crate::run::stops::{Stop, Stops};
use crate::run::view::{Show, TurnView};

/// How long a stopped turn may take to say how it ended.
const GRACE: Duration = Duration::from_secs(3);

/// After lost events, how often the stored text is read while deltas still come.
const BETWEEN_READS: Duration = Duration::from_millis(250);

/// Most pieces of news that are joined to one write.
const MERGE: usize = 256;

/// What a turn is shown with.
pub struct Audience<'a> {
    /// The form.
    pub renderer: Renderer,
    /// Where the answer goes.
    pub target: &'a mut Target,
    /// What ends the run.
    pub stops: &'a mut Stops,
    /// Who decides about approvals; `None` = nobody can be asked.
    pub judge: Option<&'a mut dyn Judge>,
    /// Whether turns of others in the same session are shown too.
    pub shows_others: bool,
}

/// Somebody who decides about approvals.
pub trait Judge {
    /// The answer; `None` when the person wants to stop the turn.
    fn decide<'a>(
        &'a mut self,
        approval: &'a Approval,
    ) -> mesoclaw_api::BoxFuture<'a, Option<Answer>>;
}

/// How it ended.
#[derive(Clone, Debug)]
pub struct Ending {
    /// The turn; `None` when none began.
    pub turn_id: Option<TurnId>,
    /// How the turn ended; `None` when that was not waited for.
    pub outcome: Option<TurnOutcome>,
    /// What it used.
    pub usage: Usage,
    /// Whether a call was denied.
    pub was_denied: bool,
    /// What stopped it from outside.
    pub stop: Option<Stop>,
    /// Whether the person asked a second time to leave.
    pub wants_out: bool,
}

impl Ending {
    /// Nothing was said.
    pub fn nothing() -> Self {
        Self {
            turn_id: None,
            outcome: None,
            usage: Usage::default(),
            was_denied: false,
            stop: None,
            wants_out: false,
        }
    }
}

/// A message of ours that has not become a turn yet.
struct Waiting {
    params: SendParams,
    queue_id: Option<QueueId>,
}

/// Follows one turn.
pub struct Follower<'a> {
    conversation: &'a mut Conversation,
    audience: Audience<'a>,
    view: Option<TurnView>,
    waiting: Option<Waiting>,
    others: Background,
    stop: Option<Stop>,
    leave_at: Option<Instant>,
    read_again_at: Option<Instant>,
    was_taken_back: bool,
}

impl<'a> Follower<'a> {
    /// A follower of nothing yet.
    pub fn new(conversation: &'a mut Conversation, audience: Audience<'a>) -> Self {
        Self {
            conversation,
            audience,
            view: None,
            waiting: None,
            others: Background::default(),
            stop: None,
            leave_at: None,
            read_again_at: None,
            was_taken_back: false,
        }
    }

    /// Gives the renderer back, with what it kept.
    pub fn into_renderer(self) -> Renderer {
        self.audience.renderer
    }

    /// Says a message and follows the turn that answers it.
    ///
    /// # Errors
    /// The message was not taken, the output cannot be written, or the daemon is gone for good.
    pub async fn say(&mut self, mut params: SendParams) -> CliResult<Ending> {
        // Saying it again over a new connection must not say it twice.
        params.client_message_id = Some(TurnId::random().as_str().to_owned());
        let (sent, missed) = self
            .conversation
            .call_again::<ChatSend>(params.clone())
            .await?;
        self.conversation.session_id = Some(sent.session_id.clone());
        params.session_id = Some(sent.session_id.clone());
        self.audience
            .renderer
            .start(Some(sent.session_id.clone()), sent.turn_id.clone());
        self.waiting = Some(Waiting {
            params,
            queue_id: sent.queue_id.clone(),
        });
        self.adopt(&sent, missed).await?;
        if self.view.is_none() {
            self.conversation
                .console
                .progress("another turn runs in this session; the message waits");
        }
        self.run().await
    }

    /// Follows a turn that began already.
    ///
    /// # Errors
    /// As [`Follower::say`].
    pub async fn watch(&mut self, turn_id: TurnId, from_start: bool) -> CliResult<Ending> {
        let Some(session_id) = self.conversation.session_id.clone() else {
            return Ok(self.ending(false));
        };
        let mut view = TurnView::new(session_id, turn_id);
        if !from_start {
            view.lost_events();
        }
        self.view = Some(view);
        if !from_start {
            let shows = self.read_stored().await?;
            self.show(&shows).await?;
        }
        self.run().await
    }

    async fn run(&mut self) -> CliResult<Ending> {
        loop {
            if self.was_taken_back || self.view.as_ref().is_some_and(|v| v.finished().is_some()) {
                return Ok(self.ending(false));
            }
            let news = tokio::select! {
                biased;
                stop = self.audience.stops.next() => {
                    if self.stopped(stop).await {
                        return Ok(self.ending(true));
                    }
                    continue;
                }
                news = self.conversation.next() => news,
                () = sleep_until(self.leave_at.unwrap_or_else(Instant::now)),
                    if self.leave_at.is_some() => return Ok(self.ending(false)),
            };
            let mut shows = self.take(news).await?;
            for _ in 0..MERGE {
                match self.conversation.ready().await {
                    Some(news) => shows.extend(self.take(news).await?),
                    None => break,
                }
            }
            if self.show(&shows).await? {
                return Ok(self.ending(true));
            }
        }
    }

    /// A stop from outside: the first one stops the turn, the second one leaves. True = leave.
    async fn stopped(&mut self, stop: Stop) -> bool {
        if self.stop.is_some() {
            return true;
        }
        self.stop = Some(stop);
        self.leave_at = Some(Instant::now() + GRACE);
        match (&self.view, &self.waiting) {
            (Some(view), _) => {
                let turn_id = view.turn_id().clone();
                self.conversation.cancel(Some(turn_id)).await;
                false
            }
            (None, Some(waiting)) => {
                if let (Some(queue_id), Some(session_id)) =
                    (waiting.queue_id.clone(), &waiting.params.session_id)
                {
                    let params = QueueParams {
                        session_id: session_id.clone(),
                        queue_id,
                    };
                    // It may just have become a turn, which then runs on as if detached.
                    self.conversation.call::<QueueRemove>(params).await.ok();
                }
                true
            }
            (None, None) => true,
        }
    }

    async fn take(&mut self, news: News) -> CliResult<Vec<Show>> {
        match news {
            News::Event(frame) => self.take_event(&frame).await,
            News::Lagged => {
                if let Some(view) = &mut self.view {
                    view.lost_events();
                }
                self.find_turn().await?;
                self.read_stored().await
            }
            News::Lost => {
                self.conversation
                    .console
                    .progress("lost the connection to the daemon; connecting again");
                let is_complete = self.conversation.reconnect().await?;
                if is_complete {
                    return Ok(Vec::new());
                }
                if let Some(view) = &mut self.view {
                    view.lost_events();
                }
                self.find_turn().await?;
                self.read_stored().await
            }
        }
    }

    async fn take_event(&mut self, frame: &EventFrame) -> CliResult<Vec<Show>> {
        let event = &frame.event;
        if event.session_id().is_some()
            && event.session_id() != self.conversation.session_id.as_ref()
        {
            return Ok(Vec::new());
        }
        if self.view.is_none() {
            let mut shows = self.take_while_waiting(event).await?;
            if let Some(view) = &mut self.view {
                shows.extend(view.apply(event));
            }
            return Ok(shows);
        }
        let (has_gap, turn_id) = match &self.view {
            Some(view) => (view.has_gap(), Some(view.turn_id().clone())),
            None => (false, None),
        };
        let mut shows = Vec::new();
        if has_gap && self.must_read(event, turn_id.as_ref()) {
            shows = self.read_stored().await?;
        }
        if let Some(view) = &mut self.view {
            shows.extend(view.apply(event));
        }
        if let Event::QueueChanged { queue, .. } = event
            && self.audience.shows_others
        {
            let waiting = queue.iter().enumerate();
            shows.extend(
                waiting.map(|(at, message)| {
                    Show::Notice(format!("queued {}: {}", at + 1, message.text))
                }),
            );
        }
        Ok(shows)
    }

    /// After a gap: before the end is shown, and now and then while deltas come.
    fn must_read(&mut self, event: &Event, turn_id: Option<&TurnId>) -> bool {
        match event {
            Event::TurnFinished { turn_id: ended, .. } => Some(ended) == turn_id,
            Event::TextDelta { .. } | Event::ReasoningDelta { .. } => {
                let now = Instant::now();
                let is_due = self.read_again_at.is_none_or(|at| at <= now);
                if is_due {
                    self.read_again_at = Some(now + BETWEEN_READS);
                }
                is_due
            }
            _ => false,
        }
    }

    /// Our message waits behind another turn: watch that one, and for our own to begin.
    async fn take_while_waiting(&mut self, event: &Event) -> CliResult<Vec<Show>> {
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
    async fn find_turn(&mut self) -> CliResult<()> {
        if self.view.is_some() {
            return Ok(());
        }
        let Some(params) = self.waiting.as_ref().map(|w| w.params.clone()) else {
            return Ok(());
        };
        let (sent, missed) = self.conversation.call_again::<ChatSend>(params).await?;
        self.adopt(&sent, missed).await
    }

    async fn adopt(&mut self, sent: &Sent, missed: bool) -> CliResult<()> {
        let Some(turn_id) = sent.turn_id.clone() else {
            return Ok(());
        };
        let mut view = TurnView::new(sent.session_id.clone(), turn_id);
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
    async fn read_stored(&mut self) -> CliResult<Vec<Show>> {
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
        if let (false, Some(view)) = (runs, &mut self.view) {
            // It may have ended between the two questions.
            let items = self.conversation.items_of(&turn_id).await?;
            shows.extend(items.iter().flat_map(|item| view.reconcile(item)));
            shows.extend(view.reconcile_end());
        }
        Ok(shows)
    }

    /// Writes what there is to show, then decides about approvals. True = the person wants out.
    async fn show(&mut self, shows: &[Show]) -> CliResult<bool> {
        let (mut out, mut notes) = (Vec::new(), Vec::new());
        for show in shows {
            self.audience.renderer.show(show, &mut out, &mut notes);
        }
        for note in notes {
            self.conversation.console.progress(&note);
        }
        if !out.is_empty() {
            let stop = self.audience.target.write(&out, self.audience.stops).await;
            match stop {
                Ok(None) => {}
                Ok(Some(stop)) => {
                    // The reader takes nothing, so there is no point in waiting for more.
                    self.stopped(stop).await;
                    return Ok(true);
                }
                Err(error) => {
                    let turn_id = self.view.as_ref().map(|view| view.turn_id().clone());
                    self.conversation.cancel(turn_id).await;
                    return Err(error);
                }
            }
        }
        for show in shows {
            if let Show::Approval(approval) = show {
                self.decide(approval).await?;
            }
        }
        Ok(false)
    }

    async fn decide(&mut self, approval: &Approval) -> CliResult<()> {
        let (answer, reason) = match &mut self.audience.judge {
            None => (
                Answer::Deny,
                Some("nobody can be asked: the answer goes to a pipe".to_owned()),
            ),
            Some(judge) => match judge.decide(approval).await {
                Some(answer) => (answer, None),
                None => {
                    self.stopped(Stop::Interrupt).await;
                    (Answer::Deny, None)
                }
            },
        };
        let params = ResolveParams {
            approval_id: approval.id.clone(),
            answer,
            reason,
        };
        match self.conversation.call::<ApprovalResolve>(params).await {
            Ok(_) => Ok(()),
            // Somebody else was first, or the turn is over: the event tells what counts.
            Err(error) if matches!(error.code, ErrorCode::Conflict | ErrorCode::NotFound) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn ending(&self, wants_out: bool) -> Ending {
        let finished = self.view.as_ref().and_then(TurnView::finished);
        let taken_back = self.was_taken_back.then_some(TurnOutcome::Cancelled);
        Ending {
            turn_id: self.view.as_ref().map(|view| view.turn_id().clone()),
            outcome: finished.map(|(outcome, _)| outcome.clone()).or(taken_back),
            usage: finished.map(|(_, usage)| *usage).unwrap_or_default(),
            was_denied: self.view.as_ref().is_some_and(TurnView::was_denied),
            stop: self.stop,
            wants_out,
        }
    }
}
