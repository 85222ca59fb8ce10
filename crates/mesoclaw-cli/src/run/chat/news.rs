//! What the line chat shows of its own accord, while the person is asked for a line.

use mesoclaw_api::Event;
use tokio::time::Instant;

use crate::exit::CliResult;
use crate::request::{in_a_line, risk_word};
use crate::run::background::Background;
use crate::run::chat::{Chat, RETRY};
use crate::run::conversation::{News, is_lost};
use crate::run::render::{Renderer, Style};
use crate::run::view::Show;

impl Chat {
    /// What happens in the session while nothing is asked here.
    pub(super) async fn take_news(&mut self, news: News) -> CliResult<()> {
        let frame = match news {
            News::Event(frame) => frame,
            News::Lagged => return Ok(()),
            News::Lost => {
                self.retry_at = Some(Instant::now() + RETRY);
                self.background = Background::default();
                return self
                    .editor
                    .print("(lost the connection to the daemon; connecting again)\n");
            }
        };
        let Some(session_id) = &self.conversation.session_id else {
            return Ok(());
        };
        let of_another = match &frame.event {
            // A tool that somebody runs by itself is asked about where it was started.
            Event::ApprovalRequested { .. } => frame.event.session_id() != Some(session_id),
            event => event.session_id().is_some_and(|id| id != session_id),
        };
        if of_another {
            return Ok(());
        }
        let mut shows = self.background.take(session_id, &frame.event);
        match &frame.event {
            // The turn itself is shown when it ends; this cannot wait for that.
            Event::ApprovalRequested { approval } => shows.push(Show::Notice(format!(
                "a call waits for an answer: {}   risk {}; /approvals",
                in_a_line(&approval.tool, &approval.args),
                risk_word(approval.risk)
            ))),
            Event::QueueChanged { queue, .. } => {
                let waiting = queue.iter().enumerate();
                shows.extend(waiting.map(|(at, message)| {
                    Show::Notice(format!("queued {}: {}", at + 1, message.text))
                }));
            }
            Event::SessionChanged { session } => self.title = Some(session.title.clone()),
            Event::SessionDeleted { .. } => {
                shows.push(Show::Notice(
                    "this session was deleted; the next message begins a new one".to_owned(),
                ));
                self.title = None;
                // The next message makes a session that the old subscription would not show. A
                // connection that ended meanwhile is made again with the right one.
                match self.conversation.follow_everything().await {
                    Err(error) if !is_lost(error.code) => return Err(error.into()),
                    Ok(()) | Err(_) => {}
                }
            }
            _ => {}
        }
        self.print_shows(&shows)
    }

    fn print_shows(&mut self, shows: &[Show]) -> CliResult<()> {
        // The editor makes the text safe for the terminal.
        let mut renderer = Renderer::new(Style::Chat, false);
        let (mut out, mut notes) = (Vec::new(), Vec::new());
        for show in shows {
            renderer.show(show, &mut out, &mut notes);
        }
        renderer.close(&mut out);
        if out.is_empty() {
            return Ok(());
        }
        self.editor.print(&String::from_utf8_lossy(&out))
    }

    pub(super) async fn connect_again(&mut self) -> CliResult<()> {
        if self.conversation.reconnect_running().await {
            self.retry_at = None;
            self.editor.print("(connected again)\n")
        } else {
            self.retry_at = Some(Instant::now() + RETRY);
            Ok(())
        }
    }
}
