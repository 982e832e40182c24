//! A run of the lab as `analyze` sees it: manifest, repetitions, and the figures of their raw records.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use lab_model::results::{Look, Manifest, Repetition, RunDir};
use lab_stats::sorted::Sorted;
use miette::{IntoDiagnostic as _, WrapErr as _, miette};

use crate::figures::{self, Figures};
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
    /// The figures of each; `None` where there is no record.
    pub figures: Vec<Option<Figures>>,
    /// Percentiles over all valid repetitions, by target and metric.
    pub pooled: BTreeMap<String, BTreeMap<String, f64>>,
}

impl Run {
    /// Reads a run, or the newest run of a folder of runs, and recomputes every figure.
    ///
    /// # Errors
    /// No run there, unreadable files, or stored figures that do not follow from the raw records.
    pub fn open(path: &Path) -> miette::Result<Self> {
        let dir = RunDir::new(find(path)?);
        let manifest = dir.manifest()?;
        let stored = dir.repetitions()?;
        let mut run = Self {
            dir,
            manifest,
            figures: stored.iter().map(|_| None).collect(),
            pooled: BTreeMap::new(),
            repetitions: Vec::new(),
        };
        for target in run.manifest.targets.keys() {
            let own: Vec<usize> = (0..stored.len())
                .filter(|&i| stored[i].1.target == *target)
                .collect();
            // Raw durations of one target at a time: that is all the memory this takes.
            let pool = Mutex::new(Vec::new());
            let read = lab_stats::simulate::in_parallel(own.len(), |n| {
                let (folder, repetition) = &stored[own[n]];
                one(&run.manifest, folder, repetition, &pool)
            });
            for (i, figures) in own.into_iter().zip(read) {
                run.figures[i] = figures?;
            }
            let pool = pool
                .into_inner()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            run.pooled.insert(target.clone(), figures::pooled(&pool));
        }
        run.repetitions = stored.into_iter().map(|(_, r)| r).collect();
        Ok(run)
    }

    /// Blocks that have at least one repetition.
    pub fn blocks(&self) -> u32 {
        let blocks: std::collections::BTreeSet<u32> =
            self.repetitions.iter().map(|r| r.block).collect();
        u32::try_from(blocks.len()).unwrap_or(u32::MAX)
    }

    /// Notes that a verdict is shown. A number of blocks that was shown before is no new look, and a folder that
    /// cannot be written to keeps the looks it has.
    ///
    /// # Errors
    /// The list of looks is damaged.
    pub fn look(&self) -> miette::Result<Vec<Look>> {
        let mut looks = self.dir.looks()?;
        let blocks = self.blocks();
        if looks.iter().any(|l| l.repetitions == blocks) {
            return Ok(looks);
        }
        match self.dir.record_look(blocks) {
            Ok(looks) => Ok(looks),
            Err(e) => {
                crate::ui::note(&format!("this look is not noted beside the results: {e}"));
                looks.push(Look {
                    at: self.manifest.created_at,
                    repetitions: blocks,
                });
                Ok(looks)
            }
        }
    }
}

/// Figures of one repetition; its good durations join the pool if it counts.
fn one(
    manifest: &Manifest,
    folder: &Path,
    stored: &Repetition,
    pool: &Mutex<Vec<Sorted>>,
) -> miette::Result<Option<Figures>> {
    if !stored.files.contains_key("samples.parquet") {
        return Ok(None);
    }
    let path = folder.join("samples.parquet");
    let measured = Measured::read(&path)?;
    let (figures, sorted) = Figures::of(&measured)
        .into_diagnostic()
        .wrap_err_with(|| format!("{}", path.display()))?;
    recompute::check(folder, stored, &figures.summary)?;
    recompute::steps(manifest, folder, stored, &measured)?;
    if stored.valid {
        pool.lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .push(sorted);
    }
    Ok(Some(figures))
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
        // Runs are sessions of their own: they are never put together unasked.
        crate::ui::note(&format!(
            "{} is the newest of {} runs; the others are left out",
            newest.display(),
            runs.len() + 1
        ));
    }
    Ok(newest)
}
