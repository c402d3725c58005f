//! The faces that the engine knows, and what is computed of each: style codes and modulations, under a budget.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use candle_core::{DType, Tensor};
use image::RgbImage;

use super::request::{Base, DirectionStep, FaceId, Layer, LayerStyle, Scene};
use crate::agreement::{gray, residuals_kept};
use crate::cancel::Cancel;
use crate::colours::ColourMatch;
use crate::edit::{self, CODES_PER_LEVEL};
use crate::error::{Error, Result};
use crate::latent::{Latent, Residuals, residual_share, stylemap_values};
use crate::model::Model;
use crate::photo;

/// Faces in the colours of others that are kept although the picture does not show them.
const MATCHED_KEPT: usize = 4;

/// The style codes and modulations of a face, or of what is made of faces.
pub(super) struct Chain {
    pub(super) codes: Vec<Tensor>,
    pub(super) modulations: Vec<Tensor>,
    /// How much of its residuals it shows.
    pub(super) likeness: f32,
    /// Drawn by itself, once a mix needed it.
    picture: OnceLock<Tensor>,
}

impl Chain {
    fn new(model: &Model, codes: Vec<Tensor>, likeness: f32, cancel: &Cancel) -> Result<Self> {
        cancel.check()?;
        let modulations = model.generator.modulations(&codes)?;
        Ok(Self { codes, modulations, likeness, picture: OnceLock::new() })
    }

    /// A stylemap without residuals.
    pub(super) fn of_stylemap(model: &Model, stylemap: &Tensor, cancel: &Cancel) -> Result<Self> {
        cancel.check()?;
        Self::new(model, model.generator.style_codes(stylemap)?, 1.0, cancel)
    }

    /// Its picture: (1, 3, size, size).
    pub(super) fn picture(&self, model: &Model, cancel: &Cancel) -> Result<&Tensor> {
        if self.picture.get().is_none() {
            // Whoever else drew it meanwhile drew the same.
            let _ = self.picture.set(model.generator.main_path(&self.modulations, cancel)?);
        }
        self.picture.get().ok_or(Error::Cancelled)
    }

    fn bytes(&self) -> usize {
        let bytes = |tensor: &Tensor| tensor.elem_count() * tensor.dtype().size_in_bytes();
        self.codes.iter().chain(&self.modulations).map(bytes).sum()
    }
}

/// A face in its own colours, or brought to those of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Variant {
    face: FaceId,
    colours: Option<Colours>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Colours {
    of: FaceId,
    /// How far it is brought to them.
    permille: u16,
}

impl Variant {
    pub(super) fn plain(face: FaceId) -> Self {
        Self { face, colours: None }
    }

    /// The variant that a layer over a face of these colours takes.
    fn of_layer(layer: &Layer, colours_of: FaceId) -> Self {
        let permille = (layer.match_colours.clamp(0.0, 1.0) * 1000.0).round() as u16;
        let colours = (permille > 0 && layer.face != colours_of).then_some(Colours { of: colours_of, permille });
        Self { face: layer.face, colours }
    }

    fn needs(&self, face: FaceId) -> bool {
        self.face == face || self.colours.is_some_and(|colours| colours.of == face)
    }
}

/// A variant, and how much of its residuals is shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Portrait {
    variant: Variant,
    likeness: f32,
}

/// What a chain is made of.
#[derive(Clone, Debug, PartialEq)]
enum Origin {
    Face(Portrait),
    Interpolation {
        from: Portrait,
        to: Portrait,
        t: f32,
    },
    /// Each once, with what it weighs; in sum one.
    Mix(Vec<(Portrait, f32)>),
    /// The coarsest levels of one, the rest of the other.
    StyleMix {
        coarse: Box<Wanted>,
        fine: Box<Wanted>,
        coarse_levels: usize,
    },
}

impl Origin {
    /// A mix in which every face is named once, and none that weighs nothing.
    fn of_parts(parts: impl Iterator<Item = (Portrait, f32)>) -> Self {
        let mut mixed: Vec<(Portrait, f32)> = Vec::new();
        for (portrait, share) in parts.filter(|(_, share)| *share > 0.0) {
            match mixed.iter_mut().find(|(known, _)| *known == portrait) {
                Some((_, known)) => *known += share,
                None => mixed.push((portrait, share)),
            }
        }
        match mixed.as_slice() {
            [(portrait, _)] => Self::Face(*portrait),
            _ => Self::Mix(mixed),
        }
    }
}

