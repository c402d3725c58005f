#![no_main]

#[path = "../entries/program.rs"]
mod entries;
#[macro_use]
#[path = "../target.rs"]
mod target;

target!(entries::stylemaps);
