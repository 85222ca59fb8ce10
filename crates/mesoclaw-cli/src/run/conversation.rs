//! A connection that follows one session: events without duplicates, reconnecting where it left off.

use std::sync::Arc;
use std::time::Duration;

use mesoclaw_api::event::{EventFilter, EventFrame};
use mesoclaw_api::ops::chat::{CancelParams, TurnCancel};
use mesoclaw_api::ops::events::{Delivery, EventCursor, EventsSubscribe, SubscribeParams};
use mesoclaw_api::ops::session::{ItemsParams, SessionItems};
use mesoclaw_api::{ApiResult, ErrorCode, Item, Operation, SessionId, Surface, TurnId};
use tokio::time::{sleep, timeout};

use crate::connect::{Home, Link};
use crate::exit::{CliError, CliResult};
use crate::output::Console;
use crate::run::offer::lend_again;

/// Waits between tries to reach a daemon that went away.
const BACK_OFF_MS: [u64; 8] = [20, 50, 100, 250, 500, 1000, 2000, 2000];

/// How long the order to stop a turn may take.
const CANCEL_PATIENCE: Duration = Duration::from_secs(2);

/// What came over the connection.
#[derive(Clone, Debug)]
pub enum News {
    /// An event.
    Event(Arc<EventFrame>),
    /// Events were lost on the way.
    Lagged,
    /// The connection ended.
    Lost,
}

/// A connection that follows one session.
pub struct Conversation {
    /// The installation.
    pub home: Home,
    /// Where notes go.
    pub console: Console,
    /// The session; `None` until the first message made one.
    pub session_id: Option<SessionId>,
    /// The connection.
    pub link: Link,
    /// Variables of this shell whose values were lent over the connection.
    pub lent: Vec<String>,
    surface: Surface,
    cursor: Option<EventCursor>,
}

impl Conversation {
    /// A conversation over a connection that subscribed in its handshake, or not yet.
    pub fn new(home: Home, console: Console, surface: Surface, link: Link) -> Self {
        let cursor = link
            .hello
            .subscribed
            .as_ref()
            .map(|subscribed| EventCursor {
                boot_id: subscribed.boot_id.clone(),
                seq: subscribed.seq,
            });
        Self {
            home,
            console,
            session_id: None,
            link,
            lent: Vec::new(),
            surface,
            cursor,
        }
    }

    /// Runs an operation on this connection.
    ///
    /// # Errors
    /// The operation's own.
    pub async fn call<O: Operation>(&self, params: O::Params) -> ApiResult<O::Output> {
        self.link.client.call::<O>(params).await
    }

    /// Follows a session from now on.
    ///
    /// # Errors
    /// The connection ended.
    pub async fn follow_session(&mut self, session_id: SessionId) -> ApiResult<()> {
        self.cursor = None;
        self.subscribe(EventFilter::session(session_id.clone()))
            .await?;
        self.session_id = Some(session_id);
        Ok(())
    }

    /// Follows the session that was made meanwhile and no other; nothing is missed between.
    ///
    /// # Errors
    /// The connection ended.
    pub async fn narrow(&mut self) -> ApiResult<()> {
        match self.session_id.clone() {
            Some(session_id) => self.subscribe(EventFilter::session(session_id)).await,
            None => Ok(()),
        }
    }

    /// Follows all sessions: for the first message of one that does not exist yet.
    ///
    /// # Errors
    /// The connection ended.
    pub async fn follow_everything(&mut self) -> ApiResult<()> {
        self.cursor = None;
        self.session_id = None;
        self.subscribe(EventFilter::default()).await
    }

    async fn subscribe(&mut self, filter: EventFilter) -> ApiResult<()> {
        let params = SubscribeParams {
            filter,
            since: self.cursor.clone(),
        };
        let subscribed = self.call::<EventsSubscribe>(params).await?;
        if self.cursor.is_none() || !subscribed.is_complete {
            self.cursor = Some(EventCursor {
                boot_id: subscribed.boot_id,
                seq: subscribed.seq,
            });
        }
        Ok(())
    }

    /// The next news.
    ///
    /// # Cancellation
    /// Cancel safe.
    pub async fn next(&mut self) -> News {
        loop {
            match self.link.next().await {
                None => return News::Lost,
                Some(Delivery::Lagged { .. }) => return News::Lagged,
                Some(Delivery::Event(frame)) => {
                    if self.is_new(&frame) {
                        return News::Event(frame);
                    }
                }
            }
        }
    }

    /// News that are there already.
    pub async fn ready(&mut self) -> Option<News> {
        tokio::select! {
            biased;
            news = self.next() => Some(news),
            () = std::future::ready(()) => None,
        }
    }

