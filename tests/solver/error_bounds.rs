//! What methods say of the bounds of their errors against what they give.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use attention_regression::production::{Settings, has_error_bounds, method_names_of, solve_system};
use attention_regression::system::{Array, GENERATORS, Given, SYSTEMS, Sizes};

const SIZES: Sizes = Sizes {
    rows: 6,
    width: 2,
    columns: None,
};

/// Some instances of the generator; of few labels, which may be anything where they are not read, also with all of them.
fn drawn(kind: &str) -> Vec<Given> {
    let generator = GENERATORS.iter().find(|known| known.kind == kind).unwrap();
    let mut drawn: Vec<Given> = (0..4)
        .map(|index| generator.draw(&SIZES, 1, index).unwrap())
        .collect();
    if drawn[0].system().key == "active-learning" {
        let budget = Array::scalar(1e4);
        drawn.push(drawn[0].with_array("budget", budget).unwrap());
    }
    drawn
}

#[test]
fn methods_say_whether_their_answers_have_error_bounds() {
    // Whether a method of a system said so and ever gave one.
    let mut given_by: BTreeMap<(&str, &str), bool> = BTreeMap::new();
    for generator in GENERATORS {
        for (index, given) in drawn(generator.kind).iter().enumerate() {
            let system = given.system().key;
            for method in method_names_of(system) {
                let solved = |certify: bool| {
                    let mut settings = Settings::default();
                    settings.certify = certify;
                    let start = given.start();
                    let mut on = |_: &_| ControlFlow::Continue(());
                    solve_system(given, Some(&start), method, &settings, &mut on)
                };
                let Ok((found, _)) = solved(true) else {
                    continue;
                };
                let what = format!("{}, {method}, {index}", generator.kind);
                let has = has_error_bounds(given, method);
                assert!(has || found.error_bound.is_none(), "{what}");
                let without = solved(false).unwrap().0;
                assert_eq!(without.error_bound, None, "{what}");
                *given_by.entry((system, method)).or_insert(!has) |= found.error_bound.is_some();
            }
        }
    }
    let silent: Vec<_> = given_by.iter().filter(|(_, gave)| !**gave).collect();
    assert!(silent.is_empty(), "{silent:?}");
    let untried: Vec<_> = SYSTEMS
        .iter()
        .flat_map(|system| {
            let methods = method_names_of(system.key);
            methods.into_iter().map(move |method| (system.key, method))
        })
        .filter(|method| !given_by.contains_key(method))
        .collect();
    assert!(untried.is_empty(), "{untried:?}");
}
