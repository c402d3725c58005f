//! An edit goes back into its photo without a seam and without a double exposure. `examples/paste_methods.rs` measures what else was
//! tried in the same way.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "seams/measure.rs"]
mod measure;

use measure::{Edit, Outcome, PAIRS, REGIONS, column, edits, least, mean, most};

/// Photo and reference, of unlike skin.
const UNLIKE_PAIRS: [(&str, &str); 4] = [
    ("assets/demo/female_077.jpg", "assets/demo/male_053.jpg"),
    ("assets/demo/male_053.jpg", "assets/demo/female_077.jpg"),
    ("assets/demo/female_005.jpg", "assets/demo/female_029.jpg"),
    ("assets/demo/male_005.jpg", "assets/demo/female_005.jpg"),
];

/// What the program's own way must reach on twelve edits, and on skin that is unlike.
#[test]
fn an_edit_in_its_photo_is_no_double_exposure() -> Outcome {
    for (pairs, regions, match_colours) in
        [(PAIRS.as_slice(), REGIONS.as_slice(), 0.0), (UNLIKE_PAIRS.as_slice(), &REGIONS[3..], 1.0)]
    {
        let edits = edits(pairs, regions, match_colours)?;
        let results: Vec<_> = edits.iter().map(Edit::composed).collect();
        let fine: Vec<_> = edits.iter().zip(&results).map(|(edit, result)| edit.fine_figures(result)).collect();
        let figures: Vec<_> = edits.iter().zip(&results).map(|(edit, result)| edit.figures(result)).collect();
        let [new, old, left] = [0, 1, 2].map(|index| column(&fine, index));
        let (seams, beyond) = (column(&figures, 0), column(&figures, 2));
        println!("new {new:.2?}\nold {old:.2?}\nleft {left:.2?}\nseams {seams:.1?}");
        assert!(least(&new) >= 0.8, "the reference's fine structure: {new:?}");
        assert!(mean(&old) <= 0.2 && most(&left) <= 0.08, "the source's fine structure: {old:?}, left {left:?}");
        // The mean of the twelve as it was when only a difference was pasted, and the faces lay over each other.
        assert!(mean(&seams) <= if match_colours == 0.0 { 1.6 } else { 2.6 }, "seams {seams:?}");
        assert_eq!(most(&beyond), 0.0);
    }
    Ok(())
}
