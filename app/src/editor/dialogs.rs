//! The system's file dialogs, on threads of their own.

use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use crate::language::tr;
use crate::photo_loading::PHOTO_EXTENSIONS;
use crate::project;
use crate::workbench::Question;

/// How a dialog ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// These files.
    Paths(Question, Vec<PathBuf>),
    /// The user chose nothing.
    Cancelled,
    /// No dialog came up: this system has none to offer.
    NoDialog(Question),
}

/// The kinds of picture that are written.
const PICTURES: &str = "Pictures (PNG, JPEG, WebP, TIFF)";
const PICTURE_EXTENSIONS: [&str; 6] = ["png", "jpg", "jpeg", "webp", "tif", "tiff"];

/// Nobody closes a dialog this fast: without a portal and without zenity it never was there.
const TOO_FAST_FOR_A_PERSON: Duration = Duration::from_millis(250);

/// The open dialogs.
pub struct Dialogs {
    sender: Sender<Answer>,
    answers: Receiver<Answer>,
    open: usize,
}

impl Default for Dialogs {
    fn default() -> Self {
        let (sender, answers) = channel();
        Self { sender, answers, open: 0 }
    }
}

impl Dialogs {
    /// Opens a dialog; returns at once. A second one while the first is open is ignored.
    /// It begins in the folder of `suggestion`, whose file name is offered where a file is written.
    pub fn ask(
        &mut self,
        question: Question,
        suggestion: &Path,
        wake: impl Fn() + Send + 'static,
    ) -> anyhow::Result<()> {
        if self.open > 0 {
            return Ok(());
        }
        // The future is made here, on the window's thread, as some systems demand; it is waited for on its own.
        let dialog = rfd::AsyncFileDialog::new();
        let dialog = match suggestion.parent().filter(|folder| folder.is_dir()) {
            Some(folder) => dialog.set_directory(folder),
            None => dialog,
        };
        let name = suggestion.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let sender = self.sender.clone();
        let spawned = match question {
            Question::OpenPhotos | Question::BatchPhotos | Question::ExamplePhotos(_) => {
                let files = if question == Question::OpenPhotos {
                    let extensions: Vec<&str> = PHOTO_EXTENSIONS.into_iter().chain([project::EXTENSION]).collect();
                    dialog.set_title(tr("Open")).add_filter(tr("Photos and projects"), &extensions).pick_files()
                } else {
                    let title = match question {
                        Question::BatchPhotos => "Photos to apply the edit to",
                        _ => "Photos to learn from",
                    };
                    let dialog = dialog.set_title(tr(title));
                    dialog.add_filter(tr("Photos"), &PHOTO_EXTENSIONS).pick_files()
                };
                spawn(move || {
                    let started = Instant::now();
                    let paths = pollster::block_on(files)
                        .map(|files| files.iter().map(|file| file.path().to_owned()).collect());
                    // The window may be gone already.
                    let _ = sender.send(answer(question, paths, started.elapsed()));
                    wake();
                })
            }
            Question::ImportMaskFrom | Question::ImportSlidersFrom => {
                let (title, kind, extensions): (_, _, &[&str]) = match question {
                    Question::ImportMaskFrom => ("Import a mask", "Pictures of masks", &PHOTO_EXTENSIONS),
                    _ => ("Import sliders", "Sliders", &["safetensors"]),
                };
                let file = dialog.set_title(tr(title)).add_filter(tr(kind), extensions).pick_file();
                spawn(move || {
                    let started = Instant::now();
                    let paths = pollster::block_on(file).map(|file| vec![file.path().to_owned()]);
                    let _ = sender.send(answer(question, paths, started.elapsed()));
                    wake();
                })
            }
            Question::ExportTo
            | Question::ExportInPhotoTo
            | Question::ExportMaskTo
            | Question::MotionTo
            | Question::MotionFramesTo
            | Question::BatchPhotoFolder
            | Question::BatchFolder
            | Question::ExampleFolder(_)
            | Question::ExportSliderTo(_)
            | Question::SaveProjectTo => {
                let (title, kind, extensions): (_, _, &[&str]) = match question {
                    Question::ExportMaskTo => ("Export the mask", "PNG", &["png"]),
                    Question::SaveProjectTo => ("Save the project", "Stylebrush projects", &[project::EXTENSION]),
                    Question::MotionTo => {
                        ("Export the motion", "Moving pictures (GIF, PNG, WebP)", &["gif", "png", "webp"])
                    }
                    Question::ExportSliderTo(_) => ("Export the slider", "Sliders", &["safetensors"]),
                    Question::ExportTo => ("Export the face", PICTURES, &PICTURE_EXTENSIONS),
                    _ => ("Export the photo", PICTURES, &PICTURE_EXTENSIONS),
                };
                // Boxed, as a folder and a file are asked for by different futures.
                let title_of_folder = match question {
                    Question::BatchPhotoFolder => "Apply the edit to a folder of photos",
                    Question::BatchFolder => "Folder for the edited photos",
                    Question::ExampleFolder(_) => "Folder of photos to learn from",
                    _ => "Folder for the pictures",
                };
                let file: Pin<Box<dyn Future<Output = Option<rfd::FileHandle>> + Send>> = match question {
                    _ if question.is_about_folder() => Box::pin(dialog.set_title(tr(title_of_folder)).pick_folder()),
                    _ => Box::pin(
                        dialog.set_title(tr(title)).add_filter(tr(kind), extensions).set_file_name(name).save_file(),
                    ),
                };
                spawn(move || {
                    let started = Instant::now();
                    let paths = pollster::block_on(file).map(|file| vec![file.path().to_owned()]);
                    let _ = sender.send(answer(question, paths, started.elapsed()));
                    wake();
                })
            }
        };
        spawned?;
        self.open += 1;
        Ok(())
    }

    /// An answer, if there is one.
    pub fn poll(&mut self) -> Option<Answer> {
        let answer = self.answers.try_recv().ok()?;
        self.open = self.open.saturating_sub(1);
        Some(answer)
    }
}

fn spawn(work: impl FnOnce() + Send + 'static) -> anyhow::Result<()> {
    std::thread::Builder::new().name("file dialog".to_owned()).spawn(work)?;
    Ok(())
}

fn answer(question: Question, paths: Option<Vec<PathBuf>>, elapsed: Duration) -> Answer {
    match paths {
        Some(paths) if !paths.is_empty() => Answer::Paths(question, paths),
        _ if elapsed < TOO_FAST_FOR_A_PERSON => Answer::NoDialog(question),
        _ => Answer::Cancelled,
    }
}
