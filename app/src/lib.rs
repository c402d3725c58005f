//! Stylebrush: a real-time desktop editor for faces.
//!
//! One direction: [`document`] → a scene for the engine → a frame → the canvas. [`document`], [`tools`] and
//! [`project`] know no window.

pub mod demo;
pub mod document;
pub mod edited_face;
pub mod editor;
pub mod export;
pub mod original;
pub mod photo_loading;
pub mod project;
pub mod sentence;
pub mod settings;
pub mod tools;
