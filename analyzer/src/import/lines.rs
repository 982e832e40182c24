//! Lines of a stream, lent out where they lie in the buffer. A line is bounded before anyone keeps it in memory.

use std::io::Read;

use super::error::Problem;

/// No tool writes longer lines; 1 MiB.
pub const LONGEST_LINE: usize = 1 << 20;
const BLOCK: usize = 1 << 18;

/// Reads them.
#[derive(Debug)]
pub struct Lines<R> {
    input: R,
    buffer: Vec<u8>,
    /// What is read and not yet lent out.
    start: usize,
    end: usize,
    ended: bool,
    row: u64,
    quotes: bool,
}

impl<R: Read> Lines<R> {
    /// Lines that end where they end.
    pub fn new(input: R) -> Self {
        Self {
            input,
            buffer: vec![0; BLOCK],
            start: 0,
            end: 0,
            ended: false,
            row: 1,
            quotes: false,
        }
    }

    /// Rows of a CSV file: a line break between quotes does not end them.
    pub fn csv(input: R) -> Self {
        Self {
            quotes: true,
            ..Self::new(input)
        }
    }

    /// The next line that is not empty, without its end, and its number in the file, from 1.
    ///
    /// # Errors
    /// IO; a line without an end.
    pub fn next(&mut self) -> Result<Option<(u64, &[u8])>, Problem> {
        loop {
            let row = self.row;
            let Some((from, to)) = self.advance()? else {
                return Ok(None);
            };
            let to = to - usize::from(to > from && self.buffer[to - 1] == b'\r');
            if to > from {
                return Ok(Some((row, &self.buffer[from..to])));
            }
        }
    }

    fn advance(&mut self) -> Result<Option<(usize, usize)>, Problem> {
        let (mut seen, mut inside, mut breaks) = (0, false, 0);
        loop {
            while let Some(at) = self.stop(self.start + seen) {
                seen = at + 1 - self.start;
                match self.buffer[at] {
                    b'"' => inside = !inside,
                    _ if inside => breaks += 1,
                    _ => {
                        let from = self.start;
                        self.start = at + 1;
                        self.row += breaks + 1;
                        return Ok(Some((from, at)));
                    }
                }
            }
            seen = self.end - self.start;
            if seen > LONGEST_LINE {
                let what = format!("longer than {LONGEST_LINE} bytes");
                return Err(Problem::row(self.row, what));
            }
            if self.ended {
                let from = self.start;
                self.start = self.end;
                return Ok((seen > 0).then_some((from, self.end)));
            }
            self.fill()?;
        }
    }

    /// The next byte that may end a line, or opens or closes quotes.
    fn stop(&self, from: usize) -> Option<usize> {
        let rest = &self.buffer[from..self.end];
        let found = if self.quotes {
            memchr::memchr2(b'\n', b'"', rest)
        } else {
            memchr::memchr(b'\n', rest)
        };
        found.map(|at| from + at)
    }

    fn fill(&mut self) -> Result<(), Problem> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.end + BLOCK / 2 > self.buffer.len() {
            self.buffer.resize(self.buffer.len() + BLOCK, 0);
        }
        let n = self.input.read(&mut self.buffer[self.end..])?;
        self.end += n;
        self.ended = n == 0;
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn all(mut lines: Lines<&[u8]>) -> Vec<(u64, String)> {
        let mut out = Vec::new();
        while let Some((row, line)) = lines.next().unwrap() {
            out.push((row, String::from_utf8(line.to_vec()).unwrap()));
        }
        out
    }

    #[test]
    fn lines_have_their_numbers() {
        let text = b"a\r\n\nb\n\"c\nd\"\ne";
        let found = |list: &[(u64, &str)]| -> Vec<(u64, String)> {
            list.iter().map(|(n, s)| (*n, (*s).to_owned())).collect()
        };
        assert_eq!(
            all(Lines::new(&text[..])),
            found(&[(1, "a"), (3, "b"), (4, "\"c"), (5, "d\""), (6, "e")])
        );
        assert_eq!(
            all(Lines::csv(&text[..])),
            found(&[(1, "a"), (3, "b"), (4, "\"c\nd\""), (6, "e")])
        );
    }

    #[test]
    fn pieces_do_not_matter() {
        struct Drip<'a>(&'a [u8], usize);
        impl Read for Drip<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
                let n = self.1.min(self.0.len()).min(buffer.len());
                buffer[..n].copy_from_slice(&self.0[..n]);
                self.0 = &self.0[n..];
                Ok(n)
            }
        }
        let text: String = (0..90_000).map(|i| format!("row,\"{i}\"\n")).collect();
        for piece in [7, 4096, 1 << 20] {
            let mut lines = Lines::csv(Drip(text.as_bytes(), piece));
            for i in 0..90_000 {
                let (row, line) = lines.next().unwrap().unwrap();
                assert_eq!((row, line), (i + 1, format!("row,\"{i}\"").as_bytes()));
            }
            assert!(lines.next().unwrap().is_none());
        }
    }
}
