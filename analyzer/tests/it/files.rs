//! Small files of every kind that can be imported.

use std::fmt::Write as _;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::made_up::Random;

pub const HEADER: &str = "metric_name,timestamp,metric_value,check,error,error_code,expected_response,group,method,name,proto,scenario,service,status,subproto,tls_version,url,extra_tags,metadata\n";

pub fn csv(requests: usize, level: f64, seed: u64) -> String {
    let mut random = Random(seed);
    let mut text = HEADER.to_owned();
    for i in 0..requests {
        let at = 1_790_000_000 + i as u64 / 500;
        let ms = level * (0.4 + 0.6 * random.exponential());
        writeln!(
            text,
            "http_reqs,{at},1.000000,,,,true,,GET,user,HTTP/1.1,default,,200,,,http://x/,,"
        )
        .unwrap();
        writeln!(
            text,
            "http_req_duration,{at},{ms:.6},,,,true,,GET,user,HTTP/1.1,default,,200,,,http://x/,,"
        )
        .unwrap();
    }
    text
}

pub fn lines(requests: usize) -> String {
    let mut text = String::from(
        "{\"type\":\"Metric\",\"data\":{\"name\":\"http_req_duration\",\"type\":\"trend\"},\"metric\":\"http_req_duration\"}\n",
    );
    for i in 0..requests {
        let ms = 1.0 + (i % 10) as f64;
        writeln!(text, "{{\"metric\":\"http_req_duration\",\"type\":\"Point\",\"data\":{{\"time\":\"2026-11-24T10:00:{:02}.{:03}+01:00\",\"value\":{ms},\"tags\":{{\"name\":\"user\",\"status\":\"200\",\"expected_response\":\"true\",\"scenario\":\"default\",\"group\":\"\"}}}}}}", i / 1000, i % 1000).unwrap();
    }
    text
}

pub const EXPORT: &str = r#"{"metrics":{"http_req_duration":{"avg":2.5,"min":0.5,"med":2,"max":30,"p(90)":4,"p(95)":5,"p(99)":9},
 "http_reqs":{"count":20000,"rate":2000},"http_req_failed":{"passes":10,"fails":19990,"value":0.0005}}}"#;
pub const HANDLE: &str = r#"{"root_group":{},"state":{"testRunDurationMs":10000},"metrics":{"http_req_duration":{"type":"trend","contains":"time","values":{"avg":2.5,"min":0.5,"med":2,"max":30,"p(90)":4,"p(95)":5}},
 "http_reqs":{"type":"counter","values":{"count":20000,"rate":2000}},"http_req_failed":{"type":"rate","values":{"rate":0.0005,"passes":10,"fails":19990}}}}"#;
pub const OHA: &str = r#"{"summary":{"successRate":1.0,"total":10.0,"slowest":0.03,"fastest":0.0005,"average":0.0025,"requestsPerSec":2000.0},
 "latencyPercentiles":{"p10":0.001,"p50":0.002,"p90":0.004,"p95":0.005,"p99":0.009,"p99.9":0.02},"statusCodeDistribution":{"200":19990,"503":10},"errorDistribution":{}}"#;
pub const WRK2: &str = "Running 30s test @ http://127.0.0.1:80/index.html\n  2 threads and 100 connections\n  Thread Stats   Avg      Stdev     Max   +/- Stdev\n    Latency     1.19ms  567.18us   5.41ms   64.55%\n    Req/Sec     1.05k    91.44     1.22k    69.28%\n  Latency Distribution (HdrHistogram - Recorded Latency)\n 50.000%    1.13ms\n 75.000%    1.53ms\n 90.000%    1.93ms\n 99.000%    2.73ms\n 99.900%    3.57ms\n100.000%    5.41ms\n\n  Detailed Percentile spectrum:\n       Value   Percentile   TotalCount 1/(1-Percentile)\n\n       0.188     0.000000            1         1.00\n#[Mean    =        1.187, StdDeviation   =        0.567]\n  60018 requests in 30.00s, 19.81MB read\n  Non-2xx or 3xx responses: 6\nRequests/sec:   2000.28\nTransfer/sec:    676.14KB\n";

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
