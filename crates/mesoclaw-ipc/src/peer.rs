//! Who is at the other end of a connection. Only this user may be.

use crate::endpoint::Stream;
use crate::error::IpcError;
use crate::platform;

/// The user at the other end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Peer {
    /// This user.
    Ours,
    /// Another user; `None` when the system does not tell which.
    Foreign(Option<u32>),
    /// Nobody: the connection was not made.
    NotConnected,
}

/// Who is at the other end of the connection.
///
/// # Errors
/// The system does not say.
pub fn peer_of(stream: &Stream) -> std::io::Result<Peer> {
    platform::peer_of(stream)
}

/// Refuses everybody but this user.
///
/// # Errors
/// Another user, or one that cannot be named, is at the other end.
pub fn check(peer: Peer) -> Result<(), IpcError> {
    match peer {
        Peer::Ours => Ok(()),
        Peer::Foreign(uid) => Err(IpcError::ForeignPeer { uid }),
        Peer::NotConnected => Err(IpcError::ForeignPeer { uid: None }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_user_may_pass() {
        let verdicts = [
            Peer::Ours,
            Peer::Foreign(Some(7)),
            Peer::Foreign(None),
            Peer::NotConnected,
        ]
        .map(|peer| check(peer).map_err(|error| error.to_string()));
        let refused = "the other end of the connection is not this user".to_owned();
        assert_eq!(
            verdicts,
            [
                Ok(()),
                Err(format!("{refused} but user 7")),
                Err(refused.clone()),
                Err(refused),
            ]
        );
    }
}
