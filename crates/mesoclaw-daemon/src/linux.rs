//! Linux only: gives back the mappings of code that only starting needed.
//!
//! Parsing configuration, migrating and binding touch code all over the program, and the kernel
//! maps sixteen pages around each touch. An idle daemon needs little of it. The pages stay in the
//! page cache, so what is needed again is mapped again without the disk.

use std::ffi::c_void;

use rustix::mm::{Advice, madvise};

/// Unmaps the pages of program text from this process; the next use maps them again.
pub(crate) fn release_start_code() {
    // Without /proc there is nothing to read and nothing to win.
    let Ok(maps) = std::fs::read_to_string("/proc/self/maps") else {
        return;
    };
    for (start, len) in maps.lines().filter_map(text_of_a_file) {
        let start = start as *mut c_void;
        #[expect(unsafe_code, reason = "the system call has no safe form")]
        // SAFETY: the range is a private, executable, not writable mapping of a file, as the kernel
        // just listed it. Nothing was ever written to it, so dropping its pages loses nothing: the
        // next access reads the same bytes from the file, also in threads that run there now.
        let released = unsafe { madvise(start, len, Advice::LinuxDontNeed) };
        if let Err(error) = released {
            tracing::debug!(%error, "program text not released");
        }
    }
}

/// Address and length of a line of `/proc/self/maps` that is unwritable text of a file.
fn text_of_a_file(line: &str) -> Option<(usize, usize)> {
    let mut fields = line.split_ascii_whitespace();
    let (start, end) = fields.next()?.split_once('-')?;
    let is_text = fields.next()? == "r-xp";
    let inode = fields.nth(2)?;
    if !is_text || inode == "0" {
        return None;
    }
    let start = usize::from_str_radix(start, 16).ok()?;
    let end = usize::from_str_radix(end, 16).ok()?;
    Some((start, end.checked_sub(start)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unwritable_text_of_files_is_taken() {
        for (line, expected) in [
            (
                "1000-3000 r-xp 00000000 fd:00 42 /usr/bin/x",
                Some((0x1000, 0x2000)),
            ),
            ("1000-3000 rwxp 00000000 fd:00 42 /usr/bin/x", None),
            ("1000-3000 r--p 00000000 fd:00 42 /usr/bin/x", None),
            ("1000-3000 r-xp 00000000 00:00 0 [vdso]", None),
            ("", None),
            ("zz r-xp", None),
        ] {
            assert_eq!(text_of_a_file(line), expected, "{line}");
        }
    }

    #[test]
    fn the_program_goes_on_without_its_text() {
        release_start_code();
        let sum: u64 = (1..=1000).sum();
        assert_eq!(sum, 500_500);
    }
}
