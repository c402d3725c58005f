//! Thousands of actions in a random order, over every kind of them: whatever a user does, the work stays whole.

use std::collections::BTreeSet;

use stylebrush_app::document::history::MAX_BYTES;
use stylebrush_app::document::{CoarseLevels, Combine, Document, FaceRegion, LayerId, PhotoId, StyleMix, Takes};
use stylebrush_app::export::{ExportSize, Format, MetadataChoice, NameTemplate};
use stylebrush_app::settings::{ExportSettings, Language, OpenSections, RefinementSettings, Refining, Theme};
use stylebrush_app::tools::{BrushSettings, ToolKind};
use stylebrush_app::workbench::batch::BatchPlan;
use stylebrush_app::workbench::lesson::{ExampleGroup, LessonPlan};
use stylebrush_app::workbench::{MotionSettings, MotionTarget, Question};
use stylemap::directions::Directions;
use stylemap::engine::SampleRequest;

use super::*;

/// Kinds of actions, see [`kind`].
const KINDS: usize = 108;

/// A number for every kind of action. A new action does not compile until it has one here, and a place in [`random_action`].
fn kind(action: &Action) -> usize {
    match action {
        // What lies on the machine's clipboard is no matter of a test.
        Action::OpenPaths(_) | Action::Paste | Action::PasteAsSource => 0,
        Action::CancelOpening => 1,
        Action::NewProject => 2,
        Action::OpenProject(_) => 3,
        Action::SaveProject => 4,
        Action::SaveProjectTo(_) => 5,
        Action::SaveFirst(_) => 6,
        Action::DiscardChanges(_) => 7,
        Action::ForgetWhatFollowsSaving => 8,
        Action::Recover(_) => 9,
        Action::DiscardLeftover(_) => 10,
        Action::ForgetRecent => 11,
        Action::ExportTo(_) => 12,
        Action::ExportInPhotoTo(_) => 13,
        Action::ExportMotionTo(_) => 14,
        Action::CancelExport => 15,
        Action::CopyPicture => 16,
        Action::Quit | Action::StopBatchAndQuit => 17,
        Action::Answer { .. } => 106,
        Action::Undo => 18,
        Action::Redo => 19,
        Action::GoToStep(_) => 20,
        Action::UseFace(..) => 21,
        Action::KeepFace(_) => 22,
        Action::SkipUnclearFaces => 23,
        Action::SampleFaces(_) => 24,
        Action::AddRandomFace(_) => 25,
        Action::UseAsReference(_) => 26,
        Action::MakeSource(_) => 27,
        Action::SetLikeness(..) => 28,
        Action::ImproveLikeness(_) => 103,
        Action::StopImprovingLikeness(_) => 104,
        Action::SetRefinement(_) => 105,
        Action::RemovePhoto(_) => 29,
        Action::BlendWith(_) => 30,
        Action::SetBlendAmount(_) => 31,
        Action::BlendFour(_) | Action::BlendBelow(..) | Action::SetBlendPlace(_) => 101,
        Action::AddToBlendPath | Action::ClearBlendPath => 102,
        Action::SwapBlend => 32,
        Action::MixStyles(_) | Action::SetCoarseLevels(..) => 33,
        Action::ToggleMotion => 34,
        Action::SetMotion(_) => 35,
        Action::AdjustWholeFace => 36,
        Action::AdjustInsideMask => 37,
        Action::SetDirection(..) => 38,
        Action::ResetAdjustments => 39,
        Action::SetLesson(_)
        | Action::AddExampleFiles(..)
        | Action::AddExamplePhoto(..)
        | Action::AddExampleRandom(..)
        | Action::MoveExample(_)
        | Action::RemoveExample(_)
        | Action::ClearExamples(_)
        | Action::LearnSlider
        | Action::KeepSlider
        | Action::EndLesson
        | Action::ForgetSlider(_)
        | Action::ImportSlidersFrom(_)
        | Action::ExportSliderTo(..) => 107,
        Action::AddLayer(_) => 40,
        Action::SelectLayer(_) => 41,
        Action::ToggleLayer(_) => 42,
        Action::SetLayerName(..) => 43,
        Action::DuplicateLayer => 44,
        Action::DeleteLayer => 45,
        Action::RaiseLayer => 46,
        Action::LowerLayer => 47,
        Action::ReorderLayer(..) => 48,
        Action::SetLayerStrength(..) => 49,
        Action::SetLayerFeather(..) => 50,
        Action::ToggleMatchColours(_) | Action::SetLayerTakes(..) => 51,
        Action::SetMatchColours(..) => 52,
        Action::SetLayerOffset(..) => 53,
        Action::ResetOffset => 54,
        Action::NudgeRegion(..) => 55,
        Action::ClearMask => 56,
        Action::InvertMask => 57,
        Action::GrowMask => 58,
        Action::ShrinkMask => 59,
        Action::SoftenMask => 60,
        Action::PaintPreset(..) => 61,
        Action::CopyMaskTo(..) => 62,
        Action::ImportMaskFrom(_) => 63,
        Action::ExportMaskTo(_) => 64,
        Action::SelectTool(_) => 65,
        Action::SetBrush(_) => 66,
        Action::BrushLarger => 67,
        Action::BrushSmaller => 68,
        Action::BrushHarder => 69,
        Action::BrushSofter => 70,
        Action::SetFillTolerance(_) => 71,
        Action::ToggleOverlay | Action::ToggleInPhoto | Action::ToggleIsolation => 72,
        Action::ShowMaskAs(_) | Action::NextMaskView => 72,
        Action::UseTheme(_) => 73,
        Action::UseLanguage(_) => 74,
        Action::SetExport(_) | Action::SetEngine(_) | Action::SetAutosave(_) => 75,
        Action::SetKeys(_) => 76,
        Action::SetOpenSections(_) => 77,
        Action::SetSidePanelWidth(_) | Action::SetWindowSize(_) => 78,
        Action::ExportAgain => 79,
        Action::EditFaceAt(_) => 80,
        Action::EditFace(_) => 81,
        Action::EditNextFace => 82,
        Action::EditPreviousFace => 83,
        Action::SetRegionScale(_) => 84,
        Action::SetRegionAngle(_) => 85,
        Action::MirrorRegion => 86,
        Action::CopyEdit => 87,
        Action::PasteEdit => 88,
        Action::PasteEditTo(_) => 89,
        Action::SetBatch(_) => 90,
        Action::AddBatchPhotos(_) => 91,
        Action::SetBatchFolder(_) => 92,
        Action::StartBatch => 93,
        Action::CancelBatch => 94,
        Action::SaveBrushPreset(_) => 95,
        Action::UseBrushPreset(_) => 96,
        Action::DeleteBrushPreset(_) => 97,
        Action::SaveAdjustmentPreset(_) => 98,
        Action::UseAdjustmentPreset(_) => 99,
        Action::DeleteAdjustmentPreset(_) => 100,
    }
}

