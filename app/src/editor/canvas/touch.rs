//! Fingers on a touch screen. The system makes the first one the pointer; two of them move and zoom what is shown.

use egui::{Event, Pos2, TouchDeviceId, TouchId, TouchPhase};

/// A stroke that reached further than this, in points, is meant: another finger does not end it.
const MAX_REACH: f32 = 24.0;
/// Fingers nearer to each other than this, in points, do not say how large something shall be.
const MIN_SPREAD: f32 = 8.0;

/// What a touch does beside moving the pointer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum TouchResponse {
    /// The gesture that the first finger began was not meant.
    CancelGesture,
    /// What was shown at `from` now is at `to`, and `factor` times as large.
    Pinch {
        /// The middle between the fingers as it was, on screen.
        from: Pos2,
        /// And as it is.
        to: Pos2,
        /// By how much they are further apart.
        factor: f32,
    },
}

/// A finger that is down.
#[derive(Clone, Copy, Debug)]
struct Finger {
    id: (TouchDeviceId, TouchId),
    pos: Pos2,
    /// How far it has been from where it came down, in points.
    reach: f32,
    began_at: Pos2,
}

/// The fingers on the screen.
#[derive(Clone, Debug, Default)]
pub(super) struct Touches {
    fingers: Vec<Finger>,
    /// Two were down together: until all are lifted, none paints.
    are_pinching: bool,
}

impl Touches {
    /// Whether the fingers move what is shown, and do not paint.
    pub fn are_pinching(&self) -> bool {
        self.are_pinching
    }

    /// Follows a touch. `has_gesture` says that the first finger is drawing, `is_on_canvas` that it points at the canvas.
    pub fn follow(&mut self, event: &Event, has_gesture: bool, is_on_canvas: bool) -> Option<TouchResponse> {
        let Event::Touch { device_id, id, phase, pos, .. } = event else { return None };
        let id = (*device_id, *id);
        match phase {
            TouchPhase::Start => {
                self.fingers.retain(|finger| finger.id != id);
                self.fingers.push(Finger { id, pos: *pos, reach: 0.0, began_at: *pos });
                let [first, _] = self.fingers.as_slice() else { return None };
                let is_meant = has_gesture && first.reach > MAX_REACH;
                if !is_on_canvas || is_meant {
                    return None;
                }
                self.are_pinching = true;
                Some(TouchResponse::CancelGesture)
            }
            TouchPhase::Move => {
                let before = self.pair();
                let finger = self.fingers.iter_mut().find(|finger| finger.id == id)?;
                finger.pos = *pos;
                finger.reach = finger.reach.max((*pos - finger.began_at).length());
                let (before, now) = (before?, self.pair()?);
                let [(from, spread_before), (to, spread)] =
                    [before, now].map(|[a, b]| (a.lerp(b, 0.5), (b - a).length()));
                let factor = spread.max(MIN_SPREAD) / spread_before.max(MIN_SPREAD);
                self.are_pinching.then_some(TouchResponse::Pinch { from, to, factor })
            }
            TouchPhase::End | TouchPhase::Cancel => {
                let is_pointer = self.fingers.first().is_some_and(|finger| finger.id == id);
                self.fingers.retain(|finger| finger.id != id);
                self.are_pinching &= !self.fingers.is_empty();
                // The system took it for a gesture of its own, and no button comes up.
                (is_pointer && *phase == TouchPhase::Cancel).then_some(TouchResponse::CancelGesture)
            }
        }
    }

    /// The first two fingers.
    fn pair(&self) -> Option<[Pos2; 2]> {
        let [first, second, ..] = self.fingers.as_slice() else { return None };
        Some([first.pos, second.pos])
    }
}

#[cfg(test)]
mod tests {
    use egui::pos2;

    use super::*;

    fn touch(finger: u64, phase: TouchPhase, pos: (f32, f32)) -> Event {
        let (device_id, id) = (TouchDeviceId(0), TouchId(finger));
        Event::Touch { device_id, id, phase, pos: pos2(pos.0, pos.1), force: None }
    }

    #[test]
    fn two_fingers_move_and_zoom_until_all_are_lifted() {
        let mut touches = Touches::default();
        assert_eq!(touches.follow(&touch(1, TouchPhase::Start, (100.0, 100.0)), false, true), None);
        // It drew a little before the second one came.
        assert_eq!(touches.follow(&touch(1, TouchPhase::Move, (104.0, 100.0)), true, true), None);
        let second = touches.follow(&touch(2, TouchPhase::Start, (204.0, 100.0)), true, true);
        assert_eq!(second, Some(TouchResponse::CancelGesture));
        let moved = touches.follow(&touch(2, TouchPhase::Move, (304.0, 100.0)), false, true);
        let (from, to) = (pos2(154.0, 100.0), pos2(204.0, 100.0));
        assert_eq!(moved, Some(TouchResponse::Pinch { from, to, factor: 2.0 }));
        assert_eq!(touches.follow(&touch(1, TouchPhase::End, (104.0, 100.0)), false, true), None);
        assert!(touches.are_pinching(), "the finger that is left paints nothing");
        assert_eq!(touches.follow(&touch(2, TouchPhase::Move, (10.0, 10.0)), false, true), None);
        touches.follow(&touch(2, TouchPhase::End, (10.0, 10.0)), false, true);
        assert!(!touches.are_pinching());
    }

    #[test]
    fn a_hand_that_is_laid_down_ends_no_stroke() {
        let mut touches = Touches::default();
        touches.follow(&touch(1, TouchPhase::Start, (100.0, 100.0)), false, true);
        touches.follow(&touch(1, TouchPhase::Move, (160.0, 100.0)), true, true);
        // Back where it began: still a stroke.
        touches.follow(&touch(1, TouchPhase::Move, (101.0, 100.0)), true, true);
        assert_eq!(touches.follow(&touch(2, TouchPhase::Start, (300.0, 300.0)), true, true), None);
        assert_eq!(touches.follow(&touch(2, TouchPhase::Move, (320.0, 300.0)), true, true), None);
        assert!(!touches.are_pinching());
        // What the system takes away was not meant.
        let cancelled = touches.follow(&touch(1, TouchPhase::Cancel, (101.0, 100.0)), true, true);
        assert_eq!(cancelled, Some(TouchResponse::CancelGesture));
    }

    #[test]
    fn fingers_on_a_panel_do_not_move_the_picture() {
        let mut touches = Touches::default();
        touches.follow(&touch(1, TouchPhase::Start, (10.0, 10.0)), false, false);
        assert_eq!(touches.follow(&touch(2, TouchPhase::Start, (90.0, 10.0)), false, false), None);
        assert_eq!(touches.follow(&touch(2, TouchPhase::Move, (190.0, 10.0)), false, false), None);
    }
}
