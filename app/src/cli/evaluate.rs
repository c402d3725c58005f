//! `evaluate`: how good the model is on pictures that it was never trained on.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use image::RgbImage;
use serde::Serialize;
use stylebrush_app::sentence::sentence_of;
use stylemap::metrics::{self, EditErrors, Interpolation, Lpips, MASKS, Reconstruction, pillow};
use stylemap::photo;

use super::likeness::Likeness;
use super::progress::Progress;
use super::refine::Refine;
use super::session::Session;
use super::shown::Judge;
use super::{CommonOptions, print_line};

const EXAMPLES: &str = "\
DIR holds square, aligned pictures of faces that the model was not trained on (.webp, .png, .jpg), in folders that are also measured each \
by itself. Measured are how near the model comes to a picture (mean square error with values from -1 to 1, and LPIPS, on average and of the \
face that it serves worst), how evenly it moves from one face to another (LPIPS of eight steps), and local edits: the region of one \
face in another, in its own colours, the error outside against the source and inside against the reference, and (change) the same against \
what the model makes of both unedited.

Of a model with a fine encoder, and with --refine, faces are measured as they are shown, settled and in 8 bit, and reconstruction \
also by the encoder alone. With --likeness 0 and otherwise all is the encoder's, not rounded: the numbers of weights/train/evaluate.py.

--lpips takes VGG16 with the LPIPS heads, version 0.1, as safetensors: features.N.weight, features.N.bias and linI.weight.

Examples:
  stylebrush evaluate faces/eval
  stylebrush evaluate faces/eval --lpips lpips_vgg16.safetensors --json --model mine.safetensors";

const EXTENSIONS: [&str; 4] = ["webp", "png", "jpg", "jpeg"];

/// What `evaluate` takes.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct EvaluateArgs {
    /// A folder of pictures, or of folders of them
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// The LPIPS network; without it there is only the mean square error
    #[arg(long, value_name = "FILE")]
    lpips: Option<PathBuf>,
    #[command(flatten)]
    likeness: Likeness,
    #[command(flatten)]
    refine: Refine,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What is printed.
#[derive(Serialize)]
struct Evaluation {
    model: String,
    /// How many pictures it was trained on, where its file says so.
    images_seen: u64,
    size: usize,
    images: usize,
    /// Pictures that could not be read and are in no number.
    unreadable: Vec<String>,
    /// How much of the residuals was shown; 0 where there are none.
    likeness: f32,
    reconstruction: Reconstructions,
    /// Where the other numbers are not the encoder's alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(rename = "reconstruction_by_encoder_alone")]
    by_encoder_alone: Option<Reconstructions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interpolation: Option<OfPairs<Interpolation>>,
    local_edits: LocalEdits,
}

#[derive(Serialize)]
struct Reconstructions {
    all: OfImages,
    folders: BTreeMap<String, OfImages>,
}

#[derive(Serialize)]
struct OfImages {
    n: usize,
    #[serde(flatten)]
    mean: Reconstruction,
    worst: Worst,
}

/// The greatest errors of any picture, and whose the mean square error is.
#[derive(Serialize)]
struct Worst {
    picture: String,
    mse: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    lpips: Option<f64>,
}

#[derive(Serialize)]
struct OfPairs<T> {
    pairs: usize,
    #[serde(flatten)]
    mean: T,
}

#[derive(Serialize)]
struct LocalEdits {
    pairs: usize,
    all: EditErrors,
    masks: BTreeMap<&'static str, EditErrors>,
}

