//! Planted errors below the certificate's text: wrong constants, wrong polynomials. Each must be refused by the step
//! whose business it is.

use super::*;

/// The case's index in [`SpectrumCase::ALL`], its piece (by index) next to t*, and that piece's determinant under `constants`.
fn determinant_of(piece: &Piece, constants: &Constants) -> Polynomial {
    ItemForm::new(&Setting::new(), piece.case, constants, piece.extra)
        .determinant()
        .unwrap()
}

fn verdict(
    piece: &Piece,
    symbolic: &Polynomial,
    constants: &Constants,
) -> Result<Count, CertificateRefusal> {
    let gap = Setting::new().two_coordinate_gap(piece.case, constants);
    Determinant::of(symbolic, &gap)
        .at(piece)
        .unwrap()
        .is_positive(piece)
}

fn pieces() -> Vec<Piece> {
    file::read(SPECTRUM_CERTIFICATE).unwrap()
}

fn scaled(numerator: i64) -> Constants {
    let factor = Surd::rational(BigRational::new(numerator.into(), 1000.into()));
    let sharp = Constants::sharp();
    Constants {
        lower: &sharp.lower * &factor,
        upper: &sharp.upper * &factor,
    }
}

#[test]
fn two_coordinates_refuse_smaller_constants() {
    for (index, case) in SpectrumCase::ALL.into_iter().enumerate() {
        assert_eq!(
            two_coordinates(&Setting::new(), case, &scaled(998)),
            Err(CertificateRefusal::TwoCoordinates(case)),
            "case {index}"
        );
    }
    assert_eq!(
        check(SPECTRUM_CERTIFICATE, &scaled(998)),
        Err(CertificateRefusal::TwoCoordinates(SpectrumCase::ALL[0]))
    );
}

#[test]
fn larger_constants_are_not_the_sharp_ones() {
    assert_eq!(
        check(SPECTRUM_CERTIFICATE, &scaled(1002)),
        Err(CertificateRefusal::TwoCoordinates(SpectrumCase::ALL[0]))
    );
}

#[test]
fn the_determinant_alone_refuses_smaller_constants() {
    // Without step 4, hence without the corner test, which rests on it: in each case the piece that holds t* is found
    // negative, near q = 1.
    for case in SpectrumCase::ALL {
        let place = attained_at(case);
        let inside = |piece: &&Piece| {
            let from = &place - &Surd::rational(piece.range.from.clone());
            let to = &Surd::rational(piece.range.to.clone()) - &place;
            piece.case == case && from.sign().is_ge() && to.sign().is_ge()
        };
        let all = pieces();
        let piece = all.iter().find(inside).unwrap();
        let constants = scaled(998);
        let gap = Setting::new().two_coordinate_gap(case, &constants);
        let mut determinant = Determinant::of(&determinant_of(piece, &constants), &gap);
        determinant.corner = None;
        let result = determinant.at(piece).unwrap().is_positive(piece);
        assert!(
            matches!(&result, Err(CertificateRefusal::Negative { piece: named, at })
                if *named == piece.name() && at.q > BigRational::new(9.into(), 10.into())),
            "{case}: {result:?}"
        );
    }
}

#[test]
fn a_flipped_coefficient_is_refused() {
    // The constant term in q of H, negated: it decides the sign at q = 0.
    let sharp = Constants::sharp();
    for piece in pieces() {
        let honest = determinant_of(&piece, &sharp);
        assert!(verdict(&piece, &honest, &sharp).is_ok(), "{}", piece.name());
        let flipped = &honest - Polynomial::integer(2) * honest.coefficient(Variable::Q, 0);
        let result = verdict(&piece, &flipped, &sharp);
        assert!(
            matches!(&result, Err(CertificateRefusal::Negative { piece: named, .. }) if *named == piece.name()),
            "{}: {result:?}",
            piece.name()
        );
    }
}

