//! Opening the window.

use std::path::PathBuf;

use stylemap::engine::WorkerOptions;

use super::Editor;
use crate::project::recovery;
use crate::settings::Settings;
use crate::workbench::{LoadEngine, UserFolders};

/// What the editor starts with.
pub struct EditorOptions {
    /// Photos to open, the first as the source, the second as the reference; none for the demo portraits.
    pub photos: Vec<PathBuf>,
    /// Whether photos already are aligned square crops: nobody looks for faces in them.
    pub are_aligned: bool,
    /// Loads the model, on the engine's thread.
    pub load_engine: LoadEngine,
    /// What the status bar calls the model while it is loaded.
    pub model_label: String,
    /// What is written about the model, in Markdown, where it came with a card.
    pub model_card: Option<&'static str>,
    /// How the engine's thread runs.
    pub worker: WorkerOptions,
    /// Where settings, autosaves and recent files are kept; none keeps none.
    pub folders: Option<UserFolders>,
    /// Whether the system's file dialogs ask for files; else boxes of our own ask for paths.
    pub uses_dialogs: bool,
}

/// The window's inside at the first start, and at the least, in points.
const DEFAULT_SIZE: [f32; 2] = [1360.0, 860.0];
const MIN_SIZE: [f32; 2] = [960.0, 600.0];
/// How far a window lies from that of the program before it, in points, and after how many the first place comes again.
const STEP_ASIDE: f32 = 36.0;
const PLACES: usize = 9;

/// Opens the window and returns when it is closed.
///
/// # Errors
/// When there is no display or no graphics adapter.
pub fn run(options: EditorOptions) -> anyhow::Result<()> {
    // The editor reads them again, and says what is wrong with them.
    let settings = options.folders.as_ref().and_then(|folders| Settings::load(&folders.settings).ok());
    let other_programs = options.folders.as_ref().map_or(0, |folders| recovery::living(&folders.recovery));
    let size = settings.and_then(|settings| settings.sizes.window).unwrap_or(DEFAULT_SIZE);
    let native = eframe::NativeOptions {
        viewport: egui::ViewportBuilder::default()
            .with_title("Stylebrush")
            .with_app_id("stylebrush")
            .with_inner_size([size[0].max(MIN_SIZE[0]), size[1].max(MIN_SIZE[1])])
            .with_min_inner_size(MIN_SIZE)
            .with_drag_and_drop(true)
            .with_icon(icon()),
        renderer: eframe::Renderer::Wgpu,
        centered: true,
        // Called with the place in the middle of the screen.
        window_builder: Some(Box::new(move |viewport| match viewport.position {
            Some(middle) => viewport.with_position(place_beside(middle, other_programs)),
            None => viewport,
        })),
        persist_window: false,
        // The editor knows better who wants what of the clipboard.
        clipboard_shortcuts: false,
        // A brush that trails the pointer feels wrong: no frame waits in a queue.
        wgpu_options: eframe::egui_wgpu::WgpuConfiguration::default()
            .with_surface_config(eframe::egui_wgpu::SurfaceConfig::LOW_LATENCY),
        ..eframe::NativeOptions::default()
    };
    let result = eframe::run_native(
        "Stylebrush",
        native,
        Box::new(move |creation| {
            let editor = Editor::new(creation, options).map_err(|err| format!("{err:#}"))?;
            Ok(Box::new(editor))
        }),
    );
    result.map_err(|err| match err {
        eframe::Error::Winit(err) => anyhow::anyhow!("no display: {}", without_source_line(&err.to_string())),
        eframe::Error::WinitEventLoop(err) => anyhow::anyhow!("no display: {}", without_source_line(&err.to_string())),
        eframe::Error::Wgpu(err) => {
            log::error!("{err}");
            anyhow::anyhow!("no display: no graphics driver can draw the window, neither Vulkan nor OpenGL")
        }
        eframe::Error::AppCreation(err) => anyhow::anyhow!("the editor could not be started: {err}"),
    })
}

/// A window's place where it leaves those of other programs of its kind visible, all of which begin in the middle of the screen; it
/// moves no further than the screen reaches.
fn place_beside(middle: egui::Pos2, other_programs: usize) -> egui::Pos2 {
    let aside = STEP_ASIDE * (other_programs % PLACES) as f32;
    // As much room as before the middle is behind it.
    let room = middle.to_vec2().max(egui::Vec2::ZERO);
    middle + egui::Vec2::splat(aside).min(room)
}

/// The window library puts its own source line before what the system said.
fn without_source_line(text: &str) -> &str {
    let reason = text.strip_prefix("os error at ").and_then(|rest| rest.split_once(": "));
    reason.map_or(text, |(_, reason)| reason)
}

/// A stroke's round end on a dark ground, drawn here as no file is needed for it.
fn icon() -> egui::IconData {
    const SIDE: u32 = 64;
    let rgba = (0..SIDE * SIDE).flat_map(|i| {
        let (x, y) = ((i % SIDE) as f32 + 0.5 - 32.0, (i / SIDE) as f32 + 0.5 - 32.0);
        // Signed distances to a rounded square and to two discs, antialiased over one pixel.
        let square = (x.abs() - 16.0).max(0.0).hypot((y.abs() - 16.0).max(0.0)) - 14.0;
        let cover = |distance: f32| (0.5 - distance).clamp(0.0, 1.0);
        let (left, right) = (cover((x + 7.0).hypot(y) - 15.0), cover((x - 9.0).hypot(y) - 13.0));
        let mut color = [34.0, 34.0, 38.0];
        for (paint, amount) in [([59.0, 125.0, 240.0], left), ([47.0, 209.0, 224.0], right * 0.85)] {
            for (channel, paint) in color.iter_mut().zip(paint) {
                *channel += (paint - *channel) * amount;
            }
        }
        [color[0] as u8, color[1] as u8, color[2] as u8, (cover(square) * 255.0) as u8]
    });
    egui::IconData { rgba: rgba.collect(), width: SIDE, height: SIDE }
}

#[cfg(test)]
mod tests {
    use egui::pos2;

    use super::*;

    #[test]
    fn a_second_window_leaves_the_first_visible_and_stays_on_the_screen() {
        assert_eq!(place_beside(pos2(200.0, 100.0), 0), pos2(200.0, 100.0));
        assert_eq!(place_beside(pos2(200.0, 100.0), 2), pos2(272.0, 172.0));
        assert_eq!(place_beside(pos2(200.0, 100.0), 4), pos2(344.0, 200.0));
        assert_eq!(place_beside(pos2(200.0, 100.0), PLACES), pos2(200.0, 100.0));
        // Larger than the screen.
        assert_eq!(place_beside(pos2(-10.0, 20.0), 1), pos2(-10.0, 40.0));
    }
}
