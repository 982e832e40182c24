//! Error rates: compared by differences, never by ratio, and never with a verdict (section 9).

use crate::{
    judge::{data::Data, pair::Pair, target::no_errors, verdict::Ruling},
    report::Verdict,
    sign_flip::{EXACT_LIMIT, sign_flip},
    text,
};

/// Seed of the random flips above 20 repetitions: the same data always give the same p.
const FLIP_SEED: u64 = 1;

/// p of the sign-flip test on the paired rates; `None` without blocks, without data or without any error.
pub fn p(pair: &Pair) -> Option<f64> {
    pair.blocks.as_ref().filter(|_| !free_of_errors(pair))?;
    sign_flip(&pair.differences(), FLIP_SEED)
}

/// The text for the error rates of a pair; `p` is that of [`p`].
pub fn rule(data: &Data, a: &str, b: &str, pair: &Pair, p: Option<f64>) -> Ruling {
    let Some((mean_a, mean_b)) = pair.means() else {
        return Ruling::none("no complete pair of repetitions");
    };
    let text = if free_of_errors(pair) {
        let runs = [a, b].into_iter().flat_map(|target| data.valid(target));
        no_errors(runs.filter_map(|run| run.requests).sum())
    } else {
        let exact = if pair.repetitions() <= EXACT_LIMIT {
            "exact "
        } else {
            ""
        };
        let test = p.map_or(String::new(), |p| {
            format!(" ({exact}sign-flip {})", text::p_value(p, 0.05))
        });
        let [rate_a, rate_b, difference] =
            [mean_a, mean_b, mean_a - mean_b].map(|rate| text::percent(100.0 * rate));
        format!("descriptive: error rate {rate_a} against {rate_b}, difference {difference}{test}")
    };
    Ruling {
        verdict: Verdict::NoVerdict,
        text,
        more: None,
    }
}

fn free_of_errors(pair: &Pair) -> bool {
    pair.a.iter().chain(&pair.b).all(|&rate| rate == 0.0)
}
