//! Results of chunks as numbers, on their way to other ranks.

/// What can be written as some numbers, at least one, and read back with the same bits.
pub(crate) trait Numbers: Sized {
    /// Appends them.
    fn write(&self, to: &mut Vec<f64>);

    /// Takes them from the front. Panics where there are too few.
    fn read(from: &mut &[f64]) -> Self;
}

/// The first numbers of a message.
pub(crate) fn taken<'a>(from: &mut &'a [f64], count: usize) -> &'a [f64] {
    let (first, rest) = from.split_at(count);
    *from = rest;
    first
}

impl Numbers for f64 {
    fn write(&self, to: &mut Vec<f64>) {
        to.push(*self);
    }

    fn read(from: &mut &[f64]) -> Self {
        taken(from, 1)[0]
    }
}

/// Exact below 2^53.
impl Numbers for usize {
    fn write(&self, to: &mut Vec<f64>) {
        to.push(*self as f64);
    }

    fn read(from: &mut &[f64]) -> Self {
        f64::read(from) as Self
    }
}

/// How many there are, then they.
impl<T: Numbers> Numbers for Vec<T> {
    fn write(&self, to: &mut Vec<f64>) {
        self.len().write(to);
        self.iter().for_each(|item| item.write(to));
    }

    fn read(from: &mut &[f64]) -> Self {
        let count = usize::read(from);
        (0..count).map(|_| T::read(from)).collect()
    }
}

impl<T: Numbers> Numbers for Option<T> {
    fn write(&self, to: &mut Vec<f64>) {
        usize::from(self.is_some()).write(to);
        if let Some(item) = self {
            item.write(to);
        }
    }

    fn read(from: &mut &[f64]) -> Self {
        (usize::read(from) == 1).then(|| T::read(from))
    }
}

impl<T: Numbers, const N: usize> Numbers for [T; N] {
    fn write(&self, to: &mut Vec<f64>) {
        self.iter().for_each(|item| item.write(to));
    }

    fn read(from: &mut &[f64]) -> Self {
        std::array::from_fn(|_| T::read(from))
    }
}

impl<T: Numbers, U: Numbers> Numbers for (T, U) {
    fn write(&self, to: &mut Vec<f64>) {
        self.0.write(to);
        self.1.write(to);
    }

    fn read(from: &mut &[f64]) -> Self {
        let first = T::read(from);
        (first, U::read(from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back<T: Numbers + PartialEq + std::fmt::Debug>(item: T) {
        let mut sent = Vec::new();
        item.write(&mut sent);
        // What follows is left alone.
        sent.push(0.5);
        let mut left = &sent[..];
        assert_eq!(T::read(&mut left), item);
        assert_eq!(left, [0.5]);
    }

    #[test]
    fn results_come_back_as_they_were() {
        there_and_back(vec![Some([1.5, -0.0]), None]);
        there_and_back((usize::MAX >> 12, Vec::<f64>::new()));
        let mut sent = Vec::new();
        f64::from_bits(0x7ff8_0000_dead_beef).write(&mut sent);
        assert_eq!(f64::read(&mut &sent[..]).to_bits(), 0x7ff8_0000_dead_beef);
    }
}
