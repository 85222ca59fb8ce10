//! Ids as newtypes: a session id cannot be passed where a turn id is wanted.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// A fresh random id (UUID v4).
            pub fn random() -> Self {
                Self(uuid::Uuid::new_v4().to_string())
            }

            /// The id as text, the way it stands on the wire and in the database.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
    };
}

id_type!(
    /// A conversation.
    SessionId
);
id_type!(
    /// One turn of a conversation: user message to final answer.
    TurnId
);
id_type!(
    /// One entry of a conversation. Items of a turn are `<turn id>.<n>`, `n` from 0.
    ItemId
);
id_type!(
    /// One tool call, as the model named it or as the machine numbered it.
    CallId
);
id_type!(
    /// One request for approval.
    ApprovalId
);
id_type!(
    /// One stored approval that counts for more than one call.
    GrantId
);
id_type!(
    /// One message that waits for the running turn to end.
    QueueId
);
id_type!(
    /// One life of the daemon. Sequence numbers of events are comparable within one boot only.
    BootId
);

impl ItemId {
    /// The id of entry number `n` of a turn: the same turn always numbers its entries the same way,
    /// so storing an entry twice cannot make two of it.
    pub fn of_turn(turn: &TurnId, n: u32) -> Self {
        Self(format!("{turn}.{n}"))
    }
}
