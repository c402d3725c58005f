//! Other faces mixed into the source: a slider between two faces, or a place between four.

use super::{PhotoId, unit};

/// No more places are kept that a motion goes through.
pub const MAX_PATH_LEN: usize = 64;
/// The path past every corner, from the source back to it.
pub const PAST_CORNERS: [[f32; 2]; 5] = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [0.0, 0.0]];

/// Other faces mixed into the source: one, with the place between the two, or three, with the place between four corners.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Blend {
    /// The face at `t` = 1, right of the source.
    pub with: PhotoId,
    /// In [0, 1], from the left to the right; 0 is the source alone, or what lies below it.
    pub t: f32,
    /// The corners below, if there are four.
    pub below: Option<Below>,
}

/// Two more faces, below the source and the face right of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Below {
    /// The left one and the right one.
    pub faces: [PhotoId; 2],
    /// In [0, 1], from above to below.
    pub y: f32,
}

impl Blend {
    /// Between the source and one other face.
    pub fn between(with: PhotoId, t: f32) -> Self {
        Self { with, t, below: None }
    }

    /// The place between the corners, from the left to the right and from above to below.
    pub fn at(&self) -> [f32; 2] {
        [self.t, self.below.map_or(0.0, |below| below.y)]
    }

    /// The same faces at another place; the numbers are kept in range.
    #[must_use]
    pub fn moved_to(self, [t, y]: [f32; 2]) -> Self {
        Self { t: unit(t), below: self.below.map(|below| Below { y: unit(y), ..below }), ..self }
    }

    /// Every face but the source.
    pub fn faces(&self) -> impl Iterator<Item = PhotoId> + use<> {
        std::iter::once(self.with).chain(self.below.into_iter().flat_map(|below| below.faces))
    }
}

/// The place that lies at this share of a path's length, in [0, 1]. A path of nothing ends at the source.
pub fn place_on_path(path: &[[f32; 2]], share: f32) -> [f32; 2] {
    let length = |[from, to]: [[f32; 2]; 2]| (to[0] - from[0]).hypot(to[1] - from[1]);
    let ways = || path.iter().zip(path.iter().skip(1)).map(|(from, to)| [*from, *to]);
    let mut left = share.clamp(0.0, 1.0) * ways().map(length).sum::<f32>();
    for way in ways() {
        let len = length(way);
        if left <= len && len > 0.0 {
            let [from, to] = way;
            return [0, 1].map(|axis| from[axis] + (to[axis] - from[axis]) * left / len);
        }
        left -= len;
    }
    path.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_gone_along_at_one_speed() {
        let path = [[0.0, 0.0], [1.0, 0.0], [1.0, 0.5]];
        let near = |share: f32, at: [f32; 2]| {
            let found = place_on_path(&path, share);
            assert!((found[0] - at[0]).abs() + (found[1] - at[1]).abs() < 1e-5, "{found:?} at {share}");
        };
        near(0.0, [0.0, 0.0]);
        near(1.0 / 3.0, [0.5, 0.0]);
        near(2.0 / 3.0, [1.0, 0.0]);
        near(1.0, [1.0, 0.5]);
        near(7.0, [1.0, 0.5]);
        // Standing still is no way, and a single place is where one is.
        let still = [[0.2, 0.3], [0.2, 0.3], [0.6, 0.3]];
        assert_eq!(place_on_path(&still, 0.0), [0.2, 0.3]);
        assert_eq!((place_on_path(&still[..2], 0.5), place_on_path(&still[..1], 0.5)), ([0.2, 0.3], [0.2, 0.3]));
        assert_eq!(place_on_path(&[], 0.5), [0.0, 0.0]);
        assert_eq!(place_on_path(&PAST_CORNERS, 0.625), [0.5, 1.0]);
    }
}
