//! Placing a face by hand: two eyes and the mouth, in a photo in which none was found or the wrong place was.

use stylemap::face::{Landmarks, crop_quad};

use crate::document::Point;

/// A point of the face that the user places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FacePoint {
    /// The eye on the left of the picture.
    EyeLeft,
    /// The eye on the right of the picture.
    EyeRight,
    /// The middle of the mouth.
    Mouth,
}

impl FacePoint {
    /// In the order in which they are placed.
    pub const ALL: [Self; 3] = [Self::EyeLeft, Self::EyeRight, Self::Mouth];

    /// What the user reads.
    pub fn text(self) -> &'static str {
        match self {
            Self::EyeLeft => "Eye on the left",
            Self::EyeRight => "Eye on the right",
            Self::Mouth => "Mouth",
        }
    }
}

/// The points placed so far. Positions are counted from the photo's corner, in its pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FacePlacing {
    points: [Option<Point>; 3],
}

impl FacePlacing {
    /// Begins with a face that is known, to correct it.
    pub fn of_face(landmarks: &Landmarks) -> Self {
        let points = [landmarks.eye_left, landmarks.eye_right, landmarks.mouth()];
        Self { points: points.map(|at| Some(Point::from_pixel_middles(at))) }
    }

    /// Where a point lies, once it is placed.
    pub fn position(&self, point: FacePoint) -> Option<Point> {
        self.points.get(point as usize).copied().flatten()
    }

    /// The point that is to be placed next; none when all are.
    pub fn next(&self) -> Option<FacePoint> {
        FacePoint::ALL.into_iter().find(|point| self.position(*point).is_none())
    }

    /// Places or moves a point; what is not a position changes nothing.
    pub fn place(&mut self, point: FacePoint, pos_in_photo: Point) {
        if let Some(place) = self.points.get_mut(point as usize).filter(|_| pos_in_photo.is_finite()) {
            *place = Some(pos_in_photo);
        }
    }

    /// The face, once all points are placed and can be one. The eyes may have been placed in either order.
    pub fn landmarks(&self) -> Option<Landmarks> {
        let [Some(eye), Some(other_eye), Some(mouth)] = self.points.map(|at| at.map(Point::to_pixel_middles)) else {
            return None;
        };
        let orders = [(eye, other_eye), (other_eye, eye)];
        let faces = orders.map(|(left, right)| Landmarks::from_eyes_and_mouth(left, right, mouth));
        faces.into_iter().find(|landmarks| crop_quad(landmarks).is_ok())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn placed(points: [(f32, f32); 3]) -> FacePlacing {
        let mut placing = FacePlacing::default();
        for (x, y) in points {
            placing.place(placing.next().unwrap(), Point::new(x, y));
        }
        placing
    }

    #[test]
    fn points_are_placed_in_order_and_can_be_moved() {
        let mut placing = FacePlacing::default();
        for point in FacePoint::ALL {
            assert_eq!((placing.next(), placing.landmarks()), (Some(point), None));
            placing.place(point, Point::new(f32::NAN, 1.0));
            assert_eq!(placing.position(point), None);
            placing.place(point, Point::new(100.0, 100.0));
        }
        assert_eq!((placing.next(), placing.landmarks()), (None, None), "three points on one spot are no face");
        placing.place(FacePoint::EyeRight, Point::new(160.0, 100.0));
        placing.place(FacePoint::Mouth, Point::new(130.0, 168.0));
        let landmarks = placing.landmarks().unwrap();
        assert_eq!((landmarks.eye_left, landmarks.eye_right), ([99.5, 99.5], [159.5, 99.5]));
        assert_eq!(landmarks.mouth(), [129.5, 167.5]);
        assert_eq!(FacePlacing::of_face(&landmarks), placing);
    }

    #[test]
    fn the_order_of_the_eyes_does_not_matter() {
        let (left, right, mouth) = ((100.0, 100.0), (160.0, 104.0), (128.0, 168.0));
        let faces = [placed([left, right, mouth]), placed([right, left, mouth])].map(|placing| placing.landmarks());
        assert!(faces[0].is_some() && faces[0] == faces[1]);
        // Upside down the right eye is on the left of the picture: still one face, with its crop upside down.
        let turned = placed([(160.0, 168.0), (100.0, 168.0), (130.0, 100.0)]).landmarks().unwrap();
        assert_eq!(turned.eye_left, [159.5, 167.5]);
    }
}
