//! A program on a real terminal device, with a screen that shows what it draws.

mod shared;

use std::io::{Read, Write as _};
use std::num::NonZeroU16;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use portable_pty::{
    Child, ChildKiller, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system,
};

use shared::Shared;

/// A program on a pseudo terminal. Dropped, the program is killed.
///
/// The terminal is mute: it answers no queries of the program; a test that wants answers writes
/// them with [`Pty::write`].
pub struct Pty {
    master: Box<dyn MasterPty + Send>,
    writer: Mutex<Box<dyn std::io::Write + Send>>,
    child: Mutex<Box<dyn Child + Send + Sync>>,
    killer: Mutex<Box<dyn ChildKiller + Send + Sync>>,
    pid: u32,
    shared: Arc<Shared>,
    reader: Option<JoinHandle<()>>,
}

impl Pty {
    /// Starts `command` on a terminal of `rows` and `cols`.
    ///
    /// The program gets the variables that were set on the command and no others, and
    /// `TERM=xterm-256color` if it is not among them. Without a `PATH` the program must be a path.
    pub fn spawn(command: &Command, rows: u16, cols: u16) -> Self {
        let pair = native_pty_system()
            .openpty(size(rows, cols))
            .expect("a pty");
        let mut builder = CommandBuilder::new(command.get_program());
        builder.args(command.get_args());
        builder.env_clear();
        builder.env("TERM", "xterm-256color");
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => builder.env(name, value),
                None => builder.env_remove(name),
            }
        }
        if let Some(dir) = command.get_current_dir() {
            builder.cwd(dir);
        }
        let child = pair.slave.spawn_command(builder).expect("the program");
        // The end of the output shows only when nobody but the program holds the other side.
        drop(pair.slave);
        let source = pair.master.try_clone_reader().expect("a reader");
        let shared = Arc::new(Shared::new(cells(rows), cells(cols)));
        let sink = Arc::clone(&shared);
        let reader = std::thread::Builder::new()
            .name("pty-reader".to_owned())
            .spawn(move || read(source, &sink))
            .unwrap();
        Self {
            writer: Mutex::new(pair.master.take_writer().expect("a writer")),
            killer: Mutex::new(child.clone_killer()),
            pid: child.process_id().expect("a process id"),
            child: Mutex::new(child),
            master: pair.master,
            shared,
            reader: Some(reader),
        }
    }

    /// Process id of the program.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Types. Keys are what a terminal sends: `"\r"` is Enter, `"\x03"` is Ctrl-C.
    pub fn write(&self, keys: &str) {
        let mut writer = self.writer.lock().unwrap();
        writer
            .write_all(keys.as_bytes())
            .expect("the terminal takes keys");
        writer.flush().expect("the terminal takes keys");
    }

    /// Changes the size; the program gets SIGWINCH.
    pub fn resize(&self, rows: u16, cols: u16) {
        self.shared.resize(cells(rows), cells(cols));
        self.master.resize(size(rows, cols)).expect("a new size");
    }

    /// The text on the screen, a line a row, without trailing blanks.
    pub fn screen_text(&self) -> String {
        self.with_screen(vt100::Screen::contents)
    }

    /// Looks at the screen.
    pub fn with_screen<T>(&self, look: impl FnOnce(&vt100::Screen) -> T) -> T {
        self.shared.with_screen(look)
    }

    /// Everything the program wrote, byte for byte.
    pub fn raw(&self) -> Vec<u8> {
        self.shared.raw()
    }

    /// How many bytes the program wrote.
    pub fn n_bytes(&self) -> usize {
        self.shared.n_bytes()
    }

    /// Waits (30 s at most) until the screen is as `ready` wants it; panics with a dump of the
    /// screen when it never is, also when the program ended.
    pub fn wait_for(&self, what: &str, ready: impl Fn(&vt100::Screen) -> bool) {
        self.shared.wait_for(what, ready);
    }

    /// Waits (30 s at most) until `text` is on the screen.
    pub fn wait_for_text(&self, text: &str) {
        self.wait_for(&format!("{text:?}"), |screen| {
            screen.contents().contains(text)
        });
    }

    /// Waits (30 s at most) until the program wrote at least so many bytes.
    pub fn wait_for_bytes(&self, n_bytes: usize) {
        self.shared.wait_for_bytes(n_bytes);
    }

    /// Waits (30 s at most) until the program ended and everything it wrote is there.
    pub fn wait_for_exit(&self) -> ExitStatus {
        self.shared.wait_for_end();
        let status = crate::wait::poll(Duration::from_secs(30), || {
            self.child.lock().unwrap().try_wait().expect("a child")
        });
        status.unwrap_or_else(|| panic!("the program closed its terminal but does not end"))
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        // It may have ended already.
        self.killer.lock().unwrap().kill().ok();
        self.child.lock().unwrap().wait().ok();
        // Something else may still hold the terminal: then its reader lives on until that ends.
        if self.shared.is_ended()
            && let Some(reader) = self.reader.take()
        {
            reader.join().ok();
        }
    }
}

fn read(mut source: Box<dyn Read + Send>, sink: &Shared) {
    let mut buf = [0; 16 * 1024];
    // Linux ends the output of a terminal with an error (EIO), others with nothing.
    while let Ok(n_bytes @ 1..) = source.read(&mut buf) {
        sink.take(&buf[..n_bytes]);
    }
    sink.end();
}

fn size(rows: u16, cols: u16) -> PtySize {
    PtySize {
        rows,
        cols,
        ..PtySize::default()
    }
}

fn cells(n: u16) -> NonZeroU16 {
    NonZeroU16::new(n).expect("a terminal has rows and columns")
}

#[cfg(test)]
mod tests;
