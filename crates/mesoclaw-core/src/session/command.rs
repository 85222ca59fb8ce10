//! What a session actor can be asked.

use mesoclaw_api::item::ApprovalDecision;
use mesoclaw_api::ops::approval::ApprovalScope;
use mesoclaw_api::ops::chat::{QueuedMessage, Sent};
use mesoclaw_api::ops::session::Session;
use mesoclaw_api::{ApiResult, ApprovalId, CallId, QueueId, Surface, TurnId};
use tokio::sync::oneshot;

use crate::images::SaidImage;
use crate::models::ResolvedModel;

/// Where an answer goes. The asker may be gone by then, which is no error.
pub(crate) type Reply<T> = oneshot::Sender<ApiResult<T>>;

/// A message of a person, checked and ready.
pub(crate) struct Message {
    /// Who said it.
    pub surface: Surface,
    /// The text.
    pub text: String,
    /// Images said with it.
    pub images: Vec<SaidImage>,
    /// The connection it came over, whose lent keys its turn may use.
    pub connection: u64,
    /// Makes a repeated message known.
    pub client_message_id: Option<String>,
    /// `provider:model` it asks for.
    pub model: Option<String>,
    /// The model that will answer if the turn begins at once.
    pub resolved: ResolvedModel,
    /// The session, when this message makes it: stored together with the message.
    pub new_session: Option<Session>,
    /// A title for a session that has none yet.
    pub title: Option<String>,
}

/// What a session actor can be asked.
pub(crate) enum Command {
    /// Say something: a turn begins, or the message waits.
    Send {
        message: Box<Message>,
        reply: Reply<Sent>,
    },
    /// Take up the last turn.
    Continue {
        surface: Surface,
        model: Option<String>,
        connection: u64,
        reply: Reply<Sent>,
    },
    /// Stop the running turn.
    Cancel {
        turn_id: Option<TurnId>,
        reply: Reply<bool>,
    },
    /// A person decided about a call.
    Approval {
        surface: Surface,
        call_id: CallId,
        approval_id: ApprovalId,
        decision: ApprovalDecision,
        reason: Option<String>,
    },
    /// A grant was stored, which may cover calls that wait.
    Granted {
        surface: Surface,
        scope: ApprovalScope,
    },
    /// Change a waiting message.
    QueueUpdate {
        queue_id: QueueId,
        text: String,
        reply: Reply<QueuedMessage>,
    },
    /// Take a waiting message back.
    QueueRemove { queue_id: QueueId, reply: Reply<()> },
    /// Start the first waiting message, if no turn runs.
    Wake,
    /// End: the running turn is stored as interrupted (shutdown) or cancelled (deletion).
    Close {
        interrupt: bool,
        reply: oneshot::Sender<()>,
    },
}

/// Answers a command; the asker may be gone, which is no error.
pub(crate) fn answer<T>(reply: Reply<T>, result: ApiResult<T>) {
    reply.send(result).ok();
}
