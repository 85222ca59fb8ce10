//! Fetches a model file through the daemon and shows how far it is.

use std::time::Duration;

use mesoclaw_api::ops::events::{Delivery, SubscribeParams};
use mesoclaw_api::ops::model::{
    ModelFile, ModelInfo, ModelParams, ModelPull, ModelPullCancel, PullParams,
};
use mesoclaw_api::{ApiError, ErrorCode, Event, EventFilter, Surface};
use tokio::time::{Instant, timeout};

use crate::connect::{Home, Link};
use crate::exit::{CliError, CliResult};
use crate::output::{Console, bytes};
use crate::run::stops::Stops;
use crate::term::Terminal;

/// On a terminal that can only append, a line this often.
const BETWEEN_LINES: Duration = Duration::from_secs(5);

/// Shows progress in the way the terminal can.
struct Progress {
    console: Console,
    can_overwrite: bool,
    last_line: Option<Instant>,
    is_open: bool,
}

/// Fetches a file; one that is there already is fine.
///
/// # Errors
/// It could not be fetched; what arrived is kept. Ctrl-C stops it.
pub async fn pull(console: Console, home: &Home, params: PullParams) -> CliResult<ModelFile> {
    let kinds = ["model.progress", "model.finished"].map(str::to_owned);
    let subscribe = SubscribeParams {
        filter: EventFilter {
            sessions: None,
            kinds: Some(kinds.into()),
        },
        since: None,
    };
    let (mut link, _) = home.connect_or_start(Surface::Cli, Some(subscribe)).await?;
    let named = ModelParams {
        model_id: params.model_id.clone(),
    };
    let has_source = params.source.is_some();
    let known = link.client.call::<ModelInfo>(named.clone()).await;
    match known {
        Ok(file) if file.is_installed && !has_source => return Ok(file),
        Ok(_) => {}
        // A file with a source of its own need not be known.
        Err(_) if has_source => {}
        Err(error) => return Err(error.into()),
    }
    match link.client.call::<ModelPull>(params).await {
        Ok(_) => {}
        // Somebody else fetches it: wait for the same end.
        Err(error) if error.code == ErrorCode::Conflict => {
            let file = link.client.call::<ModelInfo>(named.clone()).await?;
            if file.is_installed {
                return Err(error.into());
            }
        }
        Err(error) => return Err(error.into()),
    }
    follow(console, &mut link, &named).await?;
    Ok(link.client.call::<ModelInfo>(named).await?)
}

async fn follow(console: Console, link: &mut Link, named: &ModelParams) -> CliResult<()> {
    let mut stops = Stops::listen(None)?;
    let mut progress = Progress {
        console,
        can_overwrite: Terminal::of_process().can_edit,
        last_line: None,
        is_open: false,
    };
    loop {
        let delivery = tokio::select! {
            biased;
            stop = stops.next() => {
                progress.close();
                let cancel = link.client.call::<ModelPullCancel>(named.clone());
                // Whoever stops wants to leave; the daemon may be gone already.
                timeout(Duration::from_secs(2), cancel).await.ok();
                console.note("stopped; what arrived is kept, and the next pull takes it up");
                return Err(CliError::Said(stop.exit_code()));
            }
            delivery = link.next() => delivery,
        };
        let frame = match delivery {
            Some(Delivery::Event(frame)) => frame,
            Some(Delivery::Lagged { .. }) => continue,
            None => {
                progress.close();
                return Err(ApiError::new(
                    ErrorCode::Unreachable,
                    "the daemon ended while it fetched the model",
                )
                .with_hint(format!(
                    "what arrived is kept: mesoclaw model pull {}",
                    named.model_id
                ))
                .into());
            }
        };
        match &frame.event {
            Event::ModelProgress {
                model,
                received_bytes,
                total_bytes,
                stage,
            } if *model == named.model_id => progress.show(stage, *received_bytes, *total_bytes),
            Event::ModelFinished { model, error } if *model == named.model_id => {
                progress.close();
                return match error {
                    None => Ok(()),
                    Some(error) => Err(error.clone().into()),
                };
            }
            _ => {}
        }
    }
}

impl Progress {
    fn show(&mut self, stage: &str, received: u64, total: Option<u64>) {
        if self.console.quiet || !self.console.stderr_is_terminal {
            return;
        }
        let text = progress_text(stage, received, total);
        if self.can_overwrite {
            self.is_open = true;
            self.console.overwrite(&text);
            return;
        }
        let now = Instant::now();
        let is_due = self
            .last_line
            .is_none_or(|last| now.duration_since(last) >= BETWEEN_LINES);
        if is_due {
            self.last_line = Some(now);
            self.console.progress(&text);
        }
    }

    fn close(&mut self) {
        if std::mem::take(&mut self.is_open) {
            self.console.say("\n");
        }
    }
}

fn progress_text(stage: &str, received: u64, total: Option<u64>) -> String {
    match total {
        Some(total) if total > 0 => {
            let percent = received.min(total) * 100 / total;
            let done = usize::try_from(percent / 5).unwrap_or(20);
            format!(
                "{stage} [{}{}] {percent}% {} of {}",
                "#".repeat(done),
                ".".repeat(20 - done),
                bytes(received),
                bytes(total)
            )
        }
        Some(_) | None => format!("{stage} {}", bytes(received)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_reads_well() {
        let cases = [
            (
                0,
                Some(200),
                "downloading [....................] 0% 0 B of 200 B",
            ),
            (
                100,
                Some(200),
                "downloading [##########..........] 50% 100 B of 200 B",
            ),
            (
                300,
                Some(200),
                "downloading [####################] 100% 300 B of 200 B",
            ),
            (1500, None, "downloading 1.5 kB"),
            (5, Some(0), "downloading 5 B"),
        ];
        for (received, total, expected) in cases {
            assert_eq!(progress_text("downloading", received, total), expected);
        }
    }
}
