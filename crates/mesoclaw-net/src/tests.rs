//! Requests against servers on the loopback, and names that a test resolver makes up.

use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::{Guard, GuardOptions, NetError, Refusal, Resolve, Resolving};

mod bodies;
mod proxies;
mod redirects;
mod refusals;
mod requests;
mod server;
mod spellings;
mod tls;

/// A resolver that gives one answer after another, the last one for ever, and counts.
#[derive(Default)]
pub(crate) struct Names {
    answers: Mutex<VecDeque<Vec<IpAddr>>>,
    asked: Mutex<Vec<String>>,
}

impl Names {
    pub(crate) fn new<'a>(answers: impl IntoIterator<Item = &'a [&'a str]>) -> Arc<Self> {
        let answers = answers.into_iter().map(addresses).collect();
        Arc::new(Self {
            answers: Mutex::new(answers),
            asked: Mutex::default(),
        })
    }

    pub(crate) fn always(answer: &[&str]) -> Arc<Self> {
        Self::new([answer])
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn addresses(texts: &[&str]) -> Vec<IpAddr> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

impl Resolve for Names {
    fn resolve<'a>(&'a self, host: &'a str) -> Resolving<'a> {
        self.asked.lock().unwrap().push(host.to_owned());
        let mut answers = self.answers.lock().unwrap();
        let answer = match answers.len() {
            0 => Err(io::Error::other("no such name")),
            1 => Ok(answers.front().unwrap().clone()),
            _ => Ok(answers.pop_front().unwrap()),
        };
        Box::pin(std::future::ready(answer))
    }
}

/// Options with short limits that allow these hosts.
pub(crate) fn options(allowed: &[&str]) -> GuardOptions {
    GuardOptions {
        allow_private: allowed.iter().map(|text| text.parse().unwrap()).collect(),
        total_timeout: Duration::from_secs(20),
        ..GuardOptions::default()
    }
}

/// A guard that reaches the servers of the tests as `127.0.0.1` and as `server.test`.
pub(crate) fn guard() -> Guard {
    Guard::with_resolver(
        options(&["127.0.0.1", "server.test"]),
        Names::always(&["127.0.0.1"]),
    )
}

/// The reason of a refusal.
pub(crate) fn refusal<T: std::fmt::Debug>(result: Result<T, NetError>) -> Refusal {
    match result {
        Err(NetError::Refused { refusal, .. }) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}