/// Runs `evaluate`.
pub fn run(common: &CommonOptions, args: &EvaluateArgs) -> anyhow::Result<()> {
    let EvaluateArgs { folder, lpips, likeness, refine, json } = args;
    let files = pictures_in(folder)?;
    anyhow::ensure!(!files.is_empty(), "there is no picture in {} (.webp, .png or .jpg)", folder.display());
    let checkpoint = common.model_source()?.checkpoint()?;
    let images_seen = checkpoint.metadata.get("images_seen").and_then(|count| count.parse().ok()).unwrap_or_default();
    let session = Session::with_checkpoint(common, checkpoint)?.refining(*refine);
    let lpips = lpips.as_deref().map(|path| Lpips::load(path, session.engine.model().device())).transpose()?;
    likeness.of_faces(&session, []);
    let share = if session.has_residuals() { likeness.share() } else { 0.0 };
    let mut judge = Judge { session, lpips: lpips.as_ref(), likeness: share };
    let size_px = judge.session.size_px();

    let mut unreadable = Vec::new();
    let mut readable = Vec::new();
    let mut shown = Vec::new();
    let mut by_encoder = Vec::new();
    let mut progress = Progress::new(files.len(), "pictures");
    for file in files {
        match open(&folder.join(&file), size_px) {
            Ok(picture) => {
                shown.push(judge.reconstruction(&picture)?);
                if share > 0.0 {
                    by_encoder.push(judge.reconstruction_by_encoder(&picture)?);
                }
                readable.push(file);
            }
            Err(err) => {
                progress.warn(&sentence_of(&err));
                unreadable.push(file.to_string_lossy().into_owned());
            }
        }
        progress.step();
    }
    drop(progress);
    anyhow::ensure!(
        readable.len() > 1,
        "{} of {} pictures in {} can be read, and two are needed at least",
        readable.len(),
        readable.len() + unreadable.len(),
        folder.display()
    );

    let pairs = metrics::pairs(readable.len());
    let mut ways = Vec::new();
    let mut edits: Vec<Vec<EditErrors>> = MASKS.iter().map(|_| Vec::new()).collect();
    let mut progress = Progress::new(pairs.len(), "pairs");
    for (first, second) in &pairs {
        let open = |index: &usize| open(&folder.join(readable.get(*index).context("no such picture")?), size_px);
        let (first, second) = (open(first)?, open(second)?);
        ways.extend(judge.interpolation(&first, &second)?);
        for (of_mask, errors) in edits.iter_mut().zip(judge.local_edits(&first, &second)?) {
            of_mask.push(errors);
        }
        progress.step();
    }
    drop(progress);

    let masks: BTreeMap<_, _> =
        MASKS.iter().zip(&edits).map(|((name, _), errors)| (*name, EditErrors::mean(errors))).collect();
    let evaluation = Evaluation {
        model: judge.session.engine.info().name,
        images_seen,
        size: size_px,
        images: readable.len(),
        unreadable,
        likeness: share,
        reconstruction: Reconstructions::new(&readable, &shown),
        by_encoder_alone: (share > 0.0).then(|| Reconstructions::new(&readable, &by_encoder)),
        interpolation: Interpolation::mean(&ways).map(|mean| OfPairs { pairs: pairs.len(), mean }),
        local_edits: LocalEdits {
            pairs: pairs.len(),
            all: EditErrors::mean(&masks.values().copied().collect::<Vec<_>>()),
            masks,
        },
    };
    if *json {
        print_line(&serde_json::to_string_pretty(&evaluation)?)?;
    } else {
        readable_lines(&evaluation).iter().try_for_each(|line| print_line(line))?;
    }
    let failed = evaluation.unreadable.len();
    anyhow::ensure!(
        failed == 0,
        "{failed} of {} pictures cannot be read and are in no number",
        failed + evaluation.images
    );
    Ok(())
}

impl Reconstructions {
    /// Of all pictures, and of those of every folder.
    fn new(files: &[PathBuf], measured: &[Reconstruction]) -> Self {
        let mut folders: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (file, measured) in files.iter().zip(measured) {
            folders.entry(folder_of(file)).or_default().push((file.as_path(), *measured));
        }
        // Folder by folder, as the files are.
        let all = folders.values().flatten().copied().collect::<Vec<_>>();
        let folders = folders.iter().map(|(name, images)| (name.clone(), OfImages::new(images)));
        Self { all: OfImages::new(&all), folders: folders.collect() }
    }
}

impl OfImages {
    fn new(images: &[(&Path, Reconstruction)]) -> Self {
        let measured: Vec<_> = images.iter().map(|(_, measured)| *measured).collect();
        let worst = images.iter().max_by(|(_, a), (_, b)| a.mse.total_cmp(&b.mse));
        let greatest = |a: Option<f64>, b: Option<f64>| a.zip(b).map(|(a, b)| a.max(b));
        Self {
            n: images.len(),
            mean: Reconstruction::mean(&measured),
            worst: Worst {
                picture: worst.map(|(file, _)| file.to_string_lossy().into_owned()).unwrap_or_default(),
                mse: worst.map(|(_, measured)| measured.mse).unwrap_or_default(),
                lpips: measured.iter().map(|measured| measured.lpips).reduce(greatest).flatten(),
            },
        }
    }
}

