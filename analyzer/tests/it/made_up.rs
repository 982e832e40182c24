//! Made-up runs: real folders with real records, from a seed.

use std::path::{Path, PathBuf};

use lab_model::digest;
use lab_model::results::Repetition;
use lab_stats::summary::RunSummary;
use polars::prelude::{Column, DataFrame, ParquetWriter};
use serde_json::{Value, json};

/// Small and good enough for test data.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Exponential, mean 1.
    pub fn exponential(&mut self) -> f64 {
        -(1.0 - self.unit()).ln()
    }
}

/// What a run is made of.
pub struct Plan<'a> {
    pub name: &'a str,
    /// Target and its latency against 20 ms.
    pub targets: &'a [(&'a str, f64)],
    pub blocks: u32,
    pub requests: usize,
    pub seed: u64,
}

impl Default for Plan<'_> {
    fn default() -> Self {
        Self {
            name: "20261124T101500Z-single-quick",
            targets: &[("go", 1.0), ("rust-sqlx", 0.5)],
            blocks: 10,
            requests: 6000,
            seed: 1,
        }
    }
}

/// Three short blocks: enough for what needs no verdict.
#[allow(
    dead_code,
    reason = "the example that includes this file writes big ones"
)]
pub fn small(folder: &Path, name: &str) -> PathBuf {
    let plan = Plan {
        name,
        blocks: 3,
        requests: 300,
        ..Plan::default()
    };
    write(folder, &plan)
}

/// Ten blocks of these targets.
#[allow(
    dead_code,
    reason = "the example that includes this file writes big ones"
)]
pub fn session(folder: &Path, name: &str, targets: &[(&str, f64)], seed: u64) -> PathBuf {
    let plan = Plan {
        name,
        targets,
        seed,
        ..Plan::default()
    };
    write(folder, &plan)
}

/// Writes a run below `folder` and gives its place.
pub fn write(folder: &Path, plan: &Plan<'_>) -> PathBuf {
    let root = folder.join(plan.name);
    std::fs::create_dir_all(&root).unwrap();
    std::fs::write(
        root.join("manifest.json"),
        serde_json::to_vec_pretty(&manifest(plan)).unwrap(),
    )
    .unwrap();
    let mut random = Random(plan.seed);
    for block in 1..=plan.blocks {
        let weather = 1.0 + 0.05 * random.unit();
        for (slot, (target, level)) in (1u32..).zip(plan.targets) {
            let level = level * weather * (1.0 + 0.01 * random.unit());
            let place = root.join(format!("single/quick/{target}/{block:03}"));
            std::fs::create_dir_all(&place).unwrap();
            repetition(&place, plan, target, block, slot, level, &mut random);
        }
    }
    root
}

