//! The canvas on the graphics card: one paint callback draws picture, photo, comparison, mask and pixel grid at any scale.
//! Pixels go there once when they change, masks by the tiles that were painted on.

use std::borrow::Cow;
use std::sync::Arc;

use eframe::egui_wgpu::{self, CallbackResources, CallbackTrait, ScreenDescriptor};
use egui::{PaintCallbackInfo, Rect, Vec2};
use image::RgbImage;
use stylemap::engine::{Frame, FrameKind};

use super::veil::Veil;
use crate::document::mask_image::{TILE_SIZE_PX, tile_origin_px};
use crate::document::{CANVAS_SIZE_PX, MaskImage, PhotoId, Point};
use crate::original::Original;
use crate::workbench::live_photo::{Backdrop, Patch, PatchKey};

/// Rows of an affine map, each with its translation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Affine(pub [[f32; 3]; 2]);

impl Affine {
    /// A map by where it takes the origin and the points `distance` to the right of it and below; a long distance keeps
    /// rounding small.
    pub fn of(map: impl Fn(Point) -> Point, distance: f32) -> Self {
        let [origin, right, down] = [(0.0, 0.0), (distance, 0.0), (0.0, distance)].map(|(x, y)| map(Point::new(x, y)));
        let column = |to: Point| [(to.x - origin.x) / distance, (to.y - origin.y) / distance];
        let (right, down) = (column(right), column(down));
        Self([[right[0], down[0], origin.x], [right[1], down[1], origin.y]])
    }

    /// To coordinates in which a rectangle's own sides have length one.
    pub fn into_rect(rect: Rect) -> Self {
        let Vec2 { x: width, y: height } = rect.size().max(Vec2::splat(f32::MIN_POSITIVE));
        Self([[1.0 / width, 0.0, -rect.left() / width], [0.0, 1.0 / height, -rect.top() / height]])
    }

    /// `self` after `first`.
    #[must_use]
    pub fn after(&self, first: &Self) -> Self {
        let Self([x, y]) = first;
        let row = |[a, b, t]: [f32; 3]| [a * x[0] + b * y[0], a * x[1] + b * y[1], a * x[2] + b * y[2] + t];
        Self(self.0.map(row))
    }
}

/// Pixels for the graphics card, and by what they are known there.
#[derive(Clone)]
pub enum Picture {
    /// The newest picture of the model.
    Frame(Arc<Frame>),
    /// A crop.
    Crop(PhotoId, Arc<RgbImage>),
    /// A whole photo, reduced where it is large.
    Photo(PhotoId, Arc<Original>),
    /// The same, with other faces in it that are edited.
    Backdrop(Arc<Backdrop>),
    /// The edit with the photos' fine structure, by itself or in the part of the photo around the face.
    Patch(Arc<Patch>),
    /// What is painted.
    Veil(Arc<Veil>),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Key {
    Frame((u64, FrameKind)),
    Crop(PhotoId),
    Photo(PhotoId),
    Backdrop(u64),
    Patch(PatchKey),
    Veil(u64),
}

impl Picture {
    fn key(&self) -> Key {
        match self {
            Self::Frame(frame) => Key::Frame(frame.order()),
            Self::Crop(id, _) => Key::Crop(*id),
            Self::Photo(id, _) => Key::Photo(*id),
            Self::Backdrop(backdrop) => Key::Backdrop(backdrop.key),
            Self::Patch(patch) => Key::Patch(patch.key),
            Self::Veil(veil) => Key::Veil(veil.number),
        }
    }

