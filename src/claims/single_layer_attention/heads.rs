//! X as a product of factors: heads of a smaller dimension, the Kronecker product, the size of the logits.

use nalgebra::{Cholesky, DMatrix, DVector};

use crate::claims::tools::attained::at_most_or_equal;
use crate::claims::tools::builder::{claim, strata, witness};
use crate::claims::tools::exact::{of_singular_values, unit};
use crate::claims::{Case, CheckError, Claim, Origin, OtherCases, Outside, Stratum, Verdict};
use crate::instance::sample::{self, Stream};
use crate::oracle::{self, spectrum};
use crate::scalar::{Allowance, High};
use crate::system::{Array, Given, by_rows};

use super::cases::{AttentionCases, posed};
use super::model::{Model, centred, point, rank_of, unknowns};

/// The squares of the singular values of the logits, less their row means, from a number on.
fn tail(model: &Model<High>, from: usize) -> Result<(High, Allowance<High>), CheckError> {
    let logits = centred(&model.z.transpose());
    let values = spectrum::singular_values(&logits)?;
    let sum = values.iter().skip(from).map(|value| value.square()).sum();
    let granted = of_singular_values(values.len(), High::int(4) * logits.norm_squared());
    Ok((sum, granted))
}

/// The roundings of the logits, as an error of the square of their norm.
fn of_logits(model: &Model<High>, case: &Case<Given>) -> Allowance<High> {
    let sizes = model.sizes(case);
    Model::roundings(&sizes) * (High::int(4) * sizes.z.norm_squared())
}

/// Some `X = q k'` has the logits of the case's X, up to what no softmax sees.
fn head_reaches(case: &Case<Given>, whole: bool) -> Result<Verdict, CheckError> {
    let model = Model::of(case)?;
    let dimension = if whole {
        model.a1.ncols().min(model.a2.ncols())
    } else {
        1
    };
    let (left_over, granted) = tail(&model, dimension)?;
    Ok(Verdict::equal(
        "the least squared distance from the logits of a head",
        left_over,
        High::ZERO,
        granted + of_logits(&model, case),
    ))
}

/// The logits of `X' = q k'` are at least as far from those of X as the singular values after the first say (Eckart, Young); X'
/// is the second point's X, or X with its first row alone. The fault counts the first singular value, too.
fn head_distance(case: &Case<Given>, from: usize) -> Result<Verdict, CheckError> {
    let model = Model::of(case)?;
    let (x, _) = unknowns(&case.instance, &point(case));
    let head = match case.instance.points().get(1) {
        Some(second) => {
            let second = oracle::lift_vector(&DVector::from_vec(second.clone()));
            unknowns(&case.instance, &second).0
        }
        None => {
            let mut first = x.clone();
            for mut row in first.row_iter_mut().skip(1) {
                row.fill(High::ZERO);
            }
            first
        }
    };
    if rank_of(&head, &head)?.0 > 1 {
        return Ok(Verdict::Outside(Outside::Rank));
    }
    let apart = &model.a1 * (&x - &head) * model.a2.transpose();
    let distance = centred(&apart.transpose()).norm_squared();
    let moved = model.a1.abs() * (x.abs() + head.abs()) * model.a2.abs().transpose();
    let size = High::int(4) * moved.norm_squared();
    let (least, granted) = tail(&model, from)?;
    Ok(at_most_or_equal(
        "the sum of the squares of the later singular values",
        least,
        distance,
        granted + Model::roundings(&model.sizes(case)) * size,
    ))
}

