//! What actions do: when each has something to do, and what.

use super::action::region_step;
use super::effect::{Effect, NoticeKind, Question};
use super::{Action, MaskView, Workbench};
use crate::document::history::EditKey;
use crate::document::mask_ops::MASK_STEP_PX;
use crate::document::{
    Below, Blend, Combine, Document, FaceRegion, Layer, LayerId, MaskImage, PhotoId, Pose, Refusal, SCALE_RANGE,
};
use crate::language::tr;
use crate::photo_loading::Purpose;
use crate::presets::{self, Adjustment, Preset};
use crate::tools::BrushSettings;

/// A larger brush is larger by this factor.
const BRUSH_STEP: f32 = 1.15;
/// A crisper brush is crisper by this share.
const HARDNESS_STEP: f32 = 0.1;

impl Workbench {
    /// Whether an action has something to do now.
    pub fn is_enabled(&self, action: &Action) -> bool {
        let document = self.timeline.document();
        let active = document.active_layer();
        let has_paint = active.is_some_and(|layer| !layer.mask.is_empty());
        match action {
            Action::CopyPicture => self.engine.frame().is_some(),
            Action::Undo => self.timeline.undo_name().is_some(),
            Action::Redo => self.timeline.redo_name().is_some(),
            Action::ExportTo(_) => !document.is_empty(),
            Action::ExportAgain => !document.is_empty() && self.can_export_again(),
            Action::CopyEdit => document.recipe().is_some_and(|recipe| recipe.changes_picture()),
            Action::PasteEdit => self.copied_edit.is_some() && !document.is_empty(),
            Action::PasteEditTo(photo) => self.copied_edit.is_some() && document.photo(*photo).is_some(),
            Action::StartBatch => self.can_start_batch(),
            Action::CancelBatch => self.batch.is_running(),
            Action::SetBatch(_) | Action::AddBatchPhotos(_) | Action::SetBatchFolder(_) => !self.batch.is_running(),
            Action::SaveBrushPreset(name) => can_keep(&self.presets.brushes, name),
            Action::UseBrushPreset(name) => presets::find(&self.presets.brushes, name).is_some(),
            Action::DeleteBrushPreset(name) => presets::find(&self.presets.brushes, name).is_some(),
            Action::SaveAdjustmentPreset(name) => {
                can_keep(&self.presets.adjustments, name) && !document.directions(self.adjusted_layer()).is_empty()
            }
            Action::UseAdjustmentPreset(name) => {
                presets::find(&self.presets.adjustments, name).is_some() && !document.is_empty()
            }
            Action::DeleteAdjustmentPreset(name) => presets::find(&self.presets.adjustments, name).is_some(),
            Action::ToggleInPhoto | Action::ExportInPhotoTo(_) => self.source_in_photo().is_some(),
            Action::EditNextFace | Action::EditPreviousFace => {
                self.source_in_photo().is_some_and(|(_, placement)| placement.original.faces.len() > 1)
            }
            Action::CancelOpening => self.is_opening() || self.opening_share().is_some(),
            Action::DuplicateLayer | Action::DeleteLayer => active.is_some(),
            Action::InvertMask | Action::PaintPreset(..) | Action::ImportMaskFrom(_) => active.is_some(),
            Action::ClearMask | Action::GrowMask | Action::ShrinkMask | Action::SoftenMask => has_paint,
            Action::NudgeRegion(..) | Action::ExportMaskTo(_) => has_paint,
            Action::CopyMaskTo(target, _) => has_paint && active.is_some_and(|layer| layer.id != *target),
            Action::RaiseLayer => document.layers().last().map(|layer| layer.id) != active.map(|layer| layer.id),
            Action::LowerLayer => document.layers().first().map(|layer| layer.id) != active.map(|layer| layer.id),
            Action::ResetOffset => active.is_some_and(|layer| layer.offset_px != (0, 0) || !layer.pose.is_identity()),
            Action::SetRegionScale(_) | Action::SetRegionAngle(_) | Action::MirrorRegion => has_paint,
            Action::SwapBlend | Action::ToggleMotion | Action::ExportMotionTo(_) => document.blend().is_some(),
            Action::MixStyles(_) => document.blend().is_some_and(|blend| blend.below.is_none()),
            Action::BlendFour(_) | Action::SetBlendAmount(_) | Action::SetBlendPlace(_) => document.blend().is_some(),
            Action::BlendBelow(..) | Action::AddToBlendPath => {
                document.blend().is_some_and(|blend| blend.below.is_some())
            }
            Action::ClearBlendPath => !document.edit().blend_path().is_empty(),
            Action::AdjustInsideMask => active.is_some(),
            Action::ImproveLikeness(photo) => self.can_refine(*photo),
            Action::StopImprovingLikeness(photo) => self.is_refining_any_of(*photo),
            Action::ResetAdjustments => !document.directions(self.adjusted_layer()).is_empty(),
            Action::CancelExport => self.motion.progress().is_some(),
            Action::LearnSlider => self.lesson_lacks().is_none(),
            Action::KeepSlider => self.can_keep_slider(),
            Action::ForgetSlider(name) => self.lessons.known().any(|known| known.name == *name),
            Action::ExportSliderTo(index, _) => *index < self.lessons.known().len(),
            _ => true,
        }
    }