    /// Width, height, RGBA.
    fn pixels(&self) -> (u32, u32, Cow<'_, [u8]>) {
        let with_alpha = |rgb: &RgbImage| {
            let rgba = rgb.pixels().flat_map(|pixel| [pixel.0[0], pixel.0[1], pixel.0[2], 255]).collect::<Vec<u8>>();
            (rgb.width(), rgb.height(), Cow::from(rgba))
        };
        match self {
            Self::Frame(frame) => {
                let side = frame.size_px as u32;
                (side, side, Cow::from(frame.rgba.as_slice()))
            }
            Self::Crop(_, crop) => with_alpha(crop),
            Self::Photo(_, original) => with_alpha(original.preview()),
            Self::Backdrop(backdrop) => with_alpha(&backdrop.pixels),
            Self::Patch(patch) => (patch.size_px[0], patch.size_px[1], Cow::from(patch.rgba.as_slice())),
            Self::Veil(veil) => (CANVAS_SIZE_PX as u32, CANVAS_SIZE_PX as u32, Cow::from(veil.rgba.as_slice())),
        }
    }
}

/// A picture and where it lies.
#[derive(Clone)]
pub struct Placed {
    /// Its pixels.
    pub picture: Picture,
    /// From canvas pixels to coordinates in which its own sides have length one.
    pub picture_from_canvas: Affine,
}

/// The active layer's mask over the picture.
#[derive(Clone)]
pub struct MaskOverlay {
    /// As it is painted.
    pub mask: MaskImage,
    /// As the picture shows it.
    pub shown: MaskImage,
    /// The layer's move, in canvas pixels.
    pub offset_px: (i32, i32),
    /// The layer's colour.
    pub color: [u8; 3],
    /// How strongly it is tinted, in [0, 1].
    pub tint: f32,
    /// Whether a line shows its edge.
    pub has_outline: bool,
    /// Whether only what is painted shows.
    pub is_isolated: bool,
}

/// What of the source shows beside the edit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Comparison {
    /// Nothing is compared: the edit fills the canvas.
    None,
    /// The source fills the canvas.
    Source,
    /// What lies left of this place on screen, in points.
    Split(f32),
    /// The source left of this place, moved by this many points to the left of where it lies.
    Pair(f32, f32),
}

/// One frame of the canvas.
pub struct CanvasPaint {
    /// The part of the screen, in points.
    pub area: Rect,
    /// The format of the window's pixels.
    pub target_format: wgpu::TextureFormat,
    /// From points on screen to canvas pixels.
    pub canvas_from_points: Affine,
    /// The picture, or the photo around it.
    pub base: Placed,
    /// The edit in its photo.
    pub patch: Option<Placed>,
    /// What it is compared with; none is the base without the patch.
    pub source: Option<Placed>,
    /// How the two are laid beside each other.
    pub comparison: Comparison,
    /// The active layer's mask.
    pub overlay: Option<MaskOverlay>,
    /// What is painted, in colours that say how much of it counts.
    pub veil: Option<Arc<Veil>>,
    /// How many pixels of the picture lie along one canvas pixel.
    pub picture_px_per_canvas_px: f32,
    /// Whether the picture's pixels show as squares, with lines between them.
    pub shows_pixels: bool,
}

const FLAG_PATCH: u32 = 1;
const FLAG_SOURCE: u32 = 2;
const FLAG_MASK: u32 = 4;
const FLAG_NEAREST: u32 = 8;
const FLAG_GRID: u32 = 16;
const FLAG_ISOLATED: u32 = 32;
const FLAG_PAIR: u32 = 64;
const FLAG_LINEAR_OUTPUT: u32 = 128;
const FLAG_OUTLINE: u32 = 256;
const FLAG_VEIL: u32 = 512;
const FLAG_MASK_ALONE: u32 = 1024;

/// The shader's numbers, 4 bytes each.
const UNIFORM_WORDS: usize = 4 + 4 * 8 + 4 * 4;

