//! The API of mesoclaw, defined once: the table of operations, the wire types,
//! the events, the error codes and the [`Caller`] every surface uses.
//!
//! Reading order: `ops/session.rs` (what an operation looks like), `macros.rs`
//! (what a row expands to), `event.rs`, `error.rs`, `caller.rs`, `rpc.rs`.
//! Nothing here does I/O or knows a runtime.

mod macros;

pub mod caller;
pub mod dispatch;
pub mod error;
pub mod event;
pub mod ids;
pub mod item;
pub mod op;
pub mod ops;
pub mod rpc;
pub mod secret;
pub mod time;

pub use caller::{BoxFuture, CallCtx, Caller, CallerExt, RawCaller, Surface};
pub use dispatch::{Handler, dispatch, find, operations};
pub use error::{ApiError, ApiResult, ErrorCode};
pub use event::{Event, EventFilter, EventFrame};
pub use ids::{ApprovalId, BootId, CallId, GrantId, ItemId, QueueId, SessionId, TurnId};
pub use item::{Item, ItemBody, TurnOutcome, Usage};
pub use op::{Access, Body, Lane, OpInfo, Operation, Reply, Verb};
pub use secret::{Secret, SecretText};
pub use time::Timestamp;
