//! Folders of a run: where a repetition lives, how it is stored at once, how a run is read back.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Look, Manifest, Repetition, SCHEMA_VERSION};
use crate::atomic;

/// Results cannot be read or written.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum StoreError {
    /// IO.
    #[error(transparent)]
    #[diagnostic(help("check free space and permissions of the results folder"))]
    Io(#[from] std::io::Error),
    /// A file is not of the expected form.
    #[error("{path}: {message}")]
    #[diagnostic(help(
        "the format is in docs/FORMAT.md; `bench validate RUN` lists every problem"
    ))]
    Form {
        /// The file.
        path: String,
        /// What is wrong.
        message: String,
    },
    /// The same (target, block) twice.
    #[error("{path}: block {block} of {target} is already stored at {other}")]
    #[diagnostic(help("a repetition counts once: remove the copy"))]
    Duplicate {
        /// The second file.
        path: String,
        /// The first file.
        other: String,
        /// Target.
        target: String,
        /// Block.
        block: u32,
    },
}

/// The folder of one run.
#[derive(Debug, Clone)]
pub struct RunDir {
    root: PathBuf,
}

/// Which repetition: target and block of the run's one mode and profile.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// Target.
    pub target: String,
    /// Block, from 1.
    pub block: u32,
}

impl RunDir {
    /// Names the folder; nothing is read or made.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// Makes the folder and stores the manifest.
    ///
    /// # Errors
    /// IO; also when the folder exists already: results are never overwritten.
    pub fn create(&self, manifest: &Manifest) -> Result<(), StoreError> {
        if let Some(parent) = self.root.parent() {
            fs_err::create_dir_all(parent)?;
        }
        fs_err::create_dir(&self.root)?;
        atomic::write_json(&self.root.join("manifest.json"), manifest)?;
        Ok(())
    }

    /// Reads the manifest.
    ///
    /// # Errors
    /// IO or form.
    pub fn manifest(&self) -> Result<Manifest, StoreError> {
        read_stored(&self.root.join("manifest.json"), |m: &Manifest| {
            m.schema_version
        })
    }

    /// Where a repetition is, or will be.
    pub fn repetition_dir(&self, manifest: &Manifest, cell: &Cell) -> PathBuf {
        self.root
            .join(&manifest.mode)
            .join(&manifest.profile_name)
            .join(&cell.target)
            .join(format!("{:03}", cell.block))
    }

    /// Where the scratch folder of a repetition is while it runs.
    pub fn scratch_path(&self, cell: &Cell) -> PathBuf {
        self.root
            .join(".partial")
            .join(format!("{}-{:03}", cell.target, cell.block))
    }

    /// An empty folder to build a repetition in; what an interrupted run left there is removed.
    ///
    /// # Errors
    /// IO.
    pub fn scratch(&self, cell: &Cell) -> Result<PathBuf, StoreError> {
        let path = self.scratch_path(cell);
        if path.exists() {
            fs_err::remove_dir_all(&path)?;
        }
        fs_err::create_dir_all(&path)?;
        Ok(path)
    }

    /// Stores a repetition: writes `repetition.json` into the scratch folder, then renames the folder into place.
    ///
    /// # Errors
    /// IO.
    pub fn commit(
        &self,
        manifest: &Manifest,
        scratch: &Path,
        repetition: &Repetition,
    ) -> Result<PathBuf, StoreError> {
        atomic::write_json(&scratch.join("repetition.json"), repetition)?;
        for entry in fs_err::read_dir(scratch)? {
            fs_err::File::open(entry?.path())?.sync_all()?;
        }
        atomic::sync_dir(scratch)?;
        let cell = Cell {
            target: repetition.target.clone(),
            block: repetition.block,
        };
        let place = self.repetition_dir(manifest, &cell);
        let parent = place.parent().unwrap_or(&self.root).to_owned();
        fs_err::create_dir_all(&parent)?;
        fs_err::rename(scratch, &place)?;
        atomic::sync_dir(&parent)?;
        Ok(place)
    }

    /// Removes the scratch folders.
    ///
    /// # Errors
    /// IO.
    pub fn clear_scratch(&self) -> Result<(), StoreError> {
        let path = self.root.join(".partial");
        if path.exists() {
            fs_err::remove_dir_all(path)?;
        }
        Ok(())
    }

    /// All stored repetitions with their folders, in order of block and slot.
    ///
    /// # Errors
    /// IO, form, a (target, block) that stands twice, or a repetition of another run.
    pub fn repetitions(&self) -> Result<Vec<(PathBuf, Repetition)>, StoreError> {
        let mut found = Vec::new();
        collect(&self.root, 0, &mut found)?;
        let mut seen: BTreeMap<Cell, PathBuf> = BTreeMap::new();
        let mut all = Vec::new();
        for folder in found {
            let path = folder.join("repetition.json");
            let repetition = read_stored(&path, |r: &Repetition| r.schema_version)?;
            let cell = Cell {
                target: repetition.target.clone(),
                block: repetition.block,
            };
            if let Some(other) = seen.insert(cell, path.clone()) {
                return Err(StoreError::Duplicate {
                    path: path.display().to_string(),
                    other: other.display().to_string(),
                    target: repetition.target,
                    block: repetition.block,
                });
            }
            all.push((folder, repetition));
        }
        all.sort_by_key(|(_, r)| (r.block, r.slot));
        Ok(all)
    }

    /// When verdicts were printed so far.
    ///
    /// # Errors
    /// IO or form.
    pub fn looks(&self) -> Result<Vec<Look>, StoreError> {
        let path = self.root.join("looks.json");
        if path.exists() {
            read_json(&path)
        } else {
            Ok(Vec::new())
        }
    }

    /// Notes that a verdict is printed now; the same number of blocks twice is one look.
    ///
    /// # Errors
    /// IO or form.
    pub fn record_look(&self, repetitions: u32) -> Result<Vec<Look>, StoreError> {
        let mut looks = self.looks()?;
        if looks.iter().all(|l| l.repetitions != repetitions) {
            looks.push(Look {
                at: jiff::Timestamp::now(),
                repetitions,
            });
            atomic::write_json(&self.root.join("looks.json"), &looks)?;
        }
        Ok(looks)
    }
}

/// `<mode>/<profile>/<target>/<repetition>`: four folders down, hidden ones left out.
fn collect(folder: &Path, depth: u32, found: &mut Vec<PathBuf>) -> Result<(), StoreError> {
    if folder.join("repetition.json").is_file() {
        found.push(folder.to_owned());
        return Ok(());
    }
    if depth == 4 {
        return Ok(());
    }
    for entry in fs_err::read_dir(folder)? {
        let entry = entry?;
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if entry.file_type()?.is_dir() && !hidden {
            collect(&entry.path(), depth + 1, found)?;
        }
    }
    Ok(())
}

/// Reads a file that says its own version.
pub(super) fn read_stored<T: serde::de::DeserializeOwned>(
    path: &Path,
    version: fn(&T) -> u32,
) -> Result<T, StoreError> {
    let stored: T = read_json(path)?;
    if version(&stored) == SCHEMA_VERSION {
        return Ok(stored);
    }
    Err(StoreError::Form {
        path: path.display().to_string(),
        message: format!(
            "schema_version {}, this program reads {SCHEMA_VERSION}",
            version(&stored)
        ),
    })
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, StoreError> {
    let bytes = fs_err::read(path)?;
    serde_json::from_slice(&bytes).map_err(|e| StoreError::Form {
        path: path.display().to_string(),
        message: e.to_string(),
    })
}
