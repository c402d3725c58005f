//! Faces in photos: found, cut out as the reference does it, and put back.

use std::borrow::Cow;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use image::codecs::gif::GifEncoder;
use image::imageops::{self, FilterType};
use image::{DynamicImage, Frame, GenericImage, ImageFormat, Rgb, RgbImage, Rgba};
use stylemap::engine::{Base, FaceId, Layer, Scene};
use stylemap::face::paste::FEATHER_SHARE;
use stylemap::face::{Composition, CropQuad, Detection, Extent, FaceDetector, PasteTarget, align, crop_quad, paste};
use stylemap::{Error, Mask, photo};

#[path = "face/references.rs"]
mod references;

use references::{corner_error, crop_errors, largest};

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn fixture(name: &str) -> Result<RgbImage, Error> {
    photo::load(repository().join("tests/fixtures/faces").join(name))
}

fn demo(name: &str) -> Result<RgbImage, Error> {
    photo::load(repository().join("tests/fixtures/portraits").join(name))
}

const DEMOS: [&str; 8] = [
    "female_005.png",
    "female_029.png",
    "female_053.png",
    "female_077.png",
    "male_005.png",
    "male_029.png",
    "male_053.png",
    "male_077.png",
];

#[test]
fn crops_as_the_reference() -> Outcome {
    for face in crop_errors(&repository().join("tests/fixtures/faces"))? {
        let name = &face.name;
        assert!(face.recipe_px < 0.1, "{name}: the recipe's crop is {} px off", face.recipe_px);
        assert!(face.psnr_db > 35.0, "{name}: {} dB", face.psnr_db);
        assert!(face.found_share < 0.04, "{name}: {:.2}% of the side", face.found_share * 100.0);
    }
    Ok(())
}

