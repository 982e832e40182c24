//! The database goes, in every way it can, and comes back.

use std::thread;
use std::time::Duration;

use super::Stage;
use super::findings::{Findings, StageError};

/// After this long a service has had time to see that its connections are dead: the contract gives it a second.
const A_LITTLE_LATER: Duration = Duration::from_secs(3);

pub(super) fn stopped(stage: &mut Stage<'_>, findings: &mut Findings) -> Result<(), StageError> {
    stage.database.stop()?;
    stage.is_unavailable("with the database stopped", 12, findings);
    // Longer than any back-off that would still be honest, so that recovery is not an accident of timing.
    thread::sleep(A_LITTLE_LATER);
    stage.is_unavailable("with the database stopped for a while", 4, findings);
    stage.database.start()?;
    stage.recovers(findings)
}

pub(super) fn restarted_unnoticed(
    stage: &mut Stage<'_>,
    findings: &mut Findings,
) -> Result<(), StageError> {
    stage.database.stop()?;
    stage.database.start()?;
    thread::sleep(A_LITTLE_LATER);
    stage.all_fine("3 s after the database restarted", findings);
    stage.has_its_connections(findings)
}

pub(super) fn connections_killed(
    stage: &mut Stage<'_>,
    findings: &mut Findings,
) -> Result<(), StageError> {
    // A pool that is still being filled would not lose all of them.
    stage.has_its_connections(findings)?;
    stage.owner()?.kill_connections()?;
    thread::sleep(A_LITTLE_LATER);
    stage.all_fine("3 s after all connections were ended", findings);
    stage.has_its_connections(findings)
}

pub(super) fn refused(stage: &mut Stage<'_>, findings: &mut Findings) -> Result<(), StageError> {
    let mut owner = stage.owner()?;
    owner.lock_out()?;
    stage.is_unavailable("while the database refuses the login", 12, findings);
    owner.allow_login()?;
    stage.recovers(findings)
}

pub(super) fn paused(stage: &mut Stage<'_>, findings: &mut Findings) -> Result<(), StageError> {
    let more_than_the_pool = stage.promises.db_connections + 10;
    stage.database.pause()?;
    stage.is_unavailable("with the database paused", more_than_the_pool, findings);
    stage.is_unavailable("with the database still paused", 4, findings);
    stage.database.resume()?;
    stage.recovers(findings)
}
