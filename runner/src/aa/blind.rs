//! Which label is slowed: drawn by chance, sealed, and opened when everything is judged.
//!
//! The manifest holds only the seal's digest. The judgement never gets a [`Seal`]; it works on what is stored of each
//! repetition, where both labels went through the same proxy.

use std::path::Path;

use lab_model::digest;
use lab_model::results::aa::Label;
use miette::{IntoDiagnostic as _, WrapErr as _, miette};
use serde::{Deserialize, Serialize};

/// Name of the file in the session's folder.
pub const FILE: &str = "sealed.json";

/// The slowed label of each experiment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seal {
    /// Without it the digest could be guessed by trying.
    nonce: String,
    slowed: Vec<Label>,
}

impl Seal {
    /// Draws a label for each experiment, by the operating system's randomness: it does not follow from the plan's seed.
    pub fn draw(experiments: u32) -> Self {
        let label = |_| {
            if rand::random::<bool>() {
                Label::A
            } else {
                Label::B
            }
        };
        Self {
            nonce: format!("{:032x}", rand::random::<u128>()),
            slowed: (0..experiments).map(label).collect(),
        }
    }

    fn bytes(&self) -> miette::Result<Vec<u8>> {
        serde_json::to_vec_pretty(self).into_diagnostic()
    }

    /// What the manifest holds of it.
    ///
    /// # Errors
    /// It cannot be written as JSON.
    pub fn digest(&self) -> miette::Result<String> {
        Ok(digest::of_bytes(&self.bytes()?))
    }

    /// Stores it beside the manifest.
    ///
    /// # Errors
    /// IO.
    pub fn store(&self, session: &Path) -> miette::Result<()> {
        lab_model::atomic::write(&session.join(FILE), &self.bytes()?).into_diagnostic()
    }

    /// Reads it back.
    ///
    /// # Errors
    /// It is missing, or is not the one that was sealed before the first request.
    pub fn open(session: &Path, sealed_sha256: &str) -> miette::Result<Self> {
        let path = session.join(FILE);
        let bytes = fs_err::read(&path)
            .into_diagnostic()
            .wrap_err("the session does not say which label was slowed: start a new one")?;
        if digest::of_bytes(&bytes) != sealed_sha256 {
            return Err(miette!(
                help = "start a new session: this one proves nothing any more",
                "{} was changed after it was sealed",
                path.display()
            ));
        }
        serde_json::from_slice(&bytes).into_diagnostic()
    }

    /// The slowed label of an experiment, counted from 0.
    pub fn slowed(&self, experiment: u32) -> Option<Label> {
        self.slowed.get(experiment as usize).copied()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn both_labels_are_drawn_and_no_two_seals_are_alike() {
        let seal = Seal::draw(200);
        let a = (0..200)
            .filter(|e| seal.slowed(*e) == Some(Label::A))
            .count();
        assert!(
            (50..=150).contains(&a),
            "{a} of 200: one in 10^12 by chance"
        );
        assert_eq!(seal.slowed(200), None);
        let again = Seal {
            nonce: Seal::draw(0).nonce,
            ..seal.clone()
        };
        assert_ne!(
            seal.digest().unwrap(),
            again.digest().unwrap(),
            "the digest must not tell the labels"
        );
    }

    #[test]
    fn a_changed_seal_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let seal = Seal::draw(8);
        let digest = seal.digest().unwrap();
        assert!(
            Seal::open(folder.path(), &digest).is_err(),
            "there is none yet"
        );
        seal.store(folder.path()).unwrap();
        assert_eq!(Seal::open(folder.path(), &digest).unwrap(), seal);
        let mut turned = seal;
        turned.slowed[0] = turned.slowed[0].other();
        turned.store(folder.path()).unwrap();
        let error = Seal::open(folder.path(), &digest).unwrap_err().to_string();
        assert!(error.contains("changed after it was sealed"), "{error}");
    }
}
