//! A run as `analyze` sees it: the manifest, the repetitions, and their raw records.

use std::path::{Path, PathBuf};

use lab_model::results::{Manifest, Repetition, RunDir};
use miette::{IntoDiagnostic as _, miette};

use crate::recompute;
use crate::samples::Measured;

/// One run, checked against its raw records.
#[derive(Debug)]
pub struct Run {
    /// Its folder.
    pub dir: RunDir,
    /// Its plan.
    pub manifest: Manifest,
    /// Repetitions in order of block and slot.
    pub repetitions: Vec<Repetition>,
    /// The measured phase of each; `None` where there is no record.
    pub measured: Vec<Option<Measured>>,
}

impl Run {
    /// Reads a run, or the newest run of a folder of runs, and recomputes every figure.
    ///
    /// # Errors
    /// No run there, unreadable files, or stored figures that do not follow from the raw records.
    pub fn open(path: &Path) -> miette::Result<Self> {
        let dir = RunDir::new(find(path)?);
        let manifest = dir.manifest()?;
        let mut repetitions = Vec::new();
        let mut measured = Vec::new();
        for (folder, repetition) in dir.repetitions()? {
            let has_record = repetition.files.contains_key("samples.parquet");
            measured.push(if has_record {
                Some(recompute::check(&folder, &repetition)?)
            } else {
                None
            });
            repetitions.push(repetition);
        }
        Ok(Self {
            dir,
            manifest,
            repetitions,
            measured,
        })
    }

    /// Blocks that have at least one repetition.
    pub fn blocks(&self) -> u32 {
        let blocks: std::collections::BTreeSet<u32> =
            self.repetitions.iter().map(|r| r.block).collect();
        u32::try_from(blocks.len()).unwrap_or(u32::MAX)
    }
}

/// Run folders are named by their time, so the newest has the greatest name.
fn find(path: &Path) -> miette::Result<PathBuf> {
    if path.join("manifest.json").is_file() {
        return Ok(path.to_owned());
    }
    if !path.is_dir() {
        return Err(miette!(
            help = "start with `./lab bench-single --quick`",
            "there are no results at {}",
            path.display()
        ));
    }
    let mut runs: Vec<PathBuf> = fs_err::read_dir(path)
        .into_diagnostic()?
        .flatten()
        .map(|e| e.path())
        .filter(|p| p.join("manifest.json").is_file())
        .collect();
    runs.sort();
    let newest = runs.pop().ok_or_else(|| {
        miette!(
            help = "give a run's folder, or run `./lab bench-single --quick` first",
            "no run in {}: no folder there has a manifest.json",
            path.display()
        )
    })?;
    if !runs.is_empty() {
        crate::ui::note(&format!(
            "{} is the newest of {} runs",
            newest.display(),
            runs.len() + 1
        ));
    }
    Ok(newest)
}
