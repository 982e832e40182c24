//! The few operations this crate needs of the kernel, behind a trait: tests put a tree in a temporary folder in its
//! place and see the order of the writes.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::{Pid, PidfdFlags, Signal};

/// One entry of a folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// File name.
    pub name: String,
    /// Is it a folder (links are not followed)?
    pub is_dir: bool,
}

/// Outcome of an external program.
#[derive(Clone, Debug)]
pub struct Finished {
    /// Did it exit with 0?
    pub ok: bool,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// The kernel as this crate sees it. Paths are absolute, as a process on the real system would name them.
pub trait Kernel: Send + Sync + std::fmt::Debug {
    /// Content of a file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
    /// Writes to a file that exists, in one `write`.
    fn write(&self, path: &Path, text: &str) -> io::Result<()>;
    /// Makes one folder.
    fn mkdir(&self, path: &Path) -> io::Result<()>;
    /// Removes one folder; a cgroup is removed with its control files.
    fn rmdir(&self, path: &Path) -> io::Result<()>;
    /// Entries of a folder, sorted by name.
    fn list(&self, path: &Path) -> io::Result<Vec<Entry>>;
    /// Target of a symbolic link.
    fn read_link(&self, path: &Path) -> io::Result<OsString>;
    /// May this process write to the path?
    fn writable(&self, path: &Path) -> bool;
    /// Extended attribute of a path; `None` if there is none or it cannot be read.
    fn xattr(&self, path: &Path, name: &str) -> Option<Vec<u8>>;
    /// Sends SIGKILL to a process, if it is still the one that started at `start` (clock ticks since boot).
    fn kill(&self, pid: u32, start: u64) -> io::Result<()>;
    /// Runs a program to its end.
    fn command(&self, argv: &[String]) -> io::Result<Finished>;
    /// Effective user id of this process.
    fn euid(&self) -> u32;
    /// Process id of this process.
    fn pid(&self) -> u32;
    /// CPUs in the affinity mask of this process.
    fn affinity(&self) -> io::Result<Vec<usize>>;
    /// Waits between two looks at something that needs time.
    fn pause(&self, time: std::time::Duration) {
        std::thread::sleep(time);
    }

    /// Content of a file as text (invalid UTF-8 replaced).
    fn read_text(&self, path: &Path) -> io::Result<String> {
        Ok(String::from_utf8_lossy(&self.read(path)?).into_owned())
    }

    /// Does the path exist as a file or folder that can be looked at?
    fn exists(&self, path: &Path) -> bool;
}

/// The running system.
#[derive(Debug, Default, Clone)]
pub struct Real;

impl Kernel for Real {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }

    fn write(&self, path: &Path, text: &str) -> io::Result<()> {
        // No O_CREAT: a control file that is missing must be reported as missing.
        fs::OpenOptions::new()
            .write(true)
            .open(path)?
            .write_all(text.as_bytes())
    }

    fn mkdir(&self, path: &Path) -> io::Result<()> {
        fs::create_dir(path)
    }

    fn rmdir(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<Entry>> {
        list(path)
    }

    fn read_link(&self, path: &Path) -> io::Result<OsString> {
        fs::read_link(path).map(PathBuf::into_os_string)
    }

    fn writable(&self, path: &Path) -> bool {
        use rustix::fs::{Access, AtFlags, CWD};
        rustix::fs::accessat(CWD, path, Access::WRITE_OK, AtFlags::EACCESS).is_ok()
    }

    fn xattr(&self, path: &Path, name: &str) -> Option<Vec<u8>> {
        let mut buffer = vec![0_u8; 256];
        let length = rustix::fs::getxattr(path, name, &mut buffer[..]).ok()?;
        buffer.truncate(length);
        Some(buffer)
    }

    fn kill(&self, pid: u32, start: u64) -> io::Result<()> {
        let target = i32::try_from(pid)
            .ok()
            .and_then(Pid::from_raw)
            .ok_or(io::ErrorKind::InvalidInput)?;
        let still_it = || crate::procs::stat(self, pid).is_ok_and(|s| s.start == start);
        match rustix::process::pidfd_open(target, PidfdFlags::empty()) {
            // The pidfd pins the process: checked after it was opened, the signal cannot reach another one.
            Ok(fd) if still_it() => Ok(rustix::process::pidfd_send_signal(fd, Signal::KILL)?),
            Ok(_) => Ok(()),
            Err(rustix::io::Errno::NOSYS) if still_it() => {
                Ok(rustix::process::kill_process(target, Signal::KILL)?)
            }
            Err(rustix::io::Errno::SRCH | rustix::io::Errno::NOSYS) => Ok(()),
            Err(e) => Err(e.into()),
        }
    }

    fn command(&self, argv: &[String]) -> io::Result<Finished> {
        let (program, args) = argv.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        let out = Command::new(program)
            .args(args)
            .stdin(Stdio::null())
            .env("LC_ALL", "C")
            .output()?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        Ok(Finished {
            ok: out.status.success(),
            stdout: text(&out.stdout),
            stderr: text(&out.stderr),
        })
    }

    fn euid(&self) -> u32 {
        rustix::process::geteuid().as_raw()
    }

    fn pid(&self) -> u32 {
        std::process::id()
    }

    fn affinity(&self) -> io::Result<Vec<usize>> {
        let set = rustix::thread::sched_getaffinity(None)?;
        Ok((0..rustix::thread::CpuSet::MAX_CPU)
            .filter(|&cpu| set.is_set(cpu))
            .collect())
    }

    fn exists(&self, path: &Path) -> bool {
        path.exists()
    }
}

pub(crate) fn list(path: &Path) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let name = String::from_utf8_lossy(entry.file_name().as_bytes()).into_owned();
        entries.push(Entry {
            name,
            is_dir: entry.file_type()?.is_dir(),
        });
    }
    entries.sort();
    Ok(entries)
}
