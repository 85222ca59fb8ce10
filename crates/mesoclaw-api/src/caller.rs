//! `Caller`: the one way to reach the core, in process or over a socket.

use std::future::Future;
use std::pin::Pin;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{ApiError, ApiResult};
use crate::op::{Access, Operation};

/// A boxed future, for the one object safe method of [`RawCaller`].
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Who calls. It decides the ceiling of what the caller may do.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Surface {
    /// The full-screen interface.
    Tui,
    /// The plain line chat and the subcommands.
    Cli,
    /// A prompt from a pipe: nobody can be asked anything.
    Pipe,
    /// The HTTP bridge.
    Http,
    /// A tool, a plugin: that is, the model.
    Tool,
    /// A scheduled job.
    Job,
    /// The daemon itself, at boot and shutdown.
    Internal,
}

impl Surface {
    /// The highest access level this surface may use.
    pub fn ceiling(self) -> Access {
        match self {
            Self::Tui | Self::Cli | Self::Pipe | Self::Http | Self::Internal => Access::Owner,
            Self::Job => Access::Write,
            Self::Tool => Access::Read,
        }
    }

    /// Whether a person can be asked a question there.
    pub fn is_interactive(self) -> bool {
        match self {
            Self::Tui | Self::Cli | Self::Http => true,
            Self::Pipe | Self::Tool | Self::Job | Self::Internal => false,
        }
    }
}

/// What the core knows about a call besides its params.
#[derive(Clone, Debug)]
pub struct CallCtx {
    /// Who calls.
    pub surface: Surface,
    /// Number of the connection, `0` in process.
    pub connection: u64,
}

impl CallCtx {
    /// A call from inside the daemon.
    pub fn internal() -> Self {
        Self {
            surface: Surface::Internal,
            connection: 0,
        }
    }
}

/// Something that can run an operation by name: the core itself, or a client of a socket.
pub trait RawCaller: Send + Sync {
    /// Runs `method` with `params` and gives its answer.
    ///
    /// # Cancellation
    /// Dropping the future stops waiting; the operation itself may still complete.
    fn call_raw(&self, cx: CallCtx, method: &str, params: Value)
    -> BoxFuture<'_, ApiResult<Value>>;

    /// A connection ended: what was kept for it alone is dropped.
    fn connection_closed(&self, _connection: u64) {}
}

/// A caller bound to its context: what surfaces and tools hold.
#[derive(Clone)]
pub struct Caller<R> {
    raw: R,
    cx: CallCtx,
}

impl<R: std::ops::Deref<Target: RawCaller> + Send + Sync> Caller<R> {
    /// Binds a caller to who is calling.
    pub fn new(raw: R, cx: CallCtx) -> Self {
        Self { raw, cx }
    }

    /// Runs a typed operation.
    ///
    /// # Errors
    /// The operation's own error, or `MESO_INTERNAL_ERROR` when the answer has another shape.
    pub async fn call<O: Operation>(&self, params: O::Params) -> ApiResult<O::Output> {
        self.raw.call_typed::<O>(self.cx.clone(), params).await
    }
}

/// Typed calls on every [`RawCaller`].
pub trait CallerExt: RawCaller {
    /// Runs a typed operation.
    fn call_typed<O: Operation>(
        &self,
        cx: CallCtx,
        params: O::Params,
    ) -> impl Future<Output = ApiResult<O::Output>> + Send {
        async move {
            let params = serde_json::to_value(params).map_err(ApiError::unserialisable)?;
            let output = self.call_raw(cx, O::METHOD, params).await?;
            serde_json::from_value(output).map_err(ApiError::unserialisable)
        }
    }
}

impl<R: RawCaller + ?Sized> CallerExt for R {}
