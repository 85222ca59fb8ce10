//! What a session can have stored, and how each of it goes into the database.

use mesoclaw_api::ops::approval::Approval;
use mesoclaw_api::ops::session::Session;
use mesoclaw_api::{
    CallId, Item, ItemId, QueueId, SessionId, Timestamp, TurnId, TurnOutcome, Usage,
};
use mesoclaw_store::StoreError;
use mesoclaw_store::repo::audit::{self, NewEntry};
use mesoclaw_store::repo::client_message::{self, KnownMessage};
use mesoclaw_store::repo::image::{self, ImageRow};
use mesoclaw_store::repo::model_call::{self, ModelCallRow};
use mesoclaw_store::repo::queue::QueuedRow;
use mesoclaw_store::repo::turn::TurnRow;
use mesoclaw_store::repo::{approval, checkpoint, item, queue, session, turn};

use crate::tools::audit::withdrawn;

/// One thing to store.
pub(crate) enum Write {
    NewSession(Session),
    TitleIfNone {
        session_id: SessionId,
        title: String,
    },
    NewTurn(TurnRow),
    Item(Item),
    FinishTurn {
        turn_id: TurnId,
        outcome: TurnOutcome,
        usage: Usage,
        cost_microusd: u64,
        at: Timestamp,
    },
    Remember {
        id: String,
        message: KnownMessage,
    },
    /// A known message that waited has become a turn.
    Started {
        id: String,
        turn_id: TurnId,
        item_id: ItemId,
    },
    Enqueue {
        session_id: SessionId,
        row: QueuedRow,
    },
    Requeue {
        session_id: SessionId,
        queue_id: QueueId,
        text: String,
    },
    Dequeue {
        session_id: SessionId,
        queue_id: QueueId,
    },
    Image(ImageRow),
    ModelCall(ModelCallRow),
    Call(CallWrite),
}

/// What a call of a tool leaves.
pub(crate) enum CallWrite {
    Audit(Box<NewEntry>),
    /// A command of a turn, whose changes nobody can put back.
    Command {
        session_id: SessionId,
        turn_id: TurnId,
        command: String,
    },
    OpenApproval(Box<Approval>),
    WithdrawApproval {
        turn_id: TurnId,
        call_id: CallId,
    },
}

impl From<CallWrite> for Write {
    fn from(write: CallWrite) -> Self {
        Self::Call(write)
    }
}

impl Write {
    /// Whether it is about waiting messages alone, and not about the running turn.
    pub fn is_of_queue(&self) -> bool {
        match self {
            Self::Enqueue { .. }
            | Self::Requeue { .. }
            | Self::Dequeue { .. }
            | Self::Image(_)
            | Self::Remember { .. } => true,
            Self::NewSession(_)
            | Self::TitleIfNone { .. }
            | Self::NewTurn(_)
            | Self::Item(_)
            | Self::FinishTurn { .. }
            | Self::Started { .. }
            | Self::ModelCall(_)
            | Self::Call(_) => false,
        }
    }
}

/// Does them all on one transaction; gives the items with their places.
pub(crate) fn apply_all(
    tx: &mesoclaw_store::Connection,
    writes: Vec<Write>,
) -> Result<Vec<Item>, StoreError> {
    let mut stored = Vec::new();
    for write in writes {
        apply(tx, write, &mut stored)?;
    }
    Ok(stored)
}

fn apply(
    tx: &mesoclaw_store::Connection,
    write: Write,
    stored: &mut Vec<Item>,
) -> Result<(), StoreError> {
    match write {
        Write::NewSession(new) => session::insert(tx, &new)?,
        Write::TitleIfNone { session_id, title } => {
            if session::get(tx, &session_id)?.is_some_and(|found| found.title.is_empty()) {
                session::rename(tx, &session_id, &title, &Timestamp::now())?;
            }
        }
        Write::NewTurn(row) => {
            session::touch(tx, &row.session_id, &row.started_at)?;
            turn::insert(tx, &row)?;
        }
        Write::Item(mut new) => {
            new.position = item::upsert(tx, &new)?;
            stored.push(new);
        }
        Write::FinishTurn {
            turn_id,
            outcome,
            usage,
            cost_microusd,
            at,
        } => {
            turn::finish(tx, &turn_id, &outcome, &usage, cost_microusd, &at)?;
        }
        Write::Remember { id, message } => client_message::remember(tx, &id, &message)?,
        Write::Started {
            id,
            turn_id,
            item_id,
        } => {
            client_message::started(tx, &id, &turn_id, &item_id)?;
        }
        Write::Enqueue { session_id, row } => {
            let client_id = row.client_message_id.as_deref();
            queue::push(tx, &session_id, &row.message, client_id, row.surface)?;
        }
        Write::Requeue {
            session_id,
            queue_id,
            text,
        } => {
            queue::update(tx, &session_id, &queue_id, &text)?;
        }
        Write::Dequeue {
            session_id,
            queue_id,
        } => {
            queue::remove(tx, &session_id, &queue_id)?;
        }
        Write::Image(row) => image::insert(tx, &row)?,
        Write::ModelCall(row) => model_call::insert(tx, &row)?,
        Write::Call(write) => apply_of_call(tx, write)?,
    }
    Ok(())
}

fn apply_of_call(tx: &mesoclaw_store::Connection, write: CallWrite) -> Result<(), StoreError> {
    match write {
        CallWrite::OpenApproval(new) => approval::open(tx, &new)?,
        CallWrite::WithdrawApproval { turn_id, call_id } => {
            let now = Timestamp::now();
            // One that was answered in the same moment stays answered.
            for taken_back in approval::withdraw_for_call(tx, Some(&turn_id), &call_id, &now)? {
                audit::append(tx, withdrawn(&taken_back))?;
            }
        }
        CallWrite::Audit(entry) => {
            audit::append(tx, *entry)?;
        }
        CallWrite::Command {
            session_id,
            turn_id,
            command,
        } => checkpoint::add_command(tx, &session_id, &turn_id, &command, &Timestamp::now())?,
    }
    Ok(())
}
