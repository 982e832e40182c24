//! Exit codes.

/// Exit codes of `analyze`; documented in `analyze --help`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done; for `compare`: pass.
    Ok = 0,
    /// `compare`: regression; `verify`: something differs; `calibrate`: a line is outside.
    Regression = 1,
    /// Usage or data error.
    Usage = 2,
    /// `compare`: inconclusive.
    Inconclusive = 3,
}
