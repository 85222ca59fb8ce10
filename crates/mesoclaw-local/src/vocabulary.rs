//! The bytes of every token of a model, at hand for the grammar.

use llama_cpp_2::token::LlamaToken;
use llama_cpp_2::vocab::LlamaVocab;

use crate::calls::{CLOSER, OPENER};

/// What each token writes.
pub(crate) struct Vocabulary {
    bytes: Vec<u8>,
    /// Where the bytes of each token end.
    ends: Vec<usize>,
}

impl Vocabulary {
    pub(crate) fn new(vocab: &LlamaVocab<'_>) -> Self {
        // Some files count the tags among the tokens that write nothing.
        let tag = |text: &'static str| match vocab.tokenize(text.as_bytes(), false, true).as_slice()
        {
            [token] => Some((*token, text)),
            _ => None,
        };
        let tags = [tag(OPENER), tag(CLOSER)];
        let mut bytes = Vec::new();
        let ends = (0..vocab.n_tokens())
            .map(|id| {
                let token = LlamaToken::new(id);
                match tags.iter().flatten().find(|(tag, _)| *tag == token) {
                    Some((_, text)) => bytes.extend_from_slice(text.as_bytes()),
                    None => bytes.extend(vocab.token_to_piece(token, false, None)),
                }
                bytes.len()
            })
            .collect();
        Self { bytes, ends }
    }

    /// What a token writes; nothing for marks.
    pub(crate) fn bytes(&self, token: LlamaToken) -> &[u8] {
        let Ok(index) = usize::try_from(token.0) else {
            return &[];
        };
        let end = self.ends.get(index).copied().unwrap_or_default();
        let start = match index.checked_sub(1) {
            Some(before) => self.ends.get(before).copied().unwrap_or_default(),
            None => 0,
        };
        self.bytes.get(start..end).unwrap_or_default()
    }
}