/// Leverage scores `a (A'A)^-1 a'` of every row; `None` where A has not full column rank by far.
fn leverage(matrix: &DMatrix<High>) -> Result<Option<DVector<High>>, CheckError> {
    let values = spectrum::singular_values(matrix)?;
    let least = values[values.len() - 1];
    if matrix.nrows() < matrix.ncols() || least <= values[0].shifted(-6) {
        return Ok(None);
    }
    let Some(factor) = Cholesky::new(matrix.tr_mul(matrix)) else {
        return Ok(None);
    };
    let solved = factor.solve(&matrix.transpose());
    let rows = matrix.row_iter().enumerate();
    Ok(Some(DVector::from_iterator(
        matrix.nrows(),
        rows.map(|(k, row)| (row * solved.column(k))[(0, 0)]),
    )))
}

/// Singular values and leverage scores of `A1 (x) A2` are the products of those of A1 and A2; the fault lists the rows of
/// `A2 (x) A1`.
fn kronecker(case: &Case<Given>, swapped: bool) -> Result<Verdict, CheckError> {
    let model = Model::of(case)?;
    let product = if swapped {
        model.a2.kronecker(&model.a1)
    } else {
        model.a1.kronecker(&model.a2)
    };
    let (left, right) = (
        spectrum::singular_values(&model.a1)?,
        spectrum::singular_values(&model.a2)?,
    );
    let found = spectrum::singular_values(&product)?;
    let mut stated: Vec<High> = left
        .iter()
        .flat_map(|l| right.iter().map(move |r| *l * *r))
        .collect();
    stated.sort_by(|a, b| b.partial_cmp(a).unwrap_or(std::cmp::Ordering::Equal));
    stated.resize(found.len(), High::ZERO);
    let granted = of_singular_values(found.len(), High::int(4) * product.norm());
    let mut verdict = Verdict::VACUOUS;
    for (k, (found, stated)) in found.iter().zip(&stated).enumerate() {
        let name = format!("singular value {} of the product", k + 1);
        verdict = verdict.and(Verdict::equal(&name, *found, *stated, granted.clone()));
    }
    if let (Some(first), Some(second), Some(both)) = (
        leverage(&model.a1)?,
        leverage(&model.a2)?,
        leverage(&product)?,
    ) {
        // Condition numbers of at most 10^6, squared in the Gram matrices.
        let granted = Allowance::new(
            High::int(64 * product.len() as i64) * unit() * High::ONE.shifted(12),
            "64 n^2 d1 d2 roundings, Gram matrices of condition 10^12 inverted",
        );
        for (k, found) in both.iter().enumerate() {
            let stated = first[k / second.len()] * second[k % second.len()];
            let name = format!("leverage score {k} of the product");
            verdict = verdict.and(Verdict::equal(&name, *found, stated, granted.clone()));
        }
    }
    Ok(verdict)
}

/// `|Z_jk| <= R^power`, R the largest of `||A1||, ||A2||, ||X||_F`, where R >= 1.
fn logits_at_most(case: &Case<Given>, power: i64) -> Result<Verdict, CheckError> {
    let model = Model::of(case)?;
    let (x, _) = unknowns(&case.instance, &point(case));
    let radius = spectrum::spectral_norm(&model.a1)?
        .max(spectrum::spectral_norm(&model.a2)?)
        .max(x.norm());
    if radius < High::ONE {
        return Ok(Verdict::Outside(Outside::Norm));
    }
    let allowed = radius.powi(power);
    let sizes = model.sizes(case);
    let granted = Model::roundings(&sizes) * (sizes.z.amax() + allowed);
    Ok(at_most_or_equal(
        "max |Z_jk|",
        model.z.amax(),
        allowed,
        granted,
    ))
}

/// The arrays with these points, no target.
pub fn bare(
    [a1, a2]: [&DMatrix<f64>; 2],
    points: &[DMatrix<f64>],
) -> Result<Case<Given>, CheckError> {
    let n = a1.nrows();
    let column = DMatrix::from_element(n, 1, 1.0);
    let arrays = [("A1", a1), ("A2", a2), ("A3", &column), ("B", &column)]
        .map(|(name, matrix)| (name.to_owned(), Array::matrix(matrix)));
    let points: Vec<Vec<f64>> = points
        .iter()
        .map(|x| by_rows(x).into_iter().chain([1.0]).collect())
        .collect();
    let given = posed(arrays.into(), points[0].clone())?
        .with_points(points)
        .map_err(CheckError::Other)?;
    Ok(Case::new(Origin::Attack(0), given, 0))
}

