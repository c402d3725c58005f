//! Where a head lies in every aligned crop.

use crate::mask::Mask;

/// The middle of the head in the crop, and from there to its sides and to its top and bottom, as shares of the crop's side:
/// face and hair of most people, and little of what is behind them.
const MIDDLE: [f32; 2] = [0.5, 0.5];
const RADII: [f32; 2] = [0.34, 0.42];
/// Over how much of the radii the edge fades.
const EDGE: f32 = 0.12;

/// A soft ellipse over face and hair. An edit of the whole picture goes back into its photo there: the background of another
/// photo would show as a square.
pub fn head_mask(size_px: usize) -> Mask {
    Mask::from_fn(size_px, |x, y| {
        let radius = ((x - MIDDLE[0]) / RADII[0]).hypot((y - MIDDLE[1]) / RADII[1]);
        let inside = ((1.0 - radius) / EDGE + 0.5).clamp(0.0, 1.0);
        inside * inside * (3.0 - 2.0 * inside)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_is_in_and_the_corners_are_out() {
        let mask = head_mask(256);
        let at = |x: usize, y: usize| mask.weights()[y * 256 + x];
        // Eyes, mouth, forehead; then the crop's corners and the middle of its sides.
        for (x, y) in [(97, 119), (159, 119), (128, 185), (128, 50)] {
            assert_eq!(at(x, y), 1.0, "({x}, {y})");
        }
        for (x, y) in [(0, 0), (255, 0), (0, 255), (255, 255), (0, 128), (128, 0), (128, 255), (255, 128)] {
            assert_eq!(at(x, y), 0.0, "({x}, {y})");
        }
    }
}
