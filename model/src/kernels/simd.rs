//! Which instructions the CPU kernels run with, and what all of them share: buffers that are used again and outputs that
//! several threads write parts of.

use std::cell::RefCell;
use std::sync::OnceLock;

use pulp::{Arch, Simd, WithSimd};

use super::KERNELS_VARIABLE;

/// What [`KERNELS_VARIABLE`] asks for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choice {
    /// Candle's own operations only.
    pub(super) candle: bool,
    /// No transforms: every convolution by plain multiplications.
    pub(super) direct: bool,
    arch: Arch,
}

impl Choice {
    fn best() -> Self {
        Self { candle: false, direct: false, arch: Arch::new() }
    }

    /// Words with commas between: `candle`, `direct`, and one of `scalar`, `avx2`, `avx512`, `neon`.
    fn parse(text: &str) -> Result<Self, String> {
        let mut choice = Self::best();
        for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            match word {
                "candle" => choice.candle = true,
                "direct" => choice.direct = true,
                "scalar" => choice.arch = Arch::Scalar,
                #[cfg(target_arch = "x86_64")]
                "avx2" => choice.arch = pulp::x86::V3::try_new().map(Arch::V3).ok_or_else(|| missing(word))?,
                #[cfg(target_arch = "x86_64")]
                "avx512" => choice.arch = pulp::x86::V4::try_new().map(Arch::V4).ok_or_else(|| missing(word))?,
                #[cfg(target_arch = "aarch64")]
                "neon" => choice.arch = pulp::aarch64::Neon::try_new().map(Arch::Neon).ok_or_else(|| missing(word))?,
                _ => return Err(missing(word)),
            }
        }
        Ok(choice)
    }
}

fn missing(word: &str) -> String {
    format!("{KERNELS_VARIABLE} asks for `{word}` kernels, and there are none on this machine")
}

fn read() -> &'static Result<Choice, String> {
    static CHOICE: OnceLock<Result<Choice, String>> = OnceLock::new();
    CHOICE.get_or_init(|| match std::env::var(KERNELS_VARIABLE) {
        Ok(text) => Choice::parse(&text),
        Err(_) => Ok(Choice::best()),
    })
}

/// Whether this machine has the kernels that the environment asks for.
pub(super) fn check() -> Result<(), String> {
    read().as_ref().map(|_| ()).map_err(Clone::clone)
}

/// The kernels to use. Where the environment asks for what is not there, [`check`] has said so.
pub(super) fn choice() -> Choice {
    read().as_ref().copied().unwrap_or_else(|_| Choice::best())
}

/// The instructions' name.
pub(super) fn instructions() -> &'static str {
    match choice().arch {
        #[cfg(target_arch = "x86_64")]
        Arch::V3(_) => "AVX2",
        #[cfg(target_arch = "x86_64")]
        Arch::V4(_) => "AVX-512",
        #[cfg(target_arch = "aarch64")]
        Arch::Neon(_) => "NEON",
        _ => "scalar code",
    }
}

/// Runs `op` compiled for the chosen instructions.
#[inline(always)]
pub(super) fn with_vectors<Op: WithSimd>(op: Op) -> Op::Output {
    choice().arch.dispatch(op)
}

/// Runs plain loops compiled for the chosen instructions. `FnMut`, because calling a closure as `FnOnce` goes through a function
/// that the compiler may leave outside, compiled for the oldest processor.
#[inline(always)]
pub(crate) fn vectorised<R>(loops: impl FnMut() -> R) -> R {
    with_vectors(Loops(loops))
}

struct Loops<F>(F);

impl<R, F: FnMut() -> R> WithSimd for Loops<F> {
    type Output = R;

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, _simd: S) -> R {
        (self.0)()
    }
}

/// The first vectors of `values`, as many as asked for.
#[inline(always)]
pub(super) fn load<S: Simd, const N: usize>(values: &[f32]) -> [S::f32s; N] {
    let (vectors, _) = S::as_simd_f32s(&values[..N * S::F32_LANES]);
    let mut out = [vectors[0]; N];
    out.copy_from_slice(&vectors[..N]);
    out
}

/// Puts vectors at the start of `values`.
#[inline(always)]
pub(super) fn store<S: Simd, const N: usize>(values: &mut [f32], vectors: [S::f32s; N]) {
    let (to, _) = S::as_mut_simd_f32s(&mut values[..N * S::F32_LANES]);
    for (to, vector) in to.iter_mut().zip(vectors) {
        *to = vector;
    }
}

thread_local! {
    /// Buffers that every call on this thread uses again: fresh pages would cost more than the work on them.
    static SCRATCH: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// Runs `body` with `len` values of this thread's buffer, whatever they hold.
pub(super) fn with_scratch<R>(len: usize, body: impl FnOnce(&mut [f32]) -> R) -> R {
    let mut scratch = SCRATCH.take();
    if scratch.len() < len {
        scratch.resize(len, 0.0);
    }
    let result = body(&mut scratch[..len]);
    // While `body` ran, another task of this thread may have put a buffer of its own here; the larger one stays.
    SCRATCH.with_borrow_mut(|kept| {
        if kept.len() < scratch.len() {
            *kept = scratch;
        }
    });
    result
}

/// The output of a kernel whose tasks write interleaved parts of it.
pub(super) struct Shared(*mut f32, usize);

// SAFETY: only `slice` gives access, and its callers write disjoint ranges.
unsafe impl Sync for Shared {}

impl Shared {
    pub(super) fn new(values: &mut [f32]) -> Self {
        Self(values.as_mut_ptr(), values.len())
    }

    /// # Safety
    /// The values that this was made of are still borrowed for it, and no other live slice of them overlaps
    /// `start..start + len`.
    #[expect(clippy::mut_from_ref, reason = "the point of the type: disjoint parts for several threads")]
    #[inline(always)]
    pub(super) unsafe fn slice(&self, start: usize, len: usize) -> &mut [f32] {
        assert!(start <= self.1 && len <= self.1 - start, "a part beyond the output");
        // SAFETY: within the output by the assertion, and unaliased by this function's contract.
        unsafe { std::slice::from_raw_parts_mut(self.0.add(start), len) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_chooses_kernels_that_are_there() {
        let choice = Choice::parse("direct, scalar").unwrap();
        assert!(choice.direct && !choice.candle && matches!(choice.arch, Arch::Scalar));
        assert!(Choice::parse("candle").unwrap().candle);
        let nothing = Choice::parse("").unwrap();
        assert!(!nothing.candle && !nothing.direct);
        assert!(Choice::parse("avx1024").unwrap_err().contains("`avx1024`"));
    }
}
