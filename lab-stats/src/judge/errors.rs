//! Error rates: compared by differences, never by ratio, and never with a verdict (section 9).

use crate::{
    judge::{data::Data, pair::Pair, target::no_errors, verdict::Ruling},
    report::Verdict,
    sign_flip::sign_flip,
    text,
};

/// Seed of the random flips above 20 repetitions: the same data always give the same p.
const FLIP_SEED: u64 = 1;

/// Text and p-value for the error rates of a pair.
pub fn rule(data: &Data, a: &str, b: &str, pair: &Pair) -> (Ruling, Option<f64>) {
    let describe = |text| Ruling {
        verdict: Verdict::NoVerdict,
        text,
        more: None,
    };
    let Some((mean_a, mean_b)) = pair.means() else {
        return (Ruling::none("no complete pair of repetitions"), None);
    };
    if pair.a.iter().chain(&pair.b).all(|&rate| rate == 0.0) {
        let requests = [a, b]
            .into_iter()
            .flat_map(|target| data.valid(target))
            .filter_map(|run| run.requests)
            .sum();
        return (describe(no_errors(requests)), None);
    }
    let p = pair
        .blocks
        .as_ref()
        .and_then(|_| sign_flip(&pair.differences(), FLIP_SEED));
    let test = p.map_or(String::new(), |p| {
        format!(" (exact sign-flip {})", text::p_value(p, 0.05))
    });
    let test = if pair.repetitions() > crate::sign_flip::EXACT_LIMIT {
        test.replace("exact ", "")
    } else {
        test
    };
    let rates = [mean_a, mean_b, mean_a - mean_b].map(|rate| text::percent(100.0 * rate));
    let [rate_a, rate_b, difference] = rates;
    (
        describe(format!(
            "descriptive: error rate {rate_a} against {rate_b}, difference {difference}{test}"
        )),
        p,
    )
}
