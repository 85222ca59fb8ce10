//! What the reader thread of a terminal and the test share: bytes, screen, end.

use std::num::NonZeroU16;
use std::sync::{Condvar, Mutex, MutexGuard};

use crate::wait::LIMIT;

/// Lines that left the screen at its top and can still be asked for.
const SCROLLBACK: usize = 10_000;

pub(super) struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    parser: vt100::Parser,
    raw: Vec<u8>,
    is_ended: bool,
}

impl Shared {
    pub(super) fn new(rows: NonZeroU16, cols: NonZeroU16) -> Self {
        Self {
            state: Mutex::new(State {
                parser: vt100::Parser::new(rows, cols, SCROLLBACK),
                raw: Vec::new(),
                is_ended: false,
            }),
            changed: Condvar::new(),
        }
    }

    /// A failed wait panics with the lock in hand; the state is whole even then.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(super) fn take(&self, bytes: &[u8]) {
        let mut state = self.lock();
        state.raw.extend_from_slice(bytes);
        state.parser.process(bytes);
        drop(state);
        self.changed.notify_all();
    }

    pub(super) fn end(&self) {
        self.lock().is_ended = true;
        self.changed.notify_all();
    }

    pub(super) fn is_ended(&self) -> bool {
        self.lock().is_ended
    }

    pub(super) fn resize(&self, rows: NonZeroU16, cols: NonZeroU16) {
        self.lock().parser.set_size(rows, cols);
    }

    pub(super) fn with_screen<T>(&self, look: impl FnOnce(&vt100::Screen) -> T) -> T {
        look(self.lock().parser.screen())
    }

    pub(super) fn raw(&self) -> Vec<u8> {
        self.lock().raw.clone()
    }

    pub(super) fn n_bytes(&self) -> usize {
        self.lock().raw.len()
    }

    pub(super) fn wait_for(&self, what: &str, ready: impl Fn(&vt100::Screen) -> bool) {
        self.wait(what, |state| ready(state.parser.screen()));
    }

    pub(super) fn wait_for_bytes(&self, n_bytes: usize) {
        self.wait(&format!("{n_bytes} bytes"), |state| {
            state.raw.len() >= n_bytes
        });
    }

    pub(super) fn wait_for_end(&self) {
        self.wait("end of the program", |state| state.is_ended);
    }

    fn wait(&self, what: &str, ready: impl Fn(&State) -> bool) {
        let (state, timeout) = self
            .changed
            .wait_timeout_while(self.lock(), LIMIT, |state| !ready(state) && !state.is_ended)
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if ready(&state) {
            return;
        }
        let why = if timeout.timed_out() {
            "in time"
        } else {
            "before the program ended"
        };
        let screen = dump(state.parser.screen());
        drop(state);
        panic!("no {what} {why}; the screen is\n{screen}");
    }
}

/// The screen in a frame, with the place of the cursor.
fn dump(screen: &vt100::Screen) -> String {
    let (_, cols) = screen.size();
    let (row, col) = screen.cursor_position();
    let edge = "-".repeat(usize::from(cols.get()));
    let rows: Vec<_> = screen.rows(0, cols.get()).collect();
    let rows = rows.join("\n|");
    format!("+{edge}\n|{rows}\n+{edge}\ncursor in row {row}, column {col}")
}
