//! StyleMapGAN (Kim et al., CVPR 2021, arXiv:2104.14754) in Rust: an encoder turns an aligned face photo into a *stylemap*
//! (a small tensor with height and width), a generator turns a stylemap into a picture, and because the stylemap has
//! spatial dimensions, a mask on the picture is a mask on the stylemap.
//!
//! This crate knows no window. From the bottom up:
//!
//! - [`config`], [`checkpoint`]: the widths of the networks and the files that hold their weights;
//! - [`kernels`], [`layers`], [`encoder`], [`fine_encoder`], [`mapping`], [`generator`]: the networks; [`model`] holds them together;
//! - [`latent`]: a face as the model knows it, stylemap and residuals; [`agreement`]: where two pictures show the same structure;
//! - [`colours`]: a reference brought to the colours of another face; [`settle`]: an edit brought near its faces again;
//! - [`directions`]: named directions of a model's stylemaps;
//! - [`mask`], [`edit`]: what an edit means, as plain functions, the reference that everything faster is held against;
//! - [`engine`]: caches per face and the thread that redraws under the brush;
//! - [`face`]: faces in photos: found, cut out as the model was trained, and put back;
//! - [`metrics`]: how good a model is;
//! - [`photo`]: pictures to tensors and back; [`files`]: files written whole or not at all; [`mailbox`]: how
//!   threads leave work for each other; [`verify`]: numbers of the PyTorch reference recomputed.
//!
//! Images are RGB in [-1, 1], layout (N, C, H, W).

pub mod agreement;
mod cancel;
pub mod checkpoint;
pub mod colours;
pub mod config;
pub mod directions;
pub mod edit;
pub mod encoder;
pub mod engine;
pub mod error;
pub mod face;
pub mod files;
pub mod fine_encoder;
pub mod generator;
pub mod kernels;
pub mod latent;
pub mod layers;
pub mod mailbox;
pub mod mapping;
pub mod mask;
pub mod metrics;
pub mod model;
pub mod photo;
mod random;
pub mod settle;
pub mod verify;

pub use config::Config;
pub use error::{Error, Result};
pub use latent::Latent;
pub use mask::Mask;
pub use model::{DeviceChoice, DtypeChoice, Model};
