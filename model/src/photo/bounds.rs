//! What a photo may take: known before anything is decoded, so that nothing hostile or too large takes the machine with it.

use crate::memory;

/// The longest side that is opened; cameras end below 20,000.
const MAX_SIDE_PX: u32 = 40_000;
/// What a photo may take in memory while it is opened: 200 megapixels of an ordinary JPEG, a decompression bomb's end.
const MAX_BYTES: u64 = if cfg!(fuzzing) { 8 << 20 } else { 1280 << 20 };
/// What it takes to look for faces in it, and to cut one out.
const SEARCH_BYTES: u64 = 64 << 20;

/// What it takes to open a picture.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Need {
    /// In pixels.
    pub size_px: (u32, u32),
    /// Of the samples as they are decoded.
    pub bytes_per_pixel: u64,
    /// What the decoder takes beside them, for each pixel.
    pub working_bytes_per_pixel: u64,
    /// Whether the samples are turned, for which there are two of them for a while.
    pub is_turned: bool,
    /// Whether the samples are what the program works on, so that there is no second picture.
    pub is_plain: bool,
}

impl Need {
    fn bytes(&self) -> u64 {
        let pixels = u64::from(self.size_px.0) * u64::from(self.size_px.1);
        let copies = if self.is_turned { self.bytes_per_pixel } else { 0 };
        let own = if self.is_plain { 0 } else { 3 };
        // While it is decoded, or afterwards while it is turned or its colours are converted.
        let most = self.working_bytes_per_pixel.max(copies).max(own);
        pixels.saturating_mul(self.bytes_per_pixel.saturating_add(most))
    }

    /// Whether it may be opened, and whether there is room for it.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn check(&self) -> Result<(), String> {
        let (width, height) = self.size_px;
        if width == 0 || height == 0 {
            return Err("it has no pixels".to_owned());
        }
        let bytes = self.bytes();
        if width.max(height) > MAX_SIDE_PX || bytes > MAX_BYTES {
            let bytes_per_pixel = Self { size_px: (1, 1), ..*self }.bytes().max(1);
            return Err(format!(
                "it is {width} x {height} pixels, and at most {} million pixels of its kind can be opened, at most \
                 {MAX_SIDE_PX} to a side: make it smaller",
                MAX_BYTES / bytes_per_pixel / 1_000_000
            ));
        }
        memory::check(bytes + SEARCH_BYTES, &format!("a photo of {width} x {height} pixels"))
    }
}

/// Zeros, without an end where there is no memory.
pub(super) fn zeros<T: Clone + Default>(len: usize) -> Result<Vec<T>, String> {
    let mut values = Vec::new();
    values.try_reserve_exact(len).map_err(|_| "there is not enough memory: close other programs".to_owned())?;
    values.resize(len, T::default());
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_large_is_a_sentence() {
        let need =
            |width, height, bytes_per_pixel| Need { size_px: (width, height), bytes_per_pixel, ..Need::default() };
        for (need, is_opened) in [
            (need(16_320, 12_240, 3), true),
            (need(9_600, 10_000, 8), true),
            (need(20_000, 20_000, 4), false),
            (need(40_001, 1, 3), false),
            (need(u32::MAX, u32::MAX, u64::MAX), false),
            (need(0, 5, 3), false),
        ] {
            assert_eq!(need.check().is_ok(), is_opened, "{need:?}");
        }
    }
}
