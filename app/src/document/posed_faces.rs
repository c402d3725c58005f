//! References that are scaled, turned or mirrored: to the engine each is a face of its own, cut out of the photo as it lies.

use std::collections::BTreeMap;
use std::sync::Arc;

use image::RgbImage;
use stylemap::engine::{FaceId, Scene};

use super::{Layer, LayerId, PhotoId, Pose};

/// The engine's numbers of these faces begin here; photos never get as far.
const FIRST_NUMBER: u64 = 1 << 62;
/// How many of them are kept that no picture shows, for undo.
const KEPT: usize = 8;

/// A face that was asked for and is still to be cut out.
#[derive(Clone, Debug)]
pub struct WantedPose {
    /// The layer that is to show it.
    pub layer: LayerId,
    /// The engine's number of it.
    pub face: FaceId,
    /// The photo.
    pub photo: PhotoId,
    /// How it lies.
    pub pose: Pose,
}

struct PosedFace {
    photo: PhotoId,
    pose: Pose,
    /// None while it is still to be cut out.
    crop: Option<Arc<RgbImage>>,
}

/// Every posed face that the engine knows, or is to know.
#[derive(Default)]
pub struct PosedFaces {
    known: BTreeMap<FaceId, PosedFace>,
    count: u64,
    /// The face that every posed layer was last shown with.
    shown: BTreeMap<LayerId, FaceId>,
    wanted: Option<WantedPose>,
}

impl PosedFaces {
    /// From now on faces of another scene are asked for.
    pub(super) fn begin_scene(&mut self) {
        self.wanted = None;
    }

    /// The face of a layer: its photo's own, or a posed one. While that is still to be cut out, it is the one that the layer was last
    /// shown with, so that the picture follows whatever is dragged.
    pub(super) fn face_of(&mut self, layer: &Layer) -> FaceId {
        if layer.pose.is_identity() {
            return layer.photo.into();
        }
        let face = self.face(layer.photo, &layer.pose);
        if self.crop(face).is_some() {
            self.shown.insert(layer.id, face);
            return face;
        }
        let wanted = WantedPose { layer: layer.id, face, photo: layer.photo, pose: layer.pose };
        self.wanted.get_or_insert(wanted);
        let last =
            self.shown.get(&layer.id).filter(|last| self.known.get(last).is_some_and(|it| it.photo == layer.photo));
        last.copied().unwrap_or(face)
    }

    /// The first face that the newest scene should show and that is still to be cut out.
    pub fn wanted(&self) -> Option<&WantedPose> {
        self.wanted.as_ref()
    }

    /// Whether every face of a scene is there.
    pub fn has_all_of(&self, scene: &Scene) -> bool {
        scene.faces().all(|face| self.known.get(&face).is_none_or(|known| known.crop.is_some()))
    }

    /// The engine's number of a photo's face in this pose.
    fn face(&mut self, photo: PhotoId, pose: &Pose) -> FaceId {
        let known = self.known.iter().find(|(_, face)| face.photo == photo && face.pose == *pose);
        if let Some((id, _)) = known {
            return *id;
        }
        let id = FaceId(FIRST_NUMBER + self.count);
        self.count += 1;
        self.known.insert(id, PosedFace { photo, pose: *pose, crop: None });
        id
    }

    /// The photo that a face comes from; a face that is not posed is its photo's own.
    pub fn photo_of(&self, face: FaceId) -> PhotoId {
        self.known.get(&face).map_or(PhotoId(face.0), |face| face.photo)
    }

    /// The crop of a posed face.
    pub fn crop(&self, face: FaceId) -> Option<&Arc<RgbImage>> {
        self.known.get(&face)?.crop.as_ref()
    }

    /// The crops of all posed faces that a scene shows.
    pub fn crops_in(&self, scene: &Scene) -> BTreeMap<FaceId, Arc<RgbImage>> {
        scene.faces().filter_map(|face| Some((face, Arc::clone(self.crop(face)?)))).collect()
    }

    /// Takes a crop, with which its layer shows from now on; whether it is still wanted.
    pub fn take(&mut self, WantedPose { layer, face, .. }: &WantedPose, crop: Arc<RgbImage>) -> bool {
        let Some(known) = self.known.get_mut(face) else { return false };
        known.crop = Some(crop);
        self.shown.insert(*layer, *face);
        true
    }

    /// Forgets the oldest beyond those that `is_used` and a few more, and returns which the engine need not keep.
    pub fn forget_unused(&mut self, is_used: impl Fn(FaceId) -> bool) -> Vec<FaceId> {
        // Those that a drag passed by and that were never cut out cost nothing, and go too.
        let unused: Vec<FaceId> = self.known.keys().copied().filter(|face| !is_used(*face)).collect();
        let gone = unused.iter().copied().take(unused.len().saturating_sub(KEPT));
        gone.filter(|face| self.known.remove(face).is_some_and(|face| face.crop.is_some())).collect()
    }
}