    /// Does what an action says, unless it has nothing to do. What the workbench cannot do by itself comes as
    /// [`Effect`]s.
    pub fn apply(&mut self, action: Action) {
        if !self.is_enabled(&action) {
            return;
        }
        if self.toolbox.busy().is_some() && action.ends_gesture() {
            self.toolbox.finish_gesture(&mut self.timeline);
        }
        match action {
            Action::Answer { question, paths, by_dialog } => self.answer(question, paths, by_dialog),
            Action::OpenPaths(paths) => self.open_paths(Purpose::Add, paths),
            Action::CancelOpening => self.cancel_opening(),
            Action::NewProject => self.once_saved(Action::NewProject),
            Action::OpenProject(path) => self.once_saved(Action::OpenProject(path)),
            Action::SaveProject => self.save_project(),
            Action::SaveProjectTo(path) => self.save_project_to(path),
            Action::SaveFirst(next) => self.save_first(*next),
            Action::DiscardChanges(next) => self.discard_changes(*next),
            Action::ForgetWhatFollowsSaving => self.forget_what_follows_saving(),
            Action::Recover(index) => self.recover(index),
            Action::DiscardLeftover(index) => self.discard_leftover(index),
            Action::ForgetRecent => self.forget_recent(),
            Action::ExportTo(path) => self.export_to(path, None),
            Action::ExportInPhotoTo(path) => {
                if let Some((photo, _)) = self.source_in_photo() {
                    self.export_to(path, Some(photo.id));
                }
            }
            Action::ExportAgain => self.export_again(),
            Action::ExportMotionTo(target) => self.record_motion(target),
            Action::CancelExport => self.motion.cancel_recording(),
            Action::CopyEdit => self.copy_edit(),
            Action::PasteEdit => self.paste_edit(None),
            Action::PasteEditTo(photo) => self.paste_edit(Some(photo)),
            Action::SetBatch(plan) => self.batch.plan = plan,
            Action::AddBatchPhotos(paths) => {
                self.add_batch_photos(paths);
                self.effects.push(Effect::ShowBatch);
            }
            Action::SetBatchFolder(folder) => {
                self.batch.plan.folder = Some(folder);
                self.effects.push(Effect::ShowBatch);
            }
            Action::StartBatch => self.start_batch(),
            Action::CancelBatch => self.cancel_batch(),
            Action::SaveBrushPreset(name) => {
                presets::keep(&mut self.presets.brushes, &name, self.toolbox.brush);
            }
            Action::UseBrushPreset(name) => {
                if let Some(brush) = presets::find(&self.presets.brushes, &name) {
                    self.toolbox.brush = brush.clamped();
                }
            }
            Action::DeleteBrushPreset(name) => self.presets.brushes.retain(|preset| preset.name != name),
            Action::SaveAdjustmentPreset(name) => {
                let directions = self.timeline.document().directions(self.adjusted_layer()).clone();
                presets::keep(&mut self.presets.adjustments, &name, Adjustment { directions });
            }
            Action::UseAdjustmentPreset(name) => self.use_adjustment(&name),
            Action::DeleteAdjustmentPreset(name) => self.presets.adjustments.retain(|preset| preset.name != name),
            Action::CopyPicture => self.copy_picture(),
            Action::Paste => self.paste_from_clipboard(Purpose::Add),
            Action::PasteAsSource => self.paste_from_clipboard(Purpose::Source),
            Action::Quit if self.batch.is_running() => self.effects.push(Effect::AskToStopBatch),
            Action::Quit => self.once_saved(Action::Quit),
            Action::StopBatchAndQuit => {
                self.cancel_batch();
                self.once_saved(Action::Quit);
            }
            Action::Undo => {
                self.timeline.undo();
            }
            Action::Redo => {
                self.timeline.redo();
            }
            Action::GoToStep(done) => self.timeline.go_to_step(done),
            Action::UseFace(photo, landmarks) => self.use_face(photo, landmarks),
            Action::EditFaceAt(landmarks) => self.edit_face_at(landmarks),
            Action::EditFace(photo) => self.edit_face(photo),
            Action::EditNextFace => self.edit_next_face(true),
            Action::EditPreviousFace => self.edit_next_face(false),
            Action::KeepFace(photo) => self.keep_face(photo),
            Action::SkipUnclearFaces => self.skip_unclear_faces(),
            Action::SampleFaces(requests) => self.engine.ask_for_samples(requests),
            Action::AddRandomFace(request) => self.add_random_face(request),
            Action::UseAsReference(photo) => self.use_as_reference(photo),
            // A face with an edit of its own comes with that.
            Action::MakeSource(photo) if self.timeline.document().is_edited(photo) => self.edit_face(photo),
            Action::MakeSource(photo) => self.edit("Change source", |document| document.set_source(photo)),
            Action::SetLikeness(photo, likeness) => {
                self.timeline.edit_continuously("Change likeness", EditKey::Likeness(photo), |document| {
                    document.set_likeness(photo, likeness);
                });
            }
            Action::ImproveLikeness(photo) => self.refine(photo),
            Action::StopImprovingLikeness(photo) => self.stop_refining(photo),
            Action::RemovePhoto(photo) => self.edit("Close photo", |document| {
                document.remove_photo(photo);
                Ok(())
            }),
            Action::BlendWith(photo) => self.edit("Change blend", |document| {
                let known = document.blend();
                let between = |with| known.map_or(Blend::between(with, 0.5), |known| Blend { with, ..known });
                document.set_blend(photo.map(between))
            }),
            Action::BlendBelow(corner, photo) => self.edit("Change blend", |document| {
                let Some(mut blend) = document.blend() else { return Ok(()) };
                if let Some(face) = blend.below.as_mut().and_then(|below| below.faces.get_mut(corner)) {
                    *face = photo;
                }
                document.set_blend(Some(blend))
            }),
            Action::SetBlendAmount(t) => {
                let y = self.timeline.document().blend().map_or(0.0, |blend| blend.at()[1]);
                self.set_blend_place([t, y]);
            }
            Action::BlendFour(has_four) => self.blend_four(has_four),
            Action::SetBlendPlace(at) => self.set_blend_place(at),
            Action::AddToBlendPath => self.add_to_blend_path(),
            Action::ClearBlendPath => {
                self.timeline.edit("Clear path", |document| document.set_blend_path(Vec::new()));
            }
            Action::SwapBlend => self.edit("Swap faces", |document| {
                let (Some(source), Some(blend)) = (document.source(), document.blend()) else { return Ok(()) };
                document.set_source(blend.with)?;
                let below = blend.below.map(|Below { faces: [left, right], y }| Below { faces: [right, left], y });
                document.set_blend(Some(Blend { with: source, t: 1.0 - blend.t, below }))
            }),
            Action::MixStyles(mix) => self.timeline.edit("Mix styles", |document| document.set_style_mix(mix)),
            Action::SetCoarseLevels(of_layer, levels) => {
                self.timeline.edit_continuously("Divide styles", EditKey::CoarseLevels(of_layer), |document| {
                    document.set_coarse_levels(of_layer, levels);
                });
            }
            Action::ToggleMotion => self.toggle_motion(),
            Action::SetMotion(settings) => self.motion.settings = settings.tidied(),
            Action::AdjustWholeFace => self.view.adjusts_layer = false,
            Action::AdjustInsideMask => self.view.adjusts_layer = true,
            Action::SetDirection(name, amount) => self.set_direction(name, amount),
            Action::ResetAdjustments => {
                let part = self.adjusted_layer();
                self.timeline
                    .edit("Reset adjustments", |document| document.update_directions(part, |amounts| amounts.clear()));
            }
            Action::SetLesson(plan) => self.set_lesson(plan),
            Action::AddExampleFiles(group, paths) => {
                self.add_example_files(group, paths);
                self.effects.push(Effect::ShowLesson);
            }
            Action::AddExamplePhoto(group, photo) => self.add_example_photo(group, photo),
            Action::AddExampleRandom(group, request) => self.add_example_random(group, request),
            Action::MoveExample(number) => self.move_example(number),
            Action::RemoveExample(number) => self.remove_example(number),
            Action::ClearExamples(group) => self.clear_examples(group),
            Action::LearnSlider => self.learn_slider(),
            Action::KeepSlider => self.keep_slider(),
            Action::EndLesson => self.end_lesson(),
            Action::ForgetSlider(name) => self.forget_slider(name),
            Action::ImportSlidersFrom(path) => {
                self.import_sliders(path);
                self.effects.push(Effect::ShowLesson);
            }
            Action::ExportSliderTo(index, path) => self.export_slider(index, path),
            Action::AddLayer(photo) => self.edit("Add layer", |document| document.add_layer(photo).map(|_| ())),
            Action::SelectLayer(layer) => self.timeline.select_layer(layer),
            Action::ToggleLayer(id) => {
                let visible = self.timeline.document().layer(id).is_some_and(|layer| layer.visible);
                let name = if visible { "Hide layer" } else { "Show layer" };
                self.timeline.edit(name, |document| document.update_layer(id, |layer| layer.visible = !visible));
            }
            Action::SetLayerName(id, name) => self.name_layer(id, &name),
            Action::DuplicateLayer => self.edit_active(|bench, id| {
                bench.edit("Duplicate layer", |document| document.duplicate_layer(id).map(|_| ()));
            }),
            Action::DeleteLayer => self.edit_active(|bench, id| {
                bench.timeline.edit("Delete layer", |document| document.remove_layer(id));
            }),
            Action::RaiseLayer => self.edit_active(|bench, id| bench.reorder(id, 1)),
            Action::LowerLayer => self.edit_active(|bench, id| bench.reorder(id, -1)),
            Action::ReorderLayer(layer, steps) => self.reorder(layer, steps),
            Action::SetLayerStrength(id, strength) => {
                self.timeline.edit_continuously("Change strength", EditKey::LayerStrength(id), |document| {
                    document.update_layer(id, |layer| layer.strength = strength);
                });
            }
            Action::SetLayerFeather(id, feather_px) => {
                self.timeline.edit_continuously("Change feather", EditKey::LayerFeather(id), |document| {
                    document.update_layer(id, |layer| layer.feather_px = feather_px);
                });
            }
            Action::ToggleMatchColours(id) => self.timeline.edit("Match colours", |document| {
                document.update_layer(id, |layer| {
                    layer.match_colours = if layer.match_colours > 0.0 { 0.0 } else { 1.0 };
                });
            }),
            Action::SetMatchColours(id, share) => {
                self.timeline.edit_continuously("Match colours", EditKey::LayerMatchColours(id), |document| {
                    document.update_layer(id, |layer| layer.match_colours = share);
                });
            }
            Action::SetLayerTakes(id, takes) => self.timeline.edit("Change what is painted", |document| {
                document.update_layer(id, |layer| layer.takes = takes);
            }),
            Action::SetLayerOffset(id, offset_px) => {
                self.timeline.edit_continuously("Move region", EditKey::LayerOffset(id), |document| {
                    document.update_layer(id, |layer| layer.offset_px = offset_px);
                });
            }
            Action::ResetOffset => self.edit_active(|bench, id| {
                bench.timeline.edit("Reset position", |document| {
                    document.update_layer(id, |layer| {
                        layer.offset_px = (0, 0);
                        layer.change_pose(&layer.pose.inverse(), false);
                    });
                });
            }),
            Action::SetRegionScale(scale) => self.pose_region(|layer| {
                let change = scale.clamp(*SCALE_RANGE.start(), *SCALE_RANGE.end()) / layer.pose.scale;
                Pose::about(layer.middle_of_region(), change, 0.0, false)
            }),
            Action::SetRegionAngle(radians) => self.pose_region(|layer| {
                Pose::about(layer.middle_of_region(), 1.0, radians - layer.pose.angle_radians, false)
            }),
            Action::MirrorRegion => self.edit_active(|bench, id| {
                bench.timeline.edit("Mirror region", |document| {
                    document.update_layer(id, |layer| {
                        layer.change_pose(&Pose::about(layer.middle_of_region(), 1.0, 0.0, true), false);
                    });
                });
            }),
            Action::NudgeRegion(dx, dy) => self.edit_active(|bench, id| {
                bench.timeline.edit_continuously("Move region", EditKey::LayerOffset(id), |document| {
                    document.update_layer(id, |layer| {
                        layer.offset_px.0 += dx;
                        layer.offset_px.1 += dy;
                    });
                });
            }),
            Action::ClearMask => self.edit_mask("Clear mask", |mask| *mask = MaskImage::default()),
            Action::InvertMask => self.edit_mask("Invert mask", MaskImage::invert),
            Action::GrowMask => self.edit_mask("Grow mask", |mask| mask.grow(MASK_STEP_PX)),
            Action::ShrinkMask => self.edit_mask("Shrink mask", |mask| mask.shrink(MASK_STEP_PX)),
            Action::SoftenMask => self.edit_mask("Soften mask", |mask| mask.soften(MASK_STEP_PX as f32)),
            Action::PaintPreset(region, how) => self.paint_preset(region, how),
            Action::CopyMaskTo(target, how) => self.edit_active(|bench, id| {
                let name = if how == Combine::Replace { "Copy mask" } else { "Add mask" };
                bench.timeline.edit(name, |document| document.copy_mask(id, target, how));
            }),
            Action::ImportMaskFrom(path) => self.import_mask(path),
            Action::ExportMaskTo(path) => self.export_mask(path),
            Action::SelectTool(tool) => self.toolbox.selected = tool,
            Action::SetBrush(brush) => self.toolbox.brush = brush.clamped(),
            Action::BrushLarger => self.change_brush(|brush| brush.radius_px *= BRUSH_STEP),
            Action::BrushSmaller => self.change_brush(|brush| brush.radius_px /= BRUSH_STEP),
            Action::BrushHarder => self.change_brush(|brush| brush.hardness += HARDNESS_STEP),
            Action::BrushSofter => self.change_brush(|brush| brush.hardness -= HARDNESS_STEP),
            Action::SetFillTolerance(tolerance) => self.toolbox.fill_tolerance = tolerance.clamp(0.0, 1.0),
            Action::ToggleOverlay => self.view.shows_overlay = !self.view.shows_overlay,
            Action::ShowMaskAs(view) => self.show_mask_as(view),
            Action::NextMaskView => {
                let next = MaskView::ALL.into_iter().skip_while(|view| *view != self.view.mask_view).nth(1);
                self.show_mask_as(next.unwrap_or_default());
            }
            Action::ToggleInPhoto => self.view.shows_in_photo = !self.view.shows_in_photo,
            Action::ToggleIsolation => self.view.isolates_layer = !self.view.isolates_layer,
            Action::UseTheme(theme) => self.settings.theme = theme,
            Action::UseLanguage(language) => self.settings.language = language,
            Action::SetExport(export) => self.set_export(export),
            Action::SetEngine(engine) => self.settings.engine = engine,
            Action::SetAutosave(autosave) => self.settings.autosave = autosave,
            Action::SetRefinement(refinement) => self.settings.refinement = refinement,
            Action::SetKeys(keys) => self.settings.keys = keys,
            Action::SetOpenSections(open_sections) => self.settings.open_sections = open_sections,
            Action::SetSidePanelWidth(width) => self.settings.sizes.side_panel = Some(width),
            Action::SetWindowSize(size) => self.settings.sizes.window = Some(size),
        }
    }

