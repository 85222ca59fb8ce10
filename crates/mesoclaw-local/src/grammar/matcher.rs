//! Follows a text through a grammar, byte by byte, along every reading that is still possible.

use std::rc::Rc;

use super::{ByteSet, Grammar, Node, NodeId};

/// A place in a text and every way the grammar can have got there.
#[derive(Clone)]
pub(crate) struct Matcher {
    grammar: Rc<Grammar>,
    /// What must follow, one stack for each reading. An empty one has nothing left to come.
    stacks: Vec<Stack>,
}

/// What must follow, the next step on top. The lower parts are shared between readings.
type Stack = Option<Rc<Frame>>;

struct Frame {
    step: Step,
    below: Stack,
}

enum Step {
    Node(NodeId),
    /// The rest of a literal.
    Literal {
        id: NodeId,
        at: usize,
    },
    /// The rest of a sequence.
    Sequence {
        id: NodeId,
        at: usize,
    },
    /// A repetition that happened `count` times.
    Repeat {
        id: NodeId,
        count: u32,
    },
    /// Members of which some have been there, by their number.
    Members {
        id: NodeId,
        seen: Vec<usize>,
    },
}

impl Matcher {
    /// Stands before a text of the node.
    pub(crate) fn new(grammar: Rc<Grammar>, root: NodeId) -> Self {
        let mut stacks = Vec::new();
        expand(&grammar, frame(Step::Node(root), None), &mut stacks);
        Self { grammar, stacks }
    }

    /// Goes on by these bytes; stays where it is and says `false` if the grammar forbids them.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> bool {
        let Some(stacks) = self.after(bytes) else {
            return false;
        };
        self.stacks = stacks;
        true
    }

    /// Whether the text may go on with these bytes.
    pub(crate) fn takes(&self, bytes: &[u8]) -> bool {
        self.after(bytes).is_some()
    }

    /// Whether the text may end here.
    pub(crate) fn is_complete(&self) -> bool {
        self.stacks.iter().any(Option::is_none)
    }

    /// The bytes the text may go on with.
    #[cfg(test)]
    pub(crate) fn next_bytes(&self) -> ByteSet {
        let mut set = ByteSet::default();
        for frame in self.stacks.iter().flatten() {
            match self.terminal(frame) {
                Some(Terminal::Byte(one)) => set.insert(one),
                Some(Terminal::Set(bytes)) => set.extend(bytes),
                None => {}
            }
        }
        set
    }

    fn after(&self, bytes: &[u8]) -> Option<Vec<Stack>> {
        let mut stacks: Option<Vec<Stack>> = None;
        for byte in bytes {
            let mut next = Vec::new();
            for frame in stacks.as_ref().unwrap_or(&self.stacks).iter().flatten() {
                self.step_over(frame, *byte, &mut next);
            }
            if next.is_empty() {
                return None;
            }
            stacks = Some(next);
        }
        Some(stacks.unwrap_or_else(|| self.stacks.clone()))
    }

    fn step_over(&self, top: &Frame, byte: u8, next: &mut Vec<Stack>) {
        let is_taken = match self.terminal(top) {
            Some(Terminal::Byte(one)) => one == byte,
            Some(Terminal::Set(set)) => set.contains(byte),
            None => false,
        };
        if !is_taken {
            return;
        }
        let rest = match top.step {
            Step::Literal { id, at } => {
                Some(frame(Step::Literal { id, at: at + 1 }, top.below.clone()))
            }
            Step::Node(_) | Step::Sequence { .. } | Step::Repeat { .. } | Step::Members { .. } => {
                top.below.clone()
            }
        };
        expand(&self.grammar, rest, next);
    }

    /// What the top of an expanded stack takes.
    fn terminal(&self, frame: &Frame) -> Option<Terminal<'_>> {
        match frame.step {
            Step::Literal { id, at } => match self.grammar.node(id)? {
                Node::Literal(bytes) => bytes.get(at).copied().map(Terminal::Byte),
                _ => None,
            },
            Step::Node(id) => match self.grammar.node(id)? {
                Node::Byte(set) => Some(Terminal::Set(set)),
                _ => None,
            },
            Step::Sequence { .. } | Step::Repeat { .. } | Step::Members { .. } => None,
        }
    }
}