/// A chain that a scene needs: its origin, and the steps that it is moved by.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wanted {
    origin: Origin,
    directions: Vec<DirectionStep>,
}

impl Wanted {
    /// Directions in the order of the model's: steps in another order are the same picture, to the last bit.
    fn new(origin: Origin, directions: &[DirectionStep]) -> Self {
        let mut directions: Vec<_> = directions.iter().filter(|step| step.amount != 0.0).cloned().collect();
        directions.sort_by_key(|step| step.index);
        Self { origin, directions }
    }

    pub(super) fn of_base(scene: &Scene) -> Self {
        let portrait = |face| Portrait { variant: Variant::plain(face), likeness: scene.likeness_of(face) };
        let of_face = |face| Box::new(Self::new(Origin::Face(portrait(face)), &scene.directions));
        let origin = match scene.base {
            Base::Face(face) => Origin::Face(portrait(face)),
            Base::Interpolation { from, to, t } => Origin::Interpolation { from: portrait(from), to: portrait(to), t },
            Base::Corners { faces, at } => {
                Origin::of_parts(faces.map(portrait).into_iter().zip(Base::corner_shares(at)))
            }
            // Each is moved by itself.
            Base::StyleMix { coarse, fine, coarse_levels } => {
                let (coarse, fine) = (of_face(coarse), of_face(fine));
                return Self::new(Origin::StyleMix { coarse, fine, coarse_levels }, &[]);
            }
        };
        Self::new(origin, &scene.directions)
    }

    pub(super) fn of_layer(scene: &Scene, layer: &Layer) -> Self {
        let variant = Variant::of_layer(layer, scene.colours_of());
        let portrait = Portrait { variant, likeness: scene.likeness_of(layer.face) };
        let reference = Self::new(Origin::Face(portrait), &layer.directions);
        let (coarse, fine, coarse_levels) = match layer.style {
            LayerStyle::Whole => return reference,
            LayerStyle::Coarse(levels) => (reference, Self::of_base(scene), levels),
            LayerStyle::Fine(levels) => (Self::of_base(scene), reference, levels),
        };
        Self::new(Origin::StyleMix { coarse: Box::new(coarse), fine: Box::new(fine), coarse_levels }, &[])
    }

    /// What it is mixed from, and what that is mixed from.
    fn parts(&self) -> Vec<&Self> {
        match &self.origin {
            Origin::StyleMix { coarse, fine, .. } => {
                let parts = [coarse, fine].into_iter().map(AsRef::as_ref);
                parts.flat_map(|part: &Self| std::iter::once(part).chain(part.parts())).collect()
            }
            Origin::Face(_) | Origin::Interpolation { .. } | Origin::Mix(_) => Vec::new(),
        }
    }

    /// The faces whose own chains it uses: those that are only interpolated between give their stylemaps.
    pub(super) fn variants(&self) -> Vec<Variant> {
        match &self.origin {
            Origin::Face(portrait) => vec![portrait.variant],
            Origin::Interpolation { .. } | Origin::Mix(_) => Vec::new(),
            Origin::StyleMix { coarse, fine, .. } => [coarse.variants(), fine.variants()].concat(),
        }
    }
}

struct Face {
    /// On the host, so that a lost device loses no face.
    latent: Latent,
    stylemap: Tensor,
    /// At the model's size; drawn by the model where the face never was a photo, once its colours are asked for.
    crop: Option<Arc<RgbImage>>,
    chain: Option<Arc<Chain>>,
    /// The picture of the stylemap alone, once the face was moved along a direction.
    coarse_picture: Option<Tensor>,
    /// What its crop gives at once, where the face is refined and was brought to the colours of another.
    encoded_residuals: OnceLock<Option<Residuals>>,
    /// When it was last of use, in pictures drawn.
    last_use: u64,
}

