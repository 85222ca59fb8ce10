//! Words of the shell: quotes and escapes removed by its rules, everything that expands refused.

use super::Unclear;

/// One word after quote removal.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(in crate::policy) struct Word {
    /// What the program gets; of a wildcard, what it gets when nothing matches.
    pub text: String,
    /// Set when the shell would expand it: the pattern, made wider and simpler, with `*` and `?`
    /// only, and a backslash before those that are quoted.
    pub glob: Option<String>,
    /// Whether the text starts with a `~` that means the home directory.
    pub tilde: bool,
    /// Whether no character was quoted or escaped: only such a word can be a keyword.
    pub bare: bool,
}

impl Word {
    /// A word that means itself.
    pub fn literal(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }
}

/// Reads the word at the start of `source`, up to a blank or an operator. Returns it with its
/// length in bytes.
pub(super) fn word_at(source: &str) -> Result<(Word, usize), Unclear> {
    let mut reader = Reader {
        source,
        at: 0,
        text: String::new(),
        pattern: String::new(),
        has_glob: false,
        tilde: false,
        bare: true,
        braces: false,
    };
    while reader.step()? {}
    reader.finish()
}

struct Reader<'a> {
    source: &'a str,
    at: usize,
    text: String,
    pattern: String,
    has_glob: bool,
    tilde: bool,
    bare: bool,
    braces: bool,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        self.source.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Reads one character or quoted part; false at the end of the word.
    fn step(&mut self) -> Result<bool, Unclear> {
        let Some(c) = self.peek() else {
            return Ok(false);
        };
        if is_break(c) {
            return Ok(false);
        }
        self.at += c.len_utf8();
        match c {
            '\'' => self.single_quoted()?,
            '"' => self.double_quoted()?,
            '\\' => self.escaped()?,
            '`' => return Err(Unclear::new("a command in backquotes runs inside the line")),
            '$' => self.dollar(false)?,
            '*' | '?' => {
                self.has_glob = true;
                self.text.push(c);
                self.pattern.push(c);
            }
            '[' => self.bracket()?,
            '{' | '}' => {
                self.braces = true;
                self.literal(c);
            }
            '~' => self.tilde()?,
            _ => self.literal(c),
        }
        Ok(true)
    }

    fn literal(&mut self, c: char) {
        self.text.push(c);
        if matches!(c, '*' | '?' | '[' | ']' | '\\') {
            self.pattern.push('\\');
        }
        self.pattern.push(c);
    }

    fn single_quoted(&mut self) -> Result<(), Unclear> {
        self.bare = false;
        let Some((inside, _)) = self.rest().split_once('\'') else {
            return Err(Unclear::new("a quote is not closed"));
        };
        let inside = inside.to_owned();
        self.at += inside.len() + 1;
        inside.chars().for_each(|c| self.literal(c));
        Ok(())
    }

    fn double_quoted(&mut self) -> Result<(), Unclear> {
        self.bare = false;
        loop {
            let Some(c) = self.peek() else {
                return Err(Unclear::new("a quote is not closed"));
            };
            self.at += c.len_utf8();
            match c {
                '"' => return Ok(()),
                '`' => return Err(Unclear::new("a command in backquotes runs inside the line")),
                '$' => self.dollar(true)?,
                '\\' => match self.peek() {
                    Some(next @ ('$' | '`' | '"' | '\\')) => {
                        self.at += 1;
                        self.literal(next);
                    }
                    Some('\n') => return Err(Unclear::new("a line goes on inside quotes")),
                    _ => self.literal('\\'),
                },
                _ => self.literal(c),
            }
        }
    }

    fn escaped(&mut self) -> Result<(), Unclear> {
        self.bare = false;
        match self.peek() {
            None => Err(Unclear::new("the command ends in a backslash")),
            Some('\n') => Err(Unclear::new("a line goes on inside a word")),
            Some(c) => {
                self.at += c.len_utf8();
                self.literal(c);
                Ok(())
            }
        }
    }

    /// A dollar sign means itself only where no shell could read anything into it.
    fn dollar(&mut self, is_quoted: bool) -> Result<(), Unclear> {
        let is_itself = match self.peek() {
            None | Some(' ' | '\t' | '\n') => true,
            Some('"' | '|' | ')') => is_quoted,
            Some(_) => false,
        };
        if !is_itself {
            let what = match self.peek() {
                Some('(') => "a command or a calculation runs inside the line (`$(`)",
                Some('\'') => "a word is written with escapes of its own (`$'`)",
                _ => "a variable is put into the line (`$`)",
            };
            return Err(Unclear::new(what));
        }
        self.literal('$');
        Ok(())
    }

    /// A set of characters becomes `?`, which matches more.
    fn bracket(&mut self) -> Result<(), Unclear> {
        let is_alone = self.text.is_empty() && self.peek().is_none_or(is_break);
        if is_alone {
            self.literal('[');
            return Ok(());
        }
        let unclear = || Unclear::new("a set of characters (`[`) that shells may read differently");
        let rest = self.rest();
        let negated = usize::from(rest.starts_with('!'));
        // A `]` that comes first belongs to the set.
        let search_from = negated + 1;
        let end = rest
            .get(search_from..)
            .and_then(|rest| rest.find(']'))
            .map(|end| end + search_from)
            .ok_or_else(unclear)?;
        let inside = rest.get(..end).ok_or_else(unclear)?;
        let is_plain = inside
            .chars()
            .skip(negated)
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ','));
        if !is_plain || inside.len() <= negated {
            return Err(unclear());
        }
        let inside = inside.to_owned();
        self.at += inside.len() + 1;
        self.text.push('[');
        self.text.push_str(&inside);
        self.text.push(']');
        self.pattern.push('?');
        self.has_glob = true;
        Ok(())
    }

    fn tilde(&mut self) -> Result<(), Unclear> {
        if self.at == 1 {
            if !self.peek().is_none_or(|c| c == '/' || is_break(c)) {
                return Err(Unclear::new("`~` with something else than `/` after it"));
            }
            self.tilde = true;
        } else if self.text.ends_with(['=', ':']) {
            return Err(Unclear::new(
                "`~` inside a word, which shells read differently",
            ));
        }
        self.literal('~');
        Ok(())
    }

    fn finish(self) -> Result<(Word, usize), Unclear> {
        // `{` and `}` alone are keywords, `{}` alone is a placeholder of other programs.
        if self.braces && !(self.bare && matches!(self.text.as_str(), "{" | "}" | "{}")) {
            return Err(Unclear::new("braces that only some shells expand"));
        }
        let word = Word {
            text: self.text,
            glob: self.has_glob.then_some(self.pattern),
            tilde: self.tilde,
            bare: self.bare,
        };
        Ok((word, self.at))
    }
}

/// Whether a character ends a word.
fn is_break(c: char) -> bool {
    matches!(
        c,
        ' ' | '\t' | '\n' | '|' | '&' | ';' | '<' | '>' | '(' | ')'
    )
}
