//! `edit`: local editing with up to eight references, and steps along the model's directions.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use image::{DynamicImage, RgbImage};
use stylebrush_app::document::CANVAS_SIZE_PX;
use stylebrush_app::export::change_layer;
use stylemap::Mask;
use stylemap::directions::{Directions, index_of};
use stylemap::engine::{Base, DirectionStep, FaceId, Layer, Scene};
use stylemap::face::{Composition, Extent};
use stylemap::mask::{MaskPicture, Pooling};

use super::destination::{Destination, FaceSize};
use super::failure::warn;
use super::likeness::Likeness;
use super::output::{OutputOptions, PictureFile};
use super::portrait::{Portrait, PortraitOpener, WhichFace};
use super::posed::posed_crop;
use super::references::{MAX_REFERENCES, NamedStep, Reference, References};
use super::refine::Refine;
use super::session::Session;
use super::{CommonOptions, recipe};

const EXAMPLES: &str = "\
A mask is a square picture over the aligned face, as `stylebrush align` cuts it out, or one of the size of SOURCE over all of \
that: white takes the reference, black keeps the source. A mask of one colour with transparency is where it is opaque, and one of \
zeros and ones is black and white. It is brought to the size of the model's pictures, and --offset and --feather count pixels of \
that size. The options after a --reference belong to it; references are applied in order, each over the result so far.

--scale, --turn and --mirror change mask and reference together about the middle of what the mask selects, as the handles around a \
region do in the editor; --offset moves them afterwards.

Where a photo shows several faces the largest and surest is taken. --face before the first --reference chooses another of SOURCE, \
by the numbers of `stylebrush align --json`, and with --in-photo `all` edits every one; --face after a --reference chooses one of \
that.

A reference is brought to the colours of the source before it is encoded: skin painted onto skin does not look pasted. \
--match-colours off leaves its own, a number goes part of the way; before the first --reference it holds for all of them.

A --direction before the first --reference moves the whole face, and what references bring into it; after a --reference it moves \
only what that brings in. `stylebrush info` names the model's directions. 1 is one standard deviation of the training faces.

--recipe does to every photo what was done to a face in the editor: --face says to which, --likeness counts for all of them. Files \
that are there already are never written over but with --overwrite, and a photo that fails does not stop the others.

Examples:
  stylebrush edit me.jpg --reference friend.jpg --mask mouth.png -o out.png
  stylebrush edit me.jpg --reference a.jpg --mask eyes.png --feather 4 \\
                         --reference b.jpg --mask nose.png --offset 0,-6 --strength 0.8 -o out.png
  stylebrush edit me.jpg --reference friend.jpg --mask eyes.png --mirror --scale 0.9 --turn -8 --offset 52,0 -o out.png
  stylebrush edit me.jpg --reference friend.jpg --mask mouth.png --in-photo -o me_edited.jpg
  stylebrush edit me.jpg --reference friend.jpg --mask mouth.png --in-photo --change-only -o layer.png
  stylebrush edit me.jpg --reference friend.jpg --mask lips.png --match-colours off -o lipstick.png
  stylebrush edit group.jpg --face 2 --reference friend.jpg --mask mouth.png --in-photo -o group_edited.jpg
  stylebrush edit group.jpg --face all --direction Smile=1 --in-photo -o smiling.jpg
  stylebrush edit holiday/ --recipe me.stylebrush --face all --in-photo -o edited/
  stylebrush edit me.jpg --direction Smile=1.5 --direction Warmth=-1 -o cooler.png";

