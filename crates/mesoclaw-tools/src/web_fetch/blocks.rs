//! Takes text piece by piece and makes paragraphs, headings, lists, rows and code of it.

use super::clean::is_visible;

/// More text of one page is not kept.
const MAX_TEXT_BYTES: usize = 2 * 1024 * 1024;
/// An address longer than this is left out; its text stays.
const MAX_LINK_BYTES: usize = 500;
/// A page whose main part has fewer characters has its main part elsewhere.
const MIN_MAIN_BYTES: usize = 200;
/// So many links in a row before the first running text are a menu.
const MIN_MENU_LINKS: usize = 5;

/// Which part of a page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Zone {
    /// Marked as the page's subject.
    Main,
    /// Not marked.
    Plain,
    /// Navigation, footers, side columns.
    Around,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Paragraph,
    /// List items and rows: no empty line between two of them.
    Line,
}

struct Block {
    text: String,
    kind: Kind,
    zone: Zone,
    /// Bytes that a reader sees.
    n_seen: usize,
    /// And those of them that are links.
    n_linked: usize,
}

impl Block {
    /// Nearly only links, as in a menu.
    fn is_links(&self) -> bool {
        self.n_linked * 10 >= self.n_seen * 8 && self.n_linked > 0
    }

    /// Could stand between the links of a menu.
    fn is_label(&self) -> bool {
        self.kind == Kind::Line && self.n_seen < 40
    }

    /// Running text.
    fn is_prose(&self) -> bool {
        self.n_seen - self.n_linked.min(self.n_seen) >= MIN_MAIN_BYTES
    }
}

struct List {
    /// Number of the next item; `None` = bullets.
    next: Option<u32>,
}

struct Link {
    url: String,
    /// Where its text begins in the line.
    start: usize,
}

/// Text on its way to a page.
#[derive(Default)]
pub(crate) struct Blocks {
    done: Vec<Block>,
    n_bytes: usize,
    line: String,
    needs_blank: bool,
    link: Option<Link>,
    /// Bytes of links in the line, and what their addresses add to it.
    n_linked: usize,
    n_added: usize,
    lists: Vec<List>,
    marker: Option<String>,
    pub(crate) heading: usize,
    pub(crate) quotes: usize,
    pub(crate) cells: usize,
    pub(crate) is_code: bool,
}

impl Blocks {
    /// Whether the page is longer than what is kept.
    pub(crate) fn is_full(&self) -> bool {
        self.n_bytes + self.line.len() > MAX_TEXT_BYTES
    }

    /// Adds text of a page, blanks as they are.
    pub(crate) fn text(&mut self, text: &str) {
        for c in text.chars() {
            if !is_visible(c, self.line.chars().next_back()) {
                continue;
            }
            if self.is_code {
                self.line.push(c);
            } else if c.is_whitespace() {
                self.needs_blank = true;
            } else {
                self.put_blank();
                self.line.push(c);
            }
        }
    }

    /// Adds a mark that was not in the text.
    pub(crate) fn mark(&mut self, mark: &str) {
        self.put_blank();
        self.line.push_str(mark);
    }

    fn put_blank(&mut self) {
        let is_inside = !self.line.is_empty() && !self.line.ends_with(['\n', ' ']);
        if self.needs_blank && is_inside {
            self.line.push(' ');
        }
        self.needs_blank = false;
    }

    /// A line end inside a paragraph.
    pub(crate) fn line_end(&mut self) {
        self.needs_blank = false;
        if !self.line.is_empty() {
            self.line.push('\n');
        }
    }

    /// A cell of a row begins.
    pub(crate) fn cell(&mut self) {
        if !self.line.trim().is_empty() {
            self.needs_blank = true;
            self.mark("| ");
        }
    }

    pub(crate) fn open_link(&mut self, url: String) {
        self.close_link();
        if url.len() <= MAX_LINK_BYTES && !self.is_code {
            self.put_blank();
            let start = self.line.len();
            self.link = Some(Link { url, start });
        }
    }

    pub(crate) fn close_link(&mut self) {
        let Some(Link { url, start }) = self.link.take() else {
            return;
        };
        let text = self.line.get(start..).unwrap_or_default().trim();
        if text.is_empty() {
            return;
        }
        let linked = if text == url {
            format!("<{url}>")
        } else {
            format!("[{text}]({url})")
        };
        self.n_linked += text.len();
        self.n_added += linked.len() - text.len();
        self.line.truncate(start);
        self.line.push_str(&linked);
    }

    /// A paragraph ends inside a link: the link belongs to the first text it has.
    fn break_link(&mut self) {
        let start = self.link.as_ref().map_or(0, |link| link.start);
        if !self.line.get(start..).unwrap_or_default().trim().is_empty() {
            self.close_link();
        } else if let Some(link) = &mut self.link {
            link.start = 0;
        }
    }

