//! What a turn can wait for. Everything here may be dropped and asked again.

use std::time::Duration;

use mesoclaw_agent::tool::ToolOutput;
use mesoclaw_agent::turn::Event;
use mesoclaw_api::BoxFuture;
use tokio::time::Instant;

use crate::session::model_call::ModelCall;
use crate::session::tools::JudgedCall;
use crate::tools::judge::{Asked, Refused};

/// Something that happened to a turn.
pub(crate) enum Happening {
    Event(Event),
    /// A call was judged, or not even that.
    Judged {
        asked: Box<Asked>,
        judged: Box<Result<JudgedCall, Refused>>,
    },
    /// A call that might run may not after all.
    CallRefused {
        asked: Box<Asked>,
        refused: Refused,
    },
    /// A tool ended.
    ToolEnded {
        asked: Box<Asked>,
        output: ToolOutput,
        duration: Duration,
    },
    DraftDue,
    ApprovalDue,
}

/// The next news of a running model call; never, when none runs.
pub(crate) async fn next_of_call(call: &mut Option<ModelCall>) -> Vec<Event> {
    match call {
        Some(call) => call.next().await,
        None => std::future::pending().await,
    }
}

/// The gathered context; never, when none is being gathered.
pub(crate) async fn next_of_context(context: &mut Option<BoxFuture<'static, Event>>) -> Event {
    match context {
        Some(context) => context.await,
        None => std::future::pending().await,
    }
}

/// A moment; never, when there is none.
pub(crate) async fn sleep_until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