impl Face {
    fn new(stylemap: Tensor, residuals: Option<Residuals>, crop: Option<Arc<RgbImage>>) -> Result<Self> {
        let latent = Latent { stylemap: stylemap_values(&stylemap)?, residuals, is_refined: false };
        Ok(Self {
            latent,
            stylemap,
            crop,
            chain: None,
            coarse_picture: None,
            encoded_residuals: OnceLock::new(),
            last_use: 0,
        })
    }

    /// A face that is known already; `crop` is at the model's size.
    fn of_latent(model: &Model, latent: Latent, crop: Option<Arc<RgbImage>>) -> Result<Self> {
        let Latent { stylemap, residuals, is_refined } = latent;
        let stylemap = model.stylemap_from_values(stylemap)?;
        let residuals = residuals.map(|residuals| Residuals::new(&model.config, residuals.tensors())).transpose()?;
        let mut face = Self::new(stylemap, residuals, crop)?;
        face.latent.is_refined = is_refined;
        Ok(face)
    }

    fn encoded(model: &Model, crop: &RgbImage, cancel: &Cancel) -> Result<Self> {
        let size = model.config.size;
        let image = model.place(&photo::to_tensor(crop, size)?)?;
        let (stylemap, residuals) = model.encode(&image, cancel)?;
        Self::new(stylemap, residuals, Some(small_crop(crop, size)?))
    }
}

fn small_crop(crop: &RgbImage, size: usize) -> Result<Arc<RgbImage>> {
    let size_px = u32::try_from(size).map_err(|_| Error::argument("the picture is too large"))?;
    Ok(Arc::new(photo::resized(crop, size_px)))
}

/// A chain that is not a face's own, and what it was made for.
struct Derived {
    wanted: Wanted,
    chain: Arc<Chain>,
}

impl Derived {
    fn is(&self, wanted: &Wanted) -> bool {
        self.wanted == *wanted
    }
}

/// Where the chain of an origin starts: its stylemap, and so much of its residuals as it shows.
struct Start {
    stylemap: Tensor,
    residuals: Option<Vec<Tensor>>,
    likeness: f32,
}

/// Every face, and the chains that are cached.
pub(super) struct Faces {
    faces: HashMap<Variant, Face>,
    /// Chains that are not a face's own, of the scene in hand.
    derived: Vec<Derived>,
    budget_bytes: usize,
    pictures_drawn: u64,
}

impl Faces {
    pub(super) fn new(budget_bytes: usize) -> Self {
        Self { faces: HashMap::new(), derived: Vec::new(), budget_bytes, pictures_drawn: 0 }
    }

    pub(super) fn set_budget(&mut self, bytes: usize) {
        self.budget_bytes = bytes;
    }

    pub(super) fn cache_bytes(&self) -> usize {
        let chains = self.faces.values().filter_map(|face| face.chain.as_ref());
        chains.chain(self.derived.iter().map(|derived| &derived.chain)).map(|chain| chain.bytes()).sum()
    }

    /// Encodes an aligned square crop; a face of that number is replaced.
    pub(super) fn encode(&mut self, model: &Model, id: FaceId, crop: &RgbImage, cancel: &Cancel) -> Result<()> {
        let face = Face::encoded(model, crop, cancel)?;
        self.insert(id, face);
        Ok(())
    }

    /// Takes a face that is known already, with the crop that it was encoded from, if any; a face of that number is replaced.
    pub(super) fn add(&mut self, model: &Model, id: FaceId, latent: Latent, crop: Option<&RgbImage>) -> Result<()> {
        let crop = crop.map(|crop| small_crop(crop, model.config.size)).transpose()?;
        self.insert(id, Face::of_latent(model, latent, crop)?);
        Ok(())
    }

    /// Takes another latent of a face that is there, of the same photo.
    pub(super) fn change_latent(&mut self, model: &Model, id: FaceId, latent: Latent) -> Result<()> {
        let crop = self.faces.get(&Variant::plain(id)).ok_or_else(unknown_face)?.crop.clone();
        let face = Face::of_latent(model, latent, crop)?;
        // Others in its colours have those of its photo.
        self.faces.retain(|variant, _| variant.face != id);
        self.derived.clear();
        self.faces.insert(Variant::plain(id), face);
        Ok(())
    }