/// Files that actions read and write.
struct Files {
    photo: PathBuf,
    mask: PathBuf,
    sliders: PathBuf,
    project: PathBuf,
    folder: PathBuf,
}

fn share(dice: &mut Dice) -> f32 {
    dice.roll(101) as f32 / 100.0
}

fn of<T: Copy>(dice: &mut Dice, choices: &[T]) -> T {
    choices[dice.roll(choices.len())]
}

/// An action of this kind, about something in the document where there is anything, and about nothing where there is not.
fn random_action(kind: usize, dice: &mut Dice, document: &Document, files: &Files) -> Action {
    let photos: Vec<PhotoId> = document.photos().iter().map(|photo| photo.id).collect();
    let layers: Vec<LayerId> = document.layers().iter().map(|layer| layer.id).collect();
    let photo = photos.get(dice.roll(photos.len().max(1))).copied().unwrap_or(PhotoId(u64::MAX));
    let layer = layers.get(dice.roll(layers.len().max(1))).copied().unwrap_or(LayerId(u64::MAX));
    let sample = SampleRequest { seed: 1, index: dice.roll(3) as u64, truncation: 0.7 };
    let how = of(dice, &[Combine::Add, Combine::Replace]);
    match kind {
        0 => Action::OpenPaths(vec![files.photo.clone()]),
        1 => Action::CancelOpening,
        2 => Action::NewProject,
        3 => Action::OpenProject(files.project.clone()),
        4 => Action::SaveProject,
        5 => Action::SaveProjectTo(files.project.clone()),
        6 => Action::SaveFirst(Box::new(Action::OpenProject(files.project.clone()))),
        7 => Action::DiscardChanges(Box::new(Action::OpenProject(files.project.clone()))),
        8 => Action::ForgetWhatFollowsSaving,
        9 => Action::Recover(dice.roll(3)),
        10 => Action::DiscardLeftover(dice.roll(3)),
        11 => Action::ForgetRecent,
        12 => Action::ExportTo(files.folder.join("face.png")),
        13 => Action::ExportInPhotoTo(files.folder.join("photo.png")),
        14 => Action::ExportMotionTo(MotionTarget::File(files.folder.join("motion.gif"))),
        15 => Action::CancelExport,
        16 => Action::CopyPicture,
        17 => of(dice, &[0, 1]).pick([Action::Quit, Action::StopBatchAndQuit]),
        18 => Action::Undo,
        19 => Action::Redo,
        20 => Action::GoToStep(dice.roll(60)),
        21 => match document.photo(photo).and_then(|photo| photo.placement.as_ref()?.landmarks) {
            Some(landmarks) => {
                let moved = |[x, y]: [f32; 2]| [x + dice_px(kind), y];
                Action::UseFace(photo, stylemap::face::Landmarks { eye_left: moved(landmarks.eye_left), ..landmarks })
            }
            None => Action::KeepFace(photo),
        },
        22 => Action::KeepFace(photo),
        23 => Action::SkipUnclearFaces,
        24 => Action::SampleFaces(vec![sample]),
        25 => Action::AddRandomFace(sample),
        26 => Action::UseAsReference(photo),
        27 => Action::MakeSource(photo),
        28 => Action::SetLikeness(photo, share(dice)),
        29 => Action::RemovePhoto(photo),
        30 => Action::BlendWith(Some(photo).filter(|_| dice.roll(4) > 0)),
        31 => Action::SetBlendAmount(share(dice)),
        32 => Action::SwapBlend,
        33 => dice.roll(3).pick([
            Action::MixStyles(of(dice, &[None, Some(StyleMix::CoarseFromSource), Some(StyleMix::CoarseFromOther)])),
            Action::SetCoarseLevels(None, CoarseLevels::new(dice.roll(12) as u8)),
            Action::SetCoarseLevels(Some(layer), CoarseLevels::new(dice.roll(12) as u8)),
        ]),
        34 => Action::ToggleMotion,
        35 => Action::SetMotion(MotionSettings {
            count: 2 + dice.roll(3),
            seconds: 0.2,
            returns: dice.roll(2) > 0,
            in_photo: dice.roll(2) > 0,
            ..MotionSettings::default()
        }),
        36 => Action::AdjustWholeFace,
        37 => Action::AdjustInsideMask,
        38 => Action::SetDirection(of(dice, &["Smile", "Age", "Unheard of"]).to_owned(), 4.0 * share(dice) - 2.0),
        39 => Action::ResetAdjustments,
        40 => Action::AddLayer(photo),
        41 => Action::SelectLayer(layer),
        42 => Action::ToggleLayer(layer),
        43 => Action::SetLayerName(layer, of(dice, &["", "Mouth", "  Nose / left "]).to_owned()),
        44 => Action::DuplicateLayer,
        45 => Action::DeleteLayer,
        46 => Action::RaiseLayer,
        47 => Action::LowerLayer,
        48 => Action::ReorderLayer(layer, dice.roll(9) as isize - 4),
        49 => Action::SetLayerStrength(layer, share(dice)),
        50 => Action::SetLayerFeather(layer, 20.0 * share(dice)),
        51 => {
            dice.roll(2).pick([Action::ToggleMatchColours(layer), Action::SetLayerTakes(layer, of(dice, &Takes::ALL))])
        }
        52 => Action::SetMatchColours(layer, share(dice)),
        53 => Action::SetLayerOffset(layer, (dice.roll(1025) as i32 - 512, dice.roll(1025) as i32 - 512)),
        54 => Action::ResetOffset,
        55 => Action::NudgeRegion(dice.roll(21) as i32 - 10, dice.roll(21) as i32 - 10),
        56 => Action::ClearMask,
        57 => Action::InvertMask,
        58 => Action::GrowMask,
        59 => Action::ShrinkMask,
        60 => Action::SoftenMask,
        61 => Action::PaintPreset(of(dice, &FaceRegion::ALL), how),
        62 => Action::CopyMaskTo(layer, how),
        63 => Action::ImportMaskFrom(files.mask.clone()),
        64 => Action::ExportMaskTo(files.folder.join("mask out.png")),
        65 => Action::SelectTool(of(dice, &ToolKind::ALL)),
        66 => Action::SetBrush(BrushSettings {
            radius_px: 300.0 * share(dice),
            hardness: of(dice, &[0.0, 0.5, 1.0, f32::NAN]),
            strength: share(dice),
        }),
        67 => Action::BrushLarger,
        68 => Action::BrushSmaller,
        69 => Action::BrushHarder,
        70 => Action::BrushSofter,
        71 => Action::SetFillTolerance(share(dice)),
        72 => of(dice, &[0, 1, 2]).pick([Action::ToggleOverlay, Action::ToggleInPhoto, Action::ToggleIsolation]),
        73 => Action::UseTheme(of(dice, &[Theme::System, Theme::Dark, Theme::Light])),
        74 => Action::UseLanguage(of(dice, &[None, Some(Language::English), Some(Language::Korean)])),
        75 => Action::SetExport(ExportSettings {
            format: of(dice, &[Format::Png, Format::Jpeg, Format::WebP]),
            jpeg_quality: (dice.roll(2) > 0).then(|| 1 + dice.roll(100) as u8),
            metadata: [MetadataChoice::Keep, MetadataChoice::LocationOff, MetadataChoice::Strip][dice.roll(3)],
            says_edited: dice.roll(2) > 0,
            size: of(dice, &ExportSize::OF_FACE),
            eight_bits: dice.roll(2) > 0,
            change_only: dice.roll(4) == 0,
            name: NameTemplate::default(),
        }),
        76 => Action::SetKeys([("undo".to_owned(), vec!["Command+U".to_owned()])].into()),
        77 => Action::SetOpenSections(OpenSections { history: dice.roll(2) > 0, ..OpenSections::default() }),
        79 => Action::ExportAgain,
        80 => document
            .photo(photo)
            .and_then(|photo| photo.placement.as_ref()?.landmarks)
            .map_or(Action::EditFace(photo), Action::EditFaceAt),
        81 => Action::EditFace(photo),
        82 => Action::EditNextFace,
        83 => Action::EditPreviousFace,
        84 => Action::SetRegionScale(6.0 * share(dice)),
        85 => Action::SetRegionAngle(7.0 * share(dice) - 3.5),
        86 => Action::MirrorRegion,
        87 => Action::CopyEdit,
        88 => Action::PasteEdit,
        89 => Action::PasteEditTo(photo),
        90 => Action::SetBatch(BatchPlan {
            photos: vec![files.photo.clone()],
            folder: Some(files.folder.clone()),
            in_photo: dice.roll(2) > 0,
            all_faces: dice.roll(2) > 0,
        }),
        91 => Action::AddBatchPhotos(vec![files.photo.clone()]),
        92 => Action::SetBatchFolder(files.folder.clone()),
        93 => Action::StartBatch,
        94 => Action::CancelBatch,
        95 => Action::SaveBrushPreset(of(dice, &["soft", "hard", " "]).to_owned()),
        96 => Action::UseBrushPreset(of(dice, &["soft", "hard"]).to_owned()),
        97 => Action::DeleteBrushPreset(of(dice, &["soft", "none"]).to_owned()),
        98 => Action::SaveAdjustmentPreset("happy".to_owned()),
        99 => Action::UseAdjustmentPreset("happy".to_owned()),
        100 => Action::DeleteAdjustmentPreset(of(dice, &["happy", "none"]).to_owned()),
        101 => of(dice, &[0, 0, 1, 2, 3]).pick([
            Action::BlendFour(true),
            Action::BlendFour(false),
            Action::BlendBelow(dice.roll(3), photo),
            Action::SetBlendPlace([2.0 * share(dice) - 0.5, share(dice)]),
        ]),
        102 => of(dice, &[0, 0, 1]).pick([Action::AddToBlendPath, Action::ClearBlendPath]),
        103 => Action::ImproveLikeness(Some(photo).filter(|_| dice.roll(2) > 0)),
        104 => Action::StopImprovingLikeness(Some(photo).filter(|_| dice.roll(2) > 0)),
        105 => Action::SetRefinement(RefinementSettings {
            is_of_every_photo: dice.roll(8) == 0,
            refining: of(dice, &Refining::ALL),
        }),
        106 => {
            let (question, path) = match dice.roll(3) {
                0 => (Question::SaveProjectTo, files.project.clone()),
                1 => (Question::ImportMaskFrom, files.mask.clone()),
                _ => (Question::ExportMaskTo, files.folder.join("answered")),
            };
            Action::Answer { question, paths: vec![path], by_dialog: of(dice, &[false, true]) }
        }
        107 => {
            let group = of(dice, &ExampleGroup::ALL);
            let name = of(dice, &["Hat", "Smile", ""]).to_owned();
            let number = dice.roll(12) as u64;
            dice.roll(13).pick([
                Action::SetLesson(LessonPlan { name: name.clone(), unchanged: ["Age".to_owned()].into() }),
                Action::AddExampleFiles(group, vec![files.photo.clone()]),
                Action::AddExamplePhoto(group, photo),
                Action::AddExampleRandom(group, sample),
                Action::MoveExample(number),
                Action::RemoveExample(number),
                Action::ClearExamples(group),
                Action::LearnSlider,
                Action::KeepSlider,
                Action::EndLesson,
                Action::ForgetSlider(name),
                Action::ImportSlidersFrom(files.sliders.clone()),
                Action::ExportSliderTo(dice.roll(2), files.folder.join("slider.directions.safetensors")),
            ])
        }
        _ => of(dice, &[0, 1]).pick([Action::SetSidePanelWidth(300.0), Action::SetWindowSize([1200.0, 800.0])]),
    }
}

