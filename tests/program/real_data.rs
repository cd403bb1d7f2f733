//! `attreg solve` on attention heads of a language model (fixtures/attention).

use crate::common::{Scratch, attreg, fixture};
use attention_regression::instance::files::{npy, read_instance};
use attention_regression::oracle::{Reference, lift_vector};
use attention_regression::scalar::High;
use nalgebra::{DMatrix, DVector};

const HEAD: &str = "attention/layer0-head5-row17.json";
const QUERY: &str = "attention/layer0-head5-row17-query.npy";
const RIDGE: &str = "attention/layer2-head11-row450-ridge.json";

fn solved(manifest: &str, options: &[&str]) -> serde_json::Value {
    let path = fixture(manifest);
    let run = attreg([&["solve", path.to_str().unwrap(), "--json"], options].concat());
    assert_eq!(run.status, 0, "{}{}", run.out, run.err);
    run.json()
}

fn point(report: &serde_json::Value) -> DVector<f64> {
    let entries = report["x"].as_array().unwrap().iter();
    DVector::from_iterator(entries.len(), entries.map(|entry| entry.as_f64().unwrap()))
}

/// Norm of the gradient and smallest eigenvalue of the Hessian, from the oracle.
fn gradient_and_curvature(reference: &Reference, x: &DVector<f64>) -> (f64, f64) {
    let values = reference.evaluate(&lift_vector(x)).unwrap();
    let hessian: DMatrix<f64> = values.hessian.map(High::to_f64);
    (
        values.gradient.norm().to_f64(),
        hessian.symmetric_eigenvalues().min(),
    )
}

/// With weights 0 the attention row gives the query back. How close it can come follows from the conditioning:
/// `g(x) - g(q) = H (x - q)` with `H` the mean Hessian between them, so `||x - q|| <= (||g(x)|| + ||g(q)||) / mu`.
/// `g(q)` is not zero, because the stored attention row is rounded; `g(x)` is not, because the solver rounds. Both are
/// evaluated at 40 digits. The two points are so close that the Hessian hardly moves; half of its smallest eigenvalue
/// is allowed for that.
#[test]
fn the_query_of_an_attention_head_is_recovered() {
    let instance = read_instance(&fixture(HEAD)).unwrap();
    let query = npy::read_vector(&fixture(QUERY)).unwrap();
    let report = solved(HEAD, &[]);
    let x = point(&report);
    let distance = (&x - &query).norm();

    let reference = Reference::new(&instance).unwrap();
    let (at_x, curvature) = gradient_and_curvature(&reference, &x);
    let (at_query, _) = gradient_and_curvature(&reference, &query);
    let bound = (at_x + at_query) / (0.5 * curvature);
    println!(
        "distance {distance:e}, bound {bound:e}, ||g(x)|| {at_x:e}, ||g(q)|| {at_query:e}, mu {curvature:e}"
    );
    assert!(distance <= bound, "{distance:e} > {bound:e}");
    // Measured: 1.9e-13, where the query has length 5.9.
    assert!(distance <= 1e-12, "{distance:e}");
    // The program's own bound holds as well; it covers the minimiser, which is `at_query / mu` away from the query.
    let own = report["error_bound"].as_f64().unwrap();
    assert!(distance <= own + 2.0 * at_query / curvature);
}

/// A small ridge leaves two local minima. From the origin and three starts along the axes both are reached and nothing
/// else, and at every answer the oracle finds a gradient at rounding level and a positive definite Hessian. Which start
/// leads to which minimum is the solver's business.
#[test]
fn both_minima_of_the_head_with_a_ridge_are_reached() {
    const MINIMA: [f64; 2] = [2.741e-3, 2.851e-3];
    let instance = read_instance(&fixture(RIDGE)).unwrap();
    let reference = Reference::new(&instance).unwrap();
    let scratch = Scratch::new();
    // Twenty units of rounding, scaled by the size of A: the gradient is A' times something below 1.
    let allowed = 20.0 * f64::EPSILON * instance.matrix().to_dense().norm();
    let mut seen = [false; 2];
    for (axis, length) in [(0, 0.0), (0, -20.0), (3, 6.0), (12, 10.0)] {
        let mut start = vec![0.0; instance.columns()];
        start[axis] = length;
        let file = scratch.file("start.json", serde_json::to_string(&start).unwrap());
        let report = solved(RIDGE, &["--start", &file]);
        let found = report["loss"].as_f64().unwrap();
        let which = MINIMA
            .iter()
            .position(|loss| (found - loss).abs() <= 0.5e-6)
            .unwrap_or_else(|| panic!("{found:e} from {length} e_{axis} is neither minimum"));
        if std::mem::replace(&mut seen[which], true) {
            continue;
        }
        let (gradient, curvature) = gradient_and_curvature(&reference, &point(&report));
        println!("loss {found:e}, gradient {gradient:e}, curvature {curvature:e}");
        assert!(curvature > 0.0);
        assert!(gradient <= allowed, "{gradient:e}");
    }
    assert_eq!(seen, [true; 2], "only one of the minima was reached");
}

/// The mean entropy of the weights of a head under both scales is what docs/systems.md says.
#[test]
fn the_entropies_in_the_docs_are_those_of_the_head() {
    let array = |name: &str| {
        let path = fixture(&format!("systems/layer0-head5-{name}.npy"));
        npy::read_matrix(&path).unwrap().to_matrix()
    };
    let products = array("Q") * array("K").transpose();
    let (tokens, width) = (products.nrows(), array("Q").ncols() as f64);
    let mean = |scale: f64| {
        let rows = products.row_iter().map(|row| {
            let z: Vec<f64> = row.iter().map(|z| z / scale).collect();
            let top = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let total: f64 = z.iter().map(|z| (z - top).exp()).sum();
            // -sum p ln p = ln total - sum p (z - top).
            let centred: f64 = z.iter().map(|z| (z - top).exp() * (z - top)).sum();
            total.ln() - centred / total
        });
        rows.sum::<f64>() / tokens as f64
    };
    let sentence = format!(
        "({tokens} tokens, ln n = {:.2}) the weights have the mean entropy {:.2} with the scale d and {:.2} with `sqrt(d)`.",
        (tokens as f64).ln(),
        mean(width),
        mean(width.sqrt()),
    );
    let docs = std::fs::read_to_string(fixture("../docs/systems.md")).unwrap();
    let docs = docs.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(docs.contains(&sentence), "{sentence}");
}