/// A JPEG with an EXIF orientation.
fn jpeg_with_orientation(photo: &RgbImage, orientation: u8) -> Result<Vec<u8>, image::ImageError> {
    let mut jpeg = Vec::new();
    photo.write_to(&mut Cursor::new(&mut jpeg), ImageFormat::Jpeg)?;
    // One entry: tag 0x0112, a short, once.
    let exif =
        [b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".as_slice(), &[orientation, 0, 0, 0, 0, 0, 0]]
            .concat();
    let segment = [&[0xff, 0xe1, 0, exif.len() as u8 + 2], exif.as_slice()].concat();
    jpeg.splice(2..2, segment);
    Ok(jpeg)
}

#[test]
fn orientation_from_the_camera() -> Outcome {
    let detector = FaceDetector::new()?;
    let upright = fixture("faker_m29.jpg")?;
    let expected = crop_quad(&largest(&detector, &upright)?.landmarks)?;
    let turned = [
        (3, imageops::rotate180(&upright)),
        (6, imageops::rotate270(&upright)),
        (8, imageops::rotate90(&upright)),
        (2, imageops::flip_horizontal(&upright)),
    ];
    for (orientation, stored) in turned {
        let opened = photo::load_bytes(&jpeg_with_orientation(&stored, orientation)?, "turned.jpg")?;
        let quad = crop_quad(&largest(&detector, &opened)?.landmarks)?;
        let error = corner_error(&quad, expected.corners_in_photo());
        assert!(error < 0.02, "orientation {orientation}: {error}");
    }
    Ok(())
}

#[test]
fn a_mirrored_photo_gives_the_mirrored_crop() -> Outcome {
    let detector = FaceDetector::new()?;
    let upright = fixture("faker_f17.jpg")?;
    let [a, b, c, d] = crop_quad(&largest(&detector, &upright)?.landmarks)?.corners_in_photo();
    let face = largest(&detector, &imageops::flip_horizontal(&upright))?;
    assert!(face.landmarks.eye_left[0] < face.landmarks.eye_right[0], "left stays the picture's left");
    let mirrored = [d, c, b, a].map(|[x, y]| [upright.width() as f32 - 1.0 - x, y]);
    let error = corner_error(&crop_quad(&face.landmarks)?, mirrored);
    assert!(error < 0.02, "{error}");
    Ok(())
}

/// Aligned faces on a plain ground, each `side` pixels wide at its place.
fn collage(width: u32, height: u32, faces: &[(&str, u32, u32, u32)]) -> Result<RgbImage, Box<dyn std::error::Error>> {
    let mut picture = RgbImage::from_pixel(width, height, Rgb([120, 128, 136]));
    for &(name, x, y, side) in faces {
        let face = imageops::resize(&demo(name)?, side, side, FilterType::CatmullRom);
        picture.copy_from(&face, x, y)?;
    }
    Ok(picture)
}

/// The corners of an axis-parallel square that covers `side` pixels from (x, y) on.
fn square(x: u32, y: u32, side: u32) -> [[f32; 2]; 4] {
    let (left, top) = (x as f32 - 0.5, y as f32 - 0.5);
    let (right, bottom) = (left + side as f32, top + side as f32);
    [[left, top], [left, bottom], [right, bottom], [right, top]]
}

#[test]
fn small_faces_and_faces_that_fill_the_photo() -> Outcome {
    let detector = FaceDetector::new()?;
    // The face itself is about half as wide as its crop.
    let cases = [
        ("small", 640, 480, 80),
        ("small in a large photo", 3000, 2000, 80),
        ("small in 24 megapixels", 6000, 4000, 80),
        ("all of it", 256, 256, 256),
        ("large", 3000, 3000, 3000),
    ];
    for (name, width, height, side) in cases {
        let (x, y) = ((width - side) / 3, (height - side) / 2);
        let photo = collage(width, height, &[("female_053.png", x, y, side)])?;
        let quad = crop_quad(&largest(&detector, &photo).map_err(|err| format!("{name}: {err}"))?.landmarks)?;
        let error = corner_error(&quad, square(x, y, side));
        // A twentieth: the small one has 80 pixels in all.
        assert!(error < 0.05, "{name}: {error}");
    }
    Ok(())
}

#[test]
fn ten_faces() -> Outcome {
    let names = DEMOS.iter().chain(&DEMOS[..2]);
    let places: Vec<_> =
        names.zip(0..).map(|(&name, i)| (name, 30 + 310 * (i % 5), 20 + 300 * (i / 5), 180 + 10 * i)).collect();
    let found = FaceDetector::new()?.detect(&collage(1600, 640, &places)?)?;
    assert_eq!(found.len(), places.len());
    for (name, x, y, side) in places {
        let quads = found.iter().filter_map(|face| crop_quad(&face.landmarks).ok());
        let error = quads.map(|quad| corner_error(&quad, square(x, y, side))).fold(f32::INFINITY, f32::min);
        assert!(error < 0.06, "{name}: {error}");
    }
    // The largest first.
    let area = |face: &Detection| face.frame.width * face.frame.height * face.confidence;
    assert!(found.is_sorted_by(|a, b| area(a) >= area(b)));
    Ok(())
}

#[test]
fn no_face() -> Outcome {
    let detector = FaceDetector::new()?;
    let mut state = 1u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    let pictures = [
        ("flat", RgbImage::from_pixel(500, 300, Rgb([200, 160, 140]))),
        ("noise", RgbImage::from_fn(600, 400, |_, _| Rgb([noise(), noise(), noise()]))),
        ("squares", RgbImage::from_fn(640, 640, |x, y| Rgb([if (x / 40 + y / 40) % 2 == 0 { 255 } else { 0 }; 3]))),
        ("one pixel", RgbImage::new(1, 1)),
        ("a line", RgbImage::new(5000, 1)),
    ];
    for (name, picture) in pictures {
        assert_eq!(detector.detect(&picture)?.len(), 0, "{name}");
    }
    assert!(detector.detect(&RgbImage::new(0, 0)).is_err());
    Ok(())
}

/// An animated WebP: a container around pictures of its own lossless kind.
fn animated_webp(frames: &[RgbImage]) -> Result<Vec<u8>, image::ImageError> {
    let chunk = |name: &[u8], body: &[u8]| {
        let padding = vec![0; body.len() % 2];
        [name, &(body.len() as u32).to_le_bytes(), body, &padding].concat()
    };
    let less_one = |len: u32| (len - 1).to_le_bytes()[..3].to_vec();
    let size = |frame: &RgbImage| [less_one(frame.width()), less_one(frame.height())].concat();
    let mut body = b"WEBP".to_vec();
    for (i, frame) in frames.iter().enumerate() {
        if i == 0 {
            body.extend(chunk(b"VP8X", &[vec![2, 0, 0, 0], size(frame)].concat()));
            body.extend(chunk(b"ANIM", &[0; 6]));
        }
        let mut webp = Vec::new();
        frame.write_to(&mut Cursor::new(&mut webp), ImageFormat::WebP)?;
        // Position, size, duration, flags; then the picture without RIFF's head.
        body.extend(chunk(b"ANMF", &[vec![0; 6], size(frame), vec![100, 0, 0, 0], webp[12..].to_vec()].concat()));
    }
    Ok(chunk(b"RIFF", &body))
}

#[test]
fn every_kind_of_file() -> Outcome {
    let detector = FaceDetector::new()?;
    let face = demo("male_005.png")?;
    let expected = crop_quad(&largest(&detector, &face)?.landmarks)?.corners_in_photo();
    let encoded = |picture: &DynamicImage, format| -> Result<Vec<u8>, image::ImageError> {
        let mut bytes = Vec::new();
        picture.write_to(&mut Cursor::new(&mut bytes), format)?;
        Ok(bytes)
    };
    let rgb = DynamicImage::ImageRgb8(face.clone());
    let mut see_through = rgb.to_rgba8();
    see_through.enumerate_pixels_mut().filter(|(x, ..)| *x < 16).for_each(|(_, _, pixel)| pixel.0[3] = 0);
    let other = imageops::rotate180(&face);
    let mut gif = Vec::new();
    {
        let mut encoder = GifEncoder::new(&mut gif);
        for frame in [&face, &other] {
            encoder.encode_frame(Frame::new(DynamicImage::ImageRgb8(frame.clone()).to_rgba8()))?;
        }
    }
    let files = [
        ("gray.png", encoded(&DynamicImage::ImageLuma8(rgb.to_luma8()), ImageFormat::Png)?),
        ("gray_alpha.png", encoded(&DynamicImage::ImageLumaA8(rgb.to_luma_alpha8()), ImageFormat::Png)?),
        ("alpha.png", encoded(&DynamicImage::ImageRgba8(see_through), ImageFormat::Png)?),
        ("16bit.png", encoded(&DynamicImage::ImageRgb16(rgb.to_rgb16()), ImageFormat::Png)?),
        ("gray.jpg", encoded(&DynamicImage::ImageLuma8(rgb.to_luma8()), ImageFormat::Jpeg)?),
        ("cmyk.jpg", std::fs::read(repository().join("tests/fixtures/faces/cmyk.jpg"))?),
        ("still.webp", encoded(&rgb, ImageFormat::WebP)?),
        ("animated.webp", animated_webp(&[face.clone(), other])?),
        ("animated.gif", gif),
        ("photo.bmp", encoded(&rgb, ImageFormat::Bmp)?),
        ("photo.tiff", encoded(&rgb, ImageFormat::Tiff)?),
    ];
    for (name, bytes) in files {
        let photo = photo::load_bytes(&bytes, name)?;
        assert_eq!(photo.dimensions(), face.dimensions(), "{name}");
        let found = largest(&detector, &photo).map_err(|err| format!("{name}: {err}"))?;
        let error = corner_error(&crop_quad(&found.landmarks)?, expected);
        assert!(error < 0.05, "{name}: {error}");
        // Cut anywhere: a sentence or a part of the picture, never a panic.
        for end in (0..bytes.len()).step_by(bytes.len() / 7) {
            if let Err(err) = photo::load_bytes(&bytes[..end], name) {
                let sentence = err.to_string();
                assert!(sentence.starts_with(name) && !sentence.contains('\n'), "{sentence}");
            } else {
                assert!(end > bytes.len() / 8 || end == 0, "{name}: {end} bytes are a picture");
            }
        }
        assert!(photo::load_bytes(&bytes[..bytes.len().min(20)], name).is_err(), "{name}");
    }
    Ok(())
}

/// A frame of the model and an edit of it: a soft spot, elsewhere the same.
fn spot(crop: &RgbImage, center: [f32; 2], radius: f32) -> RgbImage {
    let mut edited = crop.clone();
    for (x, y, pixel) in edited.enumerate_pixels_mut() {
        let distance = (x as f32 - center[0]).hypot(y as f32 - center[1]);
        let amount = (1.0 - distance / radius).max(0.0) * 120.0;
        pixel.0 = [pixel.0[0].saturating_add(amount as u8), pixel.0[1], pixel.0[2].saturating_sub(amount as u8)];
    }
    edited
}

const SOURCE: FaceId = FaceId(0);
const REFERENCE: FaceId = FaceId(1);

/// A source with a layer painted there, whose face is the source's own but for the engine.
fn painted(mask: Mask) -> Scene {
    Scene::face(SOURCE).with(Layer::new(REFERENCE, mask))
}

/// Of a scene whose reference brings no fine structure.
fn composition(scene: &Scene) -> Composition {
    Composition::new(scene, SOURCE, None, |_| None)
}

/// Another face than the source's below: everything of the head changes.
fn of_another_base() -> Composition {
    composition(&Scene { base: Base::Face(REFERENCE), ..Scene::face(SOURCE) })
}

#[test]
fn no_edit_leaves_the_photo() -> Outcome {
    let detector = FaceDetector::new()?;
    // 12 megapixels.
    let photo = imageops::resize(&fixture("faker_m29.jpg")?, 4000, 3000, FilterType::Triangle);
    let quad = crop_quad(&largest(&detector, &photo)?.landmarks)?;
    let crop = align(&photo, &quad, 256)?;
    for scene in [Scene::face(SOURCE), painted(Mask::constant(256, 0.0))] {
        let edited = spot(&crop, [128.0, 128.0], 90.0);
        assert!(paste(&photo, &quad, &edited, &composition(&scene), Extent::Changes)? == photo);
    }
    Ok(())
}

#[test]
fn an_edit_stays_where_it_was_painted() -> Outcome {
    let photo = fixture("faker_f53.jpg")?;
    let quad = crop_quad(&largest(&FaceDetector::new()?, &photo)?.landmarks)?;
    let crop = align(&photo, &quad, 256)?;
    // The edit is larger than what was painted.
    let edited = spot(&crop, [100.0, 140.0], 120.0);
    let is_painted = |x: f32, y: f32| (x - 100.0).hypot(y - 140.0) < 30.0;
    let mask = (0..256 * 256).map(|i| f32::from(is_painted((i % 256) as f32, (i / 256) as f32))).collect();
    let feather_px = FEATHER_SHARE * 256.0;
    let crop_from_photo = quad.crop_from_photo(256);
    let scene = painted(Mask::new(256, mask)?);
    let with_detail = Composition::new(&scene, SOURCE, None, |_| Some(Arc::new(photo.clone())));
    for composition in [composition(&scene), with_detail] {
        let result = paste(&photo, &quad, &edited, &composition, Extent::Changes)?;
        let mut changed = 0;
        for ((x, y, before), after) in photo.enumerate_pixels().zip(result.pixels()) {
            let [crop_x, crop_y] = crop_from_photo.apply([x as f32, y as f32]);
            let distance = (crop_x - 100.0).hypot(crop_y - 140.0);
            if distance > 30.0 + feather_px {
                assert_eq!(before, after, "at ({x}, {y}), {distance} from the middle");
            }
            if distance < 10.0 {
                let added = f32::from(after.0[0]) - f32::from(before.0[0]);
                changed += 1;
                assert!(after.0[0] == 255 || added > 40.0, "{added} at ({x}, {y})");
            }
        }
        assert!(changed > 100);
    }
    // Where the face below is another one the whole edit comes, but nothing beyond the crop.
    let result = paste(&photo, &quad, &edited, &of_another_base(), Extent::Changes)?;
    assert!(result != photo);
    for ((x, y, before), after) in photo.enumerate_pixels().zip(result.pixels()) {
        let inside = crop_from_photo.apply([x as f32, y as f32]).iter().all(|at| (-0.5..=255.5).contains(at));
        assert!(inside || before == after, "at ({x}, {y})");
    }
    Ok(())
}

#[test]
fn crops_of_any_size_go_back() -> Outcome {
    // From a crop much smaller than the model's picture to one much larger, and one that leaves the photo.
    for (side, x, y) in [(24, 10.0, 10.0), (100, 60.0, 40.0), (1500, 200.0, 100.0), (700, -200.0, -300.0)] {
        let photo = RgbImage::from_fn(1800, 1700, |x, y| Rgb([(x / 8) as u8, (y / 8) as u8, ((x + y) / 16) as u8]));
        let (right, bottom) = (x + side as f32, y + side as f32);
        let quad = CropQuad::from_corners([[x, y], [x, bottom], [right, bottom], [right, y]])?;
        let crop = align(&photo, &quad, 128)?;
        let edited = spot(&crop, [80.0, 80.0], 30.0);
        let result = paste(&photo, &quad, &edited, &of_another_base(), Extent::Changes)?;
        let [at_x, at_y] = quad.photo_from_crop(128).apply([80.0, 80.0]).map(|at| at.round() as u32);
        let (before, after) = (photo.get_pixel(at_x, at_y).0[0], result.get_pixel(at_x, at_y).0[0]);
        assert!(after.saturating_sub(before) > 60, "side {side}: {before} became {after}");
        assert_eq!(photo.get_pixel(1799, 1699), result.get_pixel(1799, 1699));
    }
    Ok(())
}

/// The face by itself: sharp where the edit is the face, and the reference's fine structure where that is painted, moved with it.
#[test]
fn fine_structure_goes_where_its_face_goes() -> Outcome {
    // The same at every column, so that a face that is moved across still agrees with the picture.
    let smooth = |_: u32, y: u32| 120.0 + 50.0 * (y as f32 / 60.0).sin();
    let with = |fine: &dyn Fn(u32, u32) -> f32| {
        Arc::new(RgbImage::from_fn(512, 512, |x, y| Rgb([(smooth(x, y) + fine(x, y)).round() as u8; 3])))
    };
    let rows = |_: u32, y: u32| if (y / 2).is_multiple_of(2) { 14.0 } else { -14.0 };
    let columns = |x: u32, _: u32| if (x / 2).is_multiple_of(2) { 14.0 } else { -14.0 };
    let (source, reference) = (with(&rows), with(&columns));
    let edited = photo::resized(&with(&|_, _| 0.0), 128);
    let mask = Mask::new(512, (0..512 * 512).map(|i| f32::from(i % 512 >= 256)).collect())?;
    let mut target = PasteTarget::of_crop(Cow::Borrowed(&*source))?;
    let mut share = |scene: &Scene, x: u32, fine: &dyn Fn(u32, u32) -> f32| -> Result<f32, Error> {
        let crop_of = |face| (face == REFERENCE).then(|| Arc::clone(&reference));
        let composition = Composition::new(scene, SOURCE, Some(&source), crop_of);
        let result = target.paste(&edited, &composition, Extent::Whole)?;
        let (mut product, mut square) = (0.0, 0.0);
        for y in 200..300 {
            for x in x..x + 40 {
                let found = f32::from(result.get_pixel(x, y).0[0]) - smooth(x, y);
                product += found * fine(x, y);
                square += fine(x, y) * fine(x, y);
            }
        }
        Ok(product / square)
    };
    let unpainted = Scene::face(SOURCE);
    assert!(share(&unpainted, 100, &rows)? > 0.9 && share(&unpainted, 400, &rows)? > 0.9);
    let half = painted(mask);
    assert!(share(&half, 100, &rows)? > 0.9 && share(&half, 100, &columns)?.abs() < 0.05);
    assert!(share(&half, 400, &columns)? > 0.85 && share(&half, 400, &rows)?.abs() < 0.05);
    // Moved by one stripe: what was bright is dark. (The model moves whole pixels of its own, four of these.)
    let mut moved = half;
    moved.layers[0].offset_px = (-4, 0);
    assert!(share(&moved, 400, &columns)? > 0.85);
    moved.layers[0].offset_px = (-200, 0);
    assert!(share(&moved, 150, &columns)? > 0.85 && share(&moved, 150, &rows)?.abs() < 0.05);
    Ok(())
}

#[test]
fn wrong_inputs_are_sentences() -> Outcome {
    let photo = RgbImage::new(300, 300);
    let quad = CropQuad::from_corners(square(10, 10, 200))?;
    let (large, wide) = (RgbImage::new(128, 128), RgbImage::new(128, 64));
    let everything = of_another_base();
    assert!(paste(&photo, &quad, &wide, &everything, Extent::Changes).is_err());
    assert!(paste(&photo, &quad, &RgbImage::new(0, 0), &everything, Extent::Changes).is_err());
    assert!(align(&photo, &quad, 0).is_err() && align(&photo, &quad, 100_000).is_err());
    assert!(align(&RgbImage::new(0, 5), &quad, 64).is_err());
    // A crop far outside shows the mirrored photo; pasting it changes nothing.
    let outside = CropQuad::from_corners(square(5000, 10, 200))?;
    align(&photo, &outside, 64)?;
    let edited = RgbImage::from_pixel(large.width(), large.height(), Rgb([9; 3]));
    assert!(paste(&photo, &outside, &edited, &everything, Extent::Changes)? == photo);
    Ok(())
}

#[test]
fn twenty_four_megapixels() -> Outcome {
    let detector = FaceDetector::new()?;
    let photo = imageops::resize(&fixture("faker_f17.jpg")?, 4900, 4900, FilterType::Triangle);
    let clock = std::time::Instant::now();
    let face = largest(&detector, &photo)?;
    let detect_ms = clock.elapsed().as_secs_f64() * 1e3;
    let quad = crop_quad(&face.landmarks)?;
    let clock = std::time::Instant::now();
    let crop = align(&photo, &quad, 256)?;
    let align_ms = clock.elapsed().as_secs_f64() * 1e3;
    let edited = spot(&crop, [128.0, 128.0], 120.0);
    let clock = std::time::Instant::now();
    let result = paste(&photo, &quad, &edited, &of_another_base(), Extent::Changes)?;
    let paste_ms = clock.elapsed().as_secs_f64() * 1e3;
    println!("24 megapixels: detect {detect_ms:.0} ms, align {align_ms:.0} ms, paste {paste_ms:.0} ms");
    assert!(result != photo);
    Ok(())
}

#[test]
fn transparent_parts_lie_over_white() -> Outcome {
    let mut picture = image::RgbaImage::from_pixel(8, 8, Rgba([10, 20, 30, 255]));
    picture.put_pixel(3, 3, Rgba([10, 20, 30, 0]));
    let mut bytes = Vec::new();
    picture.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png)?;
    let opened = photo::load_bytes(&bytes, "alpha.png")?;
    assert_eq!((opened.get_pixel(3, 3), opened.get_pixel(4, 3)), (&Rgb([255; 3]), &Rgb([10, 20, 30])));
    Ok(())
}