/// The best head of dimension 1, by the first singular vectors of whitened X, rounded.
fn search_head(rng: &mut Stream) -> Result<Case<Given>, CheckError> {
    let n = sample::integer(rng, 3, 4) as usize;
    let mut draw = |rows, columns| DMatrix::from_fn(rows, columns, |_, _| sample::dyadic(rng, 2));
    let (a1, a2, x) = (draw(n, 2), draw(n, 2), draw(2, 2));
    let mut keys = a2.clone();
    for mut column in keys.column_iter_mut() {
        let mean = column.mean();
        column.add_scalar_mut(-mean);
    }
    let (left, right) = (a1.clone().qr().r(), keys.qr().r());
    let svd = (&left * &x * right.transpose()).svd(true, true);
    let (Some(u), Some(v)) = (svd.u, svd.v_t) else {
        return Err(CheckError::Other("no singular vectors".to_owned()));
    };
    let best = u.column(0) * v.row(0) * svd.singular_values[0];
    let back = left
        .solve_upper_triangular(&best)
        .and_then(|half| right.solve_upper_triangular(&half.transpose()));
    // Its rank must be 1 at 40 digits, too: an outer product of the row and the column through its largest entry, with the
    // entry a power of two.
    let head = back.map_or_else(|| DMatrix::zeros(2, 2), |head| outer(&head.transpose()));
    bare([&a1, &a2], &[x, head])
}

/// A matrix of rank one next to one that has that rank up to rounding: both factors rounded so that products are exact.
fn outer(matrix: &DMatrix<f64>) -> DMatrix<f64> {
    let (i, j) = matrix.iamax_full();
    let pivot = matrix[(i, j)];
    if pivot == 0.0 {
        return matrix.clone();
    }
    // 20 bits each.
    let rounded = |value: f64| (value * f64::from(1 << 20)).round() / f64::from(1 << 20);
    let column = matrix.column(j).map(|entry| rounded(entry / pivot));
    let size = 2f64.powi(pivot.abs().log2().floor() as i32);
    let row = matrix.row(i).map(|entry| rounded(entry / size) * size);
    column * row
}

/// Norms that are all the same.
fn search_norms(rng: &mut Stream) -> Result<Case<Given>, CheckError> {
    let size = 2f64.powi(sample::integer(rng, 0, 9) as i32);
    let one = DMatrix::from_element(1, 1, size);
    bare([&one, &one], std::slice::from_ref(&one))
}

const EVERY: OtherCases = &AttentionCases {
    cases: 36,
    ..AttentionCases::GENERAL
};
const STRATA: &[Stratum] = strata!(
    Decade("logit range"): 0 1 2 3;
    Kind: "n=1" "d1!=d2" "d1=d2=2" "n<d1" "a column of A2 is constant"
);

