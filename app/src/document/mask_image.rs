//! A painted mask: 8 bit, in shared tiles, so that a copy costs one pointer and undo keeps only the tiles that changed.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::geometry::PixelRect;

/// The side of the canvas: masks, strokes and offsets are in these pixels, whatever the model's resolution is.
pub const CANVAS_SIZE_PX: usize = 512;
/// The side of a tile.
pub const TILE_SIZE_PX: usize = 64;
const TILES_PER_SIDE: usize = CANVAS_SIZE_PX / TILE_SIZE_PX;
/// What one tile costs in memory.
pub const TILE_BYTES: usize = TILE_SIZE_PX * TILE_SIZE_PX;

/// The values of one tile, row by row.
pub type Tile = [u8; TILE_BYTES];

fn empty_tile() -> &'static Arc<Tile> {
    static EMPTY: OnceLock<Arc<Tile>> = OnceLock::new();
    EMPTY.get_or_init(|| Arc::new([0; TILE_BYTES]))
}

/// A square of [`CANVAS_SIZE_PX`] 8 bit weights; 255 takes the reference, 0 keeps what lies below.
#[derive(Clone)]
pub struct MaskImage {
    tiles: Arc<Vec<Arc<Tile>>>,
}

/// The part of one tile that an edit may touch.
#[derive(Clone, Debug)]
pub struct TileSpan {
    /// Which tile, row by row.
    pub index: usize,
    /// The canvas pixel of the tile's upper left corner.
    pub origin_px: (usize, usize),
    /// Columns within the tile.
    pub columns: Range<usize>,
    /// Rows within the tile.
    pub rows: Range<usize>,
}

impl Default for MaskImage {
    fn default() -> Self {
        Self { tiles: Arc::new(vec![Arc::clone(empty_tile()); TILES_PER_SIDE * TILES_PER_SIDE]) }
    }
}

impl MaskImage {
    /// A mask from values row by row; `None` if there are not [`CANVAS_SIZE_PX`] squared of them.
    pub fn from_values(values: &[u8]) -> Option<Self> {
        let mut mask = Self::default();
        mask.set_values(values).then_some(mask)
    }

    /// Takes other values, row by row; tiles that have them already stay shared. `false`, and nothing happens, if there are
    /// not [`CANVAS_SIZE_PX`] squared of them.
    pub fn set_values(&mut self, values: &[u8]) -> bool {
        if values.len() != CANVAS_SIZE_PX * CANVAS_SIZE_PX {
            return false;
        }
        self.modify(PixelRect::CANVAS, |span, tile| {
            for (y, row) in tile.chunks_exact_mut(TILE_SIZE_PX).enumerate() {
                let from = (span.origin_px.1 + y) * CANVAS_SIZE_PX + span.origin_px.0;
                row.copy_from_slice(&values[from..][..TILE_SIZE_PX]);
            }
        });
        true
    }

    /// Every value, row by row.
    pub fn to_values(&self) -> Vec<u8> {
        let mut values = vec![0; CANVAS_SIZE_PX * CANVAS_SIZE_PX];
        for (index, tile) in self.tiles.iter().enumerate() {
            if Arc::ptr_eq(tile, empty_tile()) {
                continue;
            }
            let (left, top) = tile_origin_px(index);
            for (y, row) in tile.chunks_exact(TILE_SIZE_PX).enumerate() {
                values[(top + y) * CANVAS_SIZE_PX + left..][..TILE_SIZE_PX].copy_from_slice(row);
            }
        }
        values
    }

    /// The value at a pixel; 0 outside.
    pub fn value(&self, x: usize, y: usize) -> u8 {
        if x >= CANVAS_SIZE_PX || y >= CANVAS_SIZE_PX {
            return 0;
        }
        self.tiles
            .get(y / TILE_SIZE_PX * TILES_PER_SIDE + x / TILE_SIZE_PX)
            .map_or(0, |tile| tile[y % TILE_SIZE_PX * TILE_SIZE_PX + x % TILE_SIZE_PX])
    }

    /// Whether nothing is painted.
    pub fn is_empty(&self) -> bool {
        self.tiles.iter().all(|tile| Arc::ptr_eq(tile, empty_tile()) || tile.iter().all(|&v| v == 0))
    }

