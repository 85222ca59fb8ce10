//! Events: what happened, with a number. The bus stamps them, every watcher sees the same.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::caller::Surface;
use crate::ids::{ApprovalId, BootId, CallId, ItemId, QueueId, SessionId, TurnId};
use crate::item::{ApprovalDecision, Item, TurnOutcome, Usage};
use crate::ops::approval::Approval;
use crate::ops::chat::QueuedMessage;
use crate::ops::session::Session;

/// An event as it goes over the wire.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct EventFrame {
    /// The life of the daemon that `seq` belongs to.
    pub boot_id: BootId,
    /// Number of the event in this boot, from 1, without gaps on the bus. A merged delta carries
    /// the number of its last part.
    pub seq: u64,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// What happened.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind")]
pub enum Event {
    /// A turn began.
    #[serde(rename = "turn.started")]
    TurnStarted {
        /// The conversation.
        session_id: SessionId,
        /// The turn.
        turn_id: TurnId,
        /// `provider:model` that will answer.
        model: String,
    },
    /// An item was stored, or stored again with more in it.
    #[serde(rename = "item.stored")]
    ItemStored {
        /// The item.
        item: Item,
    },
    /// The answer grew.
    #[serde(rename = "text.delta")]
    TextDelta {
        /// The conversation.
        session_id: SessionId,
        /// The turn.
        turn_id: TurnId,
        /// The item that grows.
        item_id: ItemId,
        /// What was added.
        text: String,
    },
    /// The model's thinking grew.
    #[serde(rename = "reasoning.delta")]
    ReasoningDelta {
        /// The conversation.
        session_id: SessionId,
        /// The turn.
        turn_id: TurnId,
        /// The item that grows.
        item_id: ItemId,
        /// What was added.
        text: String,
    },
    /// A tool began to run.
    #[serde(rename = "tool.started")]
    ToolStarted {
        /// The conversation.
        session_id: SessionId,
        /// The turn.
        turn_id: TurnId,
        /// The call.
        call_id: CallId,
        /// Name of the tool.
        tool: String,
    },
    /// A running tool says how far it is.
    #[serde(rename = "tool.progress")]
    ToolProgress {
        /// The conversation; `None` for a tool that was run by itself.
        session_id: Option<SessionId>,
        /// The turn; `None` for a tool that was run by itself.
        turn_id: Option<TurnId>,
        /// The call.
        call_id: CallId,
        /// The news.
        text: String,
    },
    /// A model call failed before it said anything and is tried again.
    #[serde(rename = "turn.retrying")]
    TurnRetrying {
        /// The conversation.
        session_id: SessionId,
        /// The turn.
        turn_id: TurnId,
        /// Number of the coming try, from 2.
        attempt: u32,
        /// Wait before it, in milliseconds.
        after_ms: u64,
        /// Why the last try failed.
        reason: String,
    },
    /// Another model answers from here on, because the one before could not.
    #[serde(rename = "turn.model_changed")]
    TurnModelChanged {
        /// The conversation.
        session_id: SessionId,
        /// The turn.
        turn_id: TurnId,
        /// `provider:model` that answers now.
        model: String,
        /// Why the one before could not.
        reason: String,
    },
    /// A turn ended; everything it said is stored.
    #[serde(rename = "turn.finished")]
    TurnFinished {
        /// The conversation.
        session_id: SessionId,
        /// The turn.
        turn_id: TurnId,
        /// How.
        outcome: TurnOutcome,
        /// What it used.
        usage: Usage,
    },
    /// Somebody must decide about a call.
    #[serde(rename = "approval.requested")]
    ApprovalRequested {
        /// The request.
        approval: Box<Approval>,
    },
    /// Somebody did, or time ran out.
    #[serde(rename = "approval.resolved")]
    ApprovalResolved {
        /// The request.
        approval_id: ApprovalId,
        /// The conversation; `None` for a tool that was run by itself.
        session_id: Option<SessionId>,
        /// What was decided.
        decision: ApprovalDecision,
        /// Who decided; `None` when nobody did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Surface>,
    },
    /// The messages that wait in a session changed.
    #[serde(rename = "queue.changed")]
    QueueChanged {
        /// The conversation.
        session_id: SessionId,
        /// All that wait now, in order.
        queue: Vec<QueuedMessage>,
        /// The one that just left the queue to become a turn.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        started: Option<QueueId>,
    },
    /// A session was made, renamed or otherwise changed.
    #[serde(rename = "session.changed")]
    SessionChanged {
        /// The session as it is now.
        session: Session,
    },
    /// A session was deleted.
    #[serde(rename = "session.deleted")]
    SessionDeleted {
        /// The session.
        session_id: SessionId,
    },
    /// Configuration changed.
    #[serde(rename = "config.changed")]
    ConfigChanged {
        /// The keys whose value is another now.
        keys: Vec<String>,
    },
    /// Providers or the default model changed.
    #[serde(rename = "provider.changed")]
    ProviderChanged {
        /// The provider.
        provider_id: String,
    },
    /// A secret was set or deleted, or all were moved.
    #[serde(rename = "credential.changed")]
    CredentialChanged {
        /// Its name; `None` when all were moved.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
    },
    /// A model file is being fetched.
    #[serde(rename = "model.progress")]
    ModelProgress {
        /// Catalogue id or file name.
        model: String,
        /// Bytes there so far.
        received_bytes: u64,
        /// Bytes in all, where known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        total_bytes: Option<u64>,
        /// What is going on, in words.
        stage: String,
    },
    /// A model file arrived, or did not.
    #[serde(rename = "model.finished")]
    ModelFinished {
        /// Catalogue id or file name.
        model: String,
        /// Why it failed; `None` when the file is installed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<crate::error::ApiError>,
    },
    /// Something a person should know.
    #[serde(rename = "warning")]
    Warning {
        /// The sentence.
        message: String,
    },
    /// The daemon goes down; the connection ends soon.
    #[serde(rename = "daemon.stopping")]
    DaemonStopping {
        /// Why.
        reason: String,
    },
}

