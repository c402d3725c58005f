//! Luma and chroma to red, green and blue, as TIFF 6.0 has them (section 21).

/// What a file says about its luma and chroma.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct YCbCr {
    /// What red, green and blue are worth in the luma.
    luma: [f32; 3],
    /// The code of nothing and that of the most, of luma and of either chroma, in levels of eight bits.
    reference: [[f32; 2]; 3],
}

impl Default for YCbCr {
    /// As JPEG has them (ITU-R BT.601, the full range).
    fn default() -> Self {
        Self { luma: [0.299, 0.587, 0.114], reference: [[0.0, 255.0], [128.0, 255.0], [128.0, 255.0]] }
    }
}

impl YCbCr {
    /// Of the tags `YCbCrCoefficients` and `ReferenceBlackWhite`, numerators and denominators one after the other; what makes no sense
    /// is passed over.
    pub(super) fn of_tags(coefficients: Option<&[u32]>, reference: Option<&[u32]>) -> Self {
        let usual = Self::default();
        let luma = coefficients.and_then(ratios::<3>).filter(|luma| {
            let is_share = |share: &f32| (0.01..1.0).contains(share);
            luma.iter().all(is_share) && (luma.iter().sum::<f32>() - 1.0).abs() < 0.01
        });
        let reference = reference.and_then(ratios::<6>).map(|[a, b, c, d, e, f]| [[a, b], [c, d], [e, f]]);
        let reference = reference.filter(|pairs| pairs.iter().all(|[least, most]| most - least > 1.0 && *most < 256.0));
        Self { luma: luma.unwrap_or(usual.luma), reference: reference.unwrap_or(usual.reference) }
    }

    /// Of codes, in levels of eight bits; so are the colours, which may lie outside of them.
    pub(super) fn to_rgb(self, codes: [f32; 3]) -> [f32; 3] {
        let [luma, blue, red] = [(0, 255.0), (1, 127.0), (2, 127.0)].map(|(i, range)| {
            let [least, most] = self.reference[i];
            (codes[i] - least) * range / (most - least)
        });
        let [of_red, of_green, of_blue] = self.luma;
        let red = luma + red * (2.0 - 2.0 * of_red);
        let blue = luma + blue * (2.0 - 2.0 * of_blue);
        [red, (luma - of_blue * blue - of_red * red) / of_green, blue]
    }
}

fn ratios<const N: usize>(values: &[u32]) -> Option<[f32; N]> {
    let ratios: Vec<f32> = values.as_chunks::<2>().0.iter().map(|[over, under]| *over as f32 / *under as f32).collect();
    ratios.try_into().ok().filter(|ratios: &[f32; N]| ratios.iter().all(|ratio| ratio.is_finite()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_those_of_jpeg_unless_a_file_says_otherwise() {
        let usual = YCbCr::default();
        for (codes, colour) in [
            ([255.0, 128.0, 128.0], [255.0; 3]),
            ([76.0, 85.0, 255.0], [254.0, 0.0, 0.0]),
            ([0.0, 128.0, 128.0], [0.0; 3]),
        ] {
            let found = usual.to_rgb(codes);
            assert!(found.iter().zip(colour).all(|(a, b)| (a - b).abs() < 1.0), "{found:?}");
        }
        // The range of video, and the luma of high definition.
        let video = YCbCr::of_tags(
            Some(&[2126, 10_000, 7152, 10_000, 722, 10_000]),
            Some(&[16, 1, 235, 1, 128, 1, 240, 1, 128, 1, 240, 1]),
        );
        let white = video.to_rgb([235.0, 128.0, 128.0]);
        assert!(white.iter().all(|value| (value - 255.0).abs() < 0.01), "{white:?}");
        let red = video.to_rgb([62.56, 102.34, 240.0]);
        assert!((red[0] - 255.0).abs() < 2.0 && red[1].abs() < 2.0 && red[2].abs() < 2.0, "{red:?}");
        for odd in [&[][..], &[1, 0, 1, 0, 1, 0], &[1, 1, 1, 1, 1, 1], &[0, 1, 1, 1, 0, 1], &[1, 3]] {
            assert_eq!(YCbCr::of_tags(Some(odd), Some(odd)), usual);
        }
    }
}