    fn show_mask_as(&mut self, view: MaskView) {
        self.view.mask_view = view;
        self.view.shows_overlay = true;
    }

    /// What is done once nothing is unsaved that the user wants to keep.
    pub(super) fn proceed(&mut self, action: Action) {
        match action {
            Action::NewProject => self.new_project(),
            Action::OpenProject(path) => self.open_project(path),
            Action::Quit => self.quit(),
            other => self.apply(other),
        }
    }

    /// An edit that the document may refuse, with a sentence.
    pub(super) fn edit(&mut self, name: &str, change: impl FnOnce(&mut Document) -> Result<(), Refusal>) {
        if let Err(refusal) = self.timeline.edit(name, change) {
            self.tell(NoticeKind::Info, refusal.to_string());
        }
    }

    fn edit_active(&mut self, change: impl FnOnce(&mut Self, LayerId)) {
        if let Some(id) = self.timeline.document().active_layer().map(|layer| layer.id) {
            change(self, id);
        }
    }

    /// Scales or turns the active layer's region, as long as a slider does.
    fn pose_region(&mut self, change: impl FnOnce(&Layer) -> Pose) {
        self.edit_active(|bench, id| {
            bench.timeline.edit_continuously("Transform region", EditKey::LayerPose(id), |document| {
                document.update_layer(id, |layer| layer.change_pose(&change(layer), false));
            });
        });
    }

