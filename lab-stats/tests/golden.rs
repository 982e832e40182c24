//! The golden vectors: numpy, scipy, statsmodels or complete enumeration against this crate.
//!
//! `STATISTICS_GOLDEN=FILE` runs another file of the same form.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::collections::BTreeMap;

use lab_stats::{
    bootstrap, dist, equivalence::Tost, hodges_lehmann, mann_whitney, moments, multiplicity,
    noncentral_t, outlier, quantile, series, sign_flip, signed_rank, support, t_test::LogT,
};
use serde_json::{Map, Value, json};

#[test]
fn golden_vectors() {
    let path = std::env::var("STATISTICS_GOLDEN").unwrap_or_else(|_| {
        format!(
            "{}/tests/golden/statistics.json",
            env!("CARGO_MANIFEST_DIR")
        )
    });
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let file: Value = serde_json::from_str(&text).unwrap();
    let cases = file["cases"].as_array().expect("an array `cases`");
    assert!(!cases.is_empty(), "{path}: no cases");
    let mut tally: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut failures = Vec::new();
    for case in cases {
        let kind = case["kind"].as_str().unwrap();
        let entry = tally.entry(kind).or_default();
        entry.1 += 1;
        let got = compute(kind, &case["input"]);
        match differences(&got, &case["expected"], case["tolerance"].as_f64().unwrap()) {
            found if found.is_empty() => entry.0 += 1,
            found => failures.push(format!("{kind}/{}: {}", case["name"], found.join("; "))),
        }
    }
    for (kind, (passed, all)) in &tally {
        println!("{kind}: {passed} of {all}");
    }
    let passed: usize = tally.values().map(|(passed, _)| passed).sum();
    println!("{passed} of {} golden cases pass", cases.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// What is wrong: every expected number must be there, within tolerance * max(1, |want|).
fn differences(got: &Value, want: &Value, tolerance: f64) -> Vec<String> {
    match (got, want) {
        (Value::Object(got), Value::Object(want)) => want
            .iter()
            .filter(|(key, _)| *key != "note")
            .flat_map(|(key, want)| {
                let got = got.get(key).unwrap_or(&Value::Null);
                differences(got, want, tolerance)
                    .into_iter()
                    .map(move |text| format!("{key}: {text}"))
            })
            .collect(),
        (Value::Array(got), Value::Array(want)) if got.len() == want.len() => got
            .iter()
            .zip(want)
            .flat_map(|(got, want)| differences(got, want, tolerance))
            .collect(),
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            let close = (a - b).abs() <= tolerance * b.abs().max(1.0);
            if close {
                vec![]
            } else {
                vec![format!("got {a}, want {b}")]
            }
        }
        _ if got == want => vec![],
        _ => vec![format!("got {got}, want {want}")],
    }
}

fn numbers(input: &Value, key: &str) -> Vec<f64> {
    input[key]
        .as_array()
        .unwrap_or_else(|| panic!("array {key}"))
        .iter()
        .map(|x| x.as_f64().unwrap())
        .collect()
}

fn number(input: &Value, key: &str) -> f64 {
    input[key]
        .as_f64()
        .unwrap_or_else(|| panic!("number {key}"))
}

fn alpha(input: &Value) -> f64 {
    1.0 - number(input, "conf")
}

fn log_t(test: Option<LogT>, input: &Value) -> Value {
    let Some(test) = test else { return json!({}) };
    let ends = |alpha| test.interval(alpha).map(|ends| ends.map(f64::exp));
    let (ci, ci90) = (ends(alpha(input)), ends(0.1));
    json!({
        "log_diff": test.difference, "ratio": test.ratio(), "t": test.t(), "df": test.df, "p": test.p(),
        "ratio_lo": ci.map(|ci| ci[0]), "ratio_hi": ci.map(|ci| ci[1]),
        "ratio_lo90": ci90.map(|ci| ci[0]), "ratio_hi90": ci90.map(|ci| ci[1]),
    })
}

fn tost(result: Option<Tost>) -> Value {
    result.map_or(
        json!({}),
        |t| json!({"p_lower": t.p_lower, "p_upper": t.p_upper, "p": t.p()}),
    )
}

fn compute(kind: &str, input: &Value) -> Value {
    match kind {
        "quantile_type7" => {
            let x = numbers(input, "x");
            json!({"q": numbers(input, "p").iter().map(|&p| quantile::quantile(&x, p)).collect::<Vec<_>>()})
        }
        "paired_t_log" => log_t(
            LogT::paired(&numbers(input, "a"), &numbers(input, "b")),
            input,
        ),
        "welch_t_log" => log_t(
            LogT::welch(&numbers(input, "a"), &numbers(input, "b")),
            input,
        ),
        "signed_rank_exact" => signed_rank::signed_rank(&numbers(input, "d")).map_or(
            json!({}),
            |r| json!({"n": r.n, "w_plus": r.w_plus, "p": r.p}),
        ),
        "hodges_lehmann_paired" => hodges_lehmann_case(input),
        "sign_flip_mean_exact" => json!({"p": sign_flip::sign_flip(&numbers(input, "d"), 1)}),
        "mann_whitney_exact" => {
            mann_whitney::mann_whitney(&numbers(input, "x"), &numbers(input, "y")).map_or(
                json!({}),
                |r| json!({"u_x": r.u_x, "p": r.p, "hl_shift_y_minus_x": r.shift}),
            )
        }
        "holm" => json!({"adj": multiplicity::holm(&numbers(input, "p"))}),
        "benjamini_hochberg" => {
            json!({"adj": multiplicity::benjamini_hochberg(&numbers(input, "p"))})
        }
        "tost_paired_t_log" => {
            let test = LogT::paired(&numbers(input, "a"), &numbers(input, "b"));
            tost(test.and_then(|test| Tost::by_t(&test, number(input, "margin_ratio").ln())))
        }
        "tost_signed_rank" => tost(Tost::by_signed_rank_of(
            &numbers(input, "a"),
            &numbers(input, "b"),
            number(input, "margin_ratio"),
        )),
        "paired_t_power" => power_case(input),
        "student_t_quantile" => {
            let df = number(input, "df");
            json!({"q": numbers(input, "p").iter().map(|&p| dist::t_quantile(p, df)).collect::<Vec<_>>()})
        }
        "normal_quantile" => {
            json!({"q": numbers(input, "p").iter().map(|&p| dist::normal_quantile(p)).collect::<Vec<_>>()})
        }
        "chi2_quantile" => {
            let p = number(input, "p");
            json!({"q": numbers(input, "df").iter().map(|&df| dist::chi2_quantile(p, df)).collect::<Vec<_>>()})
        }
        "geometric_mean" => json!({"gm": moments::geometric_mean(&numbers(input, "x"))}),
        "bca_mean" => {
            bootstrap::bca_mean(&numbers(input, "d"), alpha(input), bootstrap::RESAMPLES, 1)
                .map_or(json!({}), |ci| json!({"lo": ci[0], "hi": ci[1]}))
        }
        "mser5" => {
            let x = numbers(input, "x");
            series::mser5(&x).map_or(json!({"batches": x.len() / 5}), |m| {
                json!({"batches": m.batches, "truncate_batches": m.cut_batches, "truncate_samples": m.cut_values(),
                       "mser": m.statistic, "at_limit": m.at_limit})
            })
        }
        "mad_flags_log" => mad_case(input),
        "acf" => {
            json!({"acf": series::acf(&numbers(input, "x"), input["nlags"].as_u64().unwrap() as usize)})
        }
        "exceedance_tau_batch_means" => tau_case(input),
        other => panic!("unknown kind {other}"),
    }
}

fn hodges_lehmann_case(input: &Value) -> Value {
    let mut out = Map::new();
    let d = numbers(input, "d");
    out.insert("n_walsh".into(), json!(d.len() * (d.len() + 1) / 2));
    out.insert("k".into(), json!(-1));
    if let Some(result) = hodges_lehmann::hodges_lehmann(&d, alpha(input)) {
        out.insert("hl".into(), json!(result.estimate));
        if let Some(ci) = result.interval {
            out.insert("k".into(), json!(ci.k));
            out.insert("lo".into(), json!(ci.low));
            out.insert("hi".into(), json!(ci.high));
            out.insert("achieved_conf".into(), json!(ci.achieved));
        }
    }
    Value::Object(out)
}

fn power_case(input: &Value) -> Value {
    let (delta, sd, alpha) = (
        number(input, "ratio").ln(),
        number(input, "sd_log_diff"),
        number(input, "alpha"),
    );
    let power = |n| noncentral_t::paired_t_power(n, delta, sd, alpha);
    let n = noncentral_t::least_n(1_000_000, number(input, "power"), power);
    json!({"n": n, "power_at_n": n.and_then(power), "power_at_n_minus_1": n.and_then(|n| power(n - 1)), "power_at_10": power(10)})
}

fn mad_case(input: &Value) -> Value {
    let cut = number(input, "cut");
    // The vectors were made with scipy's `scale=`, which divides: their `mad_scaled` is MAD / 1.4826, while
    // the method (section 11) multiplies. The flags of the report use outlier::MAD_SCALE.
    let factor = 1.0 / outlier::MAD_SCALE;
    outlier::mad_scores_of_logs(&numbers(input, "x"), factor, number(input, "scale_floor")).map_or(
        json!({}),
        |s| {
            let flag: Vec<bool> = s.z.iter().map(|z| z.abs() > cut).collect();
            json!({"median_log": s.median, "mad_scaled": s.mad, "z": s.z, "flag": flag})
        },
    )
}

fn tau_case(input: &Value) -> Value {
    let (x, p) = (numbers(input, "x"), number(input, "p"));
    let q = quantile::quantile(&x, p);
    let batches = input["batches"].as_u64().unwrap() as usize;
    let tau = q.and_then(|q| support::inflation(&x, batches, p, |&x| x > q));
    json!({"q": q, "tau": tau, "n_eff": tau.map(|tau| x.len() as f64 / tau)})
}
