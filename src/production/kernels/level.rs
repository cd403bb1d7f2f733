//! Which vector instructions the kernels use.

use pulp::{Arch, Scalar, Simd, WithSimd};

/// A set of vector instructions that this processor has.
///
/// Results of two levels differ by rounding (fused multiply-add, order of summation); those of one level are the same
/// bits on every machine that has it.
#[derive(Clone, Copy, Debug)]
pub struct Level(Kind);

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// What every processor of the target has: SSE2 on x86-64.
    Baseline,
    /// The best that is here, found when the program runs.
    Detected(Arch),
    #[cfg(target_arch = "x86_64")]
    Avx2(pulp::x86::V3),
}

impl Level {
    /// The best level of this processor.
    pub fn best() -> Self {
        Self(Kind::Detected(Arch::new()))
    }

    /// All levels of this processor, slowest first; the last is [`best`](Self::best).
    pub fn all() -> Vec<Self> {
        let mut levels = vec![Self(Kind::Baseline)];
        #[cfg(target_arch = "x86_64")]
        levels.extend(pulp::x86::V3::try_new().map(|simd| Self(Kind::Avx2(simd))));
        let best = Self::best();
        if levels.iter().all(|level| level.name() != best.name()) {
            levels.push(best);
        }
        levels
    }

    /// `baseline`, `avx2`, `avx512` or `neon`.
    pub fn name(self) -> &'static str {
        match self.0 {
            Kind::Baseline => "baseline",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Kind::Detected(Arch::V4(_)) => "avx512",
            #[cfg(target_arch = "x86_64")]
            Kind::Detected(Arch::V3(_)) => "avx2",
            #[cfg(target_arch = "aarch64")]
            Kind::Detected(Arch::Neon(_)) => "neon",
            Kind::Detected(_) => "baseline",
        }
    }

    /// Whether its vectors have more than one entry.
    pub(crate) fn has_vectors(self) -> bool {
        self.name() != "baseline"
    }

    /// Runs a kernel at this level.
    #[inline]
    pub(crate) fn dispatch<Op: WithSimd>(self, kernel: Op) -> Op::Output {
        match self.0 {
            Kind::Baseline => Simd::vectorize(Scalar, kernel),
            Kind::Detected(arch) => arch.dispatch(kernel),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2(simd) => Simd::vectorize(simd, kernel),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_distinct_and_the_best_is_last() {
        let names: Vec<_> = Level::all().into_iter().map(Level::name).collect();
        assert_eq!(names[0], "baseline");
        assert_eq!(names.last(), Some(&Level::best().name()));
        let mut sorted = names.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), names.len());
    }
}
