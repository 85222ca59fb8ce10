//! A grammar over bytes: what text a constrained answer may consist of.
//!
//! It only describes; `matcher` follows a text through it. Repetitions and members are counted
//! while matching, so a string of 2,000 characters costs one node and not 2,000.

mod matcher;

pub(crate) use matcher::Matcher;

/// A node of a grammar.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct NodeId(usize);

/// What may stand at a place.
#[derive(Debug)]
pub(super) enum Node {
    /// Exactly these bytes.
    Literal(Box<[u8]>),
    /// One byte of the set.
    Byte(ByteSet),
    /// One after the other.
    Sequence(Box<[NodeId]>),
    /// One of them.
    Choice(Box<[NodeId]>),
    /// The same, `min` to `max` times.
    Repeat { item: NodeId, min: u32, max: u32 },
    /// Each at most once and in any order, the required ones always.
    Members {
        members: Box<[Member]>,
        separator: NodeId,
    },
}

/// One of several parts that may come in any order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member {
    /// Key and value.
    pub(crate) entry: NodeId,
    /// Whether it must be there.
    pub(crate) is_required: bool,
}

/// A set of bytes.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct ByteSet([u64; 4]);

impl ByteSet {
    /// The bytes of these ranges, ends included.
    pub(crate) fn of(ranges: &[(u8, u8)]) -> Self {
        let mut set = Self::default();
        for (first, last) in ranges {
            for byte in *first..=*last {
                set.insert(byte);
            }
        }
        set
    }

    /// The same set without these bytes.
    pub(crate) fn without(mut self, bytes: &[u8]) -> Self {
        for byte in bytes {
            if let Some(word) = self.0.get_mut(usize::from(byte >> 6)) {
                *word &= !(1 << (byte & 63));
            }
        }
        self
    }

    pub(crate) fn insert(&mut self, byte: u8) {
        if let Some(word) = self.0.get_mut(usize::from(byte >> 6)) {
            *word |= 1 << (byte & 63);
        }
    }

    pub(crate) fn contains(&self, byte: u8) -> bool {
        self.0
            .get(usize::from(byte >> 6))
            .is_some_and(|word| word & (1 << (byte & 63)) != 0)
    }

    #[cfg(test)]
    fn extend(&mut self, other: &Self) {
        for (word, more) in self.0.iter_mut().zip(other.0) {
            *word |= more;
        }
    }
}

/// The nodes of a grammar. A node is made after the nodes it consists of, so none can contain
/// itself and every text of the grammar is finite.
#[derive(Default, Debug)]
pub(crate) struct Grammar {
    nodes: Vec<Node>,
}

impl Grammar {
    pub(crate) fn literal(&mut self, text: &str) -> NodeId {
        self.add(Node::Literal(text.as_bytes().into()))
    }

    pub(crate) fn byte(&mut self, set: ByteSet) -> NodeId {
        self.add(Node::Byte(set))
    }

    pub(crate) fn sequence(&mut self, parts: &[NodeId]) -> NodeId {
        self.add(Node::Sequence(parts.into()))
    }

    /// One of `parts`, of which there must be one at least.
    pub(crate) fn choice(&mut self, parts: &[NodeId]) -> NodeId {
        match parts {
            [only] => *only,
            parts => self.add(Node::Choice(parts.into())),
        }
    }

    /// `item` must not be able to be empty.
    pub(crate) fn repeat(&mut self, item: NodeId, min: u32, max: u32) -> NodeId {
        self.add(Node::Repeat {
            item,
            min,
            max: max.max(min),
        })
    }

    pub(crate) fn optional(&mut self, item: NodeId) -> NodeId {
        self.repeat(item, 0, 1)
    }

    /// Neither a member nor the separator may be able to be empty.
    pub(crate) fn members(&mut self, members: &[Member], separator: NodeId) -> NodeId {
        self.add(Node::Members {
            members: members.into(),
            separator,
        })
    }

    pub(crate) fn n_nodes(&self) -> usize {
        self.nodes.len()
    }

    fn add(&mut self, node: Node) -> NodeId {
        self.nodes.push(node);
        NodeId(self.nodes.len() - 1)
    }

    fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id.0)
    }
}

#[cfg(test)]
mod tests;
