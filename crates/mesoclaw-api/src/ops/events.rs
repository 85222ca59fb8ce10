//! Subscriptions. They belong to a connection, which answers these operations itself and then
//! sends `event` notifications.

use std::pin::Pin;
use std::sync::Arc;

use futures_core::Stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::{EventFilter, EventFrame};
use crate::ids::BootId;
use crate::macros::operations;
use crate::ops::{Done, NoParams};

/// What to send, and from where on.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SubscribeParams {
    /// Which events.
    pub filter: EventFilter,
    /// The last event the client saw; what it missed since comes first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<EventCursor>,
}

/// A place in the stream of events.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventCursor {
    /// The life of the daemon `seq` belongs to.
    pub boot_id: BootId,
    /// Number of the last event seen.
    pub seq: u64,
}

/// Where the stream begins.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Subscribed {
    /// This life of the daemon.
    pub boot_id: BootId,
    /// Number of the newest event at this moment.
    pub seq: u64,
    /// Whether everything since the cursor will come. False after a restart, or when the cursor is
    /// older than the ring of kept events: the client then reads items by `session.items`.
    pub is_complete: bool,
}

/// What a subscriber receives.
#[derive(Clone, Debug)]
pub enum Delivery {
    /// An event.
    Event(Arc<EventFrame>),
    /// So many events were lost on the way.
    Lagged {
        /// How many.
        skipped: u64,
    },
}

/// A stream of events; it ends when the daemon goes down.
pub type EventStream = Pin<Box<dyn Stream<Item = Delivery> + Send>>;

/// Something that publishes events: the bus of the core.
pub trait EventSource: Send + Sync {
    /// Starts a subscription. Events after the returned `seq` are in the stream, none is missed
    /// in between.
    fn subscribe(&self, params: SubscribeParams) -> (Subscribed, EventStream);
}

operations! { EventsApi;
    /// Receive events on this connection; a second call replaces the first.
    EventsSubscribe = subscribe: "events.subscribe", Post "/events/subscribe", Read, Json, Free, Merge,
        SubscribeParams => Subscribed;
    /// Receive no more events on this connection.
    EventsUnsubscribe = unsubscribe: "events.unsubscribe", Post "/events/unsubscribe", Read, Json, Free, Merge,
        NoParams => Done;
}
