//! Reads one file within bounds.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;
use std::sync::Arc;

use super::walk::{Mark, plain};
use crate::mistake::Mistake;
use crate::place::{Lines, Place};

/// Of one file. An app with two hundred ingresses has half of it.
const MOST_BYTES: usize = 64 * 1024;

/// The file's text, or what is wrong with it as a whole.
///
/// `mark` is that of the walk, which decided that this file may be read: another one in its place is not.
pub(super) fn read(root: &Path, file: &Arc<str>, mark: &Mark, buffer: &mut Vec<u8>) -> Result<String, Mistake> {
    let mistake = |place, problem: String, remedy: &str| Mistake {
        file: Arc::clone(file),
        place,
        field: String::new(),
        problem,
        remedy: remedy.to_owned(),
    };
    buffer.clear();
    let limit = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    match open(&root.join(&**file), mark).and_then(|file| file.take(limit).read_to_end(buffer)) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(mistake(None, "went away while it was read".to_owned(), "try again"));
        }
        Err(error) => {
            return Err(mistake(
                None,
                format!("cannot be read: {}", plain(&error)),
                "make it readable for this process",
            ));
        }
    }
    if buffer.len() > MOST_BYTES {
        let remedy = "split the app, or take out what is no declaration";
        return Err(mistake(None, format!("is larger than the {} KiB of a declaration", MOST_BYTES / 1024), remedy));
    }
    match std::str::from_utf8(buffer) {
        Ok(text) => Ok(text.to_owned()),
        Err(_) if buffer.starts_with(&[0xff, 0xfe]) || buffer.starts_with(&[0xfe, 0xff]) => {
            Err(mistake(None, "is UTF-16, and TOML is UTF-8".to_owned(), "save it as UTF-8"))
        }
        Err(error) => {
            let (place, byte) = first_wrong(buffer, error.valid_up_to());
            let problem = format!("byte {byte:#04x} is not UTF-8, which TOML is");
            Err(mistake(Some(place), problem, "save the file as UTF-8"))
        }
    }
}

fn open(path: &Path, mark: &Mark) -> io::Result<File> {
    let file = File::open(path)?;
    if Mark::of(&file.metadata()?).is_same_file(mark) { Ok(file) } else { Err(ErrorKind::NotFound.into()) }
}

fn first_wrong(bytes: &[u8], at: usize) -> (Place, u8) {
    let text = bytes.get(..at).and_then(|before| std::str::from_utf8(before).ok()).unwrap_or_default();
    (Lines::new(text).place(at), bytes.get(at).copied().unwrap_or_default())
}
