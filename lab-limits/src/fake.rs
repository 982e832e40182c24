//! A system in a temporary folder for unit tests: behaves as the kernel does where the order of writes matters, and
//! keeps a log of all that was done.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rustix::io::Errno;

use crate::kernel::{Entry, Finished, Kernel, list};

/// What `busctl` does in a test.
pub(crate) type Command = Box<dyn Fn(&Fake, &[String]) -> io::Result<Finished> + Send + Sync>;

pub(crate) struct Fake {
    root: tempfile::TempDir,
    log: Mutex<Vec<String>>,
    pub(crate) euid: u32,
    pub(crate) affinity: Vec<usize>,
    /// Paths (with what is below them) that this user may not write.
    pub(crate) read_only: Vec<PathBuf>,
    /// Folders that systemd has marked as delegated.
    pub(crate) delegated: Vec<PathBuf>,
    pub(crate) command: Option<Command>,
}

/// Process id of the process that the tests play.
pub(crate) const OWN: u32 = 500;

impl std::fmt::Debug for Fake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fake")
    }
}

impl Fake {
    /// A root user's process 500, child of 400, child of 1, with no cgroups at all.
    pub(crate) fn new() -> Self {
        let fake = Self {
            root: tempfile::tempdir().unwrap(),
            log: Mutex::new(Vec::new()),
            euid: 0,
            affinity: vec![0, 1, 2, 3],
            read_only: Vec::new(),
            delegated: Vec::new(),
            command: None,
        };
        fake.process(400, 1, "");
        fake.process(OWN, 400, "");
        fake.file("/proc/self/mountinfo", "");
        fake.file("/proc/self/cgroup", "");
        fs::create_dir_all(fake.at(Path::new("/proc/self/ns"))).unwrap();
        std::os::unix::fs::symlink("pid:[77]", fake.at(Path::new("/proc/self/ns/pid"))).unwrap();
        fake
    }

    /// v1 with one hierarchy per controller, and an empty v2 beside it; the process stands in `/in` of the memory one.
    pub(crate) fn hybrid() -> Self {
        let fake = Self::new();
        let mut mounts = String::new();
        for (i, name) in ["cpu", "cpuacct", "cpuset", "memory", "freezer"]
            .iter()
            .enumerate()
        {
            mounts +=
                &format!("{i} 1 0:{i} / /sys/fs/cgroup/{name} rw - cgroup cgroup rw,{name}\n");
            fake.cgroup_v1(&PathBuf::from("/sys/fs/cgroup").join(name));
        }
        fake.cgroup_v1(Path::new("/sys/fs/cgroup/memory/in"));
        fake.file("/sys/fs/cgroup/cpuset/cpuset.cpus", "0-3");
        fake.file("/sys/fs/cgroup/cpuset/cpuset.mems", "0-1");
        mounts += "41 1 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
        fake.file("/sys/fs/cgroup/unified/cgroup.controllers", "");
        fake.file("/sys/fs/cgroup/unified/cgroup.procs", "1\n");
        fake.file("/proc/self/mountinfo", &mounts);
        fake.file(
            "/proc/self/cgroup",
            "5:memory:/in\n4:cpuset:/\n3:freezer:/\n2:cpuacct:/\n1:cpu:/\n0::/\n",
        );
        fake
    }

    /// A unified hierarchy; the process stands in `own` ("/" is the root).
    pub(crate) fn unified(own: &str) -> Self {
        let fake = Self::new();
        fake.file(
            "/proc/self/mountinfo",
            "30 1 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n",
        );
        fake.file("/proc/self/cgroup", &format!("0::{own}\n"));
        fake.file(
            "/sys/fs/cgroup/cgroup.controllers",
            "cpuset cpu io memory pids",
        );
        fake.file("/sys/fs/cgroup/cgroup.subtree_control", "cpuset cpu memory");
        fake.file("/sys/fs/cgroup/cgroup.procs", "1\n2\n");
        let mut path = PathBuf::from("/sys/fs/cgroup");
        for part in own.split('/').filter(|p| !p.is_empty()) {
            path.push(part);
            fake.cgroup_v2(&path);
        }
        if own != "/" {
            fake.file(
                path.join("cgroup.procs").to_str().unwrap(),
                &format!("{OWN}\n"),
            );
        }
        fake
    }

    fn at(&self, path: &Path) -> PathBuf {
        self.root.path().join(path.strip_prefix("/").unwrap())
    }

