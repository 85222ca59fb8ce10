//! The log: one file a day, the level changeable while running, without any secret that is known
//! or looks like one.

use std::io::{self, Write};
use std::path::Path;

use mesoclaw_config::{Config, LogLevel};
use mesoclaw_core::Redactor;
use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_appender::rolling::{Builder, Rotation};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Registry, fmt, reload};

use crate::error::DaemonError;

/// Lines that may wait for the disk; more are dropped and counted by the appender. The default of
/// the library holds 128,000 slots in memory from the start.
const WAITING_LINES: usize = 1024;

/// Keeps the log running; lines that wait are written when it is dropped.
pub(crate) struct Log {
    /// Whoever meets a secret tells it this one.
    pub redactor: Redactor,
    level: reload::Handle<Targets, Registry>,
    _worker: WorkerGuard,
}

impl Log {
    /// Starts the log of this process; in the foreground it goes to stderr too.
    pub fn start(folder: &Path, config: &Config, is_foreground: bool) -> Result<Self, DaemonError> {
        let redactor = Redactor::new();
        let appender = Builder::new()
            .rotation(Rotation::DAILY)
            .filename_prefix("mesoclaw")
            .filename_suffix("log")
            .max_log_files(config.log_keep_days as usize)
            .build(folder)
            .map_err(|source| DaemonError::OpenLog {
                path: folder.to_owned(),
                source,
            })?;
        let (writer, worker) = NonBlockingBuilder::default()
            .buffered_lines_limit(WAITING_LINES)
            .thread_name("log")
            .finish(appender);
        let (filter, level) = reload::Layer::new(targets(config.log_level));
        let redacted = |make: BoxMakeWriter| RedactedWriter {
            make,
            redactor: redactor.clone(),
        };
        let to_stderr = is_foreground.then(|| {
            let writer = redacted(BoxMakeWriter::new(std::io::stderr));
            fmt::layer().with_writer(writer).with_ansi(false)
        });
        let writer = redacted(BoxMakeWriter::new(writer));
        // A second daemon in one process (tests) keeps the first one's log.
        tracing_subscriber::registry()
            .with(filter)
            .with(fmt::layer().with_writer(writer).with_ansi(false))
            .with(to_stderr)
            .try_init()
            .ok();
        std::panic::set_hook(Box::new(|panic| {
            let backtrace = std::backtrace::Backtrace::force_capture();
            tracing::error!(%panic, %backtrace, "panic");
        }));
        Ok(Self {
            redactor,
            level,
            _worker: worker,
        })
    }

    /// What changes the level later.
    pub fn level_setter(&self) -> impl Fn(LogLevel) + Send + Sync + 'static {
        let handle = self.level.clone();
        move |level| {
            // Fails only when the subscriber is gone, and the process with it.
            handle.reload(targets(level)).ok();
        }
    }
}

/// Makes writers that know every secret. The formatter hands over one whole line at a time, so no
/// secret is cut in two.
struct RedactedWriter {
    make: BoxMakeWriter,
    redactor: Redactor,
}

struct Redacted<W> {
    writer: W,
    redactor: Redactor,
}

impl<'a> MakeWriter<'a> for RedactedWriter {
    type Writer = Redacted<<BoxMakeWriter as MakeWriter<'a>>::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        Redacted {
            writer: self.make.make_writer(),
            redactor: self.redactor.clone(),
        }
    }
}

impl<W: Write> Write for Redacted<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.writer.write_all(&self.redactor.redact_bytes(line))?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// Our own crates at the wanted level; the libraries below them only when something is wrong, since
/// at `debug` they log requests with everything in them.
fn targets(level: LogLevel) -> Targets {
    let level = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target("mesoclaw", level)
}

#[cfg(test)]
mod tests {
    use mesoclaw_api::Secret;

    use super::*;

    #[test]
    fn secrets_do_not_reach_the_writer() {
        let redactor = Redactor::new();
        redactor.add(&Secret::new("correct-horse-battery".to_owned()));
        let mut written = Vec::new();
        let mut writer = Redacted {
            writer: &mut written,
            redactor,
        };
        let line = b"key=correct-horse-battery other=sk-ant-api03-Zk3v9QmT2xW8bL5nR7cY4dF6\n";
        assert_eq!(writer.write(line).unwrap(), line.len());
        assert_eq!(written, b"key=*** other=***\n");
    }
}
