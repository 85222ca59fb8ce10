//! One turn: user message to final answer, as a pure machine.
//!
//! Events go in, effects come out; a driver carries the effects out and feeds their answers back.
//! There is no clock, no I/O and no randomness here, so every interleaving is a text file in
//! `fixtures/`.
//!
//! # The turn
//!
//! ```text
//! Idle ── UserMessage, Resume ──> Gathering ── ContextReady ──> Answering
//!
//! Answering ── the answer is whole ──────────────────────────────> Finished (completed)
//!     ^  │  ── the answer has calls ──> Acting
//!     │  │  ── the output limit cut it ──> Answering, the same item grows on
//!     │  │  ── the prompt is too long, for the first time ──> Answering, with less history
//!     │  └─ the call failed, the answer is empty ────────────────> Finished (failed)
//!     │
//!     └── every call of the round is closed ── Acting
//!
//! Acting ── the round repeats those before it once too often ──> Finished (limit)
//! any of them ── Cancel, Interrupt, TurnTimedOut ──> Finished (cancelled, interrupted, limit)
//! before each Answering ── a limit is used up ─────> Finished (limit)
//! ```
//!
//! A resumed turn goes from Gathering to Acting first: with the calls, if any, that a person decided
//! about after the turn it takes up had broken off. Decided later, they join the next round.
//!
//! # A call
//!
//! ```text
//! Received ── not a call we know how to make ──> Failed
//!     └──> Checking ── denied ──> Denied
//!             ├── asks a person ──> Awaiting ── denied, nobody answered ──> Denied
//!             │                         └── approved ──┐
//!             └── allowed ────────────────────────────> Running ──> Done | Failed
//!
//! Checking, Awaiting, Running ── it may not run after all ──> Denied
//! ```
//!
//! Calls of a round walk on their own; Done, Denied and Failed are closed, and each closed call has
//! one stored result.
//!
//! # Taint
//!
//! A turn is tainted while its prompt holds a result whose provenance says so, of the history or
//! of its own. `CheckCall` and `RunTool` name the source as it is at that moment: a call that runs
//! goes on when another result taints the turn, one that was only allowed is checked again, and
//! one that a person approves later is judged by the driver with the taint of then.
//!
//! # Promises
//!
//! - An entry is persisted before an event tells of it; text deltas are the exception.
//! - Entry `n` is stored for the first time after entries `0..n`, so numbers have no gaps, also
//!   when the process is killed in between.
//! - `Finish` comes once, as the last effect. What arrives afterwards changes nothing, and so does
//!   what does not fit the state: an unknown call, a second answer.

mod acting;
mod answer;
mod asked;
mod calls;
mod effect;
mod ending;
mod event;
mod journal;
mod limits;
mod machine;
mod open_call;
mod pieces;
mod repetition;
mod resume;
mod setup;
mod shrink;
mod stopped;
mod taint;
mod verdict;

pub use answer::Draft;
pub use effect::{Call, Effect};
pub use event::{Context, Event};
pub use limits::TurnLimits;
pub use machine::TurnMachine;
pub use setup::TurnSetup;
pub use verdict::Verdict;
