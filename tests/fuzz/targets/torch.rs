#![no_main]

#[path = "../entries/weights.rs"]
mod entries;
#[macro_use]
#[path = "../target.rs"]
mod target;

target!(entries::torch);
