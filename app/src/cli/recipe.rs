//! `edit --recipe`: what was done to a face in the editor, done to photos.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use stylebrush_app::document::{Document, Photo, PhotoId, Recipe, SceneBuilder};
use stylebrush_app::export::name::{NameParts, today};
use stylebrush_app::export::{Format, NameTemplate};
use stylebrush_app::project;
use stylebrush_app::sentence::sentence_of;
use stylemap::engine::FaceId;

use super::destination::Destination;
use super::edit::{Drawn, EditArgs, in_photo_of};
use super::failure::warn;
use super::output::PictureFile;
use super::portrait::{Portrait, PortraitOpener, photos_of};
use super::progress::Progress;
use super::refine::Refine;
use super::session::Session;
use super::{CommonOptions, paths};

/// Where the pictures go.
enum Output {
    File(PictureFile),
    Folder(PathBuf, Names),
}

/// What files are called.
struct Names {
    template: NameTemplate,
    /// None: as the photo, or PNG.
    format: Option<Format>,
}

impl Names {
    fn new(text: &str) -> anyhow::Result<Self> {
        let format = Format::of(Path::new(text)).ok();
        let stem = match format {
            Some(_) => text.rsplit_once('.').map_or(text, |(stem, _)| stem),
            None => text,
        };
        Ok(Self { template: NameTemplate::new(stem)?, format })
    }

    fn format(&self, photo: &Path, args: &EditArgs) -> Format {
        let own = Format::of(photo).ok().filter(|_| args.in_photo);
        let format = self.format.or(own).unwrap_or_default();
        // A photo's own kind may have no room for a layer.
        if self.format.is_none() && args.change_only && !format.has_transparency() { Format::Png } else { format }
    }
}

/// Runs `edit --recipe`.
pub fn run(common: &CommonOptions, args: &EditArgs, project: &Path) -> anyhow::Result<()> {
    let project = paths::of_argument(project);
    let photos = photos_of(&args.sources)?;
    let is_folder = args.output.is_dir() || args.sources.iter().any(|source| paths::of_argument(source).is_dir());
    let inputs = || photos.iter().chain([&project]).map(PathBuf::as_path);
    let output = if is_folder || photos.len() > 1 {
        anyhow::ensure!(
            !args.output.exists() || args.output.is_dir(),
            "cannot write to {}: several photos are edited, which needs a folder",
            args.output.display()
        );
        Output::Folder(args.output.clone(), Names::new(&args.name)?)
    } else {
        let file = PictureFile::new(&args.output, inputs(), common)?;
        if args.change_only {
            file.check_transparency()?;
        }
        Output::File(file)
    };
    let mut next_photo_id = 0;
    let recipe = open(&project, &mut next_photo_id)?;
    let mut applier = Applier::new(common, recipe, next_photo_id, args.refine)?;
    if !args.in_photo {
        args.size.check(&applier.session)?;
    }
    let opener = PortraitOpener::new(common);
    let (folder, names) = match output {
        Output::File(file) => {
            let path = photos.first().context("no photo is given")?;
            let faces = opener.open_faces(path, args.references.face)?;
            return applier.edit(&faces, args, |picture, options| file.write(picture, options));
        }
        Output::Folder(folder, names) => (folder, names),
    };
    if !folder.is_dir() {
        std::fs::create_dir(&folder).with_context(|| format!("cannot write to {}", folder.display()))?;
    }
    let mut failed = 0;
    let mut progress = Progress::new(photos.len(), "photos");
    for (number, path) in (1..).zip(&photos) {
        let written = opener.open_faces(path, args.references.face).and_then(|faces| {
            let name_parts = |size_px| {
                let photo = path.file_stem().unwrap_or_default().to_string_lossy();
                let face = faces.first().and_then(|face| face.placement.face_number()).unwrap_or(1);
                let parts = NameParts { photo: &photo, face, size_px, number, date: today() };
                folder.join(format!("{}.{}", names.template.name(&parts), names.format(path, args).extension()))
            };
            applier.edit(&faces, args, |picture, options| {
                let target = name_parts((picture.width(), picture.height()));
                anyhow::ensure!(
                    common.overwrite || target.symlink_metadata().is_err(),
                    "cannot write {}: it is there already; choose another --name, or replace it with --overwrite",
                    target.display()
                );
                PictureFile::new(&target, inputs(), common)?.write(picture, options)?;
                progress.print_line(&target.display().to_string())
            })
        });
        if let Err(err) = written {
            progress.warn(&sentence_of(&err.context(format!("{} was not edited", path.display()))));
            failed += 1;
        }
        progress.step();
    }
    drop(progress);
    anyhow::ensure!(failed == 0, "{failed} of {} photos were not edited", photos.len());
    Ok(())
}