    pub(crate) fn file(&self, path: &str, text: &str) {
        let path = self.at(Path::new(path));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn text(&self, path: &str) -> String {
        fs::read_to_string(self.at(Path::new(path))).unwrap()
    }

    /// A process with an environment ("A=1 B=2").
    pub(crate) fn process(&self, pid: u32, parent: u32, env: &str) {
        let start = 1000 + u64::from(pid);
        let stat =
            format!("{pid} (p) S {parent} 0 0 0 0 0 0 0 0 0 30 20 10 5 20 0 1 0 {start} 0 0");
        self.file(&format!("/proc/{pid}/stat"), &stat);
        self.file(&format!("/proc/{pid}/environ"), &env.replace(' ', "\0"));
        self.file(&format!("/proc/{pid}/status"), "Cpus_allowed_list:\t0-1\n");
    }

    /// Puts a process into a cgroup.
    pub(crate) fn put(&self, pid: u32, folder: &str) {
        let path = format!("{folder}/cgroup.procs");
        let text = self.text(&path);
        self.file(&path, &format!("{text}{pid}\n"));
    }

    pub(crate) fn alive(&self, pid: u32) -> bool {
        self.at(&PathBuf::from(format!("/proc/{pid}"))).exists()
    }

    /// What was done since the last call, one line each.
    pub(crate) fn log(&self) -> Vec<String> {
        std::mem::take(&mut self.log.lock().unwrap())
    }

    fn note(&self, line: String) {
        self.log.lock().unwrap().push(line);
    }

    pub(crate) fn arc(self) -> (Arc<Self>, Arc<dyn Kernel>) {
        let fake = Arc::new(self);
        (Arc::clone(&fake), fake)
    }

    fn cgroup_v1(&self, folder: &Path) {
        let files: &[(&str, &str)] = match folder
            .components()
            .nth(4)
            .unwrap()
            .as_os_str()
            .to_str()
            .unwrap()
        {
            "cpu" => &[
                ("cpu.cfs_period_us", "100000"),
                ("cpu.cfs_quota_us", "-1"),
                ("cpu.shares", "1024"),
                (
                    "cpu.stat",
                    "nr_periods 0\nnr_throttled 0\nthrottled_time 0\n",
                ),
            ],
            "cpuacct" => &[("cpuacct.usage", "0")],
            "cpuset" => &[("cpuset.cpus", ""), ("cpuset.mems", "")],
            "memory" => &[
                ("memory.limit_in_bytes", "9223372036854771712"),
                ("memory.max_usage_in_bytes", "4096"),
            ],
            "freezer" => &[("freezer.state", "THAWED")],
            _ => &[],
        };
        for (name, text) in files.iter().chain(&[("cgroup.procs", "")]) {
            self.file(folder.join(name).to_str().unwrap(), text);
        }
    }

    fn cgroup_v2(&self, folder: &Path) {
        let parent = folder.parent().unwrap();
        let offered = self.text(parent.join("cgroup.subtree_control").to_str().unwrap());
        let mut files = vec![
            ("cgroup.type", "domain"),
            ("cgroup.controllers", offered.as_str()),
            ("cgroup.subtree_control", ""),
            ("cgroup.procs", ""),
            ("cgroup.kill", ""),
            ("cpu.stat", "usage_usec 0\nuser_usec 0\nsystem_usec 0\n"),
        ];
        for controller in offered.split(' ') {
            files.extend_from_slice(match controller {
                "cpu" => &[("cpu.max", "max 100000"), ("cpu.weight", "100")],
                "cpuset" => &[("cpuset.cpus", ""), ("cpuset.cpus.effective", "0-3")],
                "memory" => &[("memory.max", "max"), ("memory.peak", "4096")],
                _ => &[],
            });
        }
        for (name, text) in files {
            self.file(folder.join(name).to_str().unwrap(), text);
        }
    }

    fn may(&self, path: &Path) -> bool {
        !self.read_only.iter().any(|p| path.starts_with(p))
    }

    /// The kernel's own rules on a write; what it stores, if not the text itself.
    fn rules(&self, path: &Path, text: &str) -> io::Result<Option<String>> {
        let folder = path.parent().unwrap();
        let here = |name: &str| fs::read_to_string(self.at(&folder.join(name))).unwrap_or_default();
        match path.file_name().unwrap().to_str().unwrap() {
            "cpuset.cpus" if self.at(&folder.join("cpuset.cpus.effective")).exists() => {
                self.file(folder.join("cpuset.cpus.effective").to_str().unwrap(), text);
                Ok(None)
            }
            // v1: stricter than the kernel, so that a test fails when the order is wrong.
            "cpuset.cpus" if here("cpuset.mems").is_empty() => Err(Errno::INVAL.into()),
            "cgroup.subtree_control" => {
                let is_root = !self.at(&folder.join("cgroup.type")).exists();
                if !is_root && !here("cgroup.procs").is_empty() {
                    return Err(Errno::BUSY.into());
                }
                let name = text.strip_prefix('+').unwrap();
                if !here("cgroup.controllers").split(' ').any(|c| c == name) {
                    return Err(Errno::NOENT.into());
                }
                Ok(Some(
                    format!("{} {name}", here("cgroup.subtree_control"))
                        .trim()
                        .to_owned(),
                ))
            }
            "cgroup.procs" => {
                if !self.alive(text.parse().unwrap()) {
                    return Err(Errno::SRCH.into());
                }
                self.leave(text);
                Ok(Some(format!("{}{text}\n", here("cgroup.procs"))))
            }
            "cgroup.kill" => {
                for pid in here("cgroup.procs").lines() {
                    self.die(pid);
                }
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    /// Takes a process out of every cgroup.
    fn leave(&self, pid: &str) {
        let mut todo = vec![self.at(Path::new("/sys/fs/cgroup"))];
        while let Some(folder) = todo.pop() {
            for entry in list(&folder).unwrap_or_default() {
                let path = folder.join(&entry.name);
                if entry.is_dir {
                    todo.push(path);
                } else if entry.name == "cgroup.procs" {
                    let text = fs::read_to_string(&path).unwrap();
                    let rest: String = text
                        .lines()
                        .filter(|l| *l != pid)
                        .map(|l| format!("{l}\n"))
                        .collect();
                    fs::write(&path, rest).unwrap();
                }
            }
        }
    }

    fn die(&self, pid: &str) {
        self.leave(pid);
        fs::remove_dir_all(self.at(&PathBuf::from(format!("/proc/{pid}")))).unwrap();
    }
}

impl Kernel for Fake {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(self.at(path))
    }

    fn write(&self, path: &Path, text: &str) -> io::Result<()> {
        if !self.at(path).exists() {
            return Err(Errno::NOENT.into());
        }
        if !self.may(path) {
            return Err(Errno::ACCESS.into());
        }
        let outcome = self.rules(path, text);
        let mark = if outcome.is_err() { " (refused)" } else { "" };
        self.note(format!("{} = {text}{mark}", path.display()));
        fs::write(self.at(path), outcome?.unwrap_or_else(|| text.to_owned()))
    }

    fn mkdir(&self, path: &Path) -> io::Result<()> {
        if !self.may(path) {
            return Err(Errno::ACCESS.into());
        }
        fs::create_dir(self.at(path))?;
        self.note(format!("mkdir {}", path.display()));
        if self
            .at(&path.parent().unwrap().join("cgroup.controllers"))
            .exists()
        {
            self.cgroup_v2(path);
        } else {
            self.cgroup_v1(path);
        }
        Ok(())
    }

    fn rmdir(&self, path: &Path) -> io::Result<()> {
        let procs = fs::read_to_string(self.at(&path.join("cgroup.procs"))).unwrap_or_default();
        if !procs.is_empty() || self.list(path)?.iter().any(|e| e.is_dir) {
            return Err(Errno::BUSY.into());
        }
        self.note(format!("rmdir {}", path.display()));
        fs::remove_dir_all(self.at(path))
    }

    fn list(&self, path: &Path) -> io::Result<Vec<Entry>> {
        list(&self.at(path))
    }

    fn read_link(&self, path: &Path) -> io::Result<OsString> {
        fs::read_link(self.at(path)).map(PathBuf::into_os_string)
    }

    fn writable(&self, path: &Path) -> bool {
        self.at(path).exists() && self.may(path)
    }

    fn xattr(&self, path: &Path, name: &str) -> Option<Vec<u8>> {
        (name == "user.delegate" && self.delegated.iter().any(|d| d == path)).then(|| b"1".to_vec())
    }

    fn kill(&self, pid: u32, start: u64) -> io::Result<()> {
        assert_eq!(
            start,
            1000 + u64::from(pid),
            "the start time pins the process"
        );
        self.note(format!("kill {pid}"));
        self.die(&pid.to_string());
        Ok(())
    }

    fn command(&self, argv: &[String]) -> io::Result<Finished> {
        self.note(format!("run {}", argv.join(" ")));
        match &self.command {
            Some(command) => command(self, argv),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn euid(&self) -> u32 {
        self.euid
    }

    fn pid(&self) -> u32 {
        OWN
    }

    fn affinity(&self) -> io::Result<Vec<usize>> {
        Ok(self.affinity.clone())
    }

    fn pause(&self, _: std::time::Duration) {}

    fn exists(&self, path: &Path) -> bool {
        self.at(path).exists()
    }
}