fn repetition(
    place: &Path,
    plan: &Plan<'_>,
    target: &str,
    block: u32,
    slot: u32,
    level: f64,
    random: &mut Random,
) {
    let users = 16i64;
    let (mut started, mut duration, mut endpoint, mut phase, mut status) =
        (vec![], vec![], vec![], vec![], vec![]);
    // Each user of a closed loop sends its next request when it has its answer.
    let mut free = vec![1_790_000_000_000_000_000i64; users as usize];
    for i in 0..plan.requests + 200 {
        let user = (0..users as usize).min_by_key(|u| free[*u]).unwrap();
        let page = random.next().is_multiple_of(10);
        let ms = 20.0 * level * (0.4 + 0.6 * random.exponential()) * if page { 3.0 } else { 1.0 };
        let ns = (ms * 1e6) as i64;
        started.push(free[user] / 1_000_000 * 1_000_000);
        duration.push(ns);
        endpoint.push(if page { "users" } else { "user" });
        phase.push(if i < 200 { "warmup" } else { "measure" });
        status.push(200i32);
        free[user] += ns;
    }
    let failed = vec![false; started.len()];
    let columns = vec![
        Column::new("started_at".into(), &started),
        Column::new("duration".into(), &duration),
        Column::new("waiting".into(), &duration),
        Column::new("status".into(), &status),
        Column::new("endpoint".into(), &endpoint),
        Column::new("phase".into(), &phase),
        Column::new("failed".into(), &failed),
    ];
    let mut frame = DataFrame::new(started.len(), columns).unwrap();
    let file = place.join("samples.parquet");
    ParquetWriter::new(std::fs::File::create(&file).unwrap())
        .finish(&mut frame)
        .unwrap();
    let summary = RunSummary::of(&started[200..], &duration[200..], &failed[200..]).unwrap();
    let mut metrics = serde_json::to_value(summary.metrics()).unwrap();
    metrics["cpu_per_request"] = json!(100.0 * level * (1.0 + 0.01 * random.unit()));
    let support: Value = summary
        .support
        .iter()
        .map(|(name, s)| (name.clone(), serde_json::to_value(s).unwrap()))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let stored = json!({
        "schema_version": 1, "run_id": plan.name, "mode": "single", "profile": "quick", "target": target, "block": block, "slot": slot,
        "started_at": "2026-11-24T10:15:00Z", "finished_at": "2026-11-24T10:15:30Z", "valid": true, "reasons": [], "flags": [],
        "metrics": metrics, "support": support, "requests": plan.requests, "rows_dropped": 0, "k6": null,
        "evidence": {"cpu": {}, "connections": null, "recorded_by_endpoint": {}, "statements": [], "host": null, "limits_in_force": {}, "ready_ms": null, "contract_cases": 13},
        "receipt": [{"code": "connections_peak", "label": "connections", "promised": "30 open, never more", "seen": "30 <b>", "ok": true}],
        "files": {"samples.parquet": digest::of_file(&file).unwrap()},
    });
    let _: Repetition = serde_json::from_value(stored.clone()).unwrap();
    std::fs::write(
        place.join("repetition.json"),
        serde_json::to_vec_pretty(&stored).unwrap(),
    )
    .unwrap();
}

fn manifest(plan: &Plan<'_>) -> Value {
    let lab_toml = "schema_version = 1\n";
    // Those of the lab itself, whatever they are.
    let lab = Path::new(env!("CARGO_MANIFEST_DIR")).join("../lab.toml");
    let limits = serde_json::to_value(lab_model::config::Lab::load(&lab).unwrap().receipt).unwrap();
    let names: Vec<&str> = plan.targets.iter().map(|t| t.0).collect();
    let budget =
        json!({"cpus": 1, "workers": 1, "processes": 1, "db_connections": 30, "pool_size": 30});
    let titles: serde_json::Map<String, Value> =
        names.iter().map(|n| ((*n).to_owned(), json!(*n))).collect();
    let budgets: serde_json::Map<String, Value> = names
        .iter()
        .map(|n| ((*n).to_owned(), budget.clone()))
        .collect();
    json!({
        "schema_version": 1, "run_id": plan.name, "created_at": "2026-11-24T10:15:00Z", "command": ["bench", "run", "--quick"], "mode": "single", "profile_name": "quick",
        "profile": {"title": "short", "executor": "constant-vus", "warmup_s": 1.0, "measure_s": 0.5, "vus": 16, "think_time_ms": 0, "mix": {"user": 90, "users": 10}},
        "plan": {"repetitions": plan.blocks, "looks": 1, "margin": 0.05, "alpha": 0.05, "baseline": names[0], "primary": ["p99"],
            "secondary": ["p50", "p95", "throughput", "cpu_per_request"], "descriptive": ["p90", "p999", "mean", "max", "error_rate"], "cooldown_s": 0.5, "kind": "quick"},
        "targets": titles, "seed": 1, "order": vec![names.clone(); plan.blocks as usize], "budgets": budgets,
        "receipt_limits": limits,
        "lab_toml": lab_toml,
        "environment": {"kind": "native", "limits": "cgroup_v2", "shared_cpus": false, "oversubscribed": false, "recording": "lab", "cpu_sets": {}, "host": {"model": "made up"}},
        "versions": {"programs": {"bench": "0.1.0", "k6": "1.1.0", "postgres": "18.6"}, "sha256": {"lab.toml": digest::of_bytes(lab_toml.as_bytes())}},
        "data": {"users": 10000, "seed": "bench-frameworks-1", "checksum": "0"},
    })
}
