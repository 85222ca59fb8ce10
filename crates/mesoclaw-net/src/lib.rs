//! The one guarded HTTP client: web tools and downloads go through it. Addresses are checked
//! after resolution and pinned, every redirect is checked, everything received is bounded.
//!
//! It knows nothing of models, tools or approvals, and keeps no cookies and no connections.

mod address;
mod allow;
mod content_type;
mod decode;
mod download;
mod error;
mod gate;
mod guard;
mod hop;
mod options;
mod pace;
mod proxy;
mod redirect;
mod request;
mod resolve;
mod response;
mod target;
mod tls;
mod web_url;

pub use address::{AddressClass, classify};
pub use allow::{BadHostPattern, HostPattern};
pub use download::{DownloadLimits, Downloaded};
pub use error::{NetError, Refusal};
pub use guard::Guard;
pub use options::GuardOptions;
pub use request::{RedirectHosts, Request};
pub use resolve::{Resolve, Resolving, SystemResolver};
pub use response::{Fetched, Head, Response};
pub use target::{Scheme, Target};
pub use web_url::WebUrl;

#[cfg(test)]
mod tests;