impl CanvasPaint {
    /// The shader's uniforms, as it lays them out.
    fn uniforms(&self) -> [u8; UNIFORM_WORDS * 4] {
        let affine = |Affine([x, y]): Affine| [x[0], x[1], x[2], 0.0, y[0], y[1], y[2], 0.0];
        let nothing = Affine([[0.0, 0.0, -1.0]; 2]);
        let of = |placed: &Option<Placed>| affine(placed.as_ref().map_or(nothing, |placed| placed.picture_from_canvas));
        let far = 1e9;
        let (split_at, pair_at, pair_by) = match self.comparison {
            Comparison::None => (-far, -far, 0.0),
            Comparison::Source => (far, -far, 0.0),
            Comparison::Split(at) => (at, -far, 0.0),
            Comparison::Pair(at, by) => (-far, at, by),
        };
        let overlay = self.overlay.as_ref();
        let mut flags = 0;
        for (flag, is_on) in [
            (FLAG_PATCH, self.patch.is_some()),
            (FLAG_SOURCE, self.source.is_some()),
            (FLAG_MASK, overlay.is_some()),
            (FLAG_NEAREST | FLAG_GRID, self.shows_pixels),
            (FLAG_ISOLATED, overlay.is_some_and(|overlay| overlay.is_isolated)),
            (FLAG_PAIR, matches!(self.comparison, Comparison::Pair(..))),
            (FLAG_LINEAR_OUTPUT, self.target_format.is_srgb()),
            (FLAG_VEIL, self.veil.is_some()),
            (FLAG_MASK_ALONE, self.veil.as_ref().is_some_and(|veil| veil.is_opaque)),
            (FLAG_OUTLINE, overlay.is_some_and(|overlay| overlay.has_outline)),
        ] {
            flags |= if is_on { flag } else { 0 };
        }
        let (dx, dy) = overlay.map_or((0, 0), |overlay| overlay.offset_px);
        let color = overlay.map_or([0; 3], |overlay| overlay.color).map(|value| f32::from(value) / 255.0);
        let Rect { min, .. } = self.area;
        let numbers = [min.x, min.y, self.area.width(), self.area.height()]
            .into_iter()
            .chain(affine(self.canvas_from_points))
            .chain(affine(self.base.picture_from_canvas))
            .chain(of(&self.patch))
            .chain(of(&self.source))
            .chain([dx as f32, dy as f32, overlay.map_or(0.0, |overlay| overlay.tint), self.picture_px_per_canvas_px])
            .chain([color[0], color[1], color[2], 1.0])
            .chain([split_at, pair_at, pair_by, 0.0])
            .map(f32::to_bits)
            .chain([flags, 0, 0, 0]);
        let mut bytes = [0; UNIFORM_WORDS * 4];
        for (to, number) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(numbers) {
            *to = number.to_ne_bytes();
        }
        bytes
    }
}

/// A texture and what is in it.
struct Slot {
    key: Option<Key>,
    texture: wgpu::Texture,
}

impl Slot {
    fn new(device: &wgpu::Device, label: &str, width: u32, height: u32, format: wgpu::TextureFormat) -> Self {
        let texture = device.create_texture(&wgpu::TextureDescriptor {
            label: Some(label),
            size: wgpu::Extent3d { width: width.max(1), height: height.max(1), depth_or_array_layers: 1 },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format,
            usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
            view_formats: &[],
        });
        Self { key: None, texture }
    }

    /// Brings a picture there, unless it is there; `true` when the texture is another one.
    fn update(&mut self, device: &wgpu::Device, queue: &wgpu::Queue, label: &str, picture: &Picture) -> bool {
        if self.key == Some(picture.key()) {
            return false;
        }
        let (width, height, rgba) = picture.pixels();
        let mut is_new = false;
        if (self.texture.width(), self.texture.height()) != (width.max(1), height.max(1)) {
            *self = Self::new(device, label, width, height, wgpu::TextureFormat::Rgba8Unorm);
            is_new = true;
        }
        self.key = Some(picture.key());
        // A picture that is not what it says of itself is left out.
        if rgba.len() == width as usize * height as usize * 4 && !rgba.is_empty() {
            write(queue, &self.texture, (0, 0), (width, height), 4, &rgba);
        }
        is_new
    }
}

fn write(
    queue: &wgpu::Queue,
    texture: &wgpu::Texture,
    (x, y): (u32, u32),
    (width, height): (u32, u32),
    bytes_per_pixel: u32,
    bytes: &[u8],
) {
    queue.write_texture(
        wgpu::TexelCopyTextureInfo {
            texture,
            mip_level: 0,
            origin: wgpu::Origin3d { x, y, z: 0 },
            aspect: wgpu::TextureAspect::All,
        },
        bytes,
        wgpu::TexelCopyBufferLayout {
            offset: 0,
            bytes_per_row: Some(bytes_per_pixel * width),
            rows_per_image: Some(height),
        },
        wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
    );
}

/// Everything that lies on the graphics card; made with the first frame.
struct Resources {
    pipeline: wgpu::RenderPipeline,
    layout: wgpu::BindGroupLayout,
    uniforms: wgpu::Buffer,
    sampler: wgpu::Sampler,
    base: Slot,
    patch: Slot,
    source: Slot,
    mask: Slot,
    veil: Slot,
    /// What the mask's texture holds.
    uploaded_masks: Option<(MaskImage, MaskImage)>,
    bind_group: Option<wgpu::BindGroup>,
}