/// What `edit` takes.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct EditArgs {
    /// The photo of the face to edit; - reads it from the standard input. With --recipe several, or folders of photos
    #[arg(value_name = "SOURCE", required = true)]
    pub sources: Vec<PathBuf>,
    #[command(flatten)]
    pub references: References,
    /// Do what was done to the face of this project (.stylebrush): its sliders, layers, masks and references
    #[arg(long, value_name = "PROJECT", conflicts_with_all = ["reference", "direction"])]
    pub recipe: Option<PathBuf>,
    /// What the files are called that --recipe writes to a folder, with {photo}, {face}, {size}, {number} and {date} filled in; an
    /// ending such as .png says the kind, which else is the photo's own or PNG
    #[arg(long, value_name = "NAME", default_value = "{photo} edited", requires = "recipe")]
    pub name: String,
    /// A file of named directions, in place of the model's own
    #[arg(long, value_name = "FILE")]
    pub directions: Option<PathBuf>,
    /// Put the edited face back into the photo SOURCE, at the photo's own resolution
    #[arg(long, conflicts_with = "size")]
    pub in_photo: bool,
    /// Write only what changed, on transparent ground: a layer to be laid over the photo in another program
    #[arg(long, requires = "in_photo")]
    pub change_only: bool,
    #[command(flatten)]
    pub likeness: Likeness,
    #[command(flatten)]
    pub refine: Refine,
    #[command(flatten)]
    pub size: FaceSize,
    #[command(flatten)]
    pub file: OutputOptions,
    /// The picture to write: .png, .jpg, .webp or .tif; - writes a PNG to the standard output. With --recipe and several photos the
    /// folder to write to
    #[arg(short, long, value_name = "OUT")]
    pub output: PathBuf,
}

/// Runs `edit`.
pub fn run(common: &CommonOptions, args: &EditArgs) -> anyhow::Result<()> {
    let EditArgs { sources, references, directions: own_directions, in_photo, change_only, .. } = args;
    let EditArgs { likeness, refine, size, file, output, .. } = args;
    let References { references, face, directions } = references;
    anyhow::ensure!(
        *face != WhichFace::All || *in_photo,
        "--face all edits the faces in their photo: it needs --in-photo"
    );
    if let Some(recipe) = &args.recipe {
        return recipe::run(common, args, recipe);
    }
    let [path] = sources.as_slice() else {
        anyhow::bail!("{} photos are given, and only --recipe edits more than one", sources.len());
    };
    let inputs = references.iter().flat_map(|reference| [&reference.photo, &reference.mask]);
    let inputs = inputs.chain([path]).chain(own_directions).map(PathBuf::as_path);
    let output = PictureFile::new(output, inputs, common)?;
    if *change_only {
        output.check_transparency()?;
    }
    let photos = PortraitOpener::new(common);
    let sources = photos.open_faces(path, *face)?;
    let portraits = references.iter().map(|reference| photos.open_face(&reference.photo, reference.face));
    let portraits = portraits.collect::<anyhow::Result<Vec<_>>>()?;
    let mut checkpoint = common.model_source()?.checkpoint()?;
    if let Some(own) = own_directions {
        checkpoint.directions = Some(Directions::load(own, &checkpoint.config)?);
    }
    let mut session = Session::with_checkpoint(common, checkpoint)?.refining(*refine);
    let first = sources.first().context("no face was found")?;
    if !*in_photo {
        size.check(&session)?;
    }
    let known = session.engine.info().directions;
    let steps = |named: &[NamedStep]| -> stylemap::Result<Vec<DirectionStep>> {
        let step = |(name, amount): &NamedStep| {
            Ok(DirectionStep { index: index_of(&known, name)?, amount: *amount, mask: None })
        };
        named.iter().map(step).collect()
    };
    let directions_of_face = steps(directions)?;
    let mut masks = Vec::with_capacity(references.len());
    let mut faces = Vec::with_capacity(references.len());
    for (number, (reference, portrait)) in (0..).zip(references.iter().zip(&portraits)) {
        masks.push(LayerMask::open(&reference.mask, first, common.aligned)?);
        let face = FaceId(number);
        // How one that is not left as it lies will lie depends on where its mask is on each source.
        if reference.posing.is_nothing() {
            session.add_face(face, &portrait.crop)?;
        }
        faces.push((face, [directions_of_face.clone(), steps(&reference.directions)?].concat()));
    }
    let size_px = session.size_px();
    // What is drawn of each face; they go into their photo together.
    let mut drawn = Vec::with_capacity(sources.len());
    let mut selects = vec![0.0f32; masks.len()];
    for (number, source) in (MAX_REFERENCES as u64..).zip(&sources) {
        let source_face = FaceId(number);
        session.add_face(source_face, &source.crop)?;
        let mut layers = Vec::with_capacity(references.len());
        for (index, ((reference, mask), (face, directions))) in references.iter().zip(&masks).zip(&faces).enumerate() {
            let posing = reference.posing;
            let mut mask = mask.over(source, if posing.is_nothing() { size_px } else { CANVAS_SIZE_PX });
            if let Some(most) = selects.get_mut(index) {
                *most = most.max(mask.share());
            }
            if let Some(portrait) = portraits.get(index).filter(|_| !posing.is_nothing()) {
                let (posed, pose) = posing.of_mask(&mask, size_px)?;
                session.add_face(*face, &posed_crop(portrait, &pose)?)?;
                mask = posed;
            }
            layers.push(Layer {
                face: *face,
                mask: Arc::new(mask),
                offset_px: reference.offset_px,
                strength: reference.strength,
                feather_px: reference.feather_px,
                match_colours: reference.match_colours,
                style: reference.style,
                directions: directions.clone(),
            });
        }
        let shown = layers.iter().map(|layer| layer.face).chain([source_face]);
        let likeness = likeness.of_faces(&session, shown);
        let directions = directions_of_face.clone();
        let scene = Scene { base: Base::Face(source_face), directions, layers, likeness };
        let picture = session.draw(&scene)?;
        if !*in_photo {
            let mut destination = Destination::by_itself(source_face, source, *size, &session)?;
            let finished = destination.finish(&picture, &scene, &session)?;
            warn_of_empty_masks(references, &selects);
            return output.write(&finished, &file.of_photo(None));
        }
        drawn.push(Drawn { source, picture, composition: session.composition(&scene, source_face) });
        session.remove_face(source_face);
    }
    warn_of_empty_masks(references, &selects);
    output.write(&in_photo_of(&drawn, *change_only)?, &file.of_photo(Some(&first.placement.original.file)))
}

