//! A reader that refuses endless lines: a row is bounded before anyone keeps it in memory.

use std::io::{Error, ErrorKind, Read, Result};

/// No tool writes longer lines; 1 MiB.
pub const LONGEST_LINE: usize = 1 << 20;

/// Passes bytes on and counts lines.
#[derive(Debug)]
pub struct Guard<R> {
    inner: R,
    row: u64,
    length: usize,
}

impl<R> Guard<R> {
    /// From the first byte of a file.
    pub fn new(inner: R) -> Self {
        Self {
            inner,
            row: 1,
            length: 0,
        }
    }
}

impl<R: Read> Read for Guard<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let n = self.inner.read(buffer)?;
        // Within one piece only the first and the last line can be too long unseen: pieces are shorter than lines may be.
        for piece in buffer[..n].chunks(LONGEST_LINE / 4) {
            match memrchr(piece) {
                Some((newlines, after)) => {
                    self.row += newlines;
                    self.length = after;
                }
                None => self.length += piece.len(),
            }
            if self.length > LONGEST_LINE {
                let text = format!("row {} is longer than {LONGEST_LINE} bytes", self.row);
                return Err(Error::new(ErrorKind::InvalidData, text));
            }
        }
        Ok(n)
    }
}

/// How many newlines there are, and how many bytes follow the last.
fn memrchr(piece: &[u8]) -> Option<(u64, usize)> {
    let last = piece.iter().rposition(|b| *b == b'\n')?;
    // Counting bytes is what compilers vectorise well.
    let newlines = piece.iter().map(|b| u64::from(*b == b'\n')).sum();
    Some((newlines, piece.len() - last - 1))
}