/// The claims about X as a product.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("single-layer-attention/x-is-qk")
            .printed("abstract: x stands for the product of query and key weights")
            .states("every X has the logits of some X = Q K' with heads of dimension 1, up to what no softmax sees")
            .formula(r"\forall X \ \exists\, q, k: \quad (A_1 X A_2^\top - A_1 q k^\top A_2^\top)(I - \tfrac{1}{n} \mathbf{1} \mathbf{1}^\top) = 0")
            .given("checked for heads of dimension 1")
            .note("X is free, Q K' has the rank of the head's dimension: minimising over X is a relaxation wherever that is less than d (a model of width 384 has 32).")
            .about(EVERY, STRATA)
            .check(|case| head_reaches(case, false))
            .fault("heads of dimension min(d1, d2)", |case| head_reaches(case, true))
            .refuted("single-layer-attention/head-distance", witness!("single-layer-attention-x-is-qk")),
        claim("single-layer-attention/head-distance")
            .derived("replaces single-layer-attention/x-is-qk; Eckart, Young")
            .states("||(A1 X A2' - A1 q k' A2')(I - 11'/n)||_F^2 >= sum_(i >= 2) sigma_i(A1 X A2' (I - 11'/n))^2 for all q, k")
            .formula(r"\|(A_1 X A_2^\top - A_1 q k^\top A_2^\top)(I - \tfrac{1}{n} \mathbf{1} \mathbf{1}^\top)\|_F^2 \ge \sum_{i \ge 2} \sigma_i\bigl(A_1 X A_2^\top (I - \tfrac{1}{n} \mathbf{1} \mathbf{1}^\top)\bigr)^2 \quad \forall q, k")
            .note("Attained by the first singular vectors in whitened unknowns. The search takes them, rounded.")
            .about(EVERY, STRATA)
            .attacked(2, search_head)
            .check(|case| head_distance(case, 1))
            .fault("the first singular value counted, too", |case| head_distance(case, 0)),
        claim("single-layer-attention/kronecker-factors")
            .derived("the mixed product rule, (A1 (x) A2)'(A1 (x) A2) = A1'A1 (x) A2'A2")
            .states("singular values of A1 (x) A2 are the products of those of A1 and A2, and its leverage score of row (j, k) is the product of theirs")
            .formula(r"\{\sigma_i(A_1 \otimes A_2)\} = \{\sigma_a(A_1) \sigma_b(A_2)\}, \quad \ell_{(j,k)}(A_1 \otimes A_2) = \ell_j(A_1)\, \ell_k(A_2)")
            .note("So sigma_min(A1 (x) A2)^2 = sigma_min(A1)^2 sigma_min(A2)^2: a weight of l / sigma_min(A)^2 is one of a fourth power where A1 = A2. Leverage scores where the condition numbers are at most 10^6.")
            .about(EVERY, STRATA)
            .check(|case| kronecker(case, false))
            .fault("rows of A2 (x) A1", |case| kronecker(case, true)),
        claim("single-layer-attention/exp-r2")
            .recalled("the template of this family: exp(A x) <= exp(R^2) entrywise from norms at most R")
            .states("exp(A1 X A2')_jk <= exp(R^2) where ||A1||, ||A2||, ||X||_F <= R: |Z_jk| <= R^2")
            .formula(r"\|A_1\|, \|A_2\|, \|X\|_F \le R \ \Rightarrow \ \exp(A_1 X A_2^\top)_{jk} \le \exp(R^2)")
            .given("R >= 1, as small as the norms allow")
            .note("In softmax regression two norms multiply, here three: A1 = A2 = X = 2 has Z = 8. It holds if ||A1 (x) A2|| <= R is what is assumed.")
            .about(EVERY, STRATA)
            .check(|case| logits_at_most(case, 2))
            .fault("R^3", |case| logits_at_most(case, 3))
            .refuted("single-layer-attention/logits-r3", witness!("single-layer-attention-exp-r2")),
        claim("single-layer-attention/logits-r3")
            .derived("replaces single-layer-attention/exp-r2")
            .states("|Z_jk| <= ||A1|| ||A2|| ||X||_F <= R^3, R the largest of the three norms")
            .formula(r"|Z_{jk}| \le \|A_1\| \|A_2\| \|X\|_F \le R^3, \quad R = \max(\|A_1\|, \|A_2\|, \|X\|_F)")
            .given("R >= 1")
            .note("Attained by 1 x 1 matrices.")
            .about(EVERY, STRATA)
            .attacked(2, search_norms)
            .check(|case| logits_at_most(case, 3))
            .fault("R^2", |case| logits_at_most(case, 2)),
    ]
}
