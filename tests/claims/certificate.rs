//! The spectrum certificate through its public door: accepted as it stands, refused after every planted change.

use attention_regression::certificate::{
    Bound, CertificateRefusal, LIPSCHITZ_CERTIFICATE, SPECTRUM_CERTIFICATE, SpectrumCase,
    check_lipschitz, check_spectrum, third_derivative_bound,
};
use attention_regression::production::{LogitLoss, Softmax};
use nalgebra::DVector;
use num_rational::BigRational;

/// The certificate with the one occurrence of `old` replaced.
fn changed(old: &str, new: &str) -> String {
    assert_eq!(SPECTRUM_CERTIFICATE.matches(old).count(), 1, "{old}");
    SPECTRUM_CERTIFICATE.replace(old, new)
}

const LOWER_POSITIVE: SpectrumCase = SpectrumCase {
    bound: Bound::Lower,
    positive: true,
};

#[test]
fn the_certificate_proves_the_sharp_constants() {
    let proof = check_spectrum(SPECTRUM_CERTIFICATE).unwrap();
    assert_eq!((proof.pieces, proof.boxes, proof.corner_boxes), (43, 87, 4));
    // (55 sqrt 33 -+ 39)/1152, computed elsewhere with 50 digits.
    assert_eq!(proof.lower.digits(30), "0.240408806909367687753284401694");
    assert_eq!(proof.upper.digits(30), "0.308117140242701021086617735027");
    let (low, high) = proof.lower.outward();
    assert!(low < high && high - low < 1e-15);
}