enum Terminal<'a> {
    Byte(u8),
    Set(&'a ByteSet),
}

fn frame(step: Step, below: impl Into<Stack>) -> Rc<Frame> {
    let below = below.into();
    Rc::new(Frame { step, below })
}

/// Replaces a stack by the readings of it that begin with a byte, or are over.
fn expand(grammar: &Grammar, stack: impl Into<Stack>, found: &mut Vec<Stack>) {
    let Some(top) = stack.into() else {
        found.push(None);
        return;
    };
    let below = &top.below;
    match &top.step {
        Step::Node(id) => match grammar.node(*id) {
            Some(Node::Literal(_)) => {
                expand(
                    grammar,
                    frame(Step::Literal { id: *id, at: 0 }, below.clone()),
                    found,
                );
            }
            Some(Node::Byte(_)) => found.push(Some(Rc::clone(&top))),
            Some(Node::Sequence(_)) => {
                expand(
                    grammar,
                    frame(Step::Sequence { id: *id, at: 0 }, below.clone()),
                    found,
                );
            }
            Some(Node::Choice(parts)) => {
                for part in parts {
                    expand(grammar, frame(Step::Node(*part), below.clone()), found);
                }
            }
            Some(Node::Repeat { .. }) => {
                expand(
                    grammar,
                    frame(Step::Repeat { id: *id, count: 0 }, below.clone()),
                    found,
                );
            }
            Some(Node::Members { .. }) => {
                let seen = Vec::new();
                expand(
                    grammar,
                    frame(Step::Members { id: *id, seen }, below.clone()),
                    found,
                );
            }
            None => {}
        },
        Step::Literal { id, at } => match grammar.node(*id) {
            Some(Node::Literal(bytes)) if *at < bytes.len() => found.push(Some(top)),
            _ => expand(grammar, below.clone(), found),
        },
        Step::Sequence { id, at } => expand_sequence(grammar, (*id, *at), below, found),
        Step::Repeat { id, count } => expand_repeat(grammar, (*id, *count), below, found),
        Step::Members { id, seen } => expand_members(grammar, (*id, seen), below, found),
    }
}

fn expand_sequence(
    grammar: &Grammar,
    (id, at): (NodeId, usize),
    below: &Stack,
    found: &mut Vec<Stack>,
) {
    let Some(Node::Sequence(parts)) = grammar.node(id) else {
        return;
    };
    let Some(part) = parts.get(at) else {
        expand(grammar, below.clone(), found);
        return;
    };
    let rest = if at + 1 < parts.len() {
        Some(frame(Step::Sequence { id, at: at + 1 }, below.clone()))
    } else {
        below.clone()
    };
    expand(grammar, frame(Step::Node(*part), rest), found);
}

fn expand_repeat(
    grammar: &Grammar,
    (id, count): (NodeId, u32),
    below: &Stack,
    found: &mut Vec<Stack>,
) {
    let Some(Node::Repeat { item, min, max }) = grammar.node(id) else {
        return;
    };
    if count < *max {
        let again = Step::Repeat {
            id,
            count: count + 1,
        };
        let rest = frame(again, below.clone());
        expand(grammar, frame(Step::Node(*item), rest), found);
    }
    if count >= *min {
        expand(grammar, below.clone(), found);
    }
}

fn expand_members(
    grammar: &Grammar,
    (id, seen): (NodeId, &[usize]),
    below: &Stack,
    found: &mut Vec<Stack>,
) {
    let Some(Node::Members { members, separator }) = grammar.node(id) else {
        return;
    };
    let mut is_whole = true;
    for (number, member) in members.iter().enumerate() {
        if seen.contains(&number) {
            continue;
        }
        is_whole &= !member.is_required;
        let mut now = seen.to_vec();
        now.push(number);
        let rest = frame(Step::Members { id, seen: now }, below.clone());
        let entry = frame(Step::Node(member.entry), rest);
        let entry = if seen.is_empty() {
            entry
        } else {
            frame(Step::Node(*separator), entry)
        };
        expand(grammar, entry, found);
    }
    if is_whole {
        expand(grammar, below.clone(), found);
    }
}
