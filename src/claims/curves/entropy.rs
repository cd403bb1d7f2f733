//! How even the weights of a real attention head are.

use std::path::Path;

use nalgebra::DMatrix;

use super::Points;
use crate::claims::CheckError;
use crate::claims::tools::forms::softmax;
use crate::instance::files::npy;

/// Entropies in nats of the weights of every query of a head, sorted, over the share of the queries.
pub struct HeadEntropy {
    /// Keys n: the largest entropy is ln n.
    pub keys: usize,
    /// Entries d of a query.
    pub width: usize,
    /// At the thesis's scale d.
    pub scale_d: Points,
    /// At the models' scale sqrt(d).
    pub scale_root_d: Points,
    /// The means of all queries at both scales.
    pub means: [f64; 2],
}

/// Points of a curve: every so many hundredths of the queries.
const SHARES: usize = 50;

/// Of layer 0, head 5 of the model whose heads ship with the program, every query over all keys, in f64.
pub fn head_entropy() -> Result<HeadEntropy, CheckError> {
    let read = |bytes: &'static [u8]| {
        npy::parse_matrix(bytes, bytes.len() as u64, Path::new("layer0-head5"))
            .map(|whole| whole.to_matrix())
    };
    let queries = read(include_bytes!(
        "../../../fixtures/systems/layer0-head5-Q.npy"
    ))?;
    let keys = read(include_bytes!(
        "../../../fixtures/systems/layer0-head5-K.npy"
    ))?;
    let width = keys.ncols();
    let products = &keys * queries.transpose();
    let [scale_d, scale_root_d] = [width as f64, (width as f64).sqrt()].map(|scale| {
        let mut all = entropies(&(&products / scale));
        all.sort_by(f64::total_cmp);
        all
    });
    let mean = |all: &[f64]| all.iter().sum::<f64>() / all.len() as f64;
    Ok(HeadEntropy {
        keys: keys.nrows(),
        width,
        means: [mean(&scale_d), mean(&scale_root_d)],
        scale_d: sampled(&scale_d),
        scale_root_d: sampled(&scale_root_d),
    })
}

/// `-sum_k p_k ln p_k` of each column of logits.
fn entropies(logits: &DMatrix<f64>) -> Vec<f64> {
    logits
        .column_iter()
        .map(|column| {
            softmax(&column.clone_owned())
                .iter()
                .filter(|p| **p > 0.0)
                .map(|p| -p * p.ln())
                .sum()
        })
        .collect()
}

/// Quantiles of sorted numbers.
fn sampled(sorted: &[f64]) -> Points {
    let last = sorted.len().saturating_sub(1);
    (0..=SHARES)
        .filter_map(|k| Some((k as f64 / SHARES as f64, *sorted.get(k * last / SHARES)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// docs/systems.md has 5.96 and 2.93 nats of 6.09; the larger scale is evener for every query, so for every quantile.
    #[test]
    fn the_larger_scale_is_evener() {
        let found = head_entropy().unwrap();
        assert_eq!((found.keys, found.width), (441, 32));
        let [large, small] = found.means;
        assert!(
            (large - 5.96).abs() < 0.005 && (small - 2.93).abs() < 0.005,
            "{large} {small}"
        );
        for (large, small) in found.scale_d.iter().zip(&found.scale_root_d) {
            assert!(large.1 >= small.1 && large.1 <= 441f64.ln());
        }
    }

    /// Even weights have ln n, two logits ln 3 apart 1/4 and 3/4.
    #[test]
    fn entropies_are_those_by_hand() {
        let logits = DMatrix::from_row_slice(2, 2, &[5.0, 0.0, 5.0, 3f64.ln()]);
        let found = entropies(&logits);
        assert!((found[0] - 2f64.ln()).abs() < 1e-15);
        assert!((found[1] - (4f64.ln() - 0.75 * 3f64.ln())).abs() < 1e-15);
    }
}
