//! Files written whole or not at all.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};

/// What a file's name ends in until the file is whole.
const PART_EXTENSION: &str = "part";
/// File systems take names of 255 bytes; the rest is for two numbers and the ending.
const MAX_PART_STEM_BYTES: usize = 200;

/// Writes a file whole or not at all, see [`write_whole_with`].
///
/// # Errors
/// [`Error::Io`]; a file of that name is then left as it was.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    write_whole_with(path, |file| file.write_all(bytes))
}

/// Writes a file whole or not at all, whatever happens meanwhile: `write` fills a temporary file beside it, which is brought
/// to the disk and then renamed. A symbolic link stays one, and the file that it leads to is written.
///
/// # Errors
/// [`Error::Io`]: when the disk is full, the folder or the file takes no writing, or something that is not a file has that name.
/// A file of that name is then left as it was.
pub fn write_whole_with(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> Result<()> {
    let io = |source| Error::Io { action: "cannot write", path: path.to_owned(), source };
    let target = if path.is_symlink() { path.canonicalize().map_err(io)? } else { path.to_owned() };
    let replaced = target.metadata().ok();
    replaced.as_ref().map_or(Ok(()), check_replaceable).map_err(io)?;
    let (part, mut file) = create_part(&target).map_err(io)?;
    let written = write(&mut file).and_then(|()| file.sync_all());
    if let Some(replaced) = replaced {
        // As far as the file system knows permissions.
        let _ = file.set_permissions(replaced.permissions());
    }
    drop(file);
    written.and_then(|()| std::fs::rename(&part, &target)).map_err(|source| {
        // Whatever could be written of it is of no use.
        let _ = std::fs::remove_file(&part);
        io(source)
    })?;
    sync_folder(&target);
    Ok(())
}

/// A rename asks less than writing into the file would: it also takes the place of devices and of files that must not change.
fn check_replaceable(replaced: &Metadata) -> io::Result<()> {
    if replaced.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if !replaced.is_file() {
        return Err(io::Error::other("something that is not a file has that name"));
    }
    if replaced.permissions().readonly() {
        return Err(io::Error::other("it is read-only"));
    }
    Ok(())
}

/// A new file beside `target`, under a name that nobody else uses.
fn create_part(target: &Path) -> io::Result<(PathBuf, File)> {
    static NEXT_NUMBER: AtomicU64 = AtomicU64::new(0);
    loop {
        let number = NEXT_NUMBER.fetch_add(1, Ordering::Relaxed);
        let mut name = part_stem(target.file_name().unwrap_or_default());
        name.push(format!(".{}-{number}.{PART_EXTENSION}", std::process::id()));
        let part = target.with_file_name(name);
        match OpenOptions::new().write(true).create_new(true).open(&part) {
            Ok(file) => {
                // Says that the writer is alive, see `remove_abandoned_parts`; some file systems cannot say it.
                let _ = file.try_lock();
                return Ok((part, file));
            }
            // A program of this number died while writing.
            Err(err) if err.kind() == io::ErrorKind::AlreadyExists => {}
            Err(err) => return Err(err),
        }
    }
}

/// What a temporary file's name begins with: the file's own name, or so much of it that there is room for the rest.
fn part_stem(name: &OsStr) -> OsString {
    if name.len() <= MAX_PART_STEM_BYTES {
        return name.to_owned();
    }
    let name = name.to_string_lossy();
    let end = (0..=MAX_PART_STEM_BYTES).rev().find(|&end| name.is_char_boundary(end)).unwrap_or_default();
    name.get(..end).unwrap_or_default().into()
}

/// Makes sure that the rename outlives a power cut. A file system that cannot keeps the file whole all the same.
fn sync_folder(file: &Path) {
    #[cfg(unix)]
    let _ = File::open(folder_of(file)).and_then(|folder| folder.sync_all());
    #[cfg(not(unix))]
    let _ = file;
}

/// Removes what programs left beside `path` that died while they wrote it; what living ones are writing stays.
pub fn remove_abandoned_parts(path: &Path) {
    let target = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let (Some(name), Ok(entries)) = (target.file_name(), std::fs::read_dir(folder_of(&target))) else { return };
    let name = part_stem(name);
    for entry in entries.flatten().filter(|entry| is_part_of(&name, &entry.file_name())) {
        // Whoever writes it holds its lock, and the system takes the lock from the dead.
        let part = OpenOptions::new().write(true).open(entry.path());
        if part.is_ok_and(|part| part.try_lock().is_ok()) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

fn is_part_of(name: &OsStr, part: &OsStr) -> bool {
    let between = part.as_encoded_bytes().strip_prefix(name.as_encoded_bytes());
    let between = between.and_then(|rest| rest.strip_suffix(format!(".{PART_EXTENSION}").as_bytes()));
    between
        .and_then(|rest| rest.strip_prefix(b"."))
        .is_some_and(|number| !number.is_empty() && number.iter().all(|byte| byte.is_ascii_digit() || *byte == b'-'))
}

/// The folder that a file lies in.
fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_failure_leaves_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        write_whole(&path, b"first").unwrap();
        let err = write_whole_with(&path, |file| {
            file.write_all(b"sec")?;
            Err(io::Error::other("the disk is full"))
        })
        .unwrap_err();
        assert_eq!(err.to_string(), format!("cannot write {}: the disk is full", path.display()));
        assert_eq!(std::fs::read(&path).unwrap(), b"first");
        assert_eq!(names(folder.path()), ["a.txt"]);
        write_whole(&path, b"second").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"second");
        assert_eq!(names(folder.path()), ["a.txt"]);
    }

    #[test]
    fn a_file_that_must_not_change_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        std::fs::write(&path, "first").unwrap();
        let mut permissions = path.metadata().unwrap().permissions();
        permissions.set_readonly(true);
        std::fs::set_permissions(&path, permissions).unwrap();
        assert!(write_whole(&path, b"second").unwrap_err().to_string().ends_with("it is read-only"));
        assert_eq!(std::fs::read(&path).unwrap(), b"first");
        assert!(write_whole(folder.path(), b"second").is_err());
        assert_eq!(names(folder.path()), ["a.txt"]);
    }

    #[cfg(unix)]
    #[test]
    fn links_permissions_and_devices_stay() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let folder = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let (link, file) = (folder.path().join("link"), elsewhere.path().join("file"));
        std::fs::write(&file, "first").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
        symlink(&file, &link).unwrap();
        write_whole(&link, b"second").unwrap();
        assert!(link.is_symlink());
        assert_eq!(std::fs::read(&file).unwrap(), b"second");
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o640);
        // Not a device of the system's: were it replaced, the machine would notice.
        let pipe = folder.path().join("socket");
        let _socket = std::os::unix::net::UnixListener::bind(&pipe).unwrap();
        assert!(write_whole(&pipe, b"second").unwrap_err().to_string().contains("not a file"));
        assert_eq!(names(folder.path()), ["link", "socket"]);
    }

    #[test]
    fn names_may_be_as_long_as_the_file_system_takes() {
        let folder = tempfile::tempdir().unwrap();
        for len in [200, 201, 244, 255] {
            for letter in ["a", "ü"] {
                let name =
                    format!("{}{}.png", "b".repeat((len - 4) % letter.len()), letter.repeat((len - 4) / letter.len()));
                assert_eq!(name.len(), len);
                let path = folder.path().join(&name);
                write_whole(&path, name.as_bytes()).unwrap();
                assert_eq!(std::fs::read(&path).unwrap(), name.as_bytes());
            }
        }
        let path = folder.path().join(format!("{}.png", "a".repeat(251)));
        std::fs::write(folder.path().join(format!("{}.1234-0.part", "a".repeat(200))), "half").unwrap();
        remove_abandoned_parts(&path);
        assert!(names(folder.path()).iter().all(|name| !name.ends_with(".part")));
    }

    #[test]
    fn what_the_dead_left_is_removed_and_what_the_living_write_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        for name in ["a.txt.1234-0.part", "a.txt.99.part", "b.txt.1234-0.part", "a.txt.notes.part", "a.txt.part"] {
            std::fs::write(folder.path().join(name), "half").unwrap();
        }
        write_whole_with(&path, |file| {
            file.write_all(b"whole")?;
            remove_abandoned_parts(&path);
            Ok(())
        })
        .unwrap();
        assert_eq!(names(folder.path()), ["a.txt", "a.txt.notes.part", "a.txt.part", "b.txt.1234-0.part"]);
        assert_eq!(std::fs::read(&path).unwrap(), b"whole");
    }
}
