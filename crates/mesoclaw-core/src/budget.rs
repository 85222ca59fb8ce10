//! Budgets: what a day and a session may use. Nothing is kept in memory: the rows of the model
//! calls are summed up before each call, and only where a limit is set.

use std::sync::{Arc, Mutex, PoisonError};

use mesoclaw_api::ops::usage::{BudgetState, BudgetStatus};
use mesoclaw_api::{ApiResult, Event, SessionId, Surface, Timestamp};
use mesoclaw_config::Config;
use mesoclaw_store::Store;
use mesoclaw_store::repo::usage;

use crate::bus::Bus;
use crate::config_service::ConfigService;
use crate::error::from_store;
use crate::models::ModelFacts;

/// Percent of a budget from which on people are warned and scheduled work stops.
const WARN_PERCENT: u128 = 80;

/// See the module documentation.
pub(crate) struct Budget {
    config: Arc<ConfigService>,
    store: Store,
    bus: Arc<Bus>,
    /// What was warned of: once a day, once a session.
    warned: Mutex<Vec<String>>,
}

/// Whether another model call is allowed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Allowance {
    Allowed,
    /// With the sentence for people that it runs low.
    Low(String),
    /// With the sentence for people.
    Refused(String),
}

/// A model call that somebody wants to make.
#[derive(Clone, Copy)]
pub(crate) struct Request<'a> {
    /// The session; `None` = only the limits of the day hold.
    pub session_id: Option<&'a SessionId>,
    /// Who asks.
    pub surface: Surface,
    /// `provider:model`.
    pub model: &'a str,
    /// What is known of it.
    pub facts: &'a ModelFacts,
}

/// One limit and what is used of it.
#[derive(Clone)]
struct Meter {
    what: &'static str,
    key: &'static str,
    used: u64,
    limit: Option<u64>,
    is_money: bool,
}

impl Budget {
    pub fn new(config: Arc<ConfigService>, store: Store, bus: Arc<Bus>) -> Self {
        Self {
            config,
            store,
            bus,
            warned: Mutex::default(),
        }
    }

    /// Whether anything is limited.
    pub fn has_limits(&self) -> bool {
        has_limits(&self.config.current().config)
    }

    /// Whether a model may be asked once more. Warns once when a budget runs low, and once a day
    /// of a model whose price is not known where money is limited.
    ///
    /// # Errors
    /// The database failed.
    pub async fn allow(&self, request: Request<'_>) -> ApiResult<Allowance> {
        let config = self.config.current();
        if !has_limits(&config.config) {
            return Ok(Allowance::Allowed);
        }
        let (surface, day) = (request.surface, today());
        self.warn_of_price(&config.config, &request, &day);
        let (id, on) = (request.session_id.cloned(), day.clone());
        let (today, session) = self
            .store
            .read(move |conn| {
                let session = id.map(|id| usage::spent_in(conn, &id)).transpose()?;
                Ok((usage::spent_on(conn, &on)?, session))
            })
            .await
            .map_err(from_store)?;
        let of_session = session.map(|session| session_limits(&config.config, session));
        let mut meters = daily(&config.config, today);
        meters.extend(of_session.into_iter().flatten());
        if request.facts.is_free() {
            // What costs nothing needs no money.
            meters.retain(|meter| !meter.is_money);
        }
        let low = |meter: &&Meter| meter.state() == BudgetState::Warning;
        let worst = meters.iter().max_by_key(|meter| meter.state());
        let Some(worst) = worst else {
            return Ok(Allowance::Allowed);
        };
        Ok(match worst.state() {
            BudgetState::Ok => Allowance::Allowed,
            // Scheduled work is the first to stop: nobody waits for it.
            BudgetState::Warning if surface == Surface::Job => {
                Allowance::Refused(format!("{}; scheduled work waits", worst.sentence()))
            }
            BudgetState::Warning => {
                for meter in meters.iter().filter(low) {
                    self.warn_low(meter, request.session_id, &day);
                }
                Allowance::Low(worst.sentence())
            }
            BudgetState::Exhausted => {
                let or_else = if worst.is_of_day() {
                    "wait until tomorrow (UTC)"
                } else {
                    "start a new session"
                };
                let (sentence, key) = (worst.sentence(), worst.key);
                Allowance::Refused(format!("{sentence}; raise {key}, or {or_else}"))
            }
        })
    }

    /// How the budget of today stands.
    ///
    /// # Errors
    /// The database failed.
    pub async fn status(&self) -> ApiResult<BudgetStatus> {
        let day = today();
        let on = day.clone();
        let used = self
            .store
            .read(move |conn| usage::spent_on(conn, &on))
            .await
            .map_err(from_store)?;
        let snapshot = self.config.current();
        let state = daily(&snapshot.config, used)
            .iter()
            .map(Meter::state)
            .max()
            .unwrap_or(BudgetState::Ok);
        Ok(BudgetStatus {
            day,
            used_tokens: used.0,
            limit_tokens: snapshot.config.budget_daily_tokens,
            used_microusd: used.1,
            limit_microusd: snapshot.config.budget_daily_usd.map(microusd),
            state,
        })
    }

