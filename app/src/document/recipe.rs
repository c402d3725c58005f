//! What was done to one face, ready to be done to others: copied and pasted, or applied to photos that are in no document.
//!
//! Masks and moves live on the canvas, on which every face lies alike: an edit fits any face. A layer that shows the source itself
//! (cloned, adjusted) shows the new source.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Document, FaceEdit, Layer, Photo, PhotoId, Pose, Refusal};

/// An edit with the photos that it needs beside its source.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    edit: FaceEdit,
    photos: Vec<Arc<Photo>>,
    /// Of those, and of the source, that do not show all of it.
    likeness: BTreeMap<PhotoId, f32>,
}

impl Recipe {
    /// Whether it changes anything.
    pub fn changes_picture(&self) -> bool {
        self.edit.changes_picture() || self.source().is_some_and(|source| self.likeness.contains_key(&source))
    }

    /// The directions that it moves faces along, by name, each once.
    pub fn directions(&self) -> impl Iterator<Item = &String> {
        let of_layers = self.edit.layers.iter().flat_map(|layer| layer.directions.keys());
        let names: std::collections::BTreeSet<&String> = self.edit.directions.keys().chain(of_layers).collect();
        names.into_iter()
    }

    /// The photos that it needs beside the source.
    pub fn photos(&self) -> &[Arc<Photo>] {
        &self.photos
    }

    fn source(&self) -> Option<PhotoId> {
        self.edit.source
    }

    /// The same with photos of its own, under numbers from `next_photo_id` on: what becomes of those that it was taken from does not
    /// matter to it. References that are scaled, turned or mirrored become photos as they lie.
    pub fn with_own_photos(&self, next_photo_id: &mut u64) -> Self {
        let mut own = self.clone();
        let layers = own.edit.layers.iter_mut().filter(|layer| Some(layer.photo) != self.source());
        own.photos.extend(pose_layers(layers, &self.photos, &mut own.likeness, next_photo_id));
        own.photos.retain(|photo| own.edit.photos().any(|needed| needed == photo.id));
        for photo in &mut own.photos {
            let (old, new) = (photo.id, take_id(next_photo_id));
            *photo = Arc::new(Photo { id: new, ..(**photo).clone() });
            own.edit.replace_photo(old, new);
            if let Some(likeness) = own.likeness.remove(&old) {
                own.likeness.insert(new, likeness);
            }
        }
        own
    }

    /// A document in which it is done to this face, with every reference as it lies: the engine needs no face that is not a photo of
    /// it.
    pub fn document_for(&self, face: Photo, next_photo_id: &mut u64) -> Document {
        let mut document = Document::default();
        document.add_photo(face);
        // It has a source.
        let _ = document.apply_recipe(self);
        let photos = document.photos.clone();
        let Document { edit, likeness, .. } = &mut document;
        let posed = pose_layers(edit.layers.iter_mut(), &photos, likeness, next_photo_id);
        document.photos.extend(posed);
        document
    }
}

fn take_id(next_photo_id: &mut u64) -> PhotoId {
    let id = PhotoId(*next_photo_id);
    *next_photo_id += 1;
    id
}

/// Gives layers whose reference is scaled, turned or mirrored a photo that lies so by itself.
fn pose_layers<'a>(
    layers: impl Iterator<Item = &'a mut Layer>,
    photos: &[Arc<Photo>],
    likeness: &mut BTreeMap<PhotoId, f32>,
    next_photo_id: &mut u64,
) -> Vec<Arc<Photo>> {
    let mut posed = Vec::new();
    for layer in layers.filter(|layer| !layer.pose.is_identity()) {
        let Some(photo) = photos.iter().find(|photo| photo.id == layer.photo) else { continue };
        let pose = std::mem::take(&mut layer.pose);
        // Where nothing is left of the face at that scale it shows as it lies by itself.
        let Ok(crop) = photo.posed_crop(&pose) else { continue };
        let id = take_id(next_photo_id);
        posed.push(Arc::new(Photo {
            id,
            crop: Arc::new(crop),
            placement: None,
            latent: None,
            latent_model: None,
            ..(**photo).clone()
        }));
        if let Some(share) = likeness.get(&photo.id).copied() {
            likeness.insert(id, share);
        }
        (layer.photo, layer.pose, layer.posed_from) = (id, Pose::default(), None);
    }
    posed
}

impl Document {
    /// What is done to the face in hand; none without one.
    pub fn recipe(&self) -> Option<Recipe> {
        let source = self.edit.source?;
        let needed: Vec<PhotoId> = self.edit.photos().collect();
        let is_needed = |id: &PhotoId| needed.contains(id);
        let photos = self.photos.iter().filter(|photo| photo.id != source && is_needed(&photo.id));
        let likeness = self.likeness.iter().filter(|(id, _)| is_needed(id)).map(|(id, share)| (*id, *share));
        Some(Recipe { edit: self.edit.clone(), photos: photos.cloned().collect(), likeness: likeness.collect() })
    }

    /// Does to the face in hand what was done to another, in place of what was done to it. Photos that are needed and not there join
    /// the document.
    ///
    /// # Errors
    /// When no face is in hand.
    pub fn apply_recipe(&mut self, recipe: &Recipe) -> Result<(), Refusal> {
        let source = self.edit.source.ok_or(Refusal::NoSuchPhoto)?;
        for photo in &recipe.photos {
            if self.photo(photo.id).is_none() {
                self.photos.push(Arc::clone(photo));
                self.set_likeness(photo.id, recipe.likeness.get(&photo.id).copied().unwrap_or(1.0));
            }
        }
        let mut edit = recipe.edit.clone();
        if let Some(old) = recipe.source() {
            edit.replace_photo(old, source);
            self.set_likeness(source, recipe.likeness.get(&old).copied().unwrap_or(1.0));
        }
        // A face is not mixed with itself.
        edit.blend = edit.blend.filter(|blend| blend.with != source);
        let active = edit.active_layer;
        for layer in &mut edit.layers {
            let id = self.take_layer_id();
            edit.active_layer = if active == Some(layer.id) { Some(id) } else { edit.active_layer };
            layer.id = id;
        }
        self.edit = edit;
        Ok(())
    }
}
