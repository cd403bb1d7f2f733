//! nalgebra's factorisations at 40 digits.

use nalgebra::{DMatrix, DVector};

use super::{High, decimal};

/// The Hilbert matrix: condition number 1.5e10 at 8 x 8, so a factorisation in f64 leaves 6 digits.
fn hilbert(n: usize) -> DMatrix<High> {
    DMatrix::from_fn(n, n, |i, j| High::ratio(1, (i + j + 1) as i64))
}

/// A symmetric matrix with entries `k / 1024`, from a linear congruence.
fn scattered(n: usize) -> DMatrix<High> {
    let mut state = 1i64;
    let mut next = || {
        state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
        High::ratio(state / 65_536 % 2048 - 1024, 1024)
    };
    let half = DMatrix::from_fn(n, n, |_, _| next());
    &half + half.transpose()
}

/// The largest entry of `x - y`, relative to the largest of `y`.
fn distance(x: &DMatrix<High>, y: &DMatrix<High>) -> f64 {
    let largest = |m: &DMatrix<High>| m.iter().fold(High::ZERO, |max, entry| max.max(entry.abs()));
    (largest(&(x - y)) / largest(y)).to_f64()
}

#[test]
fn cholesky_reconstructs_hilbert() {
    let h = hilbert(8);
    let factor = h
        .clone()
        .cholesky()
        .expect("Hilbert matrices are positive definite")
        .l();
    assert!(distance(&(&factor * factor.transpose()), &h) < 1e-38);
    // mpmath: the determinant, by LU of the exact matrix at 80 digits.
    let determinant = factor.diagonal().iter().product::<High>().square();
    let off = determinant / decimal("2.73705011379151301664204328781935773920617e-33") - High::ONE;
    assert!(off.abs().to_f64() < 1e-27, "{determinant}");
}

#[test]
fn eigenvalues_of_hilbert_agree_with_mpmath() {
    let h = hilbert(8);
    let eigen = h.clone().symmetric_eigen();
    let rebuilt = &eigen.eigenvectors
        * DMatrix::from_diagonal(&eigen.eigenvalues)
        * eigen.eigenvectors.transpose();
    assert!(distance(&rebuilt, &h) < 1e-37);
    let mut values: Vec<High> = eigen.eigenvalues.iter().copied().collect();
    values.sort_by(|x, y| x.partial_cmp(y).expect("no eigenvalue is poisoned"));
    // mpmath: eigsy at 80 digits.
    let expected = [
        "0.000000000111153896637244242706826906037231349978362429",
        "0.0000000179887374581757667726458482017987232597706175",
        "0.00000129433209187281148029508715683126814485269813",
        "0.0000543694336974994236237244446933210983014616153",
        "0.00146768811774186731158099310916076880973187782",
        "0.0262128435781190477966047825251082886690069332",
        "0.298125211316930706183677883892103146171948369",
        "1.69593899692194945208182172738952433656871232",
    ];
    for (value, text) in values.iter().zip(expected) {
        // Weyl: an eigenvalue moves by at most the norm of the backward error, here of some 30 rotations.
        let off = (*value - decimal(text)).abs().to_f64();
        assert!(off < 100.0 * High::UNIT, "{value} is not {text}: {off}");
    }
}

#[test]
fn singular_values_rebuild_hilbert() {
    let h = hilbert(8);
    let svd = h.clone().svd(true, true);
    let rebuilt = svd.recompose().expect("both factors were asked for");
    assert!(distance(&rebuilt, &h) < 1e-37);
}

#[test]
fn lu_and_qr_solve_hilbert() {
    let h = hilbert(8);
    let ones = DVector::from_element(8, High::ONE);
    let right = &h * &ones;
    for solution in [h.clone().lu().solve(&right), h.clone().qr().solve(&right)] {
        let solution = solution.expect("Hilbert matrices are regular");
        // Condition 1.5e10 times 1e-39.
        let off = (solution - &ones)
            .iter()
            .fold(High::ZERO, |max, x| max.max(x.abs()));
        assert!(off.to_f64() < 1e-27, "{off}");
    }
}

#[test]
fn eigen_iteration_of_thirty_converges() {
    let a = scattered(30);
    let eigen = a
        .clone()
        .try_symmetric_eigen(High::ONE.shifted(-39), 1000)
        .expect("30 x 30 converges within 1000 sweeps");
    let q = &eigen.eigenvectors;
    let rebuilt = q * DMatrix::from_diagonal(&eigen.eigenvalues) * q.transpose();
    assert!(distance(&rebuilt, &a) < 1e-36);
    assert!(distance(&(q * q.transpose()), &DMatrix::identity(30, 30)) < 1e-36);
}

#[test]
fn singular_values_of_a_rectangle_converge() {
    let a = scattered(12).columns(0, 5).into_owned();
    let svd = a.clone().svd(true, true);
    let rebuilt = svd.recompose().expect("both factors were asked for");
    assert!(distance(&rebuilt, &a) < 1e-37);
}

#[test]
fn cholesky_refuses_what_is_not_positive_definite() {
    let mut h = hilbert(3);
    h[(2, 2)] = -High::ONE;
    assert!(h.clone().cholesky().is_none());
    h[(2, 2)] = High::ONE / High::ZERO;
    assert!(h.cholesky().is_none());
}

#[test]
fn equal_diagonal_entries_do_not_break_the_eigenvalues() {
    // Eigenvalues of the path on three vertices: -sqrt 2, 0, sqrt 2 (by hand). Every diagonal entry is zero, so the shift
    // of the QR iteration sees two equal ones.
    let path = DMatrix::from_fn(3, 3, |i, j| High::int(i64::from(i.abs_diff(j) == 1)));
    let eigen = path.symmetric_eigen();
    let (low, high) = (eigen.eigenvalues.min(), eigen.eigenvalues.max());
    let root = High::int(2).sqrt();
    assert!((high - root).abs() < High::ONE.shifted(-37), "{high:?}");
    assert!((low + root).abs() < High::ONE.shifted(-37), "{low:?}");
}

#[test]
fn eigenvectors_of_a_diagonal_matrix_are_orthogonal() {
    // nalgebra multiplies rows by the signs of off-diagonal entries: a sign of zero that is 0 wipes a vector out.
    for size in 1..=4 {
        let diagonal = DVector::from_fn(size, |i, _| High::int(i as i64 + 1));
        let eigen = nalgebra::SymmetricEigen::new(DMatrix::from_diagonal(&diagonal));
        let gram = eigen.eigenvectors.tr_mul(&eigen.eigenvectors);
        assert!((gram - DMatrix::identity(size, size)).norm().is_zero());
    }
}
