//! Fill: a click paints the connected part of the mask that looks the same there.

use super::{
    Effect, Tool, ToolContext, ToolCursor, ToolEvent, ToolInfo, ToolOption, ToolResponse, layer_to_paint, offset_of,
};
use crate::document::PixelRect;

/// Paints a connected part of the mask.
pub(super) const INFO: ToolInfo = ToolInfo {
    id: "fill",
    name: "Fill",
    tooltip: "Click to fill a gap or a region. The right button removes paint",
    hint: Some("Click a gap to fill it."),
    icon: '\u{e392}', // paint-bucket
    key: "G",
    options: &[ToolOption::Tolerance, ToolOption::Strength],
    cursor: ToolCursor::Crosshair,
    new: || Box::new(FillTool),
};

/// Fills or empties connected regions.
struct FillTool;

impl Tool for FillTool {
    fn handle(&mut self, event: &ToolEvent, context: &mut ToolContext<'_>) -> ToolResponse {
        let ToolEvent::PointerDown { pos_in_canvas, button, modifiers, .. } = *event else {
            return ToolResponse::Nothing;
        };
        let layer = match layer_to_paint(context.timeline) {
            Ok(layer) => layer,
            Err(refusal) => return ToolResponse::Refused(refusal),
        };
        let Some(pixel) = (pos_in_canvas - offset_of(layer)).canvas_pixel() else { return ToolResponse::Nothing };
        let effect = Effect::Paint.of_gesture(button, modifiers);
        let region = layer.mask.connected_region(pixel, (context.fill_tolerance * 255.0) as u8, effect.target());
        let name = match effect {
            Effect::Paint => "Fill region",
            Effect::Erase => "Empty region",
        };
        let (id, strength) = (layer.id, context.brush.clamped().strength);
        context.timeline.edit(name, |document| {
            document.update_layer(id, |layer| {
                let before = layer.mask.clone();
                let rect = region.painted_rect().unwrap_or(PixelRect::CANVAS);
                effect.paint(&mut layer.mask, &before, &region, rect, strength);
            });
        });
        ToolResponse::Changed
    }

    fn is_busy(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::super::bench::{Bench, NO_KEY};
    use crate::tools::{BrushSettings, Button, ToolKind};

    #[test]
    fn fill_stops_where_the_mask_changes() {
        let mut bench = Bench::new(ToolKind::Brush);
        // A ring with a soft brush; its middle is a gap, and it does not touch the border.
        bench.tools.brush = BrushSettings { radius_px: 24.0, hardness: 0.2, strength: 1.0 };
        bench.down((336.0, 256.0), Button::Primary, NO_KEY);
        for i in 1..=64 {
            let (sin, cos) = (i as f32 / 64.0 * std::f32::consts::TAU).sin_cos();
            bench.move_to((256.0 + 80.0 * cos, 256.0 + 80.0 * sin), NO_KEY);
        }
        bench.up();
        bench.tools.selected = ToolKind::Fill;
        bench.click((256.0, 256.0), Button::Primary, NO_KEY);
        // No seam is left between the gap and the soft edge around it.
        for x in 180..332 {
            assert!(bench.value(x, 256) >= 250, "a seam at {x}: {}", bench.value(x, 256));
        }
        assert_eq!(bench.value(100, 100), 0, "what lies outside the ring stays as it is");
        let soft = bench.value(256 + 80 + 14, 256);
        assert!((20..235).contains(&soft), "the outer edge stays soft: {soft}");

        // The right button empties the disc, soft edge and all but what nobody sees.
        bench.click((256.0, 256.0), Button::Secondary, NO_KEY);
        assert!(bench.mask().to_values().iter().all(|&value| value < 8));
        assert_eq!(bench.steps(), ["Paint stroke", "Fill region", "Empty region"]);
        let filled = bench.timeline.revision();
        bench.click((-5.0, 256.0), Button::Primary, NO_KEY);
        bench.click((f32::NAN, 256.0), Button::Primary, NO_KEY);
        assert_eq!(bench.timeline.revision(), filled, "nothing lies outside the canvas");
    }

    #[test]
    fn tolerance_says_what_is_alike() {
        for (tolerance, reached) in [(0.0, 1), (0.1, 2), (0.5, 4), (1.0, 8)] {
            let mut bench = Bench::new(ToolKind::Fill);
            // Columns of 64 pixels.
            let level = |x: usize| [0, 20, 60, 100, 160, 30, 255, 0][x / 64];
            let values: Vec<u8> = (0..512 * 512).map(|i| level(i % 512)).collect();
            bench.edit_layer("Steps", |layer| assert!(layer.mask.set_values(&values)));
            bench.tools.fill_tolerance = tolerance;
            bench.click((10.0, 10.0), Button::Secondary, NO_KEY);
            let emptied = (0..8).take_while(|column| bench.value(column * 64 + 32, 300) == 0).count();
            assert_eq!(emptied, reached, "{tolerance}");
        }
    }
}