    fn insert(&mut self, id: FaceId, face: Face) {
        self.remove(id);
        self.faces.insert(Variant::plain(id), face);
    }

    pub(super) fn remove(&mut self, id: FaceId) {
        self.faces.retain(|variant, _| !variant.needs(id));
        // Holds nothing that cannot be made again.
        self.derived.clear();
    }

    /// Forgets what was made along directions.
    pub(super) fn forget_moved(&mut self) {
        self.derived.clear();
    }

    pub(super) fn latent(&self, id: FaceId) -> Result<&Latent> {
        self.faces.get(&Variant::plain(id)).map(|face| &face.latent).ok_or_else(unknown_face)
    }

    pub(super) fn stylemap(&self, id: FaceId) -> Result<&Tensor> {
        self.faces.get(&Variant::plain(id)).map(|face| &face.stylemap).ok_or_else(unknown_face)
    }

    /// Brings every face to a new device.
    pub(super) fn move_to(&mut self, model: &Model) -> Result<()> {
        self.derived.clear();
        for face in self.faces.values_mut() {
            (face.chain, face.coarse_picture) = (None, None);
            face.stylemap = model.stylemap_from_values(face.latent.stylemap.clone())?;
        }
        Ok(())
    }

    /// Drops the least recently used until the rest is within the budget. `of_picture`: the faces of the picture just drawn.
    pub(super) fn evict(&mut self, of_picture: &[Variant]) {
        self.pictures_drawn += 1;
        let now = self.pictures_drawn;
        for variant in of_picture {
            if let Some(face) = self.faces.get_mut(variant) {
                face.last_use = now;
            }
        }
        loop {
            let idle = |(variant, face): &(&Variant, &Face)| variant.colours.is_some() && face.last_use < now;
            let matched: Vec<_> = self.faces.iter().filter(idle).collect();
            let Some(oldest) = matched.iter().min_by_key(|(_, face)| face.last_use).map(|(variant, _)| **variant)
            else {
                break;
            };
            if matched.len() <= MATCHED_KEPT {
                break;
            }
            self.faces.remove(&oldest);
        }
        while self.cache_bytes() > self.budget_bytes {
            let idle = |face: &&mut Face| face.chain.is_some() && face.last_use < now;
            let Some(face) = self.faces.values_mut().filter(idle).min_by_key(|face| face.last_use) else { break };
            face.chain = None;
        }
    }

    /// The chains of a scene's base and of these layers. Of those that are not a face's own, the ones in use are kept for the next
    /// frame.
    pub(super) fn chains(
        &mut self,
        model: &Model,
        base: &Wanted,
        layers: &[Wanted],
        cancel: &Cancel,
    ) -> Result<(Arc<Chain>, Vec<Arc<Chain>>)> {
        let used: Vec<&Wanted> =
            std::iter::once(base).chain(layers).flat_map(|it| std::iter::once(it).chain(it.parts())).collect();
        let mut known = std::mem::take(&mut self.derived);
        // The memory of what is of no use any more first: what is new fits into it.
        known.retain(|Derived { wanted, .. }| used.contains(&wanted));
        let base = self.chain(model, base, &mut known, cancel)?;
        let layers = layers.iter().map(|layer| self.chain(model, layer, &mut known, cancel)).collect::<Result<_>>()?;
        Ok((base, layers))
    }

    /// A chain that is not the scene's in hand: what is computed for it alone is not kept.
    pub(super) fn chain_aside(&mut self, model: &Model, wanted: &Wanted, cancel: &Cancel) -> Result<Arc<Chain>> {
        let kept = self.derived.len();
        let chain = self.chain(model, wanted, &mut Vec::new(), cancel);
        self.derived.truncate(kept);
        chain
    }

