//! Stylebrush: a real-time desktop editor for faces.
//!
//! One direction: [`document`] → a scene for the engine → a frame → the canvas. The [`workbench`] is everything that a user can do,
//! without a window; the [`editor`] draws it and turns input into its actions.

pub mod demo;
pub mod document;
pub mod edited_face;
pub mod editor;
pub mod export;
pub mod language;
pub mod learned_directions;
pub mod original;
pub mod photo_loading;
pub mod presets;
pub mod project;
pub mod refined_faces;
pub mod sentence;
pub mod settings;
pub mod shelter;
pub mod stylemap_file;
pub mod tools;
pub mod workbench;
