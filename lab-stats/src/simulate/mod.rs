//! Simulated sessions and requests (section 13): what the method promises is tried out here.

pub mod calibrate;
mod experiments;
pub mod naive;
pub mod requests;
pub mod scenarios;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// The generator of one experiment: named, explicit, and independent of the number of threads.
pub fn rng(seed: u64, line: u64, experiment: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed ^ line.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    // Every experiment has a stream of its own.
    rng.set_stream(experiment);
    rng
}

/// `work(0..n)` over all processors, in order.
pub fn in_parallel<T: Send>(n: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let threads = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(n.max(1));
    let next = std::sync::atomic::AtomicUsize::new(0);
    let done = std::sync::Mutex::new((0..n).map(|_| None).collect::<Vec<Option<T>>>());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let i = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    if i >= n {
                        break;
                    }
                    let result = work(i);
                    if let Ok(mut done) = done.lock() {
                        done[i] = Some(result);
                    }
                }
            });
        }
    });
    done.into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
        .into_iter()
        .flatten()
        .collect()
}
