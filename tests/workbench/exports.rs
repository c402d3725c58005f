//! What is chosen for exports: size, depth, a layer of the change, names, motion; and how a document remembers it.

use image::{AnimationDecoder as _, DynamicImage, GenericImageView as _, RgbImage};
use stylebrush_app::export::animation::AnimationFormat;
use stylebrush_app::export::{ExportSize, Format, NameTemplate};
use stylebrush_app::settings::ExportSettings;
use stylebrush_app::workbench::{MotionSettings, MotionTarget, Question};

use super::*;

/// With a stroke over the mouth.
fn painted() -> Session {
    let mut session = Session::ready();
    session.paint((200.0, 370.0), (312.0, 370.0));
    session.settle();
    session
}

fn set(session: &mut Session, change: impl FnOnce(&mut ExportSettings)) {
    let mut settings = session.bench.export_settings().clone();
    change(&mut settings);
    session.run(Action::SetExport(settings));
}

fn export(session: &mut Session, path: &std::path::Path, in_photo: bool) -> DynamicImage {
    let path = path.to_owned();
    session.run(if in_photo { Action::ExportInPhotoTo(path.clone()) } else { Action::ExportTo(path.clone()) });
    session.wait_until_idle();
    assert_eq!(session.errors(), [] as [&str; 0]);
    image::open(path).unwrap()
}

#[test]
fn pictures_are_as_large_as_was_said() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = painted();
    let (photo, placement) = session.bench.source_in_photo().unwrap();
    let (model_px, crop_px) = (session.bench.model_px() as u32, photo.crop.width());
    let whole = placement.original.pixels.dimensions();
    let in_photo_px = (placement.quad.side_px().round() as u32).max(model_px);
    for (size, face_px) in [
        (ExportSize::Usual, crop_px.max(model_px)),
        (ExportSize::Model, model_px),
        (ExportSize::Px512, 512),
        (ExportSize::Px1024, 1024),
        (ExportSize::Photo, in_photo_px),
    ] {
        set(&mut session, |settings| settings.size = size);
        assert_eq!(session.bench.export_size_px(false, size), (face_px, face_px), "{size:?}");
        let face = export(&mut session, &folder.path().join("face.png"), false);
        assert_eq!(face.dimensions(), (face_px, face_px), "{size:?}");
        let said = session.bench.export_size_px(true, size);
        let photo = export(&mut session, &folder.path().join("photo.png"), true);
        assert_eq!(photo.dimensions(), said, "{size:?}");
        let longest = if size == ExportSize::Px512 { 512 } else { 1024.min(whole.0.max(whole.1)) };
        if matches!(size, ExportSize::Px512 | ExportSize::Px1024) {
            assert_eq!(said.0.max(said.1), longest);
        } else {
            assert_eq!(said, whole);
        }
    }
}

#[test]
fn a_layer_of_the_change_over_the_photo_is_the_edited_photo() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = painted();
    let (_, placement) = session.bench.source_in_photo().unwrap();
    for size in [ExportSize::Usual, ExportSize::Px512] {
        set(&mut session, |settings| settings.size = size);
        let edited = export(&mut session, &folder.path().join("photo.png"), true).into_rgb8();
        set(&mut session, |settings| settings.change_only = true);
        for extension in ["png", "tif", "webp"] {
            let path = folder.path().join("layer").with_extension(extension);
            let layer = export(&mut session, &path, true);
            assert!(layer.color().has_alpha());
            let layer = layer.into_rgba8();
            let opaque = layer.pixels().filter(|pixel| pixel.0[3] > 0).count();
            let share = opaque as f32 / (edited.width() * edited.height()) as f32;
            assert!((0.001..0.5).contains(&share), "{share} of the photo changed");
            // What another program does with a layer.
            let own_size = placement.original.pixels.dimensions();
            if edited.dimensions() == own_size {
                let mut over = DynamicImage::from(placement.original.pixels.clone());
                image::imageops::overlay(&mut over, &layer, 0, 0);
                assert!(over.into_rgb8() == edited, "{extension}: the layer gives another photo");
            } else {
                let shown = layer.pixels().zip(edited.pixels()).filter(|(layer, _)| layer.0[3] > 0);
                assert!(shown.into_iter().all(|(layer, edited)| layer.0[..3] == edited.0), "{extension}");
            }
        }
        set(&mut session, |settings| settings.change_only = false);
    }
    // Of the face by itself there is one too, and a JPEG cannot be one.
    set(&mut session, |settings| settings.change_only = true);
    let layer = export(&mut session, &folder.path().join("face.png"), false).into_rgba8();
    assert_eq!((layer.get_pixel(256, 370).0[3], layer.get_pixel(256, 60).0[3]), (255, 0));
    session.run(Action::ExportInPhotoTo(folder.path().join("layer.jpg")));
    session.wait_until_idle();
    assert!(session.was_told(NoticeKind::Error, "no transparency"), "{:?}", session.notices);
    assert!(!folder.path().join("layer.jpg").exists());
    session.notices.clear();
    // Where a JPEG is what is chosen, the wish waits for a kind of file that can do it.
    set(&mut session, |settings| settings.format = Format::Jpeg);
    let whole = export(&mut session, &folder.path().join("whole.jpg"), true);
    assert!(!whole.color().has_alpha() && session.bench.export_settings().change_only);
    set(&mut session, |settings| settings.format = Format::Png);
    assert!(export(&mut session, &folder.path().join("again.png"), true).color().has_alpha());
}

