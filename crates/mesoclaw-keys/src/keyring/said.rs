//! What a keyring said, once: the libraries on the way to it repeat the cause of an error in the
//! text of the error.

use std::error::Error;

/// An error in one text, without causes.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
struct Said {
    text: String,
}

/// The same error, whose causes are told only where they say more.
pub(super) fn once(error: &(dyn Error + 'static)) -> Box<dyn Error + Send + Sync> {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    Box::new(Said { text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Level {
        text: &'static str,
        #[source]
        cause: Option<Box<Level>>,
    }

    #[test]
    fn causes_are_told_once() {
        let check = |texts: &[&'static str], expected: &str| {
            let error = texts.iter().rev().fold(None, |cause, text| {
                let cause = cause.map(Box::new);
                Some(Level { text, cause })
            });
            let said = once(&error.unwrap());
            assert_eq!(said.to_string(), expected);
            assert!(said.source().is_none());
        };
        check(&["a"], "a");
        check(&["bus: no file", "no file", "no file"], "bus: no file");
        check(&["bus", "no file", "error 2"], "bus: no file: error 2");
    }
}
