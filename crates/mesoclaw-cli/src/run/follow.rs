//! Follows one turn of our own to its end: says the message, shows what comes, stops when told to,
//! goes on over a new connection when one is lost. What happens before the turn begins and after
//! events were lost is in `follow/waiting.rs`, questions to a person in `follow/deciding.rs`.

mod deciding;
mod waiting;

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use mesoclaw_api::event::EventFrame;
use mesoclaw_api::ops::chat::{ChatSend, SendParams};
use mesoclaw_api::ops::session::{QueueParams, QueueRemove};
use mesoclaw_api::{ApprovalId, Event, QueueId, TurnId, TurnOutcome};
use tokio::time::{Instant, sleep_until};

use crate::exit::CliResult;
use crate::run::audience::{Audience, Ending};
use crate::run::background::Background;
use crate::run::conversation::{Conversation, News};
use crate::run::render::Renderer;
use crate::run::stops::Stop;
use crate::run::view::{Show, TurnView};

/// How long a stopped turn may take to say how it ended.
const GRACE: Duration = Duration::from_secs(3);

/// After lost events, how often the stored text is read while deltas still come.
const BETWEEN_READS: Duration = Duration::from_millis(250);

/// Most pieces of news that are joined to one write.
const MERGE: usize = 256;

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
    /// Requests that were decided here.
    asked: BTreeSet<ApprovalId>,
    /// News that came while a question was open.
    kept: VecDeque<News>,
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
            asked: BTreeSet::new(),
            kept: VecDeque::new(),
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
                news = next_news(&mut self.kept, self.conversation) => news,
                () = sleep_until(self.leave_at.unwrap_or_else(Instant::now)),
                    if self.leave_at.is_some() => return Ok(self.ending(false)),
            };
            let mut shows = self.take(news).await?;
            for _ in 0..MERGE {
                match self.ready().await {
                    Some(news) => shows.extend(self.take(news).await?),
                    None => break,
                }
            }
            if self.show(&shows).await? {
                return Ok(self.ending(true));
            }
        }
    }

    /// News that are there already.
    async fn ready(&mut self) -> Option<News> {
        match self.kept.pop_front() {
            Some(news) => Some(news),
            None => self.conversation.ready().await,
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
                let lost = "lost the connection to the daemon; connecting again";
                if self.audience.shows_others {
                    self.show(&[Show::Notice(lost.to_owned())]).await?;
                } else {
                    self.conversation.console.progress(lost);
                }
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

    /// Writes what there is to show, then decides about approvals. True = the person wants out.
    async fn show(&mut self, shows: &[Show]) -> CliResult<bool> {
        let (mut out, mut notes) = (Vec::new(), Vec::new());
        for show in shows {
            self.audience.renderer.show(show, &mut out, &mut notes);
        }
        for note in notes {
            self.conversation.console.progress(&note);
        }
        if self.audience.renderer.style().says_notes() {
            for show in shows {
                if let Show::Note(text) = show {
                    self.conversation.console.note(&format!("note: {text}"));
                }
            }
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
        self.decide_all(shows).await
    }

    fn ending(&self, wants_out: bool) -> Ending {
        let finished = self.view.as_ref().and_then(TurnView::finished);
        let taken_back = self.was_taken_back.then_some(TurnOutcome::Cancelled);
        Ending {
            turn_id: self.view.as_ref().map(|view| view.turn_id().clone()),
            outcome: finished.map(|(outcome, _)| outcome.clone()).or(taken_back),
            usage: finished.map(|(_, usage)| *usage).unwrap_or_default(),
            refusals: self
                .view
                .as_ref()
                .map(|view| view.refusals().to_vec())
                .unwrap_or_default(),
            stop: self.stop,
            wants_out,
        }
    }
}

/// The next news, the kept ones first.
///
/// # Cancellation
/// Cancel safe.
async fn next_news(kept: &mut VecDeque<News>, conversation: &mut Conversation) -> News {
    match kept.pop_front() {
        Some(news) => news,
        None => conversation.next().await,
    }
}