    fn warn_low(&self, meter: &Meter, session_id: Option<&SessionId>, day: &str) {
        let about = match session_id {
            Some(session_id) if !meter.is_of_day() => session_id.as_str(),
            Some(_) | None => day,
        };
        self.warn_once(format!("{} {about}", meter.key), day, meter.sentence());
    }

    fn warn_of_price(&self, config: &Config, request: &Request<'_>, day: &str) {
        if config.budget_daily_usd.is_none() || request.facts.has_price() {
            return;
        }
        let model = request.model;
        let message = format!(
            "{model} has no known price: it does not count for budget_daily_usd; set \
             budget_daily_tokens too"
        );
        self.warn_once(format!("budget_daily_usd {model} {day}"), day, message);
    }

    fn warn_once(&self, warning: String, day: &str, message: String) {
        {
            let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
            if warned.contains(&warning) {
                return;
            }
            // Of earlier days nobody is warned again.
            warned.retain(|before| !before.starts_with("budget_daily") || before.ends_with(day));
            warned.push(warning);
        }
        self.bus.publish(Event::Warning { message });
    }
}

impl Meter {
    fn is_of_day(&self) -> bool {
        self.key.starts_with("budget_daily")
    }

    fn state(&self) -> BudgetState {
        let Some(limit) = self.limit else {
            return BudgetState::Ok;
        };
        let (used, limit) = (u128::from(self.used), u128::from(limit));
        if used >= limit {
            BudgetState::Exhausted
        } else if used * 100 >= limit * WARN_PERCENT {
            BudgetState::Warning
        } else {
            BudgetState::Ok
        }
    }

    fn sentence(&self) -> String {
        let limit = self.limit.unwrap_or_default();
        let percent = u128::from(self.used) * 100 / u128::from(limit.max(1));
        let amount = |value: u64| {
            if self.is_money {
                format!("${:.2}", value as f64 / 1e6)
            } else {
                format!("{value}")
            }
        };
        let unit = if self.is_money { "" } else { " tokens" };
        format!(
            "the budget of {} is used up to {percent} %: {} of {}{unit} ({})",
            self.what,
            amount(self.used),
            amount(limit),
            self.key
        )
    }
}

fn has_limits(config: &Config) -> bool {
    config.budget_daily_usd.is_some()
        || config.budget_daily_tokens.is_some()
        || config.budget_session_usd.is_some()
        || config.budget_session_tokens.is_some()
}

fn daily(config: &Config, (tokens, money): (u64, u64)) -> Vec<Meter> {
    vec![
        Meter {
            what: "today",
            key: "budget_daily_tokens",
            used: tokens,
            limit: config.budget_daily_tokens,
            is_money: false,
        },
        Meter {
            what: "today",
            key: "budget_daily_usd",
            used: money,
            limit: config.budget_daily_usd.map(microusd),
            is_money: true,
        },
    ]
}

fn session_limits(config: &Config, (tokens, money): (u64, u64)) -> Vec<Meter> {
    vec![
        Meter {
            what: "this session",
            key: "budget_session_tokens",
            used: tokens,
            limit: config.budget_session_tokens,
            is_money: false,
        },
        Meter {
            what: "this session",
            key: "budget_session_usd",
            used: money,
            limit: config.budget_session_usd.map(microusd),
            is_money: true,
        },
    ]
}

fn microusd(usd: f64) -> u64 {
    (usd * 1e6).round() as u64
}

/// Today, in UTC.
fn today() -> String {
    let mut now = Timestamp::now().as_str().to_owned();
    now.truncate(10);
    now
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eighty_percent_warns_and_all_is_the_end() {
        for (used, limit, expected) in [
            (0, None, BudgetState::Ok),
            (u64::MAX, None, BudgetState::Ok),
            (79, Some(100), BudgetState::Ok),
            (80, Some(100), BudgetState::Warning),
            (99, Some(100), BudgetState::Warning),
            (100, Some(100), BudgetState::Exhausted),
            (u64::MAX, Some(u64::MAX), BudgetState::Exhausted),
        ] {
            let meter = Meter {
                what: "today",
                key: "budget_daily_tokens",
                used,
                limit,
                is_money: false,
            };
            assert_eq!(meter.state(), expected, "{used} of {limit:?}");
        }
    }

    #[test]
    fn sentences_name_limit_and_setting() {
        let config = Config {
            budget_daily_usd: Some(2.5),
            budget_session_tokens: Some(1000),
            ..Config::default()
        };
        let sentences: Vec<_> = daily(&config, (0, 2_000_000))
            .iter()
            .chain(&session_limits(&config, (900, 0)))
            .filter(|meter| meter.state() == BudgetState::Warning)
            .map(Meter::sentence)
            .collect();
        assert_eq!(
            sentences,
            [
                "the budget of today is used up to 80 %: $2.00 of $2.50 (budget_daily_usd)",
                "the budget of this session is used up to 90 %: 900 of 1000 tokens \
                 (budget_session_tokens)",
            ]
        );
    }
}