    /// The smallest rectangle around what is painted.
    pub fn painted_rect(&self) -> Option<PixelRect> {
        let mut painted: Option<PixelRect> = None;
        for (index, tile) in self.tiles.iter().enumerate().filter(|(_, tile)| !Arc::ptr_eq(tile, empty_tile())) {
            let (left, top) = tile_origin_px(index);
            for (y, row) in tile.chunks_exact(TILE_SIZE_PX).enumerate() {
                let (Some(first), Some(last)) = (row.iter().position(|&v| v > 0), row.iter().rposition(|&v| v > 0))
                else {
                    continue;
                };
                let rect =
                    PixelRect { min_x: left + first, min_y: top + y, max_x: left + last + 1, max_y: top + y + 1 };
                painted = Some(painted.map_or(rect, |painted| painted.union(rect)));
            }
        }
        painted
    }

    /// Lets `change` rewrite the tiles that `rect` touches. Tiles that come out as they were stay shared.
    pub fn modify(&mut self, rect: PixelRect, mut change: impl FnMut(&TileSpan, &mut Tile)) {
        let tiles = Arc::make_mut(&mut self.tiles);
        for span in spans(rect) {
            if let Some(tile) = tiles.get_mut(span.index) {
                let mut changed: Tile = **tile;
                change(&span, &mut changed);
                if changed != **tile {
                    *tile = Arc::new(changed);
                }
            }
        }
    }

    /// One tile; the empty one for an index that does not exist.
    pub fn tile(&self, index: usize) -> &Tile {
        self.tiles.get(index).unwrap_or_else(|| empty_tile())
    }

    /// How many tiles a mask has.
    pub const TILE_COUNT: usize = TILES_PER_SIDE * TILES_PER_SIDE;

    /// Whether a tile is the same copy in both: nothing was painted there since.
    pub fn shares_tile(&self, other: &Self, index: usize) -> bool {
        matches!((self.tiles.get(index), other.tiles.get(index)), (Some(a), Some(b)) if Arc::ptr_eq(a, b))
    }

    /// Whether both are the same copy (the same memory): a quick "nothing happened since".
    pub fn is_same_copy(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.tiles, &other.tiles)
    }

    /// How many bytes of `self` are not shared with `other`, or with every empty mask.
    pub fn bytes_not_shared_with(&self, other: &Self) -> usize {
        if self.is_same_copy(other) {
            return 0;
        }
        let own = self.tiles.iter().zip(other.tiles.iter());
        own.filter(|(a, b)| !Arc::ptr_eq(a, b) && !Arc::ptr_eq(a, empty_tile())).count() * TILE_BYTES
            + self.tiles.len() * size_of::<Arc<Tile>>()
    }
}

impl PartialEq for MaskImage {
    fn eq(&self, other: &Self) -> bool {
        self.is_same_copy(other) || self.tiles.iter().zip(other.tiles.iter()).all(|(a, b)| Arc::ptr_eq(a, b) || a == b)
    }
}

impl std::fmt::Debug for MaskImage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MaskImage").field("painted_rect", &self.painted_rect()).finish()
    }
}

/// The canvas pixel of a tile's upper left corner.
pub fn tile_origin_px(index: usize) -> (usize, usize) {
    (index % TILES_PER_SIDE * TILE_SIZE_PX, index / TILES_PER_SIDE * TILE_SIZE_PX)
}

/// The tiles under a rectangle, each with the part of it that lies inside.
fn spans(rect: PixelRect) -> impl Iterator<Item = TileSpan> {
    let within = |min: usize, max: usize, origin: usize| {
        let start = min.max(origin) - origin;
        start..(max.min(origin + TILE_SIZE_PX).max(origin) - origin).max(start)
    };
    let tiles = |min: usize, max: usize| {
        (min / TILE_SIZE_PX).min(TILES_PER_SIDE)..max.div_ceil(TILE_SIZE_PX).min(TILES_PER_SIDE)
    };
    tiles(rect.min_y, rect.max_y).flat_map(move |row| {
        tiles(rect.min_x, rect.max_x).map(move |column| {
            let index = row * TILES_PER_SIDE + column;
            let origin_px = tile_origin_px(index);
            TileSpan {
                index,
                origin_px,
                columns: within(rect.min_x, rect.max_x, origin_px.0),
                rows: within(rect.min_y, rect.max_y, origin_px.1),
            }
        })
    })
}
