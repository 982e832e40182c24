//! Unit tests on a fake system: the order of the writes, and what is chosen where.

mod foreign;
mod host;
mod plan;
mod sweep;
mod systemd;
mod v1;
mod v2;

use crate::fake::{Fake, OWN};
use crate::{Owner, Session};

/// A session of the process that the tests play, and the name of its folder.
fn session() -> Session {
    Session::new(
        "s1",
        Owner {
            pid: OWN,
            start: 1000 + u64::from(OWN),
            pid_namespace: 77,
        },
    )
    .unwrap()
}

const FOLDER: &str = "benchfw.s1.500.1500.77";

/// The log with the common beginning of the paths cut off.
fn short(fake: &Fake) -> Vec<String> {
    fake.log()
        .iter()
        .map(|line| line.replace("/sys/fs/cgroup/", "").replace(FOLDER, "S"))
        .collect()
}

#[test]
fn the_owner_of_these_tests_is_itself() {
    let fake = Fake::new();
    assert_eq!(session().owner, Some(Owner::current(&fake).unwrap()));
}
