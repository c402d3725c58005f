//! Matrix multiplication for the convolutions, by `gemm`, and how much of a map one multiplication takes.

/// dst (m, n) = lhs (m, k) * rhs (k, n), all row by row with their own distances between rows. On this thread only, or on all.
#[expect(
    clippy::too_many_arguments,
    reason = "three matrices have nine numbers; naming them here keeps every call in one line"
)]
pub(super) fn multiply(
    (m, k, n): (usize, usize, usize),
    dst: &mut [f32],
    dst_stride: usize,
    lhs: &[f32],
    lhs_stride: usize,
    rhs: &[f32],
    rhs_stride: usize,
    on_all_threads: bool,
) {
    if m == 0 || n == 0 || k == 0 {
        return;
    }
    assert!(dst_stride >= n && lhs_stride >= k && rhs_stride >= n, "rows overlap");
    assert!(dst.len() >= (m - 1) * dst_stride + n, "the product does not fit");
    assert!(lhs.len() >= (m - 1) * lhs_stride + k, "the left matrix is too short");
    assert!(rhs.len() >= (k - 1) * rhs_stride + n, "the right matrix is too short");
    let parallelism =
        if on_all_threads { gemm::Parallelism::Rayon(rayon::current_num_threads()) } else { gemm::Parallelism::None };
    // SAFETY: the assertions above bound every element that the multiplication reads or writes by its matrix, `dst` is borrowed
    // mutably, and rows do not overlap.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            dst.as_mut_ptr(),
            1,
            dst_stride as isize,
            false,
            lhs.as_ptr(),
            1,
            lhs_stride as isize,
            rhs.as_ptr(),
            1,
            rhs_stride as isize,
            0.0,
            1.0,
            false,
            false,
            false,
            parallelism,
        );
    }
}

/// How many tiles a block may have: the more the weights weigh, the more tiles must share reading them.
pub(super) fn tiles_per_block(weight_len: usize) -> usize {
    match weight_len * size_of::<f32>() {
        0..2_000_000 => 32,
        2_000_000..8_000_000 => 64,
        _ => 128,
    }
}