/// A step that moves an eye by a pixel or so.
fn dice_px(kind: usize) -> f32 {
    (kind % 3) as f32 + 0.5
}

/// One of several actions, by its place.
trait Pick {
    fn pick<const COUNT: usize>(self, actions: [Action; COUNT]) -> Action;
}

impl Pick for usize {
    fn pick<const COUNT: usize>(self, actions: [Action; COUNT]) -> Action {
        actions.into_iter().nth(self).unwrap()
    }
}

/// What holds whatever was done.
fn check(session: &Session, step: usize, action: &Action) {
    let (timeline, document) = (session.bench.timeline(), session.bench.document());
    let at = || format!("step {step}, after {action:?}");
    assert!(timeline.bytes() <= MAX_BYTES, "{}", at());
    assert_eq!(document.source().is_some(), !document.is_empty(), "{}", at());
    assert!(document.source().is_none_or(|source| document.photo(source).is_some()), "{}", at());
    assert!(document.layers().iter().all(|layer| document.photo(layer.photo).is_some()), "{}", at());
    assert!(document.blend().is_none_or(|blend| blend.at().iter().all(|at| (0.0..=1.0).contains(at))), "{}", at());
    let mut mixed = document.blend().into_iter().flat_map(|blend| blend.faces());
    assert!(mixed.all(|face| document.photo(face).is_some()), "{}", at());
    assert_eq!(document.active_layer().is_some(), !document.layers().is_empty(), "{}", at());
    for layer in document.layers() {
        assert!((0.0..=1.0).contains(&layer.strength) && (0.0..=1.0).contains(&layer.match_colours), "{}", at());
        assert!(layer.feather_px >= 0.0 && !layer.name.trim().is_empty(), "{}", at());
    }
    let mut sources: Vec<_> =
        document.other_edits().iter().map(|edit| edit.source()).chain([document.source()]).collect();
    sources.sort_unstable();
    sources.dedup();
    assert_eq!(sources.len(), document.other_edits().len() + 1, "{}", at());
    let mut of_edits = document.other_edits().iter().flat_map(|edit| edit.photos());
    assert!(of_edits.all(|photo| document.photo(photo).is_some()), "{}", at());
    let brush = session.bench.toolbox().brush;
    assert_eq!(brush, brush.clamped(), "{}", at());
    assert!(session.errors().is_empty(), "{}: {:?}", at(), session.errors());
}

