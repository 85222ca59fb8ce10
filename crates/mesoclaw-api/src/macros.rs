//! The one macro of the API: `operations!` turns rows into a trait, marker types and dispatch.
//!
//! A worked expansion. The invocation
//!
//! ```text
//! operations! { UsageApi;
//!     /// Sum up tokens.
//!     UsageSummary = summary: "usage.summary", Get "/usage", Read, Json, Free, Merge,
//!         SummaryParams => UsageTotals;
//! }
//! ```
//!
//! becomes
//!
//! ```text
//! pub struct UsageSummary;                            // marker: `caller.call::<UsageSummary>(params)`
//! impl Operation for UsageSummary {
//!     const METHOD: &'static str = "usage.summary";
//!     type Params = SummaryParams;
//!     type Output = UsageTotals;
//! }
//! pub trait UsageApi: Send + Sync {                   // what the core implements
//!     fn summary(&self, cx: CallCtx, params: SummaryParams)
//!         -> impl Future<Output = ApiResult<UsageTotals>> + Send;
//! }
//! pub const OPS: &[OpInfo] = &[OpInfo { method: "usage.summary", /* all columns */ }];
//! pub(crate) async fn dispatch<H: UsageApi>(handler: &H, cx: CallCtx, method: &str, params: Value)
//!     -> Option<ApiResult<Value>>                     // None: no such method in this domain
//! ```
//!
//! A row without its method in the handler is a compile error; an unknown field in the params is
//! `MESO_INVALID_PARAMS` (every params type says `deny_unknown_fields`).

/// See the module documentation for a worked expansion.
macro_rules! operations {
    (
        $api:ident;
        $(
            #[doc = $summary:literal]
            $(#[doc = $more:literal])*
            $marker:ident = $name:ident: $method:literal, $verb:ident $path:literal,
                $access:ident, $reply:ident,
                $lane:ident $(($lane_name:literal))?, $body:ident $(($body_field:literal))?,
                $params:ty => $output:ty;
        )*
    ) => {
        $(
            #[doc = $summary]
            $(#[doc = $more])*
            pub struct $marker;

            impl $crate::op::Operation for $marker {
                const METHOD: &'static str = $method;
                type Params = $params;
                type Output = $output;
            }
        )*

        /// The operations of this domain; the core implements them.
        pub trait $api: Send + Sync {
            $(
                #[doc = $summary]
                $(#[doc = $more])*
                fn $name(
                    &self,
                    cx: $crate::caller::CallCtx,
                    params: $params,
                ) -> impl Future<Output = $crate::error::ApiResult<$output>> + Send;
            )*
        }

        /// The rows of this domain.
        pub const OPS: &[$crate::op::OpInfo] = &[$($crate::op::OpInfo {
                method: $method,
                verb: $crate::op::Verb::$verb,
                path: $path,
                access: $crate::op::Access::$access,
                reply: $crate::op::Reply::$reply,
                lane: $crate::op::Lane::$lane $(($lane_name))?,
                body: $crate::op::Body::$body $(($body_field))?,
                summary: $summary,
                params_schema: || schemars::schema_for!($params),
                output_schema: || schemars::schema_for!($output),
            }),*];

        /// Runs one method of this domain; `None` when the domain has no such method.
        pub(crate) async fn dispatch<H: $api>(
            handler: &H,
            cx: $crate::caller::CallCtx,
            method: &str,
            params: serde_json::Value,
        ) -> Option<$crate::error::ApiResult<serde_json::Value>> {
            match method {
                $(
                    $method => Some(
                        match $crate::dispatch::parse_params::<$params>(params) {
                            Ok(params) => handler
                                .$name(cx, params)
                                .await
                                .and_then(|output: $output| $crate::dispatch::to_value(&output)),
                            Err(error) => Err(error),
                        },
                    ),
                )*
                _ => None,
            }
        }
    };
}
pub(crate) use operations;