impl Resources {
    fn new(device: &wgpu::Device, target_format: wgpu::TextureFormat) -> Self {
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some("canvas"),
            source: wgpu::ShaderSource::Wgsl(include_str!("canvas.wgsl").into()),
        });
        let entry = |binding, ty| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::VERTEX_FRAGMENT,
            ty,
            count: None,
        };
        let texture = wgpu::BindingType::Texture {
            multisampled: false,
            sample_type: wgpu::TextureSampleType::Float { filterable: true },
            view_dimension: wgpu::TextureViewDimension::D2,
        };
        let sampler = wgpu::BindingType::Sampler(wgpu::SamplerBindingType::Filtering);
        let buffer = wgpu::BindingType::Buffer {
            ty: wgpu::BufferBindingType::Uniform,
            has_dynamic_offset: false,
            min_binding_size: None,
        };
        let layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some("canvas"),
            entries: &[
                entry(0, buffer),
                entry(1, sampler),
                entry(2, texture),
                entry(3, texture),
                entry(4, texture),
                entry(5, texture),
                entry(6, texture),
            ],
        });
        let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some("canvas"),
            bind_group_layouts: &[Some(&layout)],
            immediate_size: 0,
        });
        let pipeline = device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
            label: Some("canvas"),
            layout: Some(&pipeline_layout),
            vertex: wgpu::VertexState {
                module: &module,
                entry_point: Some("vertex"),
                buffers: &[],
                compilation_options: wgpu::PipelineCompilationOptions::default(),
            },
            primitive: wgpu::PrimitiveState {
                topology: wgpu::PrimitiveTopology::TriangleStrip,
                ..wgpu::PrimitiveState::default()
            },
            depth_stencil: None,
            multisample: wgpu::MultisampleState::default(),
            fragment: Some(wgpu::FragmentState {
                module: &module,
                entry_point: Some("fragment"),
                targets: &[Some(wgpu::ColorTargetState {
                    format: target_format,
                    blend: Some(wgpu::BlendState::PREMULTIPLIED_ALPHA_BLENDING),
                    write_mask: wgpu::ColorWrites::ALL,
                })],
                compilation_options: wgpu::PipelineCompilationOptions::default(),
            }),
            multiview_mask: None,
            cache: None,
        });
        let sampler = device.create_sampler(&wgpu::SamplerDescriptor {
            label: Some("canvas"),
            mag_filter: wgpu::FilterMode::Linear,
            min_filter: wgpu::FilterMode::Linear,
            ..wgpu::SamplerDescriptor::default()
        });
        let rgba = wgpu::TextureFormat::Rgba8Unorm;
        let side = CANVAS_SIZE_PX as u32;
        Self {
            pipeline,
            layout,
            uniforms: device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("canvas"),
                size: (UNIFORM_WORDS * 4) as u64,
                usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
                mapped_at_creation: false,
            }),
            sampler,
            base: Slot::new(device, "picture", 1, 1, rgba),
            patch: Slot::new(device, "edit in its photo", 1, 1, rgba),
            source: Slot::new(device, "source", 1, 1, rgba),
            mask: Slot::new(device, "mask", side, side, wgpu::TextureFormat::Rg8Unorm),
            veil: Slot::new(device, "veil", 1, 1, rgba),
            uploaded_masks: None,
            bind_group: None,
        }
    }

    fn update(&mut self, device: &wgpu::Device, queue: &wgpu::Queue, paint: &CanvasPaint) {
        queue.write_buffer(&self.uniforms, 0, &paint.uniforms());
        let mut is_new = self.base.update(device, queue, "picture", &paint.base.picture);
        if let Some(patch) = &paint.patch {
            is_new |= self.patch.update(device, queue, "edit in its photo", &patch.picture);
        }
        if let Some(source) = &paint.source {
            is_new |= self.source.update(device, queue, "source", &source.picture);
        }
        if let Some(veil) = &paint.veil {
            is_new |= self.veil.update(device, queue, "veil", &Picture::Veil(Arc::clone(veil)));
        }
        if let Some(overlay) = &paint.overlay {
            self.upload_masks(queue, &overlay.mask, &overlay.shown);
        }
        if is_new || self.bind_group.is_none() {
            self.bind_group = Some(self.bind(device));
        }
    }

    /// The tiles that are others than those on the graphics card.
    fn upload_masks(&mut self, queue: &wgpu::Queue, mask: &MaskImage, shown: &MaskImage) {
        let known = self.uploaded_masks.take();
        let side = TILE_SIZE_PX as u32;
        for index in 0..MaskImage::TILE_COUNT {
            let is_known = known.as_ref().is_some_and(|(known_mask, known_shown)| {
                mask.shares_tile(known_mask, index) && shown.shares_tile(known_shown, index)
            });
            if is_known {
                continue;
            }
            let pairs = mask.tile(index).iter().zip(shown.tile(index)).flat_map(|(&mask, &shown)| [mask, shown]);
            let (left, top) = tile_origin_px(index);
            let bytes: Vec<u8> = pairs.collect();
            write(queue, &self.mask.texture, (left as u32, top as u32), (side, side), 2, &bytes);
        }
        self.uploaded_masks = Some((mask.clone(), shown.clone()));
    }

    fn bind(&self, device: &wgpu::Device) -> wgpu::BindGroup {
        let views = [&self.base, &self.patch, &self.source, &self.mask, &self.veil]
            .map(|slot| slot.texture.create_view(&wgpu::TextureViewDescriptor::default()));
        let textures = views.iter().map(wgpu::BindingResource::TextureView);
        let resources = std::iter::once(self.uniforms.as_entire_binding())
            .chain([wgpu::BindingResource::Sampler(&self.sampler)])
            .chain(textures);
        let entries: Vec<_> =
            (0..).zip(resources).map(|(binding, resource)| wgpu::BindGroupEntry { binding, resource }).collect();
        device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("canvas"),
            layout: &self.layout,
            entries: &entries,
        })
    }
}