#[test]
fn a_single_flipped_term_is_refused_only_if_it_was_positive() {
    // One monomial t^i q^j of H at a time, with the sign of its coefficient flipped: t and q are not negative, so a
    // negative term flipped only enlarges H (a true statement stays true), while losing a positive one is
    // fatal as soon as it is large. (Pieces away from t*, where H > 0 up to q = 1.)
    let sharp = Constants::sharp();
    for index in [16, 25, 34] {
        let piece = pieces().swap_remove(index);
        let honest = determinant_of(&piece, &sharp)
            .evaluate(Variable::Beta1, &Surd::rational(piece.beta1.clone()))
            .evaluate(Variable::Beta2, &Surd::rational(piece.beta2.clone()))
            .substitute(
                Variable::A,
                &Setting::new().two_coordinate_gap(piece.case, &sharp),
            );
        let mut refused = 0;
        for i in 0..=honest.degree(Variable::T) {
            for j in 0..=honest.degree(Variable::Q) {
                let term = honest
                    .coefficient(Variable::T, i)
                    .coefficient(Variable::Q, j);
                let monomial = Polynomial::variable(Variable::T).power(i)
                    * Polynomial::variable(Variable::Q).power(j);
                let positive = term.constant_term().sign().is_gt();
                let flipped = &honest - Polynomial::integer(2) * term * monomial;
                let bad = verdict(&piece, &flipped, &sharp).is_err();
                assert!(positive || !bad, "{} t^{i} q^{j}", piece.name());
                refused += usize::from(bad);
            }
        }
        assert!(refused > 10, "{}", piece.name());
    }
}

#[test]
fn every_multiplier_matters() {
    for mut piece in pieces() {
        piece.beta1 += BigRational::one();
        let sharp = Constants::sharp();
        let result = verdict(&piece, &determinant_of(&piece, &sharp), &sharp);
        assert!(
            matches!(&result, Err(CertificateRefusal::Negative { piece: named, .. }) if *named == piece.name()),
            "{}: {result:?}",
            piece.name()
        );
    }
}

#[test]
fn no_piece_comes_near_the_box_limit() {
    let sharp = Constants::sharp();
    let most = pieces()
        .iter()
        .map(|piece| {
            verdict(piece, &determinant_of(piece, &sharp), &sharp)
                .unwrap()
                .boxes
        })
        .max();
    assert_eq!(most, Some(11));
}

#[test]
fn a_multiplier_that_spoils_the_sample_is_refused_there() {
    let mut piece = pieces().swap_remove(0);
    piece.beta1 = BigRational::from_integer(100.into());
    let sharp = Constants::sharp();
    let setting = Setting::new();
    let form = ItemForm::new(&setting, piece.case, &sharp, piece.extra);
    let gap = setting.two_coordinate_gap(piece.case, &sharp);
    assert_eq!(
        sample_is_positive_definite(&form, &gap, &piece),
        Err(CertificateRefusal::Sample(piece.name()))
    );
}

/// Of `diag(-1, -1, 1)` the second and the third leading minor are 1, of `diag(1, -1, -1)` the first and the third, and so on: each
/// minor is the only one to refuse a form.
#[test]
fn every_leading_minor_of_a_sample_is_looked_at() {
    let piece = &pieces()[0];
    let gap = Setting::new().two_coordinate_gap(piece.case, &Constants::sharp());
    let sample = |diagonal: [i64; 3]| {
        let gram = std::array::from_fn(|i| {
            std::array::from_fn(|j| Polynomial::integer(if i == j { diagonal[i] } else { 0 }))
        });
        let form = ItemForm {
            phi: Polynomial::integer(0),
            gram,
            extra: None,
        };
        sample_is_positive_definite(&form, &gap, piece).is_ok()
    };
    assert!(sample([1, 2, 3]));
    for refused in [[-1, -1, 1], [1, -1, -1], [1, 1, -1], [0, 1, 1], [1, 1, 0]] {
        assert!(!sample(refused), "{refused:?}");
    }
}