    fn edit_mask(&mut self, name: &str, change: impl FnOnce(&mut MaskImage)) {
        self.edit_active(|bench, id| {
            bench.timeline.edit(name, |document| document.update_layer(id, |layer| change(&mut layer.mask)));
        });
    }

    fn name_layer(&mut self, id: LayerId, name: &str) {
        let name = name.trim();
        if !name.is_empty() {
            self.timeline.edit("Rename layer", |document| {
                document.update_layer(id, |layer| layer.name = name.to_owned());
            });
        }
    }

    fn paint_preset(&mut self, region: FaceRegion, how: Combine) {
        self.edit_active(|bench, id| {
            let Some(region_mask) = bench.timeline.document().face_region(id, region) else { return };
            bench.edit_mask(region_step(region, how), |mask| mask.combine(&region_mask, how));
        });
    }

    fn reorder(&mut self, layer: LayerId, steps: isize) {
        self.timeline.edit("Reorder layers", |document| document.reorder_layer(layer, steps));
    }

    fn use_as_reference(&mut self, photo: PhotoId) {
        let document = self.timeline.document();
        if let Some(layer) = document.layers().iter().rev().find(|layer| layer.photo == photo) {
            let id = layer.id;
            return self.timeline.select_layer(id);
        }
        if document.source() == Some(photo) && document.blend().is_none_or(|blend| blend.at() == [0.0; 2]) {
            return self.tell(
                NoticeKind::Info,
                "This photo is the source. Paint from another one, or make another one the source.",
            );
        }
        self.edit("Add layer", |document| document.add_layer(photo).map(|_| ()));
    }

