//! How far crops are from those of a folder of references.
//!
//! `cargo run --release -p stylemap --example alignment_errors -- FOLDER`: photos and crops with an `alignment.json`, as in
//! `tests/fixtures/faces`, which is taken where no folder is named.

#![allow(missing_docs)]

#[path = "../../tests/face/references.rs"]
mod references;

use std::path::{Path, PathBuf};

use references::{CropError, crop_errors};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let fixtures = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/faces");
    let folder = std::env::args_os().nth(1).map_or_else(fixtures, PathBuf::from);
    println!("| photo | corner, % of the side | from reference landmarks, px | dB |");
    println!("| --- | --- | --- | --- |");
    for CropError { name, recipe_px, psnr_db, found_share } in crop_errors(&folder)? {
        println!("| {name} | {:.2} | {recipe_px:.2} | {psnr_db:.1} |", found_share * 100.0);
    }
    Ok(())
}
