//! HTML to readable text: headings, lists, rows, code and links in the manner of Markdown, what
//! is hidden left out.

use html5gum::{DefaultEmitter, StartTag, Token, Tokenizer};
use mesoclaw_net::WebUrl;

use super::blocks::{Blocks, Zone};
use super::clean::{one_line, visible};
use super::walk::{Closed, Elements, attribute, is_block, text_of};

/// A page as text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Document {
    /// What the page calls itself.
    pub(crate) title: String,
    /// The text.
    pub(crate) text: String,
    /// Whether navigation, footers and the like were left out.
    pub(crate) is_part: bool,
    /// Whether the text was too long to be kept whole.
    pub(crate) is_cut: bool,
}

/// Longest title that is kept.
const MAX_TITLE_CHARS: usize = 300;

/// Reads a page; relative links are relative to `base`.
pub(crate) fn read(html: &str, base: &WebUrl) -> Document {
    let mut reader = Reader {
        base: base.clone(),
        elements: Elements::default(),
        blocks: Blocks::default(),
        title: None,
        is_cut: false,
    };
    for token in tokens(html) {
        reader.take(token);
        if reader.blocks.is_full() {
            reader.is_cut = true;
            break;
        }
    }
    let zone = reader.elements.zone();
    let (text, is_part) = reader.blocks.finish(zone);
    Document {
        title: one_line(&reader.title.unwrap_or_default(), MAX_TITLE_CHARS),
        text,
        is_part,
        is_cut: reader.is_cut,
    }
}

/// A fragment without its tags, in one line.
pub(crate) fn plain(html: &str, max_chars: usize) -> String {
    let mut text = String::new();
    for token in tokens(html) {
        match token {
            Token::String(piece) => text.push_str(text_of(&piece)),
            Token::StartTag(tag) if is_block(text_of(&tag.name)) => text.push(' '),
            Token::StartTag(tag) if text_of(&tag.name) == "br" => text.push(' '),
            Token::StartTag(_)
            | Token::EndTag(_)
            | Token::Comment(_)
            | Token::Doctype(_)
            | Token::Error(_) => {}
        }
    }
    one_line(&text, max_chars)
}

/// The tokens of a page.
pub(crate) fn tokens(html: &str) -> impl Iterator<Item = Token<()>> {
    let mut emitter = DefaultEmitter::default();
    // Scripts, styles and titles are not read as tags.
    emitter.naively_switch_states(true);
    Tokenizer::new_with_emitter(html, emitter).filter_map(Result::ok)
}

struct Reader {
    base: WebUrl,
    elements: Elements,
    blocks: Blocks,
    title: Option<String>,
    is_cut: bool,
}

impl Reader {
    fn take(&mut self, token: Token<()>) {
        match token {
            Token::StartTag(tag) => self.start(&tag),
            Token::EndTag(tag) => self.end(text_of(&tag.name)),
            Token::String(text) => self.text(text_of(&text)),
            Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
        }
    }

    fn text(&mut self, text: &str) {
        if self.elements.is_hidden() {
            return;
        }
        if self.elements.is_in("title") {
            self.title.get_or_insert_with(|| visible(text));
        } else {
            self.blocks.text(text);
        }
    }

    fn start(&mut self, tag: &StartTag<()>) {
        let name = text_of(&tag.name);
        for closed in self.elements.close_implied(name) {
            self.closed(&closed);
        }
        let around = self.elements.zone();
        self.elements.open(tag, name);
        if self.elements.is_hidden() {
            return;
        }
        if is_block(name) {
            self.break_off(around);
        }
        match name {
            "a" => {
                if let Some(url) = self.base.join(attribute(tag, "href")) {
                    self.blocks.open_link(url);
                }
            }
            "base" => {
                if let Some(base) = self.base.join(attribute(tag, "href")) {
                    self.base = WebUrl::parse(&base).unwrap_or_else(|| self.base.clone());
                }
            }
            "br" => self.blocks.line_end(),
            "img" => {
                let alt = one_line(attribute(tag, "alt"), MAX_TITLE_CHARS);
                if !alt.is_empty() {
                    self.blocks.mark(&format!("[image: {alt}]"));
                }
            }
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                self.blocks.heading = usize::from(name.as_bytes().last().map_or(0, |n| n - b'0'));
            }
            "ul" | "ol" | "menu" | "dir" => self.blocks.open_list(name == "ol"),
            "li" => self.blocks.open_item(),
            "blockquote" => self.blocks.quotes += 1,
            "pre" => self.blocks.is_code = true,
            "code" | "kbd" | "samp" if !self.blocks.is_code => self.blocks.mark("`"),
            "td" | "th" => {
                self.blocks.cells += 1;
                self.blocks.cell();
            }
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        let is_hidden = self.elements.is_hidden();
        match self.elements.close(name) {
            Some(closed) => closed.iter().for_each(|closed| self.closed(closed)),
            None if is_block(name) && !is_hidden => self.break_off(self.elements.zone()),
            None => {}
        }
    }

    /// What the end of a shown element means.
    fn closed(&mut self, closed: &Closed) {
        let zone = closed.zone;
        let name = closed.name.as_str();
        match name {
            "a" => self.blocks.close_link(),
            "code" | "kbd" | "samp" if !self.blocks.is_code => self.blocks.mark("`"),
            "td" | "th" => self.blocks.cells = self.blocks.cells.saturating_sub(1),
            "tr" => self.blocks.end_row(zone),
            name if is_block(name) => self.break_off(zone),
            _ => {}
        }
        match name {
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => self.blocks.heading = 0,
            "ul" | "ol" | "menu" | "dir" => self.blocks.close_list(),
            "blockquote" => self.blocks.quotes = self.blocks.quotes.saturating_sub(1),
            "pre" => self.blocks.is_code = false,
            _ => {}
        }
    }

    /// Ends a paragraph; inside a cell it goes on in the row.
    fn break_off(&mut self, zone: Zone) {
        if self.blocks.cells > 0 {
            self.blocks.text(" ");
        } else {
            self.blocks.flush(zone);
        }
    }
}
