//! Files that are whole or absent: temporary name, fsync, rename, fsync of the folder.

use std::io::Write as _;
use std::path::Path;

/// Writes `bytes` to `path` so that a reader sees the old file or the new one, even after a power cut.
///
/// # Errors
/// Any IO error, with the path in its text.
pub fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path
        .parent()
        .filter(|p| !p.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut temporary = tempfile::Builder::new()
        .prefix(".tmp-")
        .tempfile_in(folder)
        .map_err(|e| named(e, folder))?;
    temporary.write_all(bytes).map_err(|e| named(e, path))?;
    set_mode(temporary.as_file())?;
    temporary.as_file().sync_all().map_err(|e| named(e, path))?;
    temporary.persist(path).map_err(|e| named(e.error, path))?;
    sync_dir(folder)
}

/// Writes a value as indented JSON with a final newline.
///
/// # Errors
/// Any IO error.
pub fn write_json<T: serde::Serialize>(path: &Path, value: &T) -> std::io::Result<()> {
    let mut bytes = serde_json::to_vec_pretty(value)?;
    bytes.push(b'\n');
    write(path, &bytes)
}

/// Makes a rename in this folder durable.
///
/// # Errors
/// Any IO error.
pub fn sync_dir(folder: &Path) -> std::io::Result<()> {
    fs_err::File::open(folder)?.sync_all()
}

/// tempfile makes 0600; results are for everyone who may read the folder.
fn set_mode(file: &std::fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

fn named(e: std::io::Error, path: &Path) -> std::io::Error {
    std::io::Error::new(e.kind(), format!("{}: {e}", path.display()))
}