#[test]
fn thousands_of_random_actions_leave_the_work_whole() {
    // Of the rare kinds too several come up.
    const STEPS: usize = 40 * KINDS;
    let folder = tempfile::tempdir().unwrap();
    let files = Files {
        photo: folder.path().join("photo.png"),
        mask: folder.path().join("mask.png"),
        sliders: folder.path().join("hat.directions.safetensors"),
        project: folder.path().join("work.stylebrush"),
        folder: folder.path().to_owned(),
    };
    save_photo(&files.photo, 90, 60);
    image::GrayImage::from_fn(64, 64, |x, y| image::Luma([((x + y) * 2) as u8])).save(&files.mask).unwrap();
    let mut hat = directions().get(0).unwrap().clone();
    hat.info.name = "Hat".to_owned();
    Directions::default().with(hat).save(&files.sliders).unwrap();
    let mut session = Session::new(WorkbenchOptions {
        load_engine: learning_model(),
        folders: Some(folders_in(&folder.path().join("settings"))),
        ..options(Vec::new(), Duration::ZERO)
    });
    session.wait_until("every face is read", |bench| bench.is_idle() && bench.frame().is_some());
    session.run(Action::SaveProjectTo(files.project.clone()));
    session.wait_until("it is saved", |bench| !bench.has_unsaved_changes());

    let mut dice = Dice(20_261_130);
    let mut seen = BTreeSet::new();
    for step in 0..STEPS {
        let document = session.bench.document().clone();
        let wanted = dice.roll(KINDS);
        // What begins another document, or takes the photos away, comes less often, so that something builds up.
        let is_rare = matches!(wanted, 2 | 3 | 6 | 7 | 12..=14 | 29 | 79 | 93) && dice.roll(6) > 0;
        if wanted.is_multiple_of(5) || is_rare {
            let button = of(&mut dice, &[Button::Primary, Button::Primary, Button::Secondary]);
            let (from, to) = (dice.place(), dice.place());
            session.drag(from, to, button);
            check(&session, step, &Action::SelectTool(session.bench.toolbox().selected));
        }
        if is_rare {
            continue;
        }
        let action = random_action(wanted, &mut dice, &document, &files);
        seen.insert(kind(&action));
        let is_enabled = session.bench.is_enabled(&action);
        let revision = session.bench.timeline().revision();
        session.bench.apply(action.clone());
        if !is_enabled {
            assert_eq!(
                session.bench.timeline().revision(),
                revision,
                "{action:?} has nothing to do, and does something"
            );
        }
        session.step();
        check(&session, step, &action);
        // The way back is exact, from time to time.
        if step % 97 == 0 && !session.bench.is_opening() && session.bench.jobs().is_idle() {
            let (now, done) = (session.bench.document().clone(), session.steps().len());
            session.bench.apply(Action::GoToStep(0));
            session.bench.apply(Action::GoToStep(done));
            assert!(session.bench.document().has_same_content(&now), "step {step}");
        }
    }
    assert_eq!(seen, (0..KINDS).collect(), "every kind of action came up");
    if session.bench.motion().is_playing() {
        session.run(Action::ToggleMotion);
    }
    session.wait_until_idle();
    assert!(session.errors().is_empty(), "{:?}", session.errors());
    session.bench.close();
}