    fn set_direction(&mut self, name: String, amount: f32) {
        let part = self.adjusted_layer();
        let step = if part.is_some() { "Adjust inside mask" } else { "Adjust whole face" };
        self.timeline.edit_continuously(step, EditKey::Direction(part), |document| {
            document.update_directions(part, |amounts| {
                amounts.insert(name, amount);
            });
        });
    }

    fn use_adjustment(&mut self, name: &str) {
        let part = self.adjusted_layer();
        if let Some(Adjustment { directions }) = presets::find(&self.presets.adjustments, name).cloned() {
            self.timeline.edit("Use preset", |document| {
                document.update_directions(part, |amounts| *amounts = directions);
            });
        }
    }

    /// Remembers what is done to the face in hand.
    fn copy_edit(&mut self) {
        self.copied_edit = self.timeline.document().recipe();
        self.tell(NoticeKind::Success, tr("The edit is copied: paste it on another face, or in another photo"));
    }

    /// Does what was copied to the face in hand, or to that of this photo.
    fn paste_edit(&mut self, photo: Option<PhotoId>) {
        let Some(recipe) = self.copied_edit.clone() else { return };
        self.edit("Paste edit", |document| {
            photo.map_or(Ok(()), |photo| document.edit_face(photo))?;
            document.apply_recipe(&recipe)
        });
    }

    fn change_brush(&mut self, change: impl FnOnce(&mut BrushSettings)) {
        change(&mut self.toolbox.brush);
        self.toolbox.brush = self.toolbox.brush.clamped();
    }

    /// Asks for a file or folder.
    pub(super) fn ask(&mut self, question: Question) {
        self.effects.push(Effect::Ask(question));
    }
}

fn can_keep<T>(presets: &[Preset<T>], name: &str) -> bool {
    let name = name.trim();
    !name.is_empty() && presets::has_room(presets, name)
}