impl CallbackTrait for CanvasPaint {
    fn prepare(
        &self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        _screen: &ScreenDescriptor,
        _encoder: &mut wgpu::CommandEncoder,
        resources: &mut CallbackResources,
    ) -> Vec<wgpu::CommandBuffer> {
        let canvas = resources.entry::<Resources>().or_insert_with(|| Resources::new(device, self.target_format));
        canvas.update(device, queue, self);
        Vec::new()
    }

    fn paint(
        &self,
        _info: PaintCallbackInfo,
        render_pass: &mut wgpu::RenderPass<'static>,
        resources: &CallbackResources,
    ) {
        let Some(canvas) = resources.get::<Resources>() else { return };
        let Some(bind_group) = &canvas.bind_group else { return };
        render_pass.set_pipeline(&canvas.pipeline);
        render_pass.set_bind_group(0, bind_group, &[]);
        render_pass.draw(0..4, 0..1);
    }
}

impl CanvasPaint {
    /// As a shape for egui.
    pub fn into_shape(self) -> egui::Shape {
        egui::Shape::Callback(egui_wgpu::Callback::new_paint_callback(self.area, self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn affine_maps_compose() {
        let turned = Affine::of(|at| Point::new(5.0 - 2.0 * at.y, 1.0 + 2.0 * at.x), 100.0);
        let into = Affine::into_rect(Rect::from_min_max(egui::pos2(1.0, 1.0), egui::pos2(5.0, 9.0)));
        let both = into.after(&turned);
        let map = |Affine([x, y]): Affine, [a, b]: [f32; 2]| [x[0] * a + x[1] * b + x[2], y[0] * a + y[1] * b + y[2]];
        // Right is down there, and two long.
        assert_eq!(map(turned, [1.0, 0.0]), [5.0, 3.0]);
        assert_eq!(map(into, [5.0, 3.0]), [1.0, 0.25]);
        for at in [[0.0, 0.0], [1.0, 0.0], [0.5, -2.0]] {
            let (a, b) = (map(both, at), map(into, map(turned, at)));
            assert!((a[0] - b[0]).abs() < 1e-6 && (a[1] - b[1]).abs() < 1e-6, "{a:?} {b:?}");
        }
    }
}
