//! Real photos: find the faces, cut one out as the model was trained, and put the edited face back.
//!
//! - [`FaceDetector`]: faces with five landmarks each, in photos of any size;
//! - [`crop_quad`], [`align()`]: from landmarks (found, or placed by hand) to the aligned crop;
//! - [`paste()`]: what an edit changed in the crop, brought back into the photo.
//!
//! Positions are in pixels with whole numbers at pixel centres, see [`geometry`].

pub mod align;
pub mod around;
pub mod detect;
pub mod geometry;
pub mod head;
mod network;
mod onnx;
pub mod paste;
mod readout;

pub use align::{align, cut_out};
pub use around::Surroundings;
pub use detect::{Detection, FaceDetector, FaceFrame};
pub use geometry::{Correction, CropQuad, Landmarks, Similarity, crop_quad};
pub use head::head_mask;
pub use paste::{Composition, Extent, PasteTarget, paste};