#[test]
fn an_altered_multiplier_is_refused_with_its_piece() {
    // The lower bound, b = +e_k, t in [1/10, 1/5], where the constant is attained.
    let text = changed(r#""beta1": "56/125""#, r#""beta1": "56/25""#);
    match check_spectrum(&text) {
        Err(CertificateRefusal::Negative { piece, .. } | CertificateRefusal::Sample(piece)) => {
            assert_eq!(piece.case, LOWER_POSITIVE);
            assert_eq!(
                (piece.from.to_string(), piece.to.to_string()),
                ("1/10".into(), "1/5".into())
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_missing_piece_is_refused_at_its_left_end() {
    let line = r#"      {"from": "3/10", "to": "2/5", "extra": false, "beta1": "443/1000", "beta2": "-339/1000"},"#;
    let refusal = check_spectrum(&changed(line, "")).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "lower bound, b = +e_k: the pieces do not tile [0, 1]; the tiling breaks at t = 3/10"
    );
}

#[test]
fn a_missing_last_piece_is_refused() {
    let text = changed(
        r#""beta2": "-327/500"},
      {"from": "9/10", "to": "1", "extra": false, "beta1": "47/250", "beta2": "-787/1000"}"#,
        r#""beta2": "-327/500"}"#,
    );
    assert!(matches!(
        check_spectrum(&text),
        Err(CertificateRefusal::Tiling { case: LOWER_POSITIVE, at }) if at.to_string() == "9/10"
    ));
}

#[test]
fn the_extra_term_must_be_asked_for_where_it_is_needed() {
    // Without X the hardest piece of the upper bound fails; with X the lower bound is no theorem.
    let line = r#""from": "7/20", "to": "2/5", "extra": true"#;
    assert!(matches!(
        check_spectrum(&changed(
            line,
            r#""from": "7/20", "to": "2/5", "extra": false"#
        )),
        Err(CertificateRefusal::Negative { .. } | CertificateRefusal::Undecided { .. })
    ));
    let line = r#""extra": false, "beta1": "64/125""#;
    assert!(matches!(
        check_spectrum(&changed(line, r#""extra": true, "beta1": "64/125""#)),
        Err(CertificateRefusal::Extra(_))
    ));
}

#[test]
fn texts_that_are_no_certificates_are_refused_as_such() {
    for text in [
        String::new(),
        "{}".into(),
        changed("certificate/1", "certificate/2"),
        changed("64/125", "64/0"),
        changed("64/125", "0.512"),
        changed("64/125", "64/"),
        SPECTRUM_CERTIFICATE.replace(r#""bound": "upper""#, r#""bound": "lower""#),
        SPECTRUM_CERTIFICATE.replace(r#""target": -1"#, r#""target": 2"#),
        SPECTRUM_CERTIFICATE.replace("beta1", "beta3"),
    ] {
        assert!(matches!(
            check_spectrum(&text),
            Err(CertificateRefusal::Format(_))
        ));
    }
}

/// The Lipschitz certificate with the first occurrence of `old` replaced.
fn changed_lipschitz(old: &str, new: &str) -> String {
    assert!(LIPSCHITZ_CERTIFICATE.contains(old), "{old}");
    LIPSCHITZ_CERTIFICATE.replacen(old, new, 1)
}

#[test]
fn the_third_derivative_is_bounded() {
    let proof = third_derivative_bound().unwrap();
    assert_eq!(proof.bound.to_string(), "3/5");
    // An upper bound in f64 is not below the exact one.
    assert!(proof.bound_above() >= 0.6 && proof.bound_above() < 0.6 + 1e-15);
}

#[test]
fn a_lipschitz_bound_below_the_attained_value_is_refused() {
    // 0.5714 is attained by two coordinates, so 0.57 is false.
    let refusal = check_lipschitz(&changed_lipschitz(
        r#""bound": "3/5""#,
        r#""bound": "57/100""#,
    ));
    assert!(
        matches!(refusal, Err(CertificateRefusal::Cubic { target: 1, .. })),
        "{refusal:?}"
    );
}

#[test]
fn an_altered_cubic_multiplier_is_refused_with_its_piece() {
    let start = LIPSCHITZ_CERTIFICATE.find(r#""from": "1/8""#).unwrap();
    let (head, tail) = LIPSCHITZ_CERTIFICATE.split_at(start);
    let text = format!(
        "{head}{}",
        tail.replacen(r#""eta": [""#, r#""eta": ["-4"#, 1)
    );
    match check_lipschitz(&text) {
        Err(CertificateRefusal::Cubic {
            target: 1,
            from,
            to,
            ..
        }) => assert_eq!((from, to), (0.125, 0.1875)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn lipschitz_pieces_must_tile_and_be_exact() {
    assert!(matches!(
        check_lipschitz(&changed_lipschitz(r#""from": "1/8""#, r#""from": "1/4""#)),
        Err(CertificateRefusal::LipschitzTiling { target: 1, at }) if at.to_string() == "1/8"
    ));
    assert!(matches!(
        check_lipschitz(&changed_lipschitz(r#""to": "1/32""#, r#""to": "1/3""#)),
        Err(CertificateRefusal::Format(_))
    ));
    assert!(matches!(
        check_lipschitz("{}"),
        Err(CertificateRefusal::Format(_))
    ));
}

#[test]
fn production_uses_the_proven_constants_rounded_outward() {
    let exact = |value: f64| BigRational::from_float(value).unwrap();
    let loss = Softmax::new(DVector::from_column_slice(&[0.25, 0.75]));
    let spectrum = check_spectrum(SPECTRUM_CERTIFICATE).unwrap();
    let floor = -loss.curvature_floor().unwrap();
    let ceiling = loss.curvature_ceiling().unwrap();
    assert!(exact(floor) >= spectrum.lower.high && floor < spectrum.lower.outward().1 + 1e-15);
    assert!(exact(ceiling) >= spectrum.upper.high && ceiling < spectrum.upper.outward().1 + 1e-15);
    let lipschitz = loss.hessian_lipschitz().unwrap();
    assert!(exact(lipschitz) >= third_derivative_bound().unwrap().bound && lipschitz < 0.6 + 1e-14);
    // Beyond ||b - t 1||_1 = 1 the bounds grow by sqrt3/9 a unit, rounded up: (9 slope)^2 >= 3.
    let steep = Softmax::new(DVector::from_column_slice(&[101.0, 0.0, 0.0]));
    let growth = exact(-steep.curvature_floor().unwrap()) - spectrum.lower.low;
    let slope = growth * exact(9.0) / exact(100.0);
    assert!(slope.clone() * slope >= exact(3.0));
}

#[test]
fn a_finer_certificate_proves_a_smaller_lipschitz_bound() {
    let text = include_str!("../../fixtures/certificates/lipschitz-fine.json");
    assert_eq!(check_lipschitz(text).unwrap().bound.to_string(), "59/100");
}
