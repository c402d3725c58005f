//! Steps along the model's directions, a slider for each: of the whole face, or only of what the active layer paints.

use egui::{Align, Label, Layout, RichText, Role, Sense, Ui, UiBuilder, WidgetInfo, vec2};
use stylemap::directions::DirectionInfo;

use super::super::{Command, Context, Look, icons, theme, widgets};
use crate::language::{tr, tr_with};
use crate::workbench::projects::UNKNOWN_DIRECTIONS;
use crate::workbench::{Action, EngineState};

const LABEL_WIDTH: f32 = 86.0;
const VALUE_WIDTH: f32 = 50.0;
const RESET_SIZE: f32 = 13.0;

impl Context<'_> {
    pub(super) fn adjust_ui(&mut self, ui: &mut Ui) {
        let mut sections = self.bench.settings().open_sections;
        let shows = widgets::section_header(ui, "Adjust", &mut sections.adjust, |ui| {
            self.command_icon_ui(ui, Action::ResetAdjustments, 15.0);
            self.command_icon_ui(ui, Look::ShowLesson, 15.0);
        });
        self.keep_sections(sections);
        if !shows {
            return;
        }
        let EngineState::Ready(info) = self.bench.engine().state() else { return };
        let directions = info.directions.clone();
        if directions.is_empty() {
            widgets::caption(ui, "This model has no directions to move a face along.");
        } else if self.bench.document().is_empty() {
            widgets::caption(ui, "Open a photo to adjust the face in it.");
        } else {
            self.adjusted_part_ui(ui);
            let mut group = "";
            for direction in &*directions {
                if direction.group != group {
                    group = &direction.group;
                    widgets::caption(ui, group);
                }
                self.direction_ui(ui, direction);
            }
        }
        self.unknown_directions_ui(ui);
    }

    /// The whole face, or what the active layer paints.
    fn adjusted_part_ui(&mut self, ui: &mut Ui) {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = theme::space::TIGHT;
            ui.spacing_mut().button_padding.x = 6.0;
            for (of_layer, text, command) in [
                (false, "Whole face", Action::AdjustWholeFace),
                (true, "Only inside the mask", Action::AdjustInsideMask),
            ] {
                let button = egui::Button::selectable(
                    self.bench.view().adjusts_layer == of_layer,
                    RichText::new(tr(text)).small(),
                );
                let button = ui.add_enabled(self.bench.is_enabled(&command), button);
                if button.on_hover_text(Command::from(command.clone()).tooltip()).clicked() {
                    self.send(command);
                }
            }
        });
        let document = self.bench.document();
        let Some(layer) = document.active_layer().filter(|_| self.bench.view().adjusts_layer) else { return };
        if let Some(source) = document.source().filter(|source| *source != layer.photo) {
            let hint = "This is what {name} brings in. For a part of the source itself, add a layer from it.";
            let hint = tr_with(hint, &[("name", &layer.name)]);
            ui.label(RichText::new(hint).small().color(theme::palette(ui.ctx()).text_weak));
            let button = egui::Button::new(RichText::new(tr("Add a layer from the source")).small());
            if ui.add(button).clicked() {
                self.send(Action::AddLayer(source));
            }
        } else if layer.mask.is_empty() {
            widgets::caption(ui, "Paint over the part that is to be adjusted.");
        }
    }

    /// Name, slider, value and the way back to zero.
    fn direction_ui(&mut self, ui: &mut Ui, direction: &DirectionInfo) {
        let part = self.bench.adjusted_layer();
        let DirectionInfo { name, range: [low, high], shows, .. } = direction;
        let label = tr(name);
        let before = self.bench.document().directions(part).get(name).copied().unwrap_or(0.0);
        let mut amount = before;
        // A project may come from a model that goes further.
        let range = low.min(before)..=high.max(before);
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = theme::space::TIGHT;
            // Zero is in the middle: nothing fills up from the left.
            ui.visuals_mut().slider_trailing_fill = false;
            let (rect, label_response) = ui.allocate_exact_size(vec2(LABEL_WIDTH, theme::space::ROW), Sense::hover());
            let text = RichText::new(label).color(theme::palette(ui.ctx()).text_weak);
            let mut label_ui =
                ui.new_child(UiBuilder::new().max_rect(rect).layout(Layout::left_to_right(Align::Center)));
            label_ui.add(Label::new(text).truncate().selectable(false));
            label_response.widget_info(|| WidgetInfo::labeled(Role::Label, true, label));
            let hint = if shows.is_empty() { label.to_owned() } else { format!("{label}: {}", tr(shows)) };
            let hint = format!("{hint}\n{}", tr("1 is as far as faces usually differ from each other"));
            let label_response = label_response.on_hover_text(&hint);
            let gaps = 3.0 * theme::space::TIGHT;
            let width = ui.available_width() - VALUE_WIDTH - theme::space::ROW - gaps;
            let slider = widgets::rail(ui, &mut amount, range.clone(), false, width);
            slider.widget_info(|| WidgetInfo::slider(true, f64::from(amount), label));
            slider.labelled_by(label_response.id).on_hover_text(&hint);
            widgets::decimal_field(ui, &mut amount, range, VALUE_WIDTH, label).on_hover_text(&hint);
            let reset = tr_with("Reset {name}", &[("name", label)]);
            if widgets::icon_button_enabled(ui, amount != 0.0, icons::RESET, &reset, RESET_SIZE)
                .on_hover_text(&reset)
                .clicked()
            {
                amount = 0.0;
            }
        });
        if amount != before {
            self.send(Action::SetDirection(name.clone(), amount));
        }
    }

    /// What the document has and the model does not.
    fn unknown_directions_ui(&mut self, ui: &mut Ui) {
        let unknown = self.bench.unknown_directions();
        if !unknown.is_empty() {
            let text = tr_with(UNKNOWN_DIRECTIONS, &[("names", &unknown.join(", "))]);
            ui.label(RichText::new(text).small().color(theme::palette(ui.ctx()).text_weak));
        }
    }
}
