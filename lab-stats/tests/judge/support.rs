//! Sessions made by hand.

use lab_stats::{
    judge,
    plan::{JudgePlan, Looks, Pairs, Role},
    report::{Comparison, Report},
    session::{Repetition, Session},
};

/// Log noise: 5% shared by all targets of a block, 1% of each repetition's own; fixed, bell-shaped.
pub fn noise(block: usize, target: usize) -> f64 {
    0.05 * bell(block as u64) + 0.01 * bell(1000 + 100 * target as u64 + block as u64)
}

/// Roughly standard normal (a sum of twelve uniforms), the same for the same seed.
fn bell(seed: u64) -> f64 {
    let uniform = |i: u64| {
        let mut x = (seed * 12 + i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x ^ (x >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    };
    (0..12).map(uniform).sum::<f64>() - 6.0
}

/// One metric, one row of values per target, blocks in order; `None` = no repetition.
pub fn session(metric: &str, rows: &[(&str, Vec<Option<f64>>)]) -> Session {
    let mut session = Session::default();
    for (target, values) in rows {
        for (block, value) in values.iter().enumerate() {
            if let Some(value) = value {
                let mut run = Repetition::new(target, block as u64);
                run.metrics.insert(metric.to_owned(), Some(*value));
                session.repetitions.push(run);
            }
        }
    }
    session
}

/// `n` blocks of a log-normal-like metric around these centres, in the order a, b, c, ...
pub fn noisy(metric: &str, n: usize, centres: &[f64]) -> Session {
    let names = ["a", "b", "c", "d", "e"];
    let rows: Vec<_> = centres
        .iter()
        .enumerate()
        .map(|(target, centre)| {
            (
                names[target],
                (0..n)
                    .map(|block| Some(centre * noise(block, target).exp()))
                    .collect(),
            )
        })
        .collect();
    session(metric, &rows)
}

/// A plan with this one metric, targets named by the first letters, baseline `a`.
pub fn plan(metric: &str, role: Role, targets: usize) -> JudgePlan {
    let names = ["a", "b", "c", "d", "e"];
    let mut plan = JudgePlan::new(names[..targets].iter().copied(), "a");
    plan.roles = vec![(metric.to_owned(), role)];
    plan
}

/// The first comparison of a judgement of p99.
pub fn first(session: &Session, targets: usize) -> Comparison {
    run(&plan("p99", Role::Primary, targets), session).metrics[0].comparisons[0].clone()
}

pub fn run(plan: &JudgePlan, session: &Session) -> Report {
    judge(plan, session).unwrap()
}

pub fn all_pairs(mut plan: JudgePlan) -> JudgePlan {
    plan.pairs = Pairs::All;
    plan
}

pub fn looking(mut plan: JudgePlan, planned: u32, number: u32) -> JudgePlan {
    plan.looks = Looks {
        planned,
        number,
        peeked: false,
    };
    plan
}
