//! The order of targets in each block: random, and the same again from the recorded seed.

use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha12Rng;

/// For each block a permutation of the targets. The generator is named (ChaCha12) because the order is part of the
/// results: `bench resume` and any reader must be able to make it again.
pub fn blocks(targets: &[String], repetitions: u32, seed: u64) -> Vec<Vec<String>> {
    let mut rng = ChaCha12Rng::seed_from_u64(seed);
    (0..repetitions)
        .map(|_| {
            let mut block = targets.to_vec();
            block.shuffle(&mut rng);
            block
        })
        .collect()
}

/// Seed of the request sequence of one block: every target of a block gets the same requests.
pub fn request_seed(seed: u64, block: u32) -> u32 {
    use rand::Rng as _;
    let mut rng = ChaCha12Rng::seed_from_u64(seed);
    rng.set_stream(u64::from(block));
    // Below 2^31: k6 scripts use 32-bit signed operations.
    rng.next_u32() >> 1
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn names() -> Vec<String> {
        ["go", "python", "rust"].map(str::to_owned).to_vec()
    }

    #[test]
    fn every_block_has_every_target_once() {
        for block in blocks(&names(), 50, 7) {
            let mut sorted = block.clone();
            sorted.sort();
            assert_eq!(sorted, names());
        }
    }

    #[test]
    fn the_seed_decides_and_orders_differ() {
        assert_eq!(blocks(&names(), 10, 7), blocks(&names(), 10, 7));
        assert_ne!(blocks(&names(), 10, 7), blocks(&names(), 10, 8));
        let first = blocks(&names(), 30, 7);
        for name in names() {
            assert!(
                first.iter().any(|b| b[0] == name),
                "{name} never starts a block"
            );
        }
    }

    #[test]
    fn blocks_get_different_requests() {
        let mut seeds: Vec<u32> = (1..=100).map(|b| request_seed(42, b)).collect();
        seeds.sort_unstable();
        seeds.dedup();
        assert_eq!(seeds.len(), 100);
    }
}
