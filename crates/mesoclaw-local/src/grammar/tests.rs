//! Tests of following a text through a grammar.

use std::rc::Rc;

use super::*;

/// What becomes of a text: whether it is taken, and whether it may end there.
fn follow(grammar: &Rc<Grammar>, root: NodeId, text: &str) -> (bool, bool) {
    let mut matcher = Matcher::new(Rc::clone(grammar), root);
    let is_taken = matcher.push(text.as_bytes());
    let mut by_bytes = Matcher::new(Rc::clone(grammar), root);
    let is_taken_by_bytes = text.bytes().all(|byte| by_bytes.push(&[byte]));
    assert_eq!(is_taken, is_taken_by_bytes, "{text}");
    (is_taken, is_taken && matcher.is_complete())
}

#[test]
fn every_kind_of_node_takes_its_texts_and_no_others() {
    let mut grammar = Grammar::default();
    let abc = grammar.literal("abc");
    let abd = grammar.literal("abd");
    let digit = grammar.byte(ByteSet::of(&[(b'0', b'9')]).without(b"5"));
    let either = grammar.choice(&[abc, abd]);
    let some = grammar.repeat(digit, 2, 3);
    let maybe = grammar.optional(digit);
    let row = grammar.sequence(&[either, maybe, abc]);
    let comma = grammar.literal(",");
    let member = |entry, is_required| Member { entry, is_required };
    let [a, b, c] = ["a", "b", "c"].map(|name| grammar.literal(name));
    let members = grammar.members(&[member(a, true), member(b, false), member(c, true)], comma);
    let grammar = Rc::new(grammar);
    let cases = [
        (abc, "abc", true, true),
        (abc, "ab", true, false),
        (abc, "abd", false, false),
        (abc, "abca", false, false),
        (either, "abd", true, true),
        (some, "1", true, false),
        (some, "123", true, true),
        (some, "1234", false, false),
        (some, "15", false, false),
        (maybe, "", true, true),
        (row, "abdabc", true, true),
        (row, "abc7abc", true, true),
        (row, "abc77", false, false),
        (members, "a,c", true, true),
        (members, "c,b,a", true, true),
        (members, "a,b", true, false),
        (members, "a,a", false, false),
        (members, ",a", false, false),
        (members, "a,c,b,", false, false),
    ];
    for (root, text, is_taken, is_whole) in cases {
        assert_eq!(follow(&grammar, root, text), (is_taken, is_whole), "{text}");
    }
}

#[test]
fn refused_bytes_leave_the_place_as_it_was() {
    let mut grammar = Grammar::default();
    let root = grammar.literal("abc");
    let mut matcher = Matcher::new(Rc::new(grammar), root);
    assert!(matcher.push(b"a"));
    assert!(!matcher.push(b"bx"));
    assert!(matcher.takes(b"b") && !matcher.takes(b"c"));
    assert!(matcher.push(b"bc") && matcher.is_complete());
}
