//! XMP of a picture that was edited: the packet is text, and only what is no longer true is taken out of it.

use std::ops::Range;

/// Parts that hold another picture of the photo, or say where in the file one is that is no longer there.
const PICTURES: [&str; 4] = ["xmp:Thumbnails", "xap:Thumbnails", "GDepth:Data", "GImage:Data"];
const CONTAINERS: [&str; 3] = ["http://ns.google.com/photos/1.0/container", "hdrgm:Version", "xmpNote:HasExtendedXMP"];
const PLACES: [&str; 8] = [
    "photoshop:City",
    "photoshop:State",
    "photoshop:Country",
    "Iptc4xmpCore:Location",
    "Iptc4xmpCore:CountryCode",
    "Iptc4xmpExt:LocationShown",
    "Iptc4xmpExt:LocationCreated",
    "exif:GPS",
];

/// The packet of the edited picture; none where it speaks of other parts of the file.
pub(super) fn changed(packet: &str, (width, height): (u32, u32), without_location: bool) -> Option<String> {
    if CONTAINERS.iter().any(|name| packet.contains(name)) {
        return None;
    }
    let mut packet = packet.to_owned();
    for name in PICTURES {
        remove(&mut packet, name);
    }
    if without_location {
        for name in PLACES {
            remove(&mut packet, name);
        }
    }
    for (name, value) in [
        ("tiff:Orientation", 1),
        ("tiff:ImageWidth", width),
        ("tiff:ImageLength", height),
        ("exif:PixelXDimension", width),
        ("exif:PixelYDimension", height),
    ] {
        for range in values(&packet, name).into_iter().rev() {
            packet.replace_range(range, &value.to_string());
        }
    }
    Some(packet)
}

/// Takes out attributes and elements whose names begin so.
fn remove(packet: &mut String, name: &str) {
    while let Some(range) = place(packet, name) {
        packet.replace_range(range, "");
    }
}

fn place(packet: &str, name: &str) -> Option<Range<usize>> {
    packet.match_indices(name).find_map(|(at, _)| {
        let before = packet[..at].chars().next_back()?;
        let rest = &packet[at..];
        let name_len = rest.find(|c: char| !(c.is_alphanumeric() || ":-_".contains(c)))?;
        let (full_name, after) = rest.split_at(name_len);
        if before == '<' {
            let tag_end = after.find('>')?;
            if after[..tag_end].ends_with('/') {
                return Some(at - 1..at + name_len + tag_end + 1);
            }
            let closing = format!("</{full_name}>");
            let end = after.find(&closing)?;
            return Some(at - 1..at + name_len + end + closing.len());
        }
        if before.is_whitespace() {
            let value = after.trim_start().strip_prefix('=')?.trim_start();
            let quote = value.chars().next().filter(|quote| ['"', '\''].contains(quote))?;
            let end = value[1..].find(quote)? + 2;
            let start = packet.len() - (rest.len() - name_len) + (after.len() - value.len());
            return Some(at..start + end);
        }
        None
    })
}

/// Where the values of an attribute or an element stand.
fn values(packet: &str, name: &str) -> Vec<Range<usize>> {
    let value = |(at, _): (usize, &str)| {
        let start = at + name.len();
        let after = &packet[start..];
        if let Some(value) = after.strip_prefix("=\"") {
            return Some(start + 2..start + 2 + value.find('"')?);
        }
        let value = after.strip_prefix('>')?;
        // Not of the closing tag.
        packet[..at].ends_with('<').then_some(())?;
        Some(start + 1..start + 1 + value.find('<')?)
    };
    packet.match_indices(name).filter_map(value).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const PACKET: &str = r#"<x:xmpmeta><rdf:Description tiff:Orientation="6" exif:GPSLatitude="48,1N"
 dc:title="A face"><exif:GPSLongitude>2,3E</exif:GPSLongitude><tiff:ImageWidth>4000</tiff:ImageWidth><xmp:Thumbnails>
 <rdf:Alt>old face</rdf:Alt></xmp:Thumbnails><exif:PixelXDimension>4000</exif:PixelXDimension></rdf:Description></x:xmpmeta>"#;

    #[test]
    fn a_packet_keeps_what_is_still_true() {
        let kept = changed(PACKET, (30, 20), false).unwrap();
        assert!(kept.contains(r#"tiff:Orientation="1""#) && kept.contains("<tiff:ImageWidth>30</tiff:ImageWidth>"));
        assert!(kept.contains("<exif:PixelXDimension>30</exif:PixelXDimension>"));
        assert!(kept.contains("A face") && kept.contains("48,1N") && !kept.contains("old face"));
        let elsewhere = changed(PACKET, (30, 20), true).unwrap();
        assert!(elsewhere.contains("A face") && !elsewhere.contains("GPS"), "{elsewhere}");
        assert_eq!(changed("hdrgm:Version", (1, 1), false), None);
    }

    #[test]
    fn a_damaged_packet_does_no_harm() {
        for end in (0..PACKET.len()).filter(|end| PACKET.is_char_boundary(*end)) {
            changed(&PACKET[..end], (1, 1), true);
        }
        for odd in ["<exif:GPS", " exif:GPS=", " exif:GPS=\"", "exif:GPS", "<exif:GPSx/>", "é exif:GPSa = 'ü' ö"] {
            changed(odd, (1, 1), true).unwrap();
        }
    }
}