/// What was drawn of a face, to go into its photo.
pub struct Drawn<'a> {
    pub source: &'a Portrait,
    pub picture: RgbImage,
    pub composition: Composition,
}

/// The photo of these faces with all of them in it, or only what they change there.
pub fn in_photo_of(drawn: &[Drawn<'_>], change_only: bool) -> anyhow::Result<DynamicImage> {
    let original = &drawn.first().context("no face was found")?.source.placement.original;
    let finished = original.edited(|onto| {
        drawn.iter().try_for_each(|Drawn { source, picture, composition }| {
            source.placement.paste_target().paste_onto(onto, picture, composition, Extent::Changes)
        })
    });
    let finished = finished.context("the faces could not be finished")?;
    if change_only { change_layer(&original.edited(|_| Ok(()))?, &finished) } else { Ok(finished) }
}

/// Says which masks have next to nothing in them.
fn warn_of_empty_masks(references: &[Reference], selects: &[f32]) {
    for (reference, share) in references.iter().zip(selects) {
        if *share < LEAST_SHARE {
            let mask = reference.mask.display();
            warn(&format!(
                "the mask {mask} selects next to nothing: white takes the reference, black keeps the source"
            ));
        }
    }
}

/// A mask that covers less of the face (a pixel of 512) was hardly meant.
const LEAST_SHARE: f32 = 1.0 / (512.0 * 512.0);

/// A mask of the command line.
enum LayerMask {
    OverFace(Mask),
    OverPhoto(MaskPicture),
}

impl LayerMask {
    fn open(path: &Path, source: &Portrait, is_aligned: bool) -> anyhow::Result<Self> {
        let picture = MaskPicture::open(path)?;
        let photo = &source.placement.original.pixels;
        let photo_size_px = (photo.width() as usize, photo.height() as usize);
        if picture.size_px() == photo_size_px && !is_aligned {
            return Ok(Self::OverPhoto(picture));
        }
        let square = picture.square().map_err(|(width, height)| {
            let (photo_width, photo_height) = photo_size_px;
            anyhow::anyhow!(
                "the mask {} is {width} x {height} pixels; it must be square, over the aligned face, or of the size of the photo, {photo_width} x {photo_height}",
                path.display()
            )
        });
        square.map(Self::OverFace)
    }

    /// What of it lies over a face.
    fn over(&self, source: &Portrait, size_px: usize) -> Mask {
        match self {
            Self::OverFace(mask) => mask.at_level(size_px, Pooling::Soft),
            Self::OverPhoto(picture) => picture.in_crop(&source.placement.quad, size_px),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use clap::Parser;
    use stylemap::engine::LayerStyle;

    use super::super::portrait::LARGEST;
    use super::super::posed::Posing;
    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        args: EditArgs,
    }

    fn parse(line: &str) -> Result<References, String> {
        let parsed = Cli::try_parse_from(format!("edit {line}").split_whitespace());
        parsed.map(|cli| cli.args.references).map_err(|err| err.to_string())
    }

    #[test]
    fn options_belong_to_the_reference_before_them() {
        let References { references, face, directions } = parse(
            "--direction Age=-1 --reference a --strength 0.5 --mask ma me.png --reference b --direction Smile=2 --mask mb \
             --offset -3,4 --direction=Age=0.5 --feather 2 -o out --reference c --offset=1,-1 --mask mc",
        )
        .unwrap();
        let step = |name: &str, amount: f32| (name.to_owned(), amount);
        assert_eq!((directions, face), (vec![step("Age", -1.0)], LARGEST));
        let expected = |photo: &str, mask: &str, offset_px, strength, feather_px| Reference {
            photo: photo.into(),
            mask: mask.into(),
            offset_px,
            posing: Posing::default(),
            strength,
            feather_px,
            match_colours: 1.0,
            style: LayerStyle::Whole,
            face: LARGEST,
            directions: Vec::new(),
        };
        assert_eq!(
            references,
            [
                expected("a", "ma", (0, 0), 0.5, 0.0),
                Reference {
                    directions: vec![step("Smile", 2.0), step("Age", 0.5)],
                    ..expected("b", "mb", (-3, 4), 1.0, 2.0)
                },
                expected("c", "mc", (1, -1), 1.0, 0.0),
            ]
        );
    }

    #[test]
    fn references_are_scaled_turned_and_mirrored_each_by_itself() {
        let posings = |line: &str| {
            let references = parse(&format!("me -o o {line}"))?.references;
            Ok::<_, String>(references.iter().map(|reference| reference.posing).collect::<Vec<_>>())
        };
        let line =
            "--reference a --mirror --mask m --reference b --mask m --turn -30 --scale 0.5 --reference c --mask m";
        let [plain, turned, mirrored] = [(1.0, 0.0, false), (0.5, -30.0, false), (1.0, 0.0, true)]
            .map(|(scale, turn_degrees, is_mirrored)| Posing { scale, turn_degrees, is_mirrored });
        assert_eq!(posings(line).unwrap(), [mirrored, turned, plain]);
        for (wrong, says) in [
            ("--mirror --reference a --mask m", "must follow the --reference"),
            ("--reference a --mask m --mirror --mirror", "twice"),
            ("--reference a --mask m --scale 6", "from 0.2 to 5"),
            ("--reference a --mask m --turn 400", "from -360 to 360"),
        ] {
            let said = posings(wrong).unwrap_err();
            assert!(said.contains(says), "{wrong}: {said}");
        }
    }

    #[test]
    fn colours_are_matched_for_all_references_or_for_one() {
        let matched = |options: [&str; 3]| {
            let [before, of_a, of_b] = options;
            let line = format!("me -o o {before} --reference a --mask m {of_a} --reference b --mask m {of_b}");
            let references = parse(&line).unwrap().references;
            references.iter().map(|reference| reference.match_colours).collect::<Vec<_>>()
        };
        assert_eq!(matched(["", "", ""]), [1.0, 1.0]);
        assert_eq!(matched(["--match-colours off", "", ""]), [0.0, 0.0]);
        assert_eq!(matched(["--match-colours off", "", "--match-colours 0.25"]), [0.0, 0.25]);
        assert_eq!(matched(["", "--match-colours=off", "--match-colours on"]), [0.0, 1.0]);
    }

    #[test]
    fn references_bring_a_part_of_their_style() {
        let styles = |line: &str| {
            let references = parse(&format!("me -o o {line}"))?.references;
            Ok::<_, String>(references.iter().map(|reference| reference.style).collect::<Vec<_>>())
        };
        let line = "--reference a --take colours --mask m --reference b --mask m --reference c --mask m --take shape:3";
        assert_eq!(styles(line).unwrap(), [LayerStyle::Coarse(1), LayerStyle::Whole, LayerStyle::Fine(3)]);
        for (wrong, says) in [
            ("--take shape --reference a --mask m", "must follow the --reference"),
            ("--reference a --mask m --take light", "all, colours or shape"),
            ("--reference a --mask m --take all:2", "all, colours or shape"),
            ("--reference a --mask m --take shape:9", "from 0 to 8"),
        ] {
            let said = styles(wrong).unwrap_err();
            assert!(said.contains(says), "{wrong}: {said}");
        }
    }

    #[test]
    fn faces_are_chosen_for_the_source_and_for_each_reference() {
        let parsed = parse("me -o o --face all --reference a --mask m --reference b --mask m --face 3").unwrap();
        let faces: Vec<_> = parsed.references.iter().map(|reference| reference.face).collect();
        assert_eq!((parsed.face, faces), (WhichFace::All, vec![LARGEST, WhichFace::Number(3)]));
    }

    #[test]
    fn options_that_belong_to_no_reference_are_refused() {
        let cases = [
            ("me -o o --mask m --reference a", "must follow"),
            ("me -o o --reference a --mask m --mask n", "twice"),
            ("me -o o --reference a --reference b --mask m", "a has no --mask"),
            ("me -o o --reference a", "--mask"),
            ("me -o o", "--reference"),
            ("me -o o --reference a --mask m --strength 2", "from 0 to 1"),
            ("me -o o --reference a --mask m --strength -1", "from 0 to 1"),
            ("me -o o --reference a --mask m --feather -1", "from 0 to 2048"),
            ("me -o o --reference a --mask m --offset 3", "two whole numbers"),
            ("me -o o --direction Age=1 --mask m", "must follow"),
            ("me -o o --direction Age=1 --match-colours off", "--reference"),
            ("me -o o --reference a --mask m --match-colours no", "on, off or a number"),
            ("me -o o --reference a --mask m --match-colours off --match-colours on", "twice for one --reference"),
            ("me -o o --match-colours off --match-colours on --reference a --mask m", "twice for all"),
            ("me -o o --reference a --mask m --in-photo --size 512", "--size"),
            ("me -o o --direction Age", "a name and a number"),
            ("me -o o --face 0 --reference a --mask m", "number of a face"),
            ("me -o o --face some --reference a --mask m", "or all"),
            ("me -o o --face 1 --face 2 --reference a --mask m", "twice for the source"),
            ("me -o o --reference a --mask m --face 1 --face 2", "twice for one --reference"),
            ("me -o o --reference a --mask m --face all", "has one face"),
            ("me -o o --direction Age=1 --reference a", "a has no --mask"),
        ];
        for (line, expected) in cases {
            let err = parse(line).unwrap_err();
            assert!(err.contains(expected), "{line}: {err}");
        }
        let faces = parse("me -o o --direction Age=1").unwrap();
        assert!(faces.references.is_empty() && faces.directions.len() == 1);
        let nine = "--reference a --mask m ".repeat(9);
        assert!(parse(&format!("me -o o {nine}")).unwrap_err().contains("at most 8"));
    }
}
