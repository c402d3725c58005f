#![no_main]

#[path = "../entries/photos.rs"]
mod entries;
#[macro_use]
#[path = "../target.rs"]
mod target;

target!(entries::heic);
