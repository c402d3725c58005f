//! How a JPEG was compressed, so that it can be written again as it came.

/// Tables and sampling of a JPEG.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JpegEncoding {
    /// What coefficients of brightness are divided by, row by row.
    pub luma_table: [u16; 64],
    /// The same of colour.
    pub chroma_table: [u16; 64],
    /// How many pixels one sample of colour covers, horizontally and vertically.
    pub sampling: (u8, u8),
}

/// Rows and columns of coefficients in the order in which files have them.
const ZIGZAG: [usize; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21,
    28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54,
    47, 55, 62, 63,
];

/// The sum of the table that the standard gives as an example (ITU-T T.81, table K.1), to which qualities relate.
const STANDARD_LUMA_SUM: u32 = 3688;

impl JpegEncoding {
    /// From tables in the order of the file.
    pub(super) fn new(luma: [u16; 64], chroma: [u16; 64], sampling: (u8, u8)) -> Self {
        let by_rows = |table: [u16; 64]| {
            let mut rows = [1; 64];
            for (value, place) in table.into_iter().zip(ZIGZAG) {
                rows[place] = value.max(1);
            }
            rows
        };
        Self { luma_table: by_rows(luma), chroma_table: by_rows(chroma), sampling }
    }

    /// About the quality that most programs' scale has for such tables, from 1 to 100.
    pub fn quality(&self) -> u8 {
        let sum: u32 = self.luma_table.iter().map(|value| u32::from(*value)).sum();
        if sum <= 64 {
            return 100;
        }
        // The scale of the Independent JPEG Group.
        let percent = sum as f32 * 100.0 / STANDARD_LUMA_SUM as f32;
        let quality = if percent <= 100.0 { 100.0 - percent / 2.0 } else { 5000.0 / percent };
        (quality.round() as u8).clamp(1, 100)
    }
}