    /// One chain: computed, or that of the last frame from `known`.
    fn chain(
        &mut self,
        model: &Model,
        wanted: &Wanted,
        known: &mut Vec<Derived>,
        cancel: &Cancel,
    ) -> Result<Arc<Chain>> {
        if let (Origin::Face(portrait), []) = (&wanted.origin, wanted.directions.as_slice()) {
            return self.own_chain(model, *portrait, cancel);
        }
        if let Some(derived) = self.derived.iter().find(|derived| derived.is(wanted)) {
            return Ok(Arc::clone(&derived.chain));
        }
        let chain = match known.iter().position(|derived| derived.is(wanted)) {
            Some(index) => known.swap_remove(index).chain,
            None => Arc::new(match &wanted.origin {
                Origin::StyleMix { coarse, fine, coarse_levels } => {
                    self.style_mixed(model, coarse, fine, *coarse_levels, known, cancel)?
                }
                _ => self.made_chain(model, wanted, cancel)?,
            }),
        };
        self.derived.push(Derived { wanted: wanted.clone(), chain: Arc::clone(&chain) });
        Ok(chain)
    }

    /// The chain of a mix of styles.
    fn style_mixed(
        &mut self,
        model: &Model,
        coarse: &Wanted,
        fine: &Wanted,
        coarse_levels: usize,
        known: &mut Vec<Derived>,
        cancel: &Cancel,
    ) -> Result<Chain> {
        // Every code keeps its own modulation.
        let coarse = self.chain(model, coarse, known, cancel)?;
        let mix = |fine_chain: &Chain| Chain {
            codes: edit::style_mix(&coarse.codes, &fine_chain.codes, coarse_levels),
            modulations: edit::style_mix(&coarse.modulations, &fine_chain.modulations, coarse_levels),
            likeness: fine_chain.likeness,
            picture: OnceLock::new(),
        };
        let coarse_codes = coarse_levels.saturating_mul(CODES_PER_LEVEL);
        let is_mixed_itself = matches!(fine.origin, Origin::StyleMix { .. });
        if coarse_codes == 0 || coarse_codes >= model.config.code_count() || is_mixed_itself {
            return Ok(mix(&*self.chain(model, fine, known, cancel)?));
        }
        let Start { stylemap, residuals, likeness } = self.start(model, &fine.origin, cancel)?;
        // Nothing is computed for the mix itself.
        let Some(residuals) = residuals else { return Ok(mix(&*self.chain(model, fine, known, cancel)?)) };
        // They were found for the face's own coarse codes, and are not those of codes that come from elsewhere.
        let moved = moved(model, &stylemap, &fine.directions)?;
        let mut mixed = mix(&Chain::new(model, model.generator.style_codes(&moved)?, likeness, cancel)?);
        let own = |(index, residual): (usize, &Tensor)| {
            if index < coarse_codes { residual.zeros_like() } else { Ok(residual.clone()) }
        };
        let residuals = model.config.fine_codes().zip(&residuals).map(own).collect::<candle_core::Result<Vec<_>>>()?;
        self.add_faded(model, &mut mixed, &residuals, (&fine.origin, &stylemap), cancel)?;
        Ok(mixed)
    }

    /// A face's chain without directions.
    pub(super) fn own_chain(&mut self, model: &Model, portrait: Portrait, cancel: &Cancel) -> Result<Arc<Chain>> {
        let Portrait { variant, likeness } = portrait;
        let face = self.face(model, variant, cancel)?;
        if let Some(chain) = face.chain.as_ref().filter(|chain| chain.likeness == likeness) {
            return Ok(Arc::clone(chain));
        }
        cancel.check()?;
        let mut codes = model.generator.style_codes(&face.stylemap)?;
        if let Some(residuals) = placed(model, face.latent.residuals.as_ref(), likeness)? {
            model.generator.add_residuals(&mut codes, &residuals)?;
        }
        let chain = Arc::new(Chain::new(model, codes, likeness, cancel)?);
        face.chain = Some(Arc::clone(&chain));
        Ok(chain)
    }

    /// The chain of a stylemap that is moved along directions, or lies between two.
    pub(super) fn made_chain(&mut self, model: &Model, wanted: &Wanted, cancel: &Cancel) -> Result<Chain> {
        let Start { stylemap, residuals, likeness } = self.start(model, &wanted.origin, cancel)?;
        let mut codes = model.generator.style_codes(&moved(model, &stylemap, &wanted.directions)?)?;
        let Some(residuals) = residuals else { return Chain::new(model, codes, likeness, cancel) };
        if wanted.directions.is_empty() {
            model.generator.add_residuals(&mut codes, &residuals)?;
            return Chain::new(model, codes, likeness, cancel);
        }
        let mut chain = Chain::new(model, codes, likeness, cancel)?;
        self.add_faded(model, &mut chain, &residuals, (&wanted.origin, &stylemap), cancel)?;
        Ok(chain)
    }