#[test]
fn sixteen_bits_are_a_choice() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep.png");
    let deep = DynamicImage::from(portrait("faker_f53.jpg")).into_rgb16();
    deep.save(&path).unwrap();
    let mut session = Session::new(WorkbenchOptions { are_aligned: false, ..options(vec![path], Duration::ZERO) });
    session.wait_until("the photo is open", |bench| bench.is_idle() && bench.frame().is_some());
    for (extension, eight_bits, depth) in [("png", false, 16), ("tif", false, 16), ("png", true, 8), ("tif", true, 8)] {
        set(&mut session, |settings| settings.eight_bits = eight_bits);
        let photo = export(&mut session, &folder.path().join("photo").with_extension(extension), true);
        assert_eq!(photo.color().bits_per_pixel(), 3 * depth, "{extension}, {eight_bits}");
    }
    set(&mut session, |settings| (settings.eight_bits, settings.change_only) = (false, true));
    let layer = export(&mut session, &folder.path().join("layer.png"), true);
    assert_eq!(layer.color(), image::ColorType::Rgba16);
}

#[test]
fn names_come_from_a_template_and_never_are_those_of_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("holiday.png");
    portrait("faker_f53.jpg").save(&path).unwrap();
    let mut session =
        Session::new(WorkbenchOptions { are_aligned: false, ..options(vec![path.clone()], Duration::ZERO) });
    session.wait_until("the photo is open", |bench| bench.is_idle() && bench.frame().is_some());
    let suggested = |session: &Session, question| {
        let path = session.bench.suggested_path(question);
        assert_eq!(path.parent(), Some(folder.path()));
        assert!(!path.exists(), "{}", path.display());
        path.file_name().unwrap().to_string_lossy().into_owned()
    };
    assert_eq!(suggested(&session, Question::ExportTo), "holiday edited.png");
    export(&mut session, &folder.path().join("holiday edited.png"), false);
    assert_eq!(suggested(&session, Question::ExportTo), "holiday edited 2.png");
    set(&mut session, |settings| {
        settings.name = NameTemplate::new("{photo}_{face}_{size}_{number}").unwrap();
        settings.format = Format::WebP;
    });
    let (width, height) = portrait("faker_f53.jpg").dimensions();
    let name = |number: usize| format!("holiday_1_{width}x{height}_{number}.webp");
    assert_eq!(suggested(&session, Question::ExportInPhotoTo), name(1));
    export(&mut session, &folder.path().join(name(1)), true);
    assert_eq!(suggested(&session, Question::ExportInPhotoTo), name(2));
    std::fs::write(folder.path().join("holiday in motion.gif"), "").unwrap();
    assert_eq!(suggested(&session, Question::MotionTo), "holiday in motion 2.gif");
}

