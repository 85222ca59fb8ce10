//! From a request to the tokens of its prompt.

use llama_cpp_2::model::VocabType;
use llama_cpp_2::token::LlamaToken;
use mesoclaw_agent::model::ModelRequest;

use crate::answer::Loaded;
use crate::calls::{self, OPENER};
use crate::template::Piece;
use crate::vocabulary::Vocabulary;

impl Loaded<'_> {
    /// The tokens of the whole prompt; where a call is wanted, the answer begins with its tag.
    pub(crate) fn prompt(&self, request: &ModelRequest, must_call: bool) -> Vec<LlamaToken> {
        let vocab = self.model.vocab();
        let mut tokens: Vec<LlamaToken> = Vec::new();
        let pieces = self
            .template
            .render(&request.system, &request.messages, &request.tools);
        for piece in pieces {
            let is_first = tokens.is_empty();
            match piece {
                Piece::Markup(markup) => {
                    tokens.extend(vocab.tokenize(markup.as_bytes(), false, true));
                }
                Piece::Text(text) => tokens.extend(self.plain(&text)),
                Piece::Answer(text) => {
                    let answer = self
                        .as_generated(&tokens, &text)
                        .or_else(|| self.as_called(&tokens, &text))
                        .unwrap_or_else(|| self.plain(&text));
                    tokens.extend(answer);
                }
            }
            if is_first && vocab.should_add_bos() && tokens.first() != Some(&vocab.bos()) {
                tokens.insert(0, vocab.bos());
            }
        }
        if must_call {
            tokens.extend(vocab.tokenize(OPENER.as_bytes(), false, true));
        }
        tokens
    }

    /// Tokens of a text in which nothing is special.
    fn plain(&self, text: &str) -> Vec<LlamaToken> {
        let vocab = self.model.vocab();
        if vocab.vocab_type() == VocabType::SPM {
            // Such a vocabulary puts a space before every text; behind a line break it does not.
            let guard = vocab.tokenize(b"\n", false, false);
            let guarded = vocab.tokenize(format!("\n{text}").as_bytes(), false, false);
            if let Some(tokens) = guarded.strip_prefix(guard.as_slice()) {
                return tokens.to_vec();
            }
        }
        vocab.tokenize(text.as_bytes(), false, false)
    }

    /// The tokens an answer was generated with, when the cache still has them at this place.
    ///
    /// A text can be cut into tokens in several ways and a model does not always take the usual
    /// one; with the tokens as generated the next turn finds its prefix in the cache.
    fn as_generated(&self, before: &[LlamaToken], text: &str) -> Option<Vec<LlamaToken>> {
        let generated = self.cached.strip_prefix(before)?;
        let vocab = self.model.vocab();
        let mut rest = text.as_bytes();
        let mut tokens = Vec::new();
        for token in generated {
            if rest.is_empty() {
                break;
            }
            let bytes = vocab.token_to_piece(*token, false, None);
            rest = rest
                .strip_prefix(bytes.as_slice())
                .filter(|_| !bytes.is_empty())?;
            tokens.push(*token);
        }
        // The last token of a cut answer may not be in the cache: the rest is cut afresh.
        if !rest.is_empty() {
            tokens.extend(self.plain(std::str::from_utf8(rest).ok()?));
        }
        Some(tokens)
    }

    /// The same for an answer with calls, which stand in the conversation as values: white space
    /// and order may differ from what was generated.
    fn as_called(&self, before: &[LlamaToken], text: &str) -> Option<Vec<LlamaToken>> {
        let wanted = calls::take_apart(text.as_bytes());
        if wanted.calls.is_empty() {
            return None;
        }
        let generated = self.cached.strip_prefix(before)?;
        let vocab = self.model.vocab();
        let vocabulary = self.vocabulary();
        let mut written = Vec::new();
        let ends: Vec<usize> = generated
            .iter()
            .take_while(|token| !vocab.is_eog(**token))
            .map(|token| {
                written.extend_from_slice(vocabulary.bytes(*token));
                written.len()
            })
            .collect();
        let found = calls::take_apart(&written);
        if (&found.text, &found.calls) != (&wanted.text, &wanted.calls) {
            return None;
        }
        // The grammar lets no token go beyond a closing tag, so one ends with it.
        let last = ends.iter().position(|end| *end == found.end)?;
        generated.get(..=last).map(<[LlamaToken]>::to_vec)
    }

    pub(crate) fn vocabulary(&self) -> &Vocabulary {
        self.vocabulary
            .get_or_init(|| Vocabulary::new(&self.model.vocab()))
    }
}
