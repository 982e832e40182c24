//! The metrics of a repetition: name, unit, and which direction is better.

use serde::{Deserialize, Serialize};

/// Which direction of a metric is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// Latency, cost, errors.
    Lower,
    /// Throughput.
    Higher,
}

/// What kind of quantity a metric is: it decides the words of the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// Time of a request.
    Latency,
    /// Requests per second.
    Rate,
    /// The highest rate at which the objective was met; found in steps, and sometimes only bounded.
    Capacity,
    /// CPU time per request.
    Cost,
    /// Share of failed requests; compared by differences, never by ratio.
    Errors,
}

/// One known metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Metric {
    /// Key in `lab.toml`, in the results and in the JSON.
    pub name: &'static str,
    /// Unit of its values in the results and in the JSON.
    pub unit: &'static str,
    /// Kind of quantity.
    pub quantity: Quantity,
    /// The probability, if it is a percentile (0.99 for p99).
    pub percentile: Option<f64>,
}

/// Every metric that a plan may name.
pub const METRICS: [Metric; 11] = [
    latency("p50", Some(0.50)),
    latency("p90", Some(0.90)),
    latency("p95", Some(0.95)),
    latency("p99", Some(0.99)),
    latency("p999", Some(0.999)),
    latency("mean", None),
    latency("max", None),
    Metric {
        name: "throughput",
        unit: "req/s",
        quantity: Quantity::Rate,
        percentile: None,
    },
    Metric {
        name: "capacity",
        unit: "req/s",
        quantity: Quantity::Capacity,
        percentile: None,
    },
    Metric {
        name: "cpu_per_request",
        unit: "us",
        quantity: Quantity::Cost,
        percentile: None,
    },
    Metric {
        name: "error_rate",
        unit: "fraction",
        quantity: Quantity::Errors,
        percentile: None,
    },
];

const fn latency(name: &'static str, percentile: Option<f64>) -> Metric {
    Metric {
        name,
        unit: "ms",
        quantity: Quantity::Latency,
        percentile,
    }
}

impl Metric {
    /// The metric of this name, if there is one.
    pub fn find(name: &str) -> Option<&'static Metric> {
        METRICS.iter().find(|metric| metric.name == name)
    }

    /// Which direction is better.
    pub fn better(&self) -> Better {
        match self.quantity {
            Quantity::Rate | Quantity::Capacity => Better::Higher,
            Quantity::Latency | Quantity::Cost | Quantity::Errors => Better::Lower,
        }
    }

    /// The name as people write it: `p999` is printed as p99.9.
    pub fn label(&self) -> &'static str {
        match self.name {
            "p999" => "p99.9",
            "cpu_per_request" => "CPU per request",
            "error_rate" => "error rate",
            name => name,
        }
    }
}
