//! Each genre on a small text: the switches found, and the text they give.

use super::*;
use crate::list::{Genre, Mutant, Position, Span};
use crate::sites::{Site, find};

/// A mutant of the `nth` occurrence of `marked` in `source`, from 0.
fn mutant(source: &str, genre: Genre, marked: &str, nth: usize, replacement: &str) -> Mutant {
    let (start, _) = source.match_indices(marked).nth(nth).unwrap();
    let at = |offset: usize| {
        let before = &source[..offset];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Position {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    };
    Mutant {
        name: format!("{marked} {nth} {replacement}"),
        package: "p".to_owned(),
        file: "src/lib.rs".to_owned(),
        span: Span {
            start: at(start),
            end: at(start + marked.len()),
        },
        replacement: replacement.to_owned(),
        genre,
    }
}

fn sites(source: &str, mutants: &[Mutant]) -> Vec<Site> {
    find(source, &mutants.iter().collect::<Vec<_>>()).unwrap()
}

/// `source` with all of `mutants`, numbered from 1 as they come to stand.
fn switched(source: &str, mutants: &[Mutant]) -> String {
    let sites = sites(source, mutants);
    let switches: Vec<Switch<'_>> = sites
        .iter()
        .enumerate()
        .map(|(mutant, site)| match site {
            Site::Switchable(edit) => Switch { mutant, edit },
            other => panic!("{other:?}"),
        })
        .collect();
    let rewritten = rewrite(source, &switches, "s", 1);
    syn::parse_file(&rewritten.text).unwrap();
    for placed in &rewritten.placed {
        assert!(rewritten.text.get(placed.range.clone()).is_some());
    }
    rewritten.text
}

#[test]
fn a_body_returns_early() {
    let source = "fn f(x: u8) -> u8 {\n    // why\n    let y = x;\n    y\n}\n";
    let body = "let y = x;\n    y";
    let mutants = ["0", "1"].map(|value| mutant(source, Genre::FnValue, body, 0, value));
    assert_eq!(
        switched(source, &mutants),
        "fn f(x: u8) -> u8 {\n    // why\n    if !s::off(1, 2) { if s::on(1) { return 0; } if s::on(2) { return 1; } } let y = x;\n    y\n}\n"
    );
}

#[test]
fn an_operator_switches_its_whole_chain_as_text() {
    let source = "fn f() -> i32 { a - b * c }";
    let mutants = [mutant(source, Genre::BinaryOperator, "*", 0, "+")];
    assert_eq!(
        switched(source, &mutants),
        "fn f() -> i32 { (if s::off(1, 1) { a - b * c } else { a - b + c }) }"
    );
}

#[test]
fn several_mutants_of_one_chain_share_a_test() {
    let source = "fn f() -> bool { a < b && c }";
    let mutants = [
        mutant(source, Genre::BinaryOperator, "<", 0, "=="),
        mutant(source, Genre::BinaryOperator, "<", 0, "<="),
        mutant(source, Genre::BinaryOperator, "&&", 0, "||"),
    ];
    assert_eq!(
        switched(source, &mutants),
        "fn f() -> bool { (if s::off(1, 3) { a < b && c } else if s::on(1) { a == b && c } \
         else if s::on(2) { a <= b && c } else { a < b || c }) }"
    );
}

#[test]
fn a_compound_assignment_stays_a_statement() {
    let source = "fn f() { x += y * 2; }";
    let mutants = [
        mutant(source, Genre::BinaryOperator, "+=", 0, "-="),
        mutant(source, Genre::BinaryOperator, "*", 0, "/"),
    ];
    assert_eq!(
        switched(source, &mutants),
        "fn f() { (if s::off(1, 1) { x += (if s::off(2, 2) { y * 2 } else { y / 2 }) } else { x -= y * 2 }); }"
    );
}

#[test]
fn nested_places_have_switches_in_the_original_text_only() {
    let source = "fn f() -> i32 { a + g(b - c) }";
    let mutants = [
        mutant(source, Genre::BinaryOperator, "+", 0, "*"),
        mutant(source, Genre::BinaryOperator, "-", 1, "/"),
    ];
    assert_eq!(
        switched(source, &mutants),
        "fn f() -> i32 { (if s::off(1, 1) { a + g((if s::off(2, 2) { b - c } else { b / c })) } else { a * g(b - c) }) }"
    );
}

#[test]
fn a_body_that_begins_with_an_operator_returns_before_it() {
    let source = "fn f() -> bool { !a }";
    let mutants = [
        mutant(source, Genre::UnaryOperator, "!", 0, ""),
        mutant(source, Genre::FnValue, "!a", 0, "true"),
    ];
    assert_eq!(
        switched(source, &mutants),
        "fn f() -> bool { if !s::off(1, 1) { if s::on(1) { return true; } } (if s::off(2, 2) { !a } else { a }) }"
    );
}

#[test]
fn an_arm_gets_a_guard_and_a_guard_a_value() {
    let source = "fn f() { match x { A => 1, B if y => 2, _ => 3 }; }";
    let mutants = [
        mutant(source, Genre::MatchArm, "A => 1,", 0, ""),
        mutant(source, Genre::MatchArmGuard, "y", 0, "true"),
        mutant(source, Genre::MatchArmGuard, "y", 0, "false"),
    ];
    assert_eq!(
        switched(source, &mutants),
        "fn f() { match x { A if s::off(1, 1) => 1, \
         B if (if s::off(2, 3) { y } else if s::on(2) { true } else { false }) => 2, _ => 3 }; }"
    );
}

#[test]
fn a_field_is_left_to_the_base() {
    let source = "fn f() -> S { S { a: 1, b: 2 + 3, ..base } }";
    let mutants = [
        mutant(source, Genre::StructField, "a: 1,", 0, ""),
        mutant(source, Genre::BinaryOperator, "+", 0, "-"),
    ];
    assert_eq!(
        switched(source, &mutants),
        "fn f() -> S { (if s::off(1, 1) { S { a: 1, b: (if s::off(2, 2) { 2 + 3 } else { 2 - 3 }), ..base } } \
         else { S {  b: 2 + 3, ..base } }) }"
    );
}

#[test]
fn constants_have_no_switch_but_their_closures_have() {
    let source =
        "const A: u8 = 1 + 2; const fn g() -> u8 { 3 * 4 } static F: fn() -> u8 = || 5 - 6;";
    let mutants = [
        mutant(source, Genre::BinaryOperator, "+", 0, "-"),
        mutant(source, Genre::BinaryOperator, "*", 0, "/"),
        mutant(source, Genre::FnValue, "3 * 4", 0, "0"),
        // The first two minus signs belong to `->`.
        mutant(source, Genre::BinaryOperator, "-", 2, "+"),
    ];
    let sites = sites(source, &mutants);
    assert_eq!(sites[0], Site::Fixed("in a constant"));
    assert_eq!(sites[1], Site::Fixed("in a const fn"));
    assert_eq!(sites[2], Site::Fixed("in a const fn"));
    assert!(matches!(sites[3], Site::Switchable(_)), "{:?}", sites[3]);
}

#[test]
fn what_cannot_parse_is_unviable() {
    let source = "fn f() { if let Some(x) = y && x + 1 < 2 {} let z = a as u8 > b; }";
    let mutants = [
        mutant(source, Genre::BinaryOperator, "&&", 0, "||"),
        mutant(source, Genre::BinaryOperator, "+", 0, "-"),
        mutant(source, Genre::BinaryOperator, ">", 0, "<"),
    ];
    let sites = sites(source, &mutants);
    assert_eq!(sites[0], Site::Unviable("|| in a chain of let conditions"));
    assert!(matches!(sites[1], Site::Switchable(_)), "{:?}", sites[1]);
    assert_eq!(sites[2], Site::Unviable("it does not parse"));
}

#[test]
fn a_place_that_is_not_there_is_not_guessed() {
    let source = "fn f() -> i32 { a + b }";
    let mutants = [mutant(source, Genre::BinaryOperator, "a", 0, "-")];
    assert!(matches!(sites(source, &mutants)[0], Site::Fixed(_)));
}