impl Event {
    /// The name on the wire.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::TurnStarted { .. } => "turn.started",
            Self::ItemStored { .. } => "item.stored",
            Self::TextDelta { .. } => "text.delta",
            Self::ReasoningDelta { .. } => "reasoning.delta",
            Self::ToolStarted { .. } => "tool.started",
            Self::ToolProgress { .. } => "tool.progress",
            Self::TurnRetrying { .. } => "turn.retrying",
            Self::TurnModelChanged { .. } => "turn.model_changed",
            Self::TurnFinished { .. } => "turn.finished",
            Self::ApprovalRequested { .. } => "approval.requested",
            Self::ApprovalResolved { .. } => "approval.resolved",
            Self::QueueChanged { .. } => "queue.changed",
            Self::SessionChanged { .. } => "session.changed",
            Self::SessionDeleted { .. } => "session.deleted",
            Self::ConfigChanged { .. } => "config.changed",
            Self::ProviderChanged { .. } => "provider.changed",
            Self::CredentialChanged { .. } => "credential.changed",
            Self::ModelProgress { .. } => "model.progress",
            Self::ModelFinished { .. } => "model.finished",
            Self::Warning { .. } => "warning",
            Self::DaemonStopping { .. } => "daemon.stopping",
        }
    }

    /// Whether a slow reader may never miss it. If such an event does not fit, the connection is
    /// closed instead; everything else can be read again by operation.
    pub fn must_deliver(&self) -> bool {
        match self {
            Self::TurnFinished { .. }
            | Self::ApprovalRequested { .. }
            | Self::ApprovalResolved { .. }
            | Self::ConfigChanged { .. }
            | Self::ModelFinished { .. }
            | Self::DaemonStopping { .. } => true,
            Self::TurnStarted { .. }
            | Self::ItemStored { .. }
            | Self::TextDelta { .. }
            | Self::ReasoningDelta { .. }
            | Self::ToolStarted { .. }
            | Self::ToolProgress { .. }
            | Self::TurnRetrying { .. }
            | Self::TurnModelChanged { .. }
            | Self::CredentialChanged { .. }
            | Self::QueueChanged { .. }
            | Self::SessionChanged { .. }
            | Self::SessionDeleted { .. }
            | Self::ProviderChanged { .. }
            | Self::ModelProgress { .. }
            | Self::Warning { .. } => false,
        }
    }

    /// The session it is about; `None` for news of the whole daemon.
    pub fn session_id(&self) -> Option<&SessionId> {
        match self {
            Self::TurnStarted { session_id, .. }
            | Self::TextDelta { session_id, .. }
            | Self::ReasoningDelta { session_id, .. }
            | Self::ToolStarted { session_id, .. }
            | Self::TurnRetrying { session_id, .. }
            | Self::TurnModelChanged { session_id, .. }
            | Self::TurnFinished { session_id, .. }
            | Self::QueueChanged { session_id, .. }
            | Self::SessionDeleted { session_id } => Some(session_id),
            Self::ItemStored { item } => Some(&item.session_id),
            Self::ToolProgress { session_id, .. } | Self::ApprovalResolved { session_id, .. } => {
                session_id.as_ref()
            }
            Self::ApprovalRequested { approval } => approval.session_id.as_ref(),
            Self::SessionChanged { session } => Some(&session.id),
            Self::ConfigChanged { .. }
            | Self::ProviderChanged { .. }
            | Self::CredentialChanged { .. }
            | Self::ModelProgress { .. }
            | Self::ModelFinished { .. }
            | Self::Warning { .. }
            | Self::DaemonStopping { .. } => None,
        }
    }

    /// Joins `next` to this event where both are parts of the same growing text.
    /// Gives `next` back when they are not.
    pub fn merge(&mut self, next: Self) -> Result<(), Box<Self>> {
        match (self, next) {
            (
                Self::TextDelta { item_id, text, .. },
                Self::TextDelta {
                    item_id: next_id,
                    text: more,
                    ..
                },
            )
            | (
                Self::ReasoningDelta { item_id, text, .. },
                Self::ReasoningDelta {
                    item_id: next_id,
                    text: more,
                    ..
                },
            ) if *item_id == next_id => {
                text.push_str(&more);
                Ok(())
            }
            (_, next) => Err(Box::new(next)),
        }
    }
}

