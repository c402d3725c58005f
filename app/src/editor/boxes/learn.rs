//! A slider that is learned from faces: two groups, what they differ in, and what came of it.

use std::collections::HashMap;
use std::sync::Arc;

use egui::{
    Button, ColorImage, DroppedFileHandle, Popup, Pos2, Rect, RichText, TextureHandle, TextureOptions, Ui, vec2,
};
use stylemap::engine::SampleRequest;

use super::super::panels::{carried_picture_ui, picture_button};
use super::super::{Context, Look, icons, theme, widgets};
use super::random_faces::{RandomFaces, random_face_label};
use super::{Outcome, button_row_ui, scroll_area};
use crate::document::{Photo, PhotoId};
use crate::language::{tr, tr_with};
use crate::workbench::lesson::{Example, ExampleGroup, LessonPlan, STRIP_PLACES};
use crate::workbench::{Action, EngineState, Question};

const WIDTH: f32 = 640.0;
const PICTURE_SIZE: f32 = 44.0;
const PICTURE_GAP: f32 = 6.0;
const STRIP_PICTURE_SIZE: f32 = 84.0;
const GROUP_HEIGHT: f32 = 150.0;
/// Where the strip begins among the pictures of the engine's that are textures; before it are those of levels.
const STRIP_PLACE: usize = 16;
const MAX_NAME_LEN: usize = 40;
/// So many of the files that could not be used are named.
const SHOWN_FAILURES: usize = 3;

/// Where the faces that can be dragged to a side come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tray {
    OpenPhotos,
    RandomFaces,
}

/// A face on its way to a side.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Carried {
    Photo(PhotoId),
    Random(SampleRequest),
    Example(u64),
}

/// What the box shows.
pub struct LearnBox {
    tray: Tray,
    random: RandomFaces,
    examples: HashMap<u64, TextureHandle>,
    /// Files that were dropped in this frame.
    pub dropped: Vec<DroppedFileHandle>,
}

impl LearnBox {
    pub(super) fn new(usual_truncation: f32) -> Self {
        Self {
            tray: Tray::OpenPhotos,
            random: RandomFaces::new(usual_truncation),
            examples: HashMap::new(),
            dropped: Vec::new(),
        }
    }

    fn example_texture(&mut self, ctx: &egui::Context, example: &Example) -> TextureHandle {
        let make = || {
            let size = [example.picture.width() as usize, example.picture.height() as usize];
            let picture = ColorImage::from_rgb(size, example.picture.as_raw());
            ctx.load_texture("example", picture, TextureOptions::LINEAR)
        };
        self.examples.entry(example.number).or_insert_with(make).clone()
    }
}

fn title_of(group: ExampleGroup) -> &'static str {
    match group {
        ExampleGroup::Without => "Faces without it",
        ExampleGroup::With => "Faces with it",
    }
}