/// What is done to the face in hand of a project.
fn open(path: &Path, next_photo_id: &mut u64) -> anyhow::Result<Recipe> {
    let opened = project::open(path, &project::Progress::default())?;
    opened.problems.iter().for_each(|problem| warn(problem));
    let document: Document = opened.into_document(next_photo_id);
    let recipe = document.recipe().filter(Recipe::changes_picture);
    let recipe = recipe
        .with_context(|| format!("nothing is painted or adjusted in {}, so there is nothing to do", path.display()))?;
    Ok(recipe.with_own_photos(next_photo_id))
}

/// Does it to one face after the other.
struct Applier {
    session: Session,
    scenes: SceneBuilder,
    recipe: Recipe,
    /// The references that the engine knows.
    known: BTreeSet<PhotoId>,
    next_photo_id: u64,
}

impl Applier {
    fn new(common: &CommonOptions, recipe: Recipe, next_photo_id: u64, refine: Refine) -> anyhow::Result<Self> {
        let session = Session::open(common)?.refining(refine);
        let names: Vec<String> = session.engine.info().directions.into_iter().map(|it| it.name).collect();
        for name in recipe.directions().filter(|name| !names.contains(name)) {
            warn(&format!("this model has no direction {name}, which the recipe moves faces along"));
        }
        let mut scenes = SceneBuilder::default();
        scenes.set_directions(names);
        Ok(Self { session, scenes, recipe, known: BTreeSet::new(), next_photo_id })
    }

    /// Edits faces of one photo, and hands the picture over to be written.
    fn edit(
        &mut self,
        faces: &[Portrait],
        args: &EditArgs,
        write: impl FnOnce(&image::DynamicImage, &stylebrush_app::export::FileOptions<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut drawn = Vec::with_capacity(faces.len());
        for source in faces {
            let id = PhotoId(self.next_photo_id);
            self.next_photo_id += 1;
            let photo = Photo {
                id,
                name: String::new(),
                crop: std::sync::Arc::clone(&source.crop),
                path: None,
                placement: Some(source.placement.clone()),
                latent: None,
                latent_model: None,
                is_sample: false,
            };
            let document = self.recipe.document_for(photo, &mut self.next_photo_id);
            let hash = self.session.engine.info().hash;
            let is_new = |id: &PhotoId| !self.known.contains(id);
            let added: Vec<PhotoId> = document.photos().iter().map(|photo| photo.id).filter(is_new).collect();
            for photo in document.photos().iter().filter(|photo| added.contains(&photo.id)) {
                self.session.add_photo(photo, &hash)?;
            }
            let references = self.recipe.photos().iter().map(|photo| photo.id);
            self.known.extend(references);
            let scene = self.scenes.scene(&document, None).context("there is nothing to draw")?;
            let mut scene = scene;
            if args.likeness.is_given() {
                let shown: Vec<FaceId> = scene.faces().collect();
                scene.likeness = args.likeness.of_faces(&self.session, shown);
            }
            let picture = self.session.draw(&scene)?;
            if !args.in_photo {
                let mut destination = Destination::by_itself(id.into(), source, args.size, &self.session)?;
                let finished = destination.finish(&picture, &scene, &self.session)?;
                self.forget(&added);
                return write(&finished, &args.file.of_photo(None));
            }
            drawn.push(Drawn { source, picture, composition: self.session.composition(&scene, id.into()) });
            self.forget(&added);
        }
        let original = faces.first().map(|face| &face.placement.original.file);
        write(&in_photo_of(&drawn, args.change_only)?, &args.file.of_photo(original))
    }

    /// Forgets the faces of one photo; the references stay.
    fn forget(&mut self, photos: &[PhotoId]) {
        for photo in photos.iter().filter(|photo| !self.known.contains(photo)) {
            self.session.remove_face((*photo).into());
        }
    }
}