    /// Reaches the daemon again, starting it when it is gone. Says whether nothing was missed.
    ///
    /// # Errors
    /// It could not be reached in about six seconds.
    pub async fn reconnect(&mut self) -> CliResult<bool> {
        let mut last = None;
        for wait in BACK_OFF_MS {
            match self.reconnect_once().await {
                Ok(is_complete) => return Ok(is_complete),
                Err(error) => last = Some(error),
            }
            sleep(Duration::from_millis(wait)).await;
        }
        Err(last.unwrap_or(CliError::Said(crate::exit::UNREACHABLE)))
    }

    /// Reaches a daemon that runs again, without starting one; false when none is there.
    pub async fn reconnect_running(&mut self) -> bool {
        let subscribe = self.where_it_ended();
        match self.home.connect(self.surface, Some(subscribe)).await {
            Ok(link) => {
                self.take_link(link).await;
                true
            }
            Err(_) => false,
        }
    }

    async fn reconnect_once(&mut self) -> CliResult<bool> {
        let subscribe = self.where_it_ended();
        let (link, _) = self
            .home
            .connect_or_start(self.surface, Some(subscribe))
            .await?;
        Ok(self.take_link(link).await)
    }

    fn where_it_ended(&self) -> SubscribeParams {
        SubscribeParams {
            filter: match &self.session_id {
                Some(session_id) => EventFilter::session(session_id.clone()),
                None => EventFilter::default(),
            },
            since: self.cursor.clone(),
        }
    }

    /// Goes on over a new connection; says whether nothing was missed.
    async fn take_link(&mut self, link: Link) -> bool {
        let subscribed = link.hello.subscribed.clone();
        self.link = link;
        // What is lent belongs to a connection.
        lend_again(&self.link.client, &self.lent).await;
        let Some(subscribed) = subscribed else {
            return false;
        };
        let is_complete = subscribed.is_complete && self.cursor.is_some();
        if !is_complete {
            self.cursor = Some(EventCursor {
                boot_id: subscribed.boot_id,
                seq: subscribed.seq,
            });
        }
        is_complete
    }

    /// Runs an operation that may be repeated, over a new connection when this one ends.
    /// Says whether events were missed meanwhile.
    ///
    /// # Errors
    /// The operation's own, or the daemon cannot be reached any more.
    pub async fn call_again<O: Operation>(
        &mut self,
        params: O::Params,
    ) -> CliResult<(O::Output, bool)>
    where
        O::Params: Clone,
    {
        let mut missed = false;
        for _ in 0..3 {
            match self.call::<O>(params.clone()).await {
                Ok(output) => return Ok((output, missed)),
                Err(error) if is_lost(error.code) => missed |= !self.reconnect().await?,
                Err(error) => return Err(error.into()),
            }
        }
        Ok((self.call::<O>(params).await?, missed))
    }

    /// Stops a turn, or whatever runs; a daemon that does not answer is left alone.
    pub async fn cancel(&self, turn_id: Option<TurnId>) {
        let Some(session_id) = self.session_id.clone() else {
            return;
        };
        let params = CancelParams {
            session_id,
            turn_id,
        };
        // Whoever stops wants to leave: an error here would only be in the way.
        timeout(CANCEL_PATIENCE, self.call::<TurnCancel>(params))
            .await
            .ok();
    }

    /// The stored items of a turn, oldest first.
    ///
    /// # Errors
    /// The operation's own.
    pub async fn items_of(&mut self, turn_id: &TurnId) -> CliResult<Vec<Item>> {
        let Some(session_id) = self.session_id.clone() else {
            return Ok(Vec::new());
        };
        let mut items: Vec<Item> = Vec::new();
        let mut before = None;
        loop {
            let params = ItemsParams {
                session_id: session_id.clone(),
                before,
                after: None,
                limit: None,
            };
            let (page, _) = self.call_again::<SessionItems>(params).await?;
            before = page.items.first().map(|item| item.position);
            // The turn is whole once a page begins with something older.
            let is_whole = page
                .items
                .first()
                .is_none_or(|item| item.turn_id.as_ref() != Some(turn_id));
            let of_turn = page.items.into_iter();
            let mut of_turn: Vec<Item> = of_turn
                .filter(|item| item.turn_id.as_ref() == Some(turn_id))
                .collect();
            let found_none = of_turn.is_empty() && !items.is_empty();
            of_turn.append(&mut items);
            items = of_turn;
            let go_on = page.has_more && (items.is_empty() || !is_whole) && !found_none;
            if !go_on {
                return Ok(items);
            }
        }
    }

    fn is_new(&mut self, frame: &EventFrame) -> bool {
        let is_old = self
            .cursor
            .as_ref()
            .is_some_and(|seen| seen.boot_id == frame.boot_id && frame.seq <= seen.seq);
        if is_old {
            return false;
        }
        self.cursor = Some(EventCursor {
            boot_id: frame.boot_id.clone(),
            seq: frame.seq,
        });
        true
    }
}

/// Whether an error only says that the connection or the daemon is gone.
pub fn is_lost(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::Unreachable | ErrorCode::ShuttingDown)
}