impl Context<'_> {
    /// The box of a lesson.
    pub(super) fn learn_ui(&mut self, ui: &mut Ui, learn_box: &mut LearnBox) -> Outcome {
        let palette = theme::palette(ui.ctx());
        ui.set_width(WIDTH);
        ui.heading(tr("Learn a slider"));
        let text = "Show the program faces without something, and faces with it: it learns what they differ in.";
        ui.label(RichText::new(tr(text)).color(palette.text_weak));
        ui.add_space(theme::space::TIGHT);
        let max_height = ui.ctx().content_rect().height() - 190.0;
        scroll_area(max_height.max(200.0)).show(ui, |ui| {
            ui.set_width(WIDTH);
            self.lesson_plan_ui(ui);
            ui.add_space(theme::space::TIGHT);
            let sides = ui.columns_const(|columns: &mut [Ui; 2]| {
                let [without, with] = columns;
                [
                    self.group_ui(without, learn_box, ExampleGroup::Without),
                    self.group_ui(with, learn_box, ExampleGroup::With),
                ]
            });
            self.take_dropped_files(ui, learn_box, sides);
            ui.add_space(theme::space::TIGHT);
            self.tray_ui(ui, learn_box);
            self.lesson_failures_ui(ui);
            self.learned_ui(ui);
            self.known_sliders_ui(ui);
        });
        ui.add_space(theme::space::NORMAL);
        self.lesson_buttons_ui(ui)
    }

    fn lesson_buttons_ui(&mut self, ui: &mut Ui) -> Outcome {
        let palette = theme::palette(ui.ctx());
        let mut outcome = Outcome::Stay;
        let lessons = self.bench.lessons();
        let (has_slider, is_learning) = (lessons.slider().is_some(), lessons.is_learning());
        let is_empty = ExampleGroup::ALL.iter().all(|group| lessons.examples(*group).next().is_none());
        button_row_ui(ui, |ui| {
            let (text, action) =
                if has_slider { ("Keep slider", Action::KeepSlider) } else { ("Learn", Action::LearnSlider) };
            let text = RichText::new(tr(text)).color(palette.text_on_accent);
            let can = self.bench.is_enabled(&action);
            let lacks = self.bench.lesson_lacks().map(tr).unwrap_or_default();
            let button = ui.add_enabled(can, Button::new(text).fill(palette.accent)).on_disabled_hover_text(lacks);
            if button.clicked() {
                if has_slider {
                    outcome = Outcome::Send(action.into());
                } else {
                    self.send(action);
                }
            }
            if ui.button(tr("Close")).clicked() {
                outcome = Outcome::Close;
            }
            if ui.add_enabled(!is_empty, Button::new(tr("Begin anew"))).clicked() {
                self.send(Action::EndLesson);
            }
            if is_learning {
                ui.spinner();
            } else if !can && !has_slider {
                ui.label(RichText::new(lacks).small().color(palette.text_weak));
            }
        });
        outcome
    }

    /// What it is called, and what it leaves alone.
    fn lesson_plan_ui(&mut self, ui: &mut Ui) {
        let before = self.bench.lessons().plan();
        let mut plan = before.clone();
        let LessonPlan { name, unchanged } = &mut plan;
        ui.horizontal(|ui| {
            let label = ui.label(tr("Name"));
            let field = egui::TextEdit::singleline(name).char_limit(MAX_NAME_LEN).desired_width(200.0);
            ui.add(field.hint_text(tr("Beard"))).labelled_by(label.id);
            let directions: Vec<String> = match self.bench.engine().state() {
                EngineState::Ready(info) => info.directions.iter().map(|direction| direction.name.clone()).collect(),
                _ => Vec::new(),
            };
            let chosen: Vec<&str> = unchanged.iter().map(|name| tr(name)).collect();
            let text = match chosen.as_slice() {
                [] => tr("Without changing…").to_owned(),
                chosen => tr_with("Without changing {names}", &[("names", &chosen.join(", "))]),
            };
            let hint = "What these sliders move stays as it is: a beard that makes nobody more masculine";
            ui.add_enabled_ui(!directions.is_empty(), |ui| {
                ui.menu_button(text, |ui| {
                    widgets::menu_spacing(ui);
                    for direction in &directions {
                        let mut is_chosen = unchanged.contains(direction);
                        if ui.checkbox(&mut is_chosen, tr(direction)).changed() {
                            if is_chosen {
                                unchanged.insert(direction.clone());
                            } else {
                                unchanged.remove(direction);
                            }
                        }
                    }
                })
                .response
                .on_hover_text(tr(hint));
            });
        });
        if plan != *self.bench.lessons().plan() {
            self.send(Action::SetLesson(plan));
        }
    }

    /// One side: where it lies in the window.
    fn group_ui(&mut self, ui: &mut Ui, learn_box: &mut LearnBox, group: ExampleGroup) -> Rect {
        let palette = theme::palette(ui.ctx());
        let frame = egui::Frame::new().fill(palette.field).corner_radius(theme::CORNER).inner_margin(8);
        let (inner, dropped) = ui.dnd_drop_zone::<Carried, ()>(frame, |ui| {
            ui.set_min_height(GROUP_HEIGHT);
            let bench = self.bench;
            let examples: Vec<&Example> = bench.lessons().examples(group).collect();
            ui.horizontal(|ui| {
                ui.label(RichText::new(tr(title_of(group))).strong());
                ui.label(RichText::new(examples.len().to_string()).color(palette.text_weak));
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    let clear = tr_with("Take every face out: {side}", &[("side", tr(title_of(group)))]);
                    let can_clear = !examples.is_empty();
                    if widgets::icon_button_enabled(ui, can_clear, icons::TRASH, &clear, 14.0)
                        .on_hover_text(&clear)
                        .clicked()
                    {
                        self.send(Action::ClearExamples(group));
                    }
                });
            });
            ui.horizontal(|ui| {
                let named = |text: &str| format!("{}: {}", tr(title_of(group)), tr(text));
                for (text, question) in
                    [("Photos…", Question::ExamplePhotos(group)), ("Folder…", Question::ExampleFolder(group))]
                {
                    let button = ui.button(tr(text));
                    button.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, named(text)));
                    if button.clicked() {
                        self.send(Look::AskFor(question));
                    }
                }
            });
            if examples.is_empty() {
                widgets::caption(ui, "Drag faces here, or drop photos from your folders. Three at least.");
            }
            scroll_area(GROUP_HEIGHT - 60.0).id_salt(title_of(group)).show(ui, |ui| {
                ui.set_min_width(ui.available_width());
                ui.horizontal_wrapped(|ui| {
                    ui.spacing_mut().item_spacing = vec2(PICTURE_GAP, PICTURE_GAP);
                    for example in examples {
                        self.example_ui(ui, learn_box, example);
                    }
                });
            });
        });
        if let Some(carried) = dropped {
            self.put(group, *carried);
        }
        inner.response.rect
    }

    fn put(&mut self, group: ExampleGroup, carried: Carried) {
        match carried {
            Carried::Photo(photo) => self.send(Action::AddExamplePhoto(group, photo)),
            Carried::Random(request) => self.send(Action::AddExampleRandom(group, request)),
            Carried::Example(number) => {
                if self.bench.lessons().examples(group.other()).any(|example| example.number == number) {
                    self.send(Action::MoveExample(number));
                }
            }
        }
    }

    fn example_ui(&mut self, ui: &mut Ui, learn_box: &mut LearnBox, example: &Example) {
        let texture = learn_box.example_texture(ui.ctx(), example);
        let response = picture_button(ui, &texture, PICTURE_SIZE, None, &example.name).on_hover_text(&example.name);
        response.dnd_set_drag_payload(Carried::Example(example.number));
        carried_picture_ui(ui, &response, &texture);
        Popup::menu(&response).show(|ui| {
            widgets::menu_spacing(ui);
            if ui.button(tr("Move to the other side")).clicked() {
                self.send(Action::MoveExample(example.number));
            }
            if ui.button(tr("Take out")).clicked() {
                self.send(Action::RemoveExample(example.number));
            }
        });
    }

    /// Faces that can be dragged to a side, or brought there by a menu.
    fn tray_ui(&mut self, ui: &mut Ui, learn_box: &mut LearnBox) {
        ui.horizontal(|ui| {
            ui.selectable_value(&mut learn_box.tray, Tray::OpenPhotos, tr("Open photos"));
            ui.selectable_value(&mut learn_box.tray, Tray::RandomFaces, tr("Random faces"));
        });
        if learn_box.tray == Tray::RandomFaces {
            self.random_series_ui(ui, &mut learn_box.random);
        }
        let mut faces: Vec<(Carried, TextureHandle, String)> = Vec::new();
        match learn_box.tray {
            Tray::OpenPhotos => {
                let photos: Vec<Arc<Photo>> = self.bench.document().photos().to_vec();
                for photo in photos {
                    let texture = self.thumbnails.small(ui.ctx(), &photo);
                    faces.push((Carried::Photo(photo.id), texture, photo.name.clone()));
                }
            }
            Tray::RandomFaces => {
                for request in learn_box.random.requests() {
                    if let Some((_, texture)) = learn_box.random.pictures.iter().find(|(known, _)| *known == request) {
                        faces.push((Carried::Random(request), texture.clone(), random_face_label(request)));
                    }
                }
            }
        }
        scroll_area(2.0 * (PICTURE_SIZE + PICTURE_GAP)).id_salt("tray").show(ui, |ui| {
            ui.set_min_height(PICTURE_SIZE);
            ui.set_min_width(ui.available_width());
            ui.horizontal_wrapped(|ui| {
                ui.spacing_mut().item_spacing = vec2(PICTURE_GAP, PICTURE_GAP);
                for (carried, texture, name) in faces {
                    let response = picture_button(ui, &texture, PICTURE_SIZE, None, &name);
                    let response = response.on_hover_text(tr("Drag it to a side, or click it to choose one"));
                    response.dnd_set_drag_payload(carried);
                    carried_picture_ui(ui, &response, &texture);
                    Popup::menu(&response).show(|ui| {
                        widgets::menu_spacing(ui);
                        for group in ExampleGroup::ALL {
                            if ui.button(tr(title_of(group))).clicked() {
                                self.put(group, carried);
                            }
                        }
                    });
                }
            });
        });
    }

    /// Files go to the side that they were dropped on, else to the first that still lacks faces.
    fn take_dropped_files(&mut self, ui: &Ui, learn_box: &mut LearnBox, sides: [Rect; 2]) {
        if learn_box.dropped.is_empty() {
            return;
        }
        let pos: Option<Pos2> = ui.input(|input| input.pointer.latest_pos());
        let under = sides.iter().position(|side| pos.is_some_and(|pos| side.contains(pos)));
        let lacks = |group: &ExampleGroup| self.bench.lessons().examples(*group).next().is_none();
        let group = under.and_then(|index| ExampleGroup::ALL.get(index).copied());
        let group = group.or_else(|| ExampleGroup::ALL.into_iter().find(lacks)).unwrap_or(ExampleGroup::With);
        let paths = std::mem::take(&mut learn_box.dropped).iter().map(|file| file.path().to_owned()).collect();
        self.send(Action::AddExampleFiles(group, paths));
    }

    fn lesson_failures_ui(&self, ui: &mut Ui) {
        let palette = theme::palette(ui.ctx());
        let lessons = self.bench.lessons();
        if lessons.files_to_read() > 0 {
            let count = lessons.files_to_read().to_string();
            widgets::caption(ui, &tr_with("{count} photos are still to be read", &[("count", &count)]));
        }
        for failure in lessons.failures().iter().take(SHOWN_FAILURES) {
            ui.label(RichText::new(crate::sentence::on_screen(failure)).small().color(palette.danger));
        }
        if lessons.failures().len() > SHOWN_FAILURES {
            let more = (lessons.failures().len() - SHOWN_FAILURES).to_string();
            widgets::caption(ui, &tr_with("and {count} more", &[("count", &more)]));
        }
    }

    /// What was learned: how sure it is, and what it does to the open faces.
    fn learned_ui(&mut self, ui: &mut Ui) {
        let palette = theme::palette(ui.ctx());
        let bench = self.bench;
        let Some(slider) = bench.lessons().slider() else { return };
        ui.add_space(theme::space::TIGHT);
        let percent = slider.percent_told_right();
        let text =
            tr_with("{percent} of 100 faces that were left out are told right", &[("percent", &percent.to_string())]);
        ui.label(RichText::new(text).strong());
        if percent < 70 {
            let text = "A coin has 50. More faces, or sides that differ in one thing alone, make a better slider.";
            ui.label(RichText::new(tr(text)).small().color(palette.danger));
        }
        ui.spacing_mut().item_spacing = vec2(PICTURE_GAP, PICTURE_GAP);
        for (row, pictures) in slider.strip.chunks(STRIP_PLACES).enumerate() {
            ui.horizontal(|ui| {
                for (column, picture) in pictures.iter().enumerate() {
                    let place = STRIP_PLACE + row * STRIP_PLACES + column;
                    let texture = picture.as_ref().map(|frame| self.thumbnails.frame(ui.ctx(), place, frame));
                    let (rect, _) =
                        ui.allocate_exact_size(vec2(STRIP_PICTURE_SIZE, STRIP_PICTURE_SIZE), egui::Sense::hover());
                    match texture {
                        Some(texture) => {
                            egui::Image::from_texture(&texture).corner_radius(theme::CORNER).paint_at(ui, rect);
                        }
                        None => {
                            ui.painter().rect_filled(rect, theme::CORNER, palette.field);
                        }
                    }
                }
            });
        }
        let [low, high] = slider.info().range;
        let values = [("low", format!("{low:.1}")), ("high", format!("{high:.1}"))];
        let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
        widgets::caption(ui, &tr_with("From {low} to {high}", &values));
    }

    /// What was learned before.
    fn known_sliders_ui(&mut self, ui: &mut Ui) {
        ui.add_space(theme::space::NORMAL);
        let known: Vec<(usize, String, String)> = self
            .bench
            .lessons()
            .known()
            .enumerate()
            .map(|(i, info)| (i, info.name.clone(), info.source.clone()))
            .collect();
        ui.horizontal(|ui| {
            ui.label(RichText::new(tr("Your sliders")).strong());
            if ui.button(tr("Import…")).clicked() {
                self.send(Look::AskFor(Question::ImportSlidersFrom));
            }
        });
        if known.is_empty() {
            widgets::caption(ui, "None yet. What you keep is under Adjust, today and whenever you start the program.");
        }
        for (index, name, source) in known {
            ui.horizontal(|ui| {
                ui.label(&name).on_hover_text(source);
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    let forget = tr_with("Forget the slider {name}", &[("name", &name)]);
                    if widgets::icon_button(ui, icons::TRASH, &forget, 14.0).on_hover_text(&forget).clicked() {
                        self.send(Action::ForgetSlider(name.clone()));
                    }
                    let export = tr_with("Export the slider {name}", &[("name", &name)]);
                    if widgets::icon_button(ui, icons::EXPORT, &export, 14.0).on_hover_text(&export).clicked() {
                        self.send(Look::AskFor(Question::ExportSliderTo(index)));
                    }
                });
            });
        }
    }
}
