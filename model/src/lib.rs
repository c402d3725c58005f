//! StyleMapGAN (Kim et al., CVPR 2021, arXiv:2104.14754) in Rust: exact local editing of faces, fast enough to follow a brush.
//!
//! An encoder turns an aligned face photo into a *stylemap* (a small tensor with height and width), a generator turns a stylemap
//! into a picture, and because the stylemap has spatial dimensions, a mask on the picture is a mask on the stylemap. Here the
//! mouth of one photo is painted onto another:
//!
//! ```
//! use stylemap::{Engine, FaceDetector, FaceId, Layer, Mask, Scene, photo};
//!
//! # std::env::set_current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))?;
//! let mut engine = Engine::open("weights/default.safetensors")?;
//! let detector = FaceDetector::new()?;
//! let [source, reference] = [FaceId(1), FaceId(2)];
//! engine.add_face(source, &detector.cut_out(&photo::load("tests/fixtures/portraits/female_053.png")?)?)?;
//! engine.add_face(reference, &detector.cut_out(&photo::load("tests/fixtures/portraits/male_077.png")?)?)?;
//!
//! // Every face is cut out with its mouth at the same place. `Mask::open` reads a mask from a picture.
//! let mouth = Mask::from_fn(512, |x, y| if ((x - 0.5) / 0.15).hypot((y - 0.73) / 0.08) < 1.0 { 1.0 } else { 0.0 });
//! let layer = Layer::new(reference, mouth).with_feather_px(8.0).with_match_colours(1.0);
//! let picture = engine.render(&Scene::face(source).with(layer))?.to_rgb();
//! assert_eq!(picture.dimensions(), (128, 128));
//! # let unedited = engine.render(&Scene::face(source))?.to_rgb();
//! # let differences = |x: u32, y: u32| picture.get_pixel(x, y).0.iter().zip(unedited.get_pixel(x, y).0).map(|(a, b)| a.abs_diff(b));
//! # let most = |rows: std::ops::Range<u32>| rows.flat_map(|y| (0..128).map(move |x| (x, y))).flat_map(|(x, y)| differences(x, y)).max();
//! # assert!(most(85..100) > Some(40) && most(0..40) < Some(25), "{:?} at the mouth, {:?} far from it", most(85..100), most(0..40));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A program with a window keeps the engine on a thread of its own, by an [`EngineHandle`]: it sends a [`Scene`] for every movement
//! of the brush, the latest replaces any that has not been started, and frames come back as [`Event`]s. Both are in the examples
//! `swap_mouth` and `live`.
//!
//! # The modules
//!
//! The names above are all that such a program needs. From the bottom up, the modules hold the rest:
//!
//! - [`config`], [`checkpoint`]: the widths of the networks and the files that hold their weights;
//! - [`kernels`], [`layers`], [`encoder`], [`fine_encoder`], [`mapping`], [`generator`]: the networks; [`model`] holds them together;
//! - [`latent`]: a face as the model knows it, stylemap and residuals; [`agreement`]: where two pictures show the same structure;
//! - [`colours`]: a reference brought to the colours of another face; [`settle`]: an edit brought near its faces again;
//! - [`refine`]: a face brought nearer to its photo by optimisation;
//! - [`directions`]: named directions of a model's stylemaps;
//! - [`mask`], [`edit`]: what an edit means, as plain functions, the reference that everything faster is held against;
//! - [`engine`]: caches per face and the thread that redraws under the brush;
//! - [`face`]: faces in photos: found, cut out as the model was trained, and put back;
//! - [`metrics`]: how good a model is;
//! - [`photo`]: pictures to tensors and back; [`files`]: files written whole or not at all; [`memory`]: how much
//!   memory is left; [`mailbox`]: how threads leave work for each other; [`verify`]: numbers of the PyTorch reference recomputed.
//!
//! Tensors of pictures are RGB in [-1, 1], layout (N, C, H, W).

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
pub mod learn;
pub mod mailbox;
pub mod mapping;
pub mod mask;
pub mod memory;
pub mod metrics;
pub mod model;
pub mod photo;
mod random;
pub mod refine;
pub mod settle;
pub mod verify;

pub use engine::{Engine, EngineHandle, Event, FaceId, Frame, Layer, Scene};
pub use error::{Error, Result};
pub use face::FaceDetector;
pub use mask::Mask;
