//! From the bytes of tokens to text that may be shown: whole characters, stop words held back.

/// Puts characters together that are split over tokens.
#[derive(Default)]
pub(crate) struct Utf8Joiner {
    rest: Vec<u8>,
}

impl Utf8Joiner {
    /// The text that is whole with these bytes; what can never become valid is `U+FFFD`.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> String {
        self.rest.extend_from_slice(bytes);
        let mut text = String::new();
        let mut kept = Vec::new();
        let mut chunks = self.rest.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            text.push_str(chunk.valid());
            if chunk.invalid().is_empty() {
                continue;
            }
            let may_continue = chunks.peek().is_none() && is_start_of_character(chunk.invalid());
            if may_continue {
                kept.extend_from_slice(chunk.invalid());
            } else {
                text.push(char::REPLACEMENT_CHARACTER);
            }
        }
        self.rest = kept;
        text
    }

    /// What is left at the end of the answer.
    pub(crate) fn finish(&mut self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut self.rest)).into_owned()
    }
}

fn is_start_of_character(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}

/// Holds text back as long as it may be the beginning of a stop word.
pub(crate) struct StopFilter {
    stops: Vec<String>,
    pending: String,
}

impl StopFilter {
    /// A filter for these words; empty ones are ignored.
    pub(crate) fn new(stops: &[String]) -> Self {
        Self {
            stops: stops
                .iter()
                .filter(|stop| !stop.is_empty())
                .cloned()
                .collect(),
            pending: String::new(),
        }
    }

    /// The text that may be shown now, and whether a stop word ended the answer.
    pub(crate) fn push(&mut self, text: &str) -> (String, bool) {
        if self.stops.is_empty() {
            return (text.to_owned(), false);
        }
        self.pending.push_str(text);
        let hit = self
            .stops
            .iter()
            .filter_map(|stop| self.pending.find(stop.as_str()))
            .min();
        if let Some(at) = hit {
            let mut shown = std::mem::take(&mut self.pending);
            shown.truncate(at);
            return (shown, true);
        }
        let held_from = self
            .pending
            .char_indices()
            .map(|(at, _)| at)
            .find(|at| {
                let (_, tail) = self.pending.split_at(*at);
                self.stops.iter().any(|stop| stop.starts_with(tail))
            })
            .unwrap_or(self.pending.len());
        let held = self.pending.split_off(held_from);
        (std::mem::replace(&mut self.pending, held), false)
    }

    /// What was held back when the answer ended by itself.
    pub(crate) fn finish(&mut self) -> String {
        std::mem::take(&mut self.pending)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn run(stops: &[&str], pieces: &[&str]) -> (Vec<String>, bool) {
        let stops: Vec<String> = stops.iter().map(|stop| (*stop).to_owned()).collect();
        let mut filter = StopFilter::new(&stops);
        let mut shown = Vec::new();
        for piece in pieces {
            let (text, is_over) = filter.push(piece);
            shown.push(text);
            if is_over {
                return (shown, true);
            }
        }
        shown.push(filter.finish());
        (shown, false)
    }

    #[test]
    fn stop_word_never_leaks() {
        type Case = (
            &'static [&'static str],
            &'static [&'static str],
            &'static [&'static str],
            bool,
        );
        let cases: [Case; 7] = [
            (&[], &["a", "b"], &["a", "b", ""], false),
            (&["END"], &["one EN", "D two"], &["one ", ""], true),
            (&["END"], &["one EN", "TER"], &["one ", "ENTER", ""], false),
            (&["END"], &["E", "E", "N", "D"], &["", "E", "", ""], true),
            (&["END"], &["E"], &["", "E"], false),
            (&["bc", "ab"], &["xabc"], &["x"], true),
            (&["", "é!"], &["caf", "é", "!"], &["caf", "", ""], true),
        ];
        for (stops, pieces, expected, is_over) in cases {
            let expected: Vec<String> = expected.iter().map(|text| (*text).to_owned()).collect();
            assert_eq!(
                run(stops, pieces),
                (expected, is_over),
                "{stops:?} {pieces:?}"
            );
        }
    }

    #[test]
    fn characters_split_over_tokens_come_out_whole() {
        let mut joiner = Utf8Joiner::default();
        let mut shown = Vec::new();
        for byte in "aé€😀".bytes() {
            shown.push(joiner.push(&[byte]));
        }
        shown.push(joiner.finish());
        assert_eq!(shown.concat(), "aé€😀");
        assert!(!shown.concat().contains(char::REPLACEMENT_CHARACTER));
        assert_eq!(joiner.push(&[0xff, b'x', 0xe2]), "\u{fffd}x");
        assert_eq!(joiner.finish(), "\u{fffd}");
    }

    proptest! {
        #[test]
        fn bytes_cut_anywhere_give_the_same_text(text in ".{0,40}", cuts in prop::collection::vec(1_usize..4, 0..40)) {
            let mut joiner = Utf8Joiner::default();
            let mut shown = String::new();
            let mut rest = text.as_bytes();
            for cut in cuts {
                let (now, later) = rest.split_at(cut.min(rest.len()));
                shown.push_str(&joiner.push(now));
                rest = later;
            }
            shown.push_str(&joiner.push(rest));
            shown.push_str(&joiner.finish());
            prop_assert_eq!(shown, text);
        }

        #[test]
        fn text_before_the_first_stop_word_is_shown_and_nothing_else(text in "[abc]{0,24}", stop in "[abc]{1,3}") {
            let stops = [stop.clone()];
            let mut filter = StopFilter::new(&stops);
            let mut shown = String::new();
            let mut is_over = false;
            for character in text.chars() {
                let (now, over) = filter.push(character.encode_utf8(&mut [0; 4]));
                shown.push_str(&now);
                if over {
                    is_over = true;
                    break;
                }
            }
            if !is_over {
                shown.push_str(&filter.finish());
            }
            let expected = text.split(stop.as_str()).next().unwrap_or_default();
            prop_assert_eq!(shown.as_str(), expected);
            prop_assert_eq!(is_over, text.contains(&stop));
        }
    }
}