#[test]
fn a_project_remembers_how_its_pictures_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path().join("work.stylebrush");
    let mut session = painted();
    set(&mut session, |settings| {
        settings.size = ExportSize::Px512;
        settings.format = Format::Tiff;
        settings.change_only = true;
        settings.name = NameTemplate::new("layer {photo}").unwrap();
    });
    let chosen = session.bench.export_settings().clone();
    let written = folder.path().join("layer.tif");
    export(&mut session, &written, true);
    session.run(Action::SaveProjectTo(project.clone()));
    session.wait_until("it is saved", |bench| !bench.has_unsaved_changes());
    let before = std::fs::read(&written).unwrap();

    // Another document has a layer neither from this one, nor its file.
    session.run(Action::NewProject);
    session.wait_until("it is new", |bench| bench.document().is_empty());
    assert!(!session.bench.export_settings().change_only);
    assert_eq!(session.bench.export_settings().size, ExportSize::Px512, "it begins as the last one was");
    assert!(session.bench.last_export().is_none() && session.bench.export_choice().is_none());
    set(&mut session, |settings| settings.format = Format::Png);

    session.run(Action::OpenProject(project.clone()));
    session.wait_until("it is open", |bench| !bench.document().is_empty() && bench.is_idle());
    assert_eq!(*session.bench.export_settings(), chosen);
    assert!(!session.bench.has_unsaved_changes());
    // The export is repeated by one key: the first time it is asked where to.
    assert!(session.bench.is_enabled(&Action::ExportAgain));
    session.effects.clear();
    session.run(Action::ExportAgain);
    assert_eq!(session.effects, [Effect::Ask(Question::ExportInPhotoTo)]);
    let again = session.bench.suggested_path(Question::ExportInPhotoTo);
    assert!(again.file_name().unwrap().to_string_lossy().starts_with("layer "), "{}", again.display());
    let again = folder.path().join(again.file_name().unwrap());
    export(&mut session, &again, true);
    assert!(std::fs::read(&again).unwrap() == before, "the same picture in the same way");
    session.effects.clear();
    session.paint((180.0, 230.0), (340.0, 230.0));
    session.run(Action::ExportAgain);
    session.wait_until_idle();
    assert!(session.effects.is_empty() && std::fs::read(&again).unwrap() != before);
}

#[test]
fn the_motion_is_written_in_the_photo_too() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = Session::ready();
    let settings = MotionSettings { count: 3, seconds: 0.3, in_photo: true, ..MotionSettings::default() };
    let settings = MotionSettings { format: AnimationFormat::WebP, ..settings };
    session.run(Action::SetMotion(settings));
    let size = session.bench.motion_size_px(&settings);
    assert_eq!(size.0.max(size.1), 512);
    let path = folder.path().join("photo.webp");
    session.run(Action::ExportMotionTo(MotionTarget::File(path.clone())));
    session.wait_until_idle();
    assert_eq!(session.errors(), [] as [&str; 0]);
    let file = std::io::BufReader::new(std::fs::File::open(&path).unwrap());
    let decoder = image::codecs::webp::WebPDecoder::new(file).unwrap();
    let frames: Vec<RgbImage> =
        decoder.into_frames().map(|frame| DynamicImage::from(frame.unwrap().into_buffer()).into_rgb8()).collect();
    assert_eq!(frames.len(), 4, "there and back");
    assert!(frames.iter().all(|frame| frame.dimensions() == size));
    let (first, last) = (&frames[0], &frames[2]);
    assert!(frames[1] == frames[3] && first != last);
    // The face moves and the photo's corner stays, which is the photo itself.
    let (_, placement) = session.bench.source_in_photo().unwrap();
    let photo = stylemap::photo::shrunk(&placement.original.pixels, size.0, size.1);
    assert_eq!(first.get_pixel(2, 2), last.get_pixel(2, 2));
    let off = first.get_pixel(2, 2).0.iter().zip(photo.get_pixel(2, 2).0).map(|(a, b)| a.abs_diff(b)).max();
    assert!(off <= Some(2), "{off:?}");

    // By itself a face has 512 px, or more where its photo does.
    for side_px in [512, 1024] {
        let settings = MotionSettings { in_photo: false, side_px, ..settings };
        session.run(Action::SetMotion(settings));
        let pictures = folder.path().join(format!("{side_px}"));
        session.run(Action::ExportMotionTo(MotionTarget::Folder(pictures.clone())));
        session.wait_until_idle();
        let wanted = session.bench.exported_face_px().min(side_px);
        assert_eq!(image::open(pictures.join("0001.png")).unwrap().dimensions(), (wanted, wanted));
    }
}
