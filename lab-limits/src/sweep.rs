//! Finds and takes away what sessions left behind: processes, wherever they went, and cgroups.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::kernel::Kernel;
use crate::mounts::Hierarchies;
use crate::names::{ENV_SESSION, OwnerState};
use crate::{Error, Owner, Result, Session, procs, tree, v1, v2};

/// How deep below a hierarchy's root the folder of a session is looked for.
const DEPTH: usize = 12;

/// What a sweep did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Swept {
    /// Processes killed.
    pub killed: usize,
    /// Cgroup folders removed (the session's own; their children are not counted).
    pub removed: Vec<PathBuf>,
}

/// Kills every process of the session and removes its cgroups, whatever kind of limits it ran under. Processes are
/// found by their cgroup, by the session's mark in their environment and by descent from such a process. (Descent
/// matters where a program overwrites its environment to show a title in `ps`, as the children of Postgres do.)
///
/// This process and its ancestors are spared.
///
/// # Errors
/// The session belongs to a living process that is not this one or cannot be judged (then nothing is touched), a
/// process does not die within 10 s, or the kernel refuses.
pub fn sweep(kernel: &Arc<dyn Kernel>, session: &Session) -> Result<Swept> {
    let kernel = &**kernel;
    refuse_living(kernel, session)?;
    let mut swept = Swept::default();
    let folders: Vec<PathBuf> = folders(kernel)?
        .into_iter()
        .filter(|(found, _)| found == session)
        .map(|(_, path)| path)
        .collect();
    loop {
        let mut killed = 0;
        // In v1 the same group has a folder in each hierarchy: they are taken together.
        for group in groups(kernel, &folders).values() {
            killed += v1_or_v2_kill(kernel, &session.id, group)?;
        }
        killed += kill_marked(kernel, session)?;
        swept.killed += killed;
        if killed == 0 {
            break;
        }
    }
    for folder in folders {
        tree::remove(kernel, &folder)?;
        swept.removed.push(folder);
    }
    Ok(swept)
}

/// Sweeps all sessions whose owner is dead.
///
/// # Errors
/// As [`sweep`]; sessions of other users that this one may not touch are errors too, after the others were swept.
pub fn sweep_stale(kernel: &Arc<dyn Kernel>) -> Result<Vec<(Session, Swept)>> {
    let mut out = Vec::new();
    let mut first_error = None;
    for session in stale_sessions(kernel)? {
        match sweep(kernel, &session) {
            Ok(swept) => out.push((session, swept)),
            Err(e) => first_error = first_error.or(Some(e)),
        }
    }
    first_error.map_or(Ok(out), Err)
}

/// Sessions with processes or cgroups here whose owner lives.
///
/// # Errors
/// `/proc` or the cgroup mounts cannot be read.
pub fn live_sessions(kernel: &Arc<dyn Kernel>) -> Result<Vec<Session>> {
    sessions(&**kernel, OwnerState::Alive)
}

/// Sessions with processes or cgroups here whose owner is dead. Those of owners in other PID namespaces are in
/// neither list.
///
/// # Errors
/// `/proc` or the cgroup mounts cannot be read.
pub fn stale_sessions(kernel: &Arc<dyn Kernel>) -> Result<Vec<Session>> {
    sessions(&**kernel, OwnerState::Dead)
}

fn sessions(kernel: &dyn Kernel, wanted: OwnerState) -> Result<Vec<Session>> {
    let mut found: BTreeSet<Session> = folders(kernel)?
        .into_iter()
        .map(|(session, _)| session)
        .collect();
    for pid in procs::all(kernel)? {
        found.extend(procs::environment(kernel, pid).and_then(|env| Session::from_env(&env)));
    }
    let is_wanted = |s: &Session| {
        s.owner
            .as_ref()
            .is_some_and(|owner| owner.state(kernel) == wanted)
    };
    Ok(found.into_iter().filter(is_wanted).collect())
}

fn refuse_living(kernel: &dyn Kernel, session: &Session) -> Result<()> {
    let Some(owner) = &session.owner else {
        return Err(Error::Value(format!(
            "session {} has no known owner: not swept",
            session.id
        )));
    };
    let why = match owner.state(kernel) {
        OwnerState::Dead => return Ok(()),
        OwnerState::Alive if Owner::current(kernel)? == *owner => return Ok(()),
        OwnerState::Alive => "is alive",
        OwnerState::Foreign => {
            "lives in another PID namespace (a container?) or cannot be looked at"
        }
    };
    Err(Error::Value(format!(
        "session {} is not swept: its owner, process {}, {why}",
        session.id, owner.pid
    )))
}

/// The folders of all sessions in all mounted hierarchies.
fn folders(kernel: &dyn Kernel) -> Result<Vec<(Session, PathBuf)>> {
    let found = Hierarchies::read(kernel)?;
    let mut out = Vec::new();
    for hierarchy in found.v1.iter().chain(&found.v2) {
        walk(kernel, &hierarchy.mount, DEPTH, &mut out);
    }
    Ok(out)
}

fn walk(kernel: &dyn Kernel, folder: &Path, depth: usize, out: &mut Vec<(Session, PathBuf)>) {
    if depth == 0 {
        return;
    }
    // A folder that cannot be listed holds nothing that could be removed.
    for entry in kernel
        .list(folder)
        .unwrap_or_default()
        .into_iter()
        .filter(|e| e.is_dir)
    {
        let path = folder.join(&entry.name);
        match Session::from_folder(&entry.name) {
            Some(session) => out.push((session, path)),
            None => walk(kernel, &path, depth - 1, out),
        }
    }
}

/// The groups in a session's folders, by name, with their folders in all hierarchies.
fn groups(kernel: &dyn Kernel, sessions: &[PathBuf]) -> BTreeMap<String, Vec<PathBuf>> {
    let mut out: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for session in sessions {
        for entry in kernel
            .list(session)
            .unwrap_or_default()
            .into_iter()
            .filter(|e| e.is_dir)
        {
            out.entry(entry.name.clone())
                .or_default()
                .push(session.join(entry.name));
        }
    }
    out
}

fn v1_or_v2_kill(kernel: &dyn Kernel, session: &str, folders: &[PathBuf]) -> Result<usize> {
    // Only v2 has this file.
    let (unified, split): (Vec<PathBuf>, Vec<PathBuf>) = folders
        .iter()
        .cloned()
        .partition(|f| kernel.exists(&f.join("cgroup.controllers")));
    let place = format!("session {session}");
    Ok(v1::kill(kernel, &place, &split)? + v2::kill(kernel, &place, &unified)?)
}

fn kill_marked(kernel: &dyn Kernel, session: &Session) -> Result<usize> {
    let look = || -> Result<BTreeSet<u32>> {
        let roots = procs::marked(kernel, |env| belongs(env, session))?;
        let all = procs::with_descendants(kernel, &roots.into_keys().collect())?;
        // A zombie is dead: it waits for its parent, and no signal changes that.
        Ok(all
            .into_iter()
            .filter(|&pid| procs::stat(kernel, pid).is_ok_and(|s| !s.ended()))
            .collect())
    };
    tree::kill_until_none(
        kernel,
        &format!("session {}", session.id),
        tree::MARK_LOOKS,
        look,
        |found| tree::kill_each(kernel, found),
    )
}

/// A process without an owner's mark belongs to the session of that name; one with another owner does not.
fn belongs(env: &BTreeMap<String, String>, session: &Session) -> bool {
    env.get(ENV_SESSION).is_some_and(|id| *id == session.id)
        && Session::from_env(env)
            .is_some_and(|found| found.owner.is_none() || found.owner == session.owner)
}
