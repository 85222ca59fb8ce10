//! Handlers of `events.*`. A connection answers these itself, since a subscription belongs to it;
//! a caller in process learns here where the stream stands.

use mesoclaw_api::ops::events::{EventSource, EventsApi, SubscribeParams, Subscribed};
use mesoclaw_api::ops::{Done, NoParams};
use mesoclaw_api::{ApiResult, CallCtx};

use crate::core::Core;

impl EventsApi for Core {
    async fn subscribe(&self, _cx: CallCtx, params: SubscribeParams) -> ApiResult<Subscribed> {
        let (subscribed, _stream) = EventSource::subscribe(self, params);
        Ok(subscribed)
    }

    async fn unsubscribe(&self, _cx: CallCtx, _params: NoParams) -> ApiResult<Done> {
        Ok(Done {})
    }
}
