//! Numbers from bytes. When the bytes run out, zeros follow.

/// Entries that have broken solvers before.
const INTERESTING: [f64; 32] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    1e-3,
    1e-8,
    -1e-8,
    1e-16,
    1e-30,
    1e-100,
    -1e-150,
    1e-200,
    1e-300,
    f64::MIN_POSITIVE,
    5e-324,
    -5e-324,
    1e3,
    -1e3,
    700.0,
    -745.0,
    1e6,
    1e8,
    -1e12,
    1e16,
    1e30,
    1e77,
    -1e100,
    1e154,
    1e155,
    1e300,
    f64::MAX,
];

pub struct Bytes<'a>(std::slice::Iter<'a, u8>);

impl<'a> Bytes<'a> {
    pub fn of(bytes: &'a [u8]) -> Self {
        Self(bytes.iter())
    }

    pub fn byte(&mut self) -> u8 {
        self.0.next().copied().unwrap_or(0)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        usize::from(self.byte()) % limit
    }

    /// An interesting number, or a sixteenth of a small integer.
    pub fn number(&mut self) -> f64 {
        match self.byte() {
            byte @ 0..32 => INTERESTING[usize::from(byte)],
            byte => f64::from(byte as i8) / 16.0,
        }
    }

    pub fn numbers(&mut self, count: usize) -> Vec<f64> {
        (0..count).map(|_| self.number()).collect()
    }
}
