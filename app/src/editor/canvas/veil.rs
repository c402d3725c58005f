//! Masks to be looked at: what is painted as a colour over the picture, as strong as it counts there, with softness, feather and
//! strength.

use std::sync::Arc;

use stylemap::Mask;

use crate::document::{CANVAS_SIZE_PX, Layer, MaskImage};
use crate::workbench::{MaskView, Workbench};

/// The red of the film that retouchers cut masks from.
const RUBYLITH: [u8; 3] = [0xe0, 0x20, 0x28];
/// How much of the picture the colour hides where all of it counts.
const OPACITY: f32 = 0.6;

/// A picture of what is painted, as large as the canvas.
pub struct Veil {
    /// Another one has another number.
    pub number: u64,
    /// Row by row, colours times their alpha.
    pub rgba: Vec<u8>,
    /// Whether nothing of the picture below shows.
    pub is_opaque: bool,
}

/// What a layer puts in a veil.
#[derive(Clone)]
struct Part {
    mask: MaskImage,
    offset_px: (i32, i32),
    feather_px: f32,
    strength: f32,
    color: [u8; 3],
}

impl Part {
    fn of_layer(layer: &Layer) -> Self {
        let Layer { mask, offset_px, feather_px, strength, color, .. } = layer;
        Self { mask: mask.clone(), offset_px: *offset_px, feather_px: *feather_px, strength: *strength, color: *color }
    }

    fn is_same(&self, other: &Self) -> bool {
        self.mask.is_same_copy(&other.mask)
            && self.offset_px == other.offset_px
            && (self.feather_px, self.strength, self.color) == (other.feather_px, other.strength, other.color)
    }

    /// How much counts at each pixel of the canvas, in [0, 1].
    fn weights(&self) -> Vec<f32> {
        let values = self.mask.moved(self.offset_px).to_values();
        // Only a wrong length is refused, and this one is right by construction.
        let Ok(mask) = Mask::from_u8(CANVAS_SIZE_PX, &values) else { return Vec::new() };
        let mask = if self.feather_px > 0.0 { mask.feathered(self.feather_px) } else { mask };
        mask.weights().iter().map(|weight| weight * self.strength).collect()
    }
}

/// The newest veil, made anew when what it shows has changed.
#[derive(Default)]
pub struct Veils {
    made_of: Option<(MaskView, Vec<Part>)>,
    newest: Option<Arc<Veil>>,
    count: u64,
}

impl Veils {
    /// The veil over the picture; none where masks show as outlines or not at all.
    pub fn of(&mut self, bench: &Workbench) -> Option<Arc<Veil>> {
        let view = bench.view().mask_view;
        if view == MaskView::Outline || !bench.view().shows_overlay || bench.view().isolates_layer {
            return None;
        }
        let document = bench.document();
        let shown = |layer: &&Layer| layer.visible;
        let parts: Vec<Part> = match view {
            MaskView::AllLayers => document.layers().iter().filter(shown).map(Part::of_layer).collect(),
            _ => document.active_layer().into_iter().filter(shown).map(Part::of_layer).collect(),
        };
        let is_known = self.made_of.as_ref().is_some_and(|(known_view, known)| {
            *known_view == view && known.len() == parts.len() && known.iter().zip(&parts).all(|(a, b)| a.is_same(b))
        });
        if !is_known {
            self.count += 1;
            let veil = Veil { number: self.count, rgba: drawn(view, &parts), is_opaque: view == MaskView::Alone };
            self.newest = Some(Arc::new(veil));
            self.made_of = Some((view, parts));
        }
        self.newest.clone()
    }
}

fn drawn(view: MaskView, parts: &[Part]) -> Vec<u8> {
    let is_alone = view == MaskView::Alone;
    let nothing = [0.0, 0.0, 0.0, if is_alone { 1.0 } else { 0.0 }];
    let mut pixels = vec![nothing; CANVAS_SIZE_PX * CANVAS_SIZE_PX];
    for part in parts {
        let color = match view {
            MaskView::Alone => [255; 3],
            MaskView::AllLayers => part.color,
            MaskView::Rubylith | MaskView::Outline => RUBYLITH,
        };
        let color = color.map(|value| f32::from(value) / 255.0);
        let opacity = if is_alone { 1.0 } else { OPACITY };
        for (pixel, weight) in pixels.iter_mut().zip(part.weights()) {
            let alpha = weight * opacity;
            for (value, color) in pixel.iter_mut().zip([color[0], color[1], color[2], 1.0]) {
                *value += (color - *value) * alpha;
            }
        }
    }
    pixels.iter().flatten().map(|value| (value * 255.0).round() as u8).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(strength: f32, feather_px: f32) -> Part {
        let mut values = vec![0; CANVAS_SIZE_PX * CANVAS_SIZE_PX];
        for row in values.chunks_exact_mut(CANVAS_SIZE_PX).take(256) {
            row.fill(255);
        }
        let mut mask = MaskImage::default();
        mask.set_values(&values);
        Part { mask, offset_px: (0, 0), feather_px, strength, color: [0, 255, 0] }
    }

    fn at(rgba: &[u8], y: usize) -> [u8; 4] {
        let at = (y * CANVAS_SIZE_PX + 256) * 4;
        [rgba[at], rgba[at + 1], rgba[at + 2], rgba[at + 3]]
    }

    #[test]
    fn a_veil_shows_strength_feather_and_colours() {
        let alone = |part: Part| drawn(MaskView::Alone, &[part]);
        let crisp = alone(part(1.0, 0.0));
        assert_eq!((at(&crisp, 10), at(&crisp, 400)), ([255; 4], [0, 0, 0, 255]));
        assert_eq!((at(&crisp, 255)[0], at(&crisp, 256)[0]), (255, 0));
        // Half the strength is half as bright, and a feathered edge is no edge.
        assert_eq!(at(&alone(part(0.5, 0.0)), 10)[0], 128);
        let soft = alone(part(1.0, 20.0));
        assert!(at(&soft, 250)[0] < 255 && at(&soft, 262)[0] > 0, "{:?} {:?}", at(&soft, 250), at(&soft, 262));
        // Over the picture nothing shows where nothing is painted.
        let red = drawn(MaskView::Rubylith, &[part(1.0, 0.0)]);
        assert_eq!(at(&red, 400), [0; 4]);
        assert!(at(&red, 10)[0] > 3 * at(&red, 10)[1]);
        let colours = drawn(MaskView::AllLayers, &[part(1.0, 0.0)]);
        assert_eq!((at(&colours, 10)[0], at(&colours, 10)[1]), (0, 153));
    }
}
