//! What this system offers, which backend is chosen, and why not the others.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::affinity::Affinity;
use crate::host::Host;
use crate::kernel::Kernel;
use crate::mounts::Hierarchies;
use crate::v1::{self, CgroupV1};
use crate::v2::{self, CgroupV2};
use crate::{Kind, Limiter, Result, Session, systemd};

/// One backend, judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// The backend.
    pub kind: Kind,
    /// Can it be used here, by this user?
    pub usable: bool,
    /// Why it can or cannot.
    pub reason: String,
    /// What would make it usable; empty if it is.
    pub fix: String,
}

/// The judgement of a system.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// The backend that [`open`] takes when it is left to choose.
    pub chosen: Kind,
    /// All backends in the order of preference.
    pub candidates: Vec<Candidate>,
    /// Facts about the host.
    pub host: Host,
}

/// The order of preference: full control first, then what needs the service manager, then the old hierarchies.
const ORDER: [Kind; 4] = [
    Kind::CgroupV2,
    Kind::Systemd,
    Kind::CgroupV1,
    Kind::Affinity,
];

/// Looks at the system; changes nothing.
///
/// # Errors
/// `/proc` cannot be read.
pub fn probe(kernel: &Arc<dyn Kernel>) -> Result<Probe> {
    let system = &**kernel;
    let found = Hierarchies::read(system)?;
    let candidates: Vec<Candidate> = ORDER
        .iter()
        .map(|&kind| judge(system, &found, kind))
        .collect();
    // Affinity is always usable, so there always is one.
    let chosen = candidates
        .iter()
        .find(|c| c.usable)
        .map_or(Kind::Affinity, |c| c.kind);
    Ok(Probe {
        chosen,
        candidates,
        host: Host::read(system)?,
    })
}

fn judge(kernel: &dyn Kernel, found: &Hierarchies, kind: Kind) -> Candidate {
    let (outcome, good) = match kind {
        Kind::CgroupV2 => (
            v2::find_place(kernel, found).and_then(not_a_scope_of_ours),
            "this process may manage its part of the unified hierarchy",
        ),
        Kind::Systemd => (
            systemd::usable(kernel, found),
            "the service manager can delegate a scope",
        ),
        Kind::CgroupV1 => (
            v1::usable(kernel, found),
            "the cpu and cpuacct hierarchies are writable",
        ),
        Kind::Affinity => (
            Ok(()),
            "always possible; caps cores, but enforces no quota and has no counters",
        ),
    };
    match outcome {
        Ok(()) => Candidate {
            kind,
            usable: true,
            reason: good.into(),
            fix: String::new(),
        },
        Err((reason, fix)) => Candidate {
            kind,
            usable: false,
            reason,
            fix,
        },
    }
}

/// Once systemd has put this process into a scope, the place looks like any delegated one; the kind of the limits must
/// not change by that.
fn not_a_scope_of_ours(place: v2::Place) -> std::result::Result<(), (String, String)> {
    if place.folder.file_name().is_some_and(systemd::is_our_scope) {
        return Err((
            "systemd has given this process a scope already".into(),
            "nothing to do: the systemd backend goes on there".into(),
        ));
    }
    Ok(())
}

/// Opens a backend for a session: the one named, or the best that is usable.
///
/// v2 and systemd may move this process into a cgroup of its own.
///
/// # Errors
/// The named backend is not usable, or the kernel refuses.
pub fn open(
    kernel: &Arc<dyn Kernel>,
    session: Session,
    kind: Option<Kind>,
) -> Result<Box<dyn Limiter>> {
    let kind = match kind {
        Some(kind) => kind,
        None => {
            let found = Hierarchies::read(&**kernel)?;
            ORDER
                .into_iter()
                .find(|&k| judge(&**kernel, &found, k).usable)
                .unwrap_or(Kind::Affinity)
        }
    };
    Ok(match kind {
        Kind::CgroupV2 => Box::new(CgroupV2::open(kernel, session)?),
        Kind::Systemd => Box::new(systemd::open(kernel, session)?),
        Kind::CgroupV1 => Box::new(CgroupV1::open(kernel, session)?),
        Kind::Affinity => Box::new(Affinity::open(kernel, session)),
    })
}
