//! Reading ahead: a thread reads, and decompresses, while its rows are parsed.

use std::io::{ErrorKind, Read, Result};
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};

const BLOCK: usize = 1 << 18;
/// Blocks that may wait: what bounds the memory.
const WAITING: usize = 4;

type Block = (Vec<u8>, usize);

/// Does the work on what a thread of its own reads; that thread ends with the work.
pub fn ahead<T>(mut input: impl Read + Send, work: impl FnOnce(Ahead) -> T) -> T {
    let (full, blocks) = sync_channel::<Result<Block>>(WAITING);
    let (used, empty) = channel::<Vec<u8>>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            loop {
                let mut block = empty.try_recv().unwrap_or_else(|_| vec![0; BLOCK]);
                let read = fill(&mut input, &mut block);
                let last = !matches!(read, Ok(n) if n > 0);
                // Nobody to send to: the work has seen enough.
                if full.send(read.map(|n| (block, n))).is_err() || last {
                    break;
                }
            }
        });
        work(Ahead {
            blocks,
            used,
            block: Vec::new(),
            from: 0,
            to: 0,
        })
    })
}

/// As much as there is, up to a block. Nothing is imported of a file that cannot be read to its end, so bytes before an
/// error are not passed on.
fn fill(input: &mut impl Read, block: &mut [u8]) -> Result<usize> {
    let mut n = 0;
    while n < block.len() {
        match input.read(&mut block[n..]) {
            Ok(0) => break,
            Ok(more) => n += more,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(n)
}

/// The reading end.
#[derive(Debug)]
pub struct Ahead {
    blocks: Receiver<Result<Block>>,
    used: Sender<Vec<u8>>,
    block: Vec<u8>,
    from: usize,
    to: usize,
}

impl Read for Ahead {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        if self.from == self.to {
            // The thread ends after its last block.
            let Ok(next) = self.blocks.recv() else {
                return Ok(0);
            };
            let (block, n) = next?;
            let used = std::mem::replace(&mut self.block, block);
            (self.from, self.to) = (0, n);
            if !used.is_empty() {
                // The thread may have ended already.
                let _ = self.used.send(used);
            }
        }
        let n = buffer.len().min(self.to - self.from);
        buffer[..n].copy_from_slice(&self.block[self.from..self.from + n]);
        self.from += n;
        Ok(n)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::io::Error;

    #[test]
    fn what_is_read_ahead_is_what_was_there() {
        let bytes: Vec<u8> = (0..3_000_000u32).flat_map(u32::to_le_bytes).collect();
        let mut out = Vec::new();
        ahead(&bytes[..], |mut input| input.read_to_end(&mut out)).unwrap();
        assert_eq!(out, bytes);
    }

    #[test]
    fn an_endless_stream_ends_with_the_work() {
        let first = ahead(std::io::repeat(7), |mut input| {
            let mut few = [0; 3];
            input.read_exact(&mut few).map(|()| few)
        });
        assert_eq!(first.unwrap(), [7; 3]);
    }

    #[test]
    fn errors_come_through() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> Result<usize> {
                Err(Error::other("a bad disk"))
            }
        }
        let input = std::io::repeat(1).take(10).chain(Broken);
        let mut out = Vec::new();
        let error = ahead(input, |mut input| input.read_to_end(&mut out)).unwrap_err();
        assert_eq!(error.to_string(), "a bad disk");
    }
}
