//! The portraits that come with the program, so that a first look needs no photo.

use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;
use stylemap::face::{Detection, FaceFrame, Landmarks};

use crate::document::{NewPhoto, Placement};
use crate::original::Original;

/// A photo and the face in it, as the detector finds it: the program starts without looking.
struct Portrait {
    name: &'static str,
    encoded: &'static [u8],
    face: Detection,
}

impl Portrait {
    fn load(&self) -> anyhow::Result<NewPhoto> {
        let original = Original::decode(self.encoded.to_vec(), vec![self.face], Path::new(self.name))?;
        let face = Placement::of_face(Arc::new(original), self.face.landmarks)?;
        Ok(NewPhoto::of_face(self.name.to_owned(), None, face))
    }
}

/// The portraits, the first one as the source of a new document, the second as its reference. Decoding them and cutting the faces out
/// takes longer than a frame of the window.
///
/// # Errors
/// Only when the program itself is damaged.
pub fn photos() -> anyhow::Result<Vec<NewPhoto>> {
    PORTRAITS.par_iter().map(Portrait::load).collect()
}

const fn face(points: [[f32; 2]; 5], [left, top, width, height]: [f32; 4], confidence: f32) -> Detection {
    let [eye_left, eye_right, nose, mouth_left, mouth_right] = points;
    Detection {
        landmarks: Landmarks { eye_left, eye_right, nose: Some(nose), mouth_left, mouth_right },
        frame: FaceFrame { left, top, width, height },
        confidence,
    }
}

const PORTRAITS: [Portrait; 8] = [
    Portrait {
        name: "Portrait 1",
        encoded: include_bytes!("../../assets/demo/female_053.jpg"),
        face: face(
            [[421.49, 291.22], [569.05, 281.35], [499.30, 371.85], [439.05, 435.85], [571.91, 426.13]],
            [342.5, 107.4, 325.8, 425.5],
            0.943,
        ),
    },
    Portrait {
        name: "Portrait 2",
        encoded: include_bytes!("../../assets/demo/male_005.jpg"),
        face: face(
            [[398.15, 417.72], [592.89, 407.66], [498.87, 536.67], [419.35, 611.93], [584.63, 601.54]],
            [288.7, 193.6, 419.4, 588.7],
            0.934,
        ),
    },
    Portrait {
        name: "Portrait 3",
        encoded: include_bytes!("../../assets/demo/female_029.jpg"),
        face: face(
            [[386.31, 313.73], [511.80, 329.63], [459.16, 397.77], [379.87, 451.83], [483.81, 464.77]],
            [287.3, 157.7, 291.0, 395.1],
            0.936,
        ),
    },
    Portrait {
        name: "Portrait 4",
        encoded: include_bytes!("../../assets/demo/male_053.jpg"),
        face: face(
            [[422.85, 397.74], [606.82, 402.73], [490.75, 505.68], [423.32, 595.46], [593.23, 597.81]],
            [330.0, 194.4, 376.9, 533.9],
            0.941,
        ),
    },
    Portrait {
        name: "Portrait 5",
        encoded: include_bytes!("../../assets/demo/female_077.jpg"),
        face: face(
            [[449.67, 341.54], [575.25, 352.46], [504.82, 425.96], [453.45, 473.27], [558.66, 482.01]],
            [371.7, 201.9, 270.4, 368.6],
            0.928,
        ),
    },
    Portrait {
        name: "Portrait 6",
        encoded: include_bytes!("../../assets/demo/male_077.jpg"),
        face: face(
            [[574.55, 179.58], [666.81, 187.26], [616.58, 238.12], [573.96, 280.21], [654.62, 286.84]],
            [513.1, 60.4, 207.6, 305.9],
            0.936,
        ),
    },
    Portrait {
        name: "Portrait 7",
        encoded: include_bytes!("../../assets/demo/female_005.jpg"),
        face: face(
            [[444.17, 240.99], [534.98, 244.86], [482.16, 296.73], [446.58, 336.27], [525.49, 339.86]],
            [398.3, 139.5, 183.9, 263.0],
            0.942,
        ),
    },
    Portrait {
        name: "Portrait 8",
        encoded: include_bytes!("../../assets/demo/male_029.jpg"),
        face: face(
            [[433.53, 317.95], [580.18, 314.23], [506.50, 402.03], [443.46, 468.07], [575.64, 463.79]],
            [344.0, 176.9, 326.2, 422.6],
            0.945,
        ),
    },
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use stylemap::face::FaceDetector;

    use super::*;

    #[test]
    fn the_faces_are_where_the_detector_finds_them() {
        let detector = FaceDetector::new().unwrap();
        for Portrait { name, encoded, face } in &PORTRAITS {
            let photo = stylemap::photo::load_bytes(encoded, name).unwrap();
            // What else it takes for faces, the wheels of a car among them, is left out.
            let found = *detector.detect(&photo).unwrap().first().unwrap();
            let values = |face: &Detection| {
                let Landmarks { eye_left, eye_right, nose, mouth_left, mouth_right } = face.landmarks;
                let FaceFrame { left, top, width, height } = face.frame;
                let points = [eye_left, eye_right, nose.unwrap(), mouth_left, mouth_right].concat();
                [points, vec![left, top, width, height, face.confidence]].concat()
            };
            for (kept, found) in values(face).into_iter().zip(values(&found)) {
                assert!((kept - found).abs() < 0.1, "{name}: {kept} is not {found}");
            }
        }
    }

    #[test]
    fn every_portrait_lies_in_its_photo() {
        let photos = photos().unwrap();
        let names: Vec<&str> = photos.iter().map(|photo| photo.name.as_str()).collect();
        assert_eq!(names, std::array::from_fn::<String, 8, _>(|i| format!("Portrait {}", i + 1)));
        for photo in &photos {
            let placement = photo.placement.as_ref().unwrap();
            assert_eq!(placement.original.pixels.dimensions(), (1024, 1024));
            assert!(placement.original.main_face() == placement.landmarks && photo.crop.width() >= 512);
        }
    }
}
