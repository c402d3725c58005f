//! What a file says beside its pixels.

use super::exif::Exif;

/// Words and numbers about a photo that its file holds, for whoever writes it again.
#[derive(Clone, Debug, Default)]
pub struct Metadata {
    /// What the camera said.
    pub exif: Option<Exif>,
    /// XMP, as the text of its packet.
    pub xmp: Option<Vec<u8>>,
    /// IPTC records, as they are.
    pub iptc: Option<Vec<u8>>,
    /// Pixels to the inch, horizontally and vertically.
    pub dots_per_inch: Option<[f32; 2]>,
}

impl Metadata {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.exif.is_none() && self.xmp.is_none() && self.iptc.is_none() && self.dots_per_inch.is_none()
    }
}

/// Number of the resource of Photoshop that holds IPTC records.
pub const IPTC_RESOURCE: u16 = 0x0404;

/// The IPTC records among the resources that Photoshop puts into a JPEG.
pub(super) fn iptc_of_photoshop(mut resources: &[u8]) -> Option<Vec<u8>> {
    while let [b'8', b'B', b'I', b'M', high, low, name_len, rest @ ..] = resources {
        // Name and data are padded to even lengths, the name with its length.
        let padded_name = (usize::from(*name_len) + 1).next_multiple_of(2) - 1;
        let (len, data) = rest.get(padded_name..)?.split_first_chunk::<4>()?;
        let len = u32::from_be_bytes(*len) as usize;
        if u16::from_be_bytes([*high, *low]) == IPTC_RESOURCE {
            return Some(data.get(..len.min(data.len()))?.to_vec());
        }
        resources = data.get(len.checked_add(len % 2)?..)?;
    }
    None
}
