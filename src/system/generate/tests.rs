use super::{GENERATORS, Sizes, generator};
use crate::system::{Posed, parse, render};

const SIZES: Sizes = Sizes {
    rows: 5,
    width: 2,
    columns: Some(4),
};

#[test]
fn every_kind_reads_back_as_it_was_drawn() {
    for generator in GENERATORS {
        for index in 0..3 {
            let given = generator.draw(&SIZES, 7, index).unwrap();
            let text = render(&given);
            let Ok(Posed::Other(read)) = parse(&text, "drawn.json".as_ref()) else {
                panic!("{}: {text}", generator.kind);
            };
            assert_eq!(render(&read), text);
            assert_eq!(read.points(), given.points());
            // Of clients the first has so many rows.
            let rows = given.array("clients").map_or_else(
                || given.size("n").max(given.size("nq")),
                |rows| rows.values()[0] as usize,
            );
            assert_eq!(rows, 5);
            assert_eq!(
                given.size("m") + given.size("N"),
                if generator.has_columns { 4 } else { 0 }
            );
        }
    }
}

#[test]
fn kinds_have_names_of_their_own() {
    for (k, one) in GENERATORS.iter().enumerate() {
        assert!(GENERATORS[..k].iter().all(|other| other.kind != one.kind));
        assert!(std::ptr::eq(generator(one.kind).unwrap(), *one));
    }
    assert!(generator("no-such").is_none());
}

#[test]
fn a_mask_leaves_every_row_and_column_enough() {
    let mut hidden = 0;
    for index in 0..20 {
        let given = generator("masked-low-rank")
            .unwrap()
            .draw(&SIZES, 1, index)
            .unwrap();
        let weights = given.matrix("W", "n", "m");
        let seen = |sum: f64| sum >= 2.0;
        assert!(weights.row_iter().all(|row| seen(row.sum())));
        assert!(weights.column_iter().all(|column| seen(column.sum())));
        hidden += weights.iter().filter(|w| **w == 0.0).count();
        let target = given.matrix("M", "n", "m");
        assert!(
            target
                .iter()
                .zip(&weights)
                .all(|(m, w)| m.is_nan() == (*w == 0.0))
        );
    }
    // A fifth of 400 entries, less those that had to stay.
    assert!((40..=110).contains(&hidden), "{hidden}");
}

/// Rows of B are convex combinations of the rows of A3 Y*, so no entry exceeds the largest of |A3| |Y*|: 2 d.
#[test]
fn targets_lie_within_the_values() {
    let given = generator("attention").unwrap().draw(&SIZES, 3, 0).unwrap();
    assert!(given.matrix("B", "n", "m").amax() <= 4.0);
    assert_eq!(given.scalar("ridge"), 0.0);
    let ridged = generator("attention-ridge")
        .unwrap()
        .draw(&SIZES, 3, 0)
        .unwrap();
    assert_eq!(ridged.scalar("ridge"), 0.125);
    let weights = ridged.matrix("weights", "n", "n");
    assert!(weights.iter().all(|w| (0.25..=1.25).contains(w)));
}

#[test]
fn sizes_that_cannot_be_drawn_are_refused() {
    let refused = |rows, width, columns| {
        let sizes = Sizes {
            rows,
            width,
            columns,
        };
        generator("low-rank")
            .unwrap()
            .draw(&sizes, 0, 0)
            .unwrap_err()
    };
    assert_eq!(refused(0, 1, None), "n is 0: at least 1 is needed");
    assert_eq!(refused(4, 5, None), "the rank d is 5, but M is 4 x 4");
    assert_eq!(refused(4, 3, Some(2)), "the rank d is 3, but M is 4 x 2");
    assert!(refused(1 << 20, 1, None).ends_with("more than 16777216 entries"));
}