    /// Adds residuals to a chain without them. They are those of what stood there before, an origin with its stylemap: they stay as far
    /// as it still stands there.
    fn add_faded(
        &mut self,
        model: &Model,
        chain: &mut Chain,
        residuals: &[Tensor],
        (origin, stylemap): (&Origin, &Tensor),
        cancel: &Cancel,
    ) -> Result<()> {
        let after = model.generator.main_path(&chain.modulations, cancel)?;
        let before = self.coarse_picture(model, origin, stylemap, cancel)?;
        let residuals = faded(residuals, &before, &after)?;
        model.generator.add_residuals(&mut chain.codes, &residuals)?;
        let fine_codes = chain.codes.get(model.config.fine_codes()).unwrap_or_default();
        model.generator.update_fine_modulations(&mut chain.modulations, fine_codes)?;
        Ok(())
    }

    /// Where the chain of an origin starts.
    fn start(&mut self, model: &Model, origin: &Origin, cancel: &Cancel) -> Result<Start> {
        let mut face = |portrait: &Portrait, share: f32| -> Result<_> {
            let face = self.face(model, portrait.variant, cancel)?;
            let residuals = placed(model, face.latent.residuals.as_ref(), share * portrait.likeness)?;
            Ok((face.stylemap.clone(), residuals))
        };
        match origin {
            Origin::Face(portrait) => {
                let (stylemap, residuals) = face(portrait, 1.0)?;
                Ok(Start { stylemap, residuals, likeness: portrait.likeness })
            }
            Origin::Interpolation { from, to, t } => {
                let likeness = (1.0 - t) * from.likeness + t * to.likeness;
                // Never both: at most one of the shares is not zero.
                let (from, residuals_from) = face(from, residual_share(*t))?;
                let (to, residuals_to) = face(to, residual_share(1.0 - t))?;
                let stylemap = edit::interpolate(&from, &to, f64::from(*t))?;
                Ok(Start { stylemap, residuals: residuals_from.or(residuals_to), likeness })
            }
            Origin::Mix(parts) => {
                let likeness = parts.iter().map(|(portrait, share)| share * portrait.likeness).sum();
                // Only one of them can weigh more than half, and only such a one shows residuals.
                let found = parts.iter().map(|(portrait, share)| face(portrait, residual_share(1.0 - share)));
                let found = found.collect::<Result<Vec<_>>>()?;
                let shares = parts.iter().map(|(_, share)| f64::from(*share));
                let stylemap = edit::mix(found.iter().map(|(stylemap, _)| stylemap).zip(shares))?;
                Ok(Start { stylemap, residuals: found.into_iter().find_map(|(_, residuals)| residuals), likeness })
            }
            Origin::StyleMix { .. } => Err(Error::Internal("a mix of styles has no stylemap".to_owned())),
        }
    }

    /// The picture of a stylemap without residuals; a face's own is kept.
    fn coarse_picture(&mut self, model: &Model, origin: &Origin, stylemap: &Tensor, cancel: &Cancel) -> Result<Tensor> {
        let variant = match origin {
            Origin::Face(portrait) => Some(portrait.variant),
            Origin::Interpolation { .. } | Origin::Mix(_) | Origin::StyleMix { .. } => None,
        };
        let kept = variant.and_then(|variant| self.faces.get(&variant)?.coarse_picture.clone());
        if let Some(picture) = kept {
            return Ok(picture);
        }
        let chain = Chain::of_stylemap(model, stylemap, cancel)?;
        let picture = model.generator.main_path(&chain.modulations, cancel)?;
        if let Some(face) = variant.and_then(|variant| self.faces.get_mut(&variant)) {
            face.coarse_picture = Some(picture.clone());
        }
        Ok(picture)
    }

