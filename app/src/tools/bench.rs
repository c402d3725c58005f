//! For the tools' tests: what a user does with a tool, and what came of it.

use std::sync::Arc;

use image::RgbImage;

use super::{BrushSettings, Button, Modifiers, ToolEvent, ToolKind, ToolResponse, Toolbox};
use crate::document::{Document, Layer, MaskImage, Photo, PhotoId, Point, Timeline};

/// No key is held.
pub const NO_KEY: Modifiers = Modifiers { opposite: false, straight: false, from_center: false };
pub const OPPOSITE: Modifiers = Modifiers { opposite: true, ..NO_KEY };
pub const SHIFT: Modifiers = Modifiers { straight: true, ..NO_KEY };
pub const ALT: Modifiers = Modifiers { from_center: true, ..NO_KEY };
pub const SHIFT_ALT: Modifiers = Modifiers { straight: true, from_center: true, ..NO_KEY };

/// A tool in hand over a document: photo 1 is the source, photo 2 has the active layer, photo 3 lies ready.
pub struct Bench {
    pub timeline: Timeline,
    pub tools: Toolbox,
}

impl Bench {
    /// With a hard brush of 40 pixels.
    pub fn new(tool: ToolKind) -> Self {
        let mut document = Document::default();
        for id in 1..=3 {
            document.add_photo(photo(id));
        }
        document.add_layer(PhotoId(2)).expect("there is room for a layer");
        let brush = BrushSettings { radius_px: 20.0, hardness: 1.0, strength: 1.0 };
        let tools = Toolbox { selected: tool, brush, ..Toolbox::default() };
        Self { timeline: Timeline::new(document), tools }
    }

    pub fn down(&mut self, (x, y): (f32, f32), button: Button, modifiers: Modifiers) -> ToolResponse {
        let pos_in_canvas = Point::new(x, y);
        let event = ToolEvent::PointerDown { pos_in_canvas, button, pressure: 1.0, modifiers };
        self.tools.handle(&event, None, &mut self.timeline)
    }

    pub fn move_to(&mut self, (x, y): (f32, f32), modifiers: Modifiers) -> ToolResponse {
        let event = ToolEvent::PointerMove { pos_in_canvas: Point::new(x, y), pressure: 1.0, modifiers };
        self.tools.handle(&event, None, &mut self.timeline)
    }

    pub fn up(&mut self) {
        self.tools.handle(&ToolEvent::PointerUp, None, &mut self.timeline);
    }

    pub fn cancel(&mut self) {
        self.tools.handle(&ToolEvent::Cancel, None, &mut self.timeline);
    }

    /// With the primary button.
    pub fn drag(&mut self, from: (f32, f32), to: (f32, f32), modifiers: Modifiers) -> ToolResponse {
        self.drag_with(from, to, Button::Primary, modifiers)
    }

    /// What the button's going down made the tool answer.
    pub fn drag_with(
        &mut self,
        from: (f32, f32),
        to: (f32, f32),
        button: Button,
        modifiers: Modifiers,
    ) -> ToolResponse {
        let response = self.down(from, button, modifiers);
        self.move_to(to, modifiers);
        self.up();
        response
    }

    pub fn click(&mut self, pos: (f32, f32), button: Button, modifiers: Modifiers) -> ToolResponse {
        let response = self.down(pos, button, modifiers);
        self.up();
        response
    }

    /// Changes the active layer, as a step.
    pub fn edit_layer(&mut self, name: &str, change: impl FnOnce(&mut Layer)) {
        let id = self.layer().id;
        self.timeline.edit(name, |document| document.update_layer(id, change));
    }

    /// The active layer.
    pub fn layer(&self) -> &Layer {
        self.timeline.document().active_layer().expect("there is an active layer")
    }

    pub fn mask(&self) -> &MaskImage {
        &self.layer().mask
    }

    /// The active layer's mask at a place of it.
    pub fn value(&self, x: usize, y: usize) -> u8 {
        self.mask().value(x, y)
    }

    /// The names of the steps done.
    pub fn steps(&self) -> Vec<String> {
        self.timeline.past_names().map(str::to_owned).collect()
    }
}

fn photo(id: u64) -> Photo {
    Photo {
        id: PhotoId(id),
        name: format!("Photo {id}"),
        crop: Arc::new(RgbImage::new(4, 4)),
        path: None,
        placement: None,
        latent: None,
        latent_model: None,
        is_sample: false,
    }
}
