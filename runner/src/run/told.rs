//! The latencies that users of the load tell while it runs, read from the file that k6 prints to.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use lab_record::live_latencies;

/// Read at one look, at most: users tell some ten kB a second, and their whole record follows when the load is over.
const MOST: u64 = 256 << 10;
/// No p99 of fewer latencies than this.
const FEWEST: usize = 200;

/// What one load has told so far.
#[derive(Debug, Default)]
pub(super) struct Told {
    path: PathBuf,
    offset: u64,
    latencies_ms: Vec<f64>,
    over: bool,
}

impl Told {
    /// Reads what is new in the file; another file begins anew. One that cannot be read tells nothing.
    pub(super) fn look(&mut self, path: &Path) {
        if path != self.path {
            *self = Self {
                path: path.to_owned(),
                ..Self::default()
            };
        }
        if self.over {
            return;
        }
        let mut new = Vec::new();
        let read = File::open(path).and_then(|mut file| {
            file.seek(SeekFrom::Start(self.offset))?;
            file.take(MOST).read_to_end(&mut new)
        });
        // A line that is still being written waits for its end.
        let Some(end) = read.ok().and(new.iter().rposition(|byte| *byte == b'\n')) else {
            return;
        };
        self.offset += end as u64 + 1;
        for line in new[..end].split(|byte| *byte == b'\n') {
            match live_latencies(line) {
                Some(latencies) => self.latencies_ms.extend(latencies),
                // The record has begun, or something is wrong: either way there is no more to tell.
                None => self.over = true,
            }
        }
    }

    /// p99 in ms; `None` while there is too little.
    pub(super) fn p99(&self) -> Option<f64> {
        (self.latencies_ms.len() >= FEWEST)
            .then(|| lab_stats::quantile::quantile(&self.latencies_ms, 0.99))
            .flatten()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn lines_are_read_as_they_come_and_the_record_is_not() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("console");
        let mut told = Told::default();
        told.look(&path);
        assert_eq!(told.p99(), None);
        let mut file = File::create(&path).expect("a file");
        let mut print = |text: &str| file.write_all(text.as_bytes()).expect("written");
        print(&format!(
            "BENCH-LIVE {}\nBENCH-LI",
            "1.000 ".repeat(99).trim_end()
        ));
        told.look(&path);
        assert_eq!((told.latencies_ms.len(), told.p99()), (99, None));
        print(&format!("VE {}\n", "3.000 ".repeat(101).trim_end()));
        told.look(&path);
        assert_eq!((told.latencies_ms.len(), told.p99()), (200, Some(3.0)));
        print("BENCH-RECORD 1 0 measure user 200 AAAA\n");
        told.look(&path);
        print("BENCH-LIVE 9.000\n");
        told.look(&path);
        assert_eq!(told.latencies_ms.len(), 200);
    }

    #[test]
    fn the_next_load_begins_anew() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut told = Told::default();
        for name in ["one", "two"] {
            let path = dir.path().join(name);
            std::fs::write(&path, "BENCH-LIVE 1.000 2.000\n").expect("written");
            told.look(&path);
            assert_eq!(told.latencies_ms, [1.0, 2.0]);
        }
    }
}
