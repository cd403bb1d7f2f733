//! Floor 2a: f64, fast, and honest about its error. Nothing here knows the oracle.