    pub(crate) fn open_list(&mut self, is_ordered: bool) {
        let next = is_ordered.then_some(1);
        self.lists.push(List { next });
    }

    pub(crate) fn close_list(&mut self) {
        self.lists.pop();
        self.marker = None;
    }

    pub(crate) fn open_item(&mut self) {
        let marker = match self.lists.last_mut().map(|list| &mut list.next) {
            Some(Some(next)) => {
                let marker = format!("{next}. ");
                *next = next.saturating_add(1);
                marker
            }
            Some(None) | None => "- ".to_owned(),
        };
        self.marker = Some(marker);
    }

    /// Ends a paragraph, an item, a row.
    pub(crate) fn flush(&mut self, zone: Zone) {
        self.break_link();
        self.needs_blank = false;
        let line = std::mem::take(&mut self.line);
        let n_linked = std::mem::take(&mut self.n_linked);
        let n_added = std::mem::take(&mut self.n_added);
        let is_code = self.is_code;
        let text = if is_code {
            line.trim_matches('\n').trim_end()
        } else {
            line.trim()
        };
        if text.trim().is_empty() {
            return;
        }
        let n_seen = text.len().saturating_sub(n_added);
        let is_item = !self.lists.is_empty();
        let mut text = if is_code {
            format!("```\n{text}\n```")
        } else if self.heading > 0 {
            format!("{} {}", "#".repeat(self.heading), text.replace('\n', " "))
        } else {
            text.to_owned()
        };
        if is_item {
            let indent = "  ".repeat(self.lists.len().min(8) - 1);
            let marker = self.marker.take().unwrap_or_else(|| "  ".to_owned());
            let rest = format!("\n{indent}  ");
            text = format!("{indent}{marker}{}", text.replace('\n', &rest));
        }
        if self.quotes > 0 {
            text = format!("> {}", text.replace('\n', "\n> "));
        }
        let kind = if is_item || self.cells > 0 {
            Kind::Line
        } else {
            Kind::Paragraph
        };
        self.n_bytes += text.len();
        self.done.push(Block {
            text,
            kind,
            zone,
            n_seen,
            n_linked,
        });
    }

    /// Ends a row of a table.
    pub(crate) fn end_row(&mut self, zone: Zone) {
        self.cells += 1;
        self.flush(zone);
        self.cells -= 1;
    }

    /// The page, and whether parts around its subject were left out.
    pub(crate) fn finish(mut self, zone: Zone) -> (String, bool) {
        self.flush(zone);
        let blocks = self.done;
        let n_bytes = |zones: &[Zone]| -> usize {
            let blocks = blocks.iter().filter(|block| zones.contains(&block.zone));
            blocks.map(|block| block.text.len()).sum()
        };
        let all = [Zone::Main, Zone::Plain, Zone::Around];
        let kept: &[Zone] = if n_bytes(&[Zone::Main]) >= MIN_MAIN_BYTES {
            &[Zone::Main]
        } else if n_bytes(&[Zone::Main, Zone::Plain]) >= MIN_MAIN_BYTES {
            &[Zone::Main, Zone::Plain]
        } else {
            &all
        };
        let n_all = blocks.len();
        let kept = blocks
            .into_iter()
            .filter(|block| kept.contains(&block.zone));
        let kept = without_menus(kept.collect());
        let is_part = kept.len() < n_all;
        (join(&kept), is_part)
    }
}

/// Without the menus before the first running text; a page of links alone keeps all of them.
fn without_menus(blocks: Vec<Block>) -> Vec<Block> {
    let Some(first) = blocks.iter().position(Block::is_prose) else {
        return blocks;
    };
    let mut kept = Vec::with_capacity(blocks.len());
    let mut run: Vec<Block> = Vec::new();
    for (at, block) in blocks.into_iter().enumerate() {
        if at < first && (block.is_links() || block.is_label()) {
            run.push(block);
            continue;
        }
        let is_menu = run.iter().filter(|block| block.is_links()).count() >= MIN_MENU_LINKS;
        if is_menu {
            run.clear();
        }
        kept.append(&mut run);
        kept.push(block);
    }
    kept
}

fn join(blocks: &[Block]) -> String {
    let mut page = String::new();
    let mut before = None;
    for block in blocks {
        page.push_str(match (before, block.kind) {
            (None, _) => "",
            (Some(Kind::Line), Kind::Line) => "\n",
            (Some(_), _) => "\n\n",
        });
        page.push_str(&block.text);
        before = Some(block.kind);
    }
    page
}