/// Which events a subscriber wants.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EventFilter {
    /// Only these sessions (news of the whole daemon always come); `None` = all sessions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sessions: Option<BTreeSet<SessionId>>,
    /// Only these kinds (must-deliver events always come); `None` = all kinds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kinds: Option<BTreeSet<String>>,
}

impl EventFilter {
    /// Everything of one session.
    pub fn session(id: SessionId) -> Self {
        Self {
            sessions: Some(BTreeSet::from([id])),
            kinds: None,
        }
    }

    /// Whether a subscriber with this filter gets the event.
    pub fn wants(&self, event: &Event) -> bool {
        let session_fits = match (&self.sessions, event.session_id()) {
            (Some(sessions), Some(id)) => sessions.contains(id),
            (None, _) | (_, None) => true,
        };
        let kind_fits = match &self.kinds {
            Some(kinds) => event.must_deliver() || kinds.contains(event.kind()),
            None => true,
        };
        session_fits && kind_fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delta(item: &str, text: &str) -> Event {
        Event::TextDelta {
            session_id: "s".into(),
            turn_id: "t".into(),
            item_id: item.into(),
            text: text.into(),
        }
    }

    #[test]
    fn deltas_of_one_item_merge_and_others_do_not() {
        let mut event = delta("a", "one ");
        assert_eq!(event.merge(delta("a", "two")), Ok(()));
        assert_eq!(event, delta("a", "one two"));
        assert_eq!(event.merge(delta("b", "x")), Err(Box::new(delta("b", "x"))));
    }

    #[test]
    fn wire_name_equals_kind() {
        let event = delta("a", "x");
        let value = serde_json::to_value(&event).unwrap();
        assert_eq!(value["kind"], event.kind());
    }

    #[test]
    fn filter_keeps_daemon_news_and_must_deliver_events() {
        let filter = EventFilter {
            sessions: Some(BTreeSet::from(["other".into()])),
            kinds: Some(BTreeSet::from(["text.delta".to_owned()])),
        };
        assert!(!filter.wants(&delta("a", "x")));
        assert!(filter.wants(&Event::ConfigChanged { keys: vec![] }));
        assert!(!filter.wants(&Event::Warning {
            message: String::new()
        }));
        assert!(EventFilter::default().wants(&delta("a", "x")));
    }
}
