//! How long reading an instance takes and how much memory it needs at most.
//!
//! ```text
//! cargo bench --bench read_timing -- instance.json
//! cargo bench --bench read_timing -- A.mtx | A.npy | A.npz
//! ```

use std::path::Path;
use std::time::Instant;

use attention_regression::instance::DesignMatrix;
use attention_regression::instance::files::{matrix_market, npy, npz, read_instance};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let name = std::env::args().nth(1).ok_or("which file?")?;
    let path = Path::new(&name);
    let clock = Instant::now();
    let matrix = match path.extension().and_then(|extension| extension.to_str()) {
        Some("mtx") => matrix_market::read_matrix(path)?.into(),
        Some("npy") => DesignMatrix::dense(npy::read_matrix(path)?)?.into(),
        Some("npz") => npz::read_matrix(path)?.into(),
        _ => read_instance(path)?.shared_matrix(),
    };
    let seconds = clock.elapsed().as_secs_f64();
    let megabytes = match &*matrix {
        DesignMatrix::Dense(dense) => dense.len() * 8,
        DesignMatrix::Sparse(sparse) => sparse.nnz() * 16 + sparse.row_offsets().len() * 8,
    } / 1_000_000;
    println!(
        "{} x {}, {} stored entries: {seconds:.2} s, the matrix takes {megabytes} MB{}",
        matrix.rows(),
        matrix.columns(),
        matrix.stored(),
        peak().map_or(String::new(), |peak| format!(
            ", the process at most {peak} MB"
        )),
    );
    Ok(())
}

/// Most memory that the process ever had, where Linux says so.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024 / 1_000_000)
}