    /// A face; one in the colours of another is made when it is first asked for.
    fn face(&mut self, model: &Model, variant: Variant, cancel: &Cancel) -> Result<&mut Face> {
        if let (false, Some(Colours { of, permille })) = (self.faces.contains_key(&variant), variant.colours) {
            let target = self.crop(model, of, cancel)?;
            let reference = self.crop(model, variant.face, cancel)?;
            let matched = ColourMatch::new(&reference, &target, f32::from(permille) / 1000.0).apply(&reference);
            let mut matched = Face::encoded(model, &matched, cancel)?;
            let own = self.faces.get(&Variant::plain(variant.face)).ok_or_else(unknown_face)?;
            if let Some(refined) = own.latent.residuals.as_ref().filter(|_| own.latent.is_refined) {
                // What was found beyond the fine encoder is nearly the same in other colours.
                if own.encoded_residuals.get().is_none() {
                    let encoded = Face::encoded(model, &reference, cancel)?.latent.residuals;
                    // Whoever else encoded it meanwhile found the same.
                    let _ = own.encoded_residuals.set(encoded);
                }
                let encoded = own.encoded_residuals.get().and_then(Option::as_ref);
                let residuals = refined.carried(encoded, matched.latent.residuals.as_ref())?;
                matched.latent.residuals = Some(residuals);
            }
            self.faces.insert(variant, matched);
        }
        self.faces.get_mut(&variant).ok_or_else(unknown_face)
    }

    /// What a face looks like, at the model's size.
    fn crop(&mut self, model: &Model, id: FaceId, cancel: &Cancel) -> Result<Arc<RgbImage>> {
        let variant = Variant::plain(id);
        let face = self.faces.get(&variant).ok_or_else(unknown_face)?;
        if let Some(crop) = &face.crop {
            return Ok(Arc::clone(crop));
        }
        let chain = self.own_chain(model, Portrait { variant, likeness: 1.0 }, cancel)?;
        let crop = Arc::new(photo::to_rgb(chain.picture(model, cancel)?)?);
        if let Some(face) = self.faces.get_mut(&variant) {
            face.crop = Some(Arc::clone(&crop));
        }
        Ok(crop)
    }
}

/// A stylemap moved along directions.
fn moved(model: &Model, stylemap: &Tensor, directions: &[DirectionStep]) -> Result<Tensor> {
    directions.iter().try_fold(stylemap.clone(), |stylemap, step| {
        let direction = model.direction(step.index)?;
        Ok(edit::step(&stylemap, &direction, f64::from(step.amount), step.mask.as_deref())?)
    })
}

/// A face's residuals times `share`, on the device; `None` where nothing is left of them.
fn placed(model: &Model, residuals: Option<&Residuals>, share: f32) -> Result<Option<Vec<Tensor>>> {
    let Some(residuals) = residuals.filter(|_| share != 0.0) else { return Ok(None) };
    Ok(Some(model.place_residuals(residuals, f64::from(share))?))
}

/// Residuals as far as the picture `after` a move still shows the structure of the one `before`.
fn faded(residuals: &[Tensor], before: &Tensor, after: &Tensor) -> Result<Vec<Tensor>> {
    let (_, _, size, _) = before.dims4()?;
    let [before, after] = [gray_of(before)?, gray_of(after)?];
    let kept = Tensor::from_vec(residuals_kept(&before, &after, size), (1, 1, size, size), &candle_core::Device::Cpu)?;
    let of_level = |residual: &Tensor| -> Result<Tensor> {
        let cell = size / residual.dim(3)?;
        let kept = if cell == 1 { kept.clone() } else { kept.avg_pool2d(cell)? };
        let kept = kept.to_device(residual.device())?.to_dtype(residual.dtype())?;
        Ok(residual.broadcast_mul(&kept)?)
    };
    residuals.iter().map(of_level).collect()
}

/// An image (1, 3, size, size) in [-1, 1] as gray levels.
fn gray_of(image: &Tensor) -> Result<Vec<f32>> {
    let values = image.get(0)?.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
    let plane = values.len() / 3;
    Ok((0..plane).map(|i| gray([0, 1, 2].map(|channel| values[channel * plane + i] * 127.5 + 127.5))).collect())
}

pub(super) fn unknown_face() -> Error {
    Error::argument("the picture needs a face that is not open")
}