/// The pictures below a folder, by their paths from there, folder by folder.
fn pictures_in(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut pictures = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(below) = folders.pop() {
        let cannot = || format!("cannot read the folder {}", folder.join(&below).display());
        for entry in std::fs::read_dir(folder.join(&below)).with_context(cannot)? {
            let name = below.join(entry.with_context(cannot)?.file_name());
            let path = folder.join(&name);
            let extension = name.extension().map(|extension| extension.to_string_lossy().to_lowercase());
            // A link to a folder may lead round in a circle.
            if path.is_dir() && !path.is_symlink() {
                folders.push(name);
            } else if path.is_file() && extension.is_some_and(|extension| EXTENSIONS.contains(&extension.as_str())) {
                pictures.push(name);
            }
        }
    }
    pictures.sort();
    Ok(pictures)
}

/// The first folder on the way to a picture; `.` for those directly in the folder that was named.
fn folder_of(file: &Path) -> String {
    let mut parts = file.iter();
    let first = parts.next();
    let folder = first.filter(|_| parts.next().is_some());
    folder.map_or_else(|| ".".to_owned(), |folder| folder.to_string_lossy().into_owned())
}

fn open(path: &Path, size_px: usize) -> anyhow::Result<RgbImage> {
    let picture = photo::load(path)?;
    let (width, height) = picture.dimensions();
    anyhow::ensure!(
        width == height,
        "{} is {width} x {height} pixels, and an aligned picture must be square",
        path.display()
    );
    Ok(pillow::lanczos(&picture, u32::try_from(size_px)?))
}

fn readable_lines(evaluation: &Evaluation) -> Vec<String> {
    let Evaluation { model, size, images, likeness, reconstruction, interpolation, local_edits, .. } = evaluation;
    let of = if evaluation.by_encoder_alone.is_some() {
        format!("likeness {likeness}")
    } else {
        "the encoder alone".to_owned()
    };
    let mut lines = vec![format!("{model}: {images} pictures at {size} x {size} px, {of}")];
    let columns =
        |title: &str| format!("{title:<18}{:>5}{:>10}{:>10}{:>9}{:>9}", "n", "MSE", "worst", "LPIPS", "worst");
    let mut table = |title: &str, Reconstructions { all, folders }: &Reconstructions| {
        lines.push(columns(title));
        let folders = folders.iter().map(|(name, of_images)| (name.as_str(), of_images));
        for (name, OfImages { n, mean, worst }) in folders.chain([("all", all)]) {
            let lpips = [mean.lpips, worst.lpips];
            let [lpips, worst_lpips] =
                lpips.map(|lpips| lpips.map_or_else(|| "-".to_owned(), |lpips| format!("{lpips:.4}")));
            let (mse, worst_mse) = (mean.mse, worst.mse);
            lines.push(format!("  {name:<16}{n:>5}{mse:>10.5}{worst_mse:>10.5}{lpips:>9}{worst_lpips:>9}"));
        }
        lines.push(format!("  the greatest MSE is that of {}", all.worst.picture));
    };
    table("reconstruction", reconstruction);
    if let Some(by_encoder_alone) = &evaluation.by_encoder_alone {
        table("encoder alone", by_encoder_alone);
    }
    if let Some(OfPairs { pairs, mean: Interpolation { step_mean, path_length, unevenness } }) = interpolation {
        lines.push(format!(
            "interpolation, {pairs} pairs: LPIPS of a step {step_mean:.4}, path length {path_length:.3}, unevenness {unevenness:.3}"
        ));
    }
    let title = format!("local edits, {} pairs", local_edits.pairs);
    lines.push(format!("{title:<24}{:>10}{:>10}{:>12}{:>12}", "MSE src", "MSE ref", "change src", "change ref"));
    let masks = MASKS.iter().filter_map(|(name, _)| Some((*name, local_edits.masks.get(name)?)));
    for (name, errors) in masks.chain([("all", &local_edits.all)]) {
        let EditErrors { mse_src, mse_ref, change_src, change_ref } = errors;
        lines.push(format!("  {name:<22}{mse_src:>10.5}{mse_ref:>10.5}{change_src:>12.5}{change_ref:>12.5}"));
    }
    lines
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn pictures_are_found_folder_by_folder() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b/2.png", "b/10.PNG", "a/deep/1.webp", "a/notes.txt", "z.jpg", "a-b/1.jpeg"] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let pictures = pictures_in(folder.path()).unwrap();
        let expected = ["a/deep/1.webp", "a-b/1.jpeg", "b/10.PNG", "b/2.png", "z.jpg"].map(PathBuf::from);
        assert_eq!(pictures, expected);
        let folders: Vec<_> = pictures.iter().map(|picture| folder_of(picture)).collect();
        assert_eq!(folders, ["a", "a-b", "b", "b", "."]);
    }
}
