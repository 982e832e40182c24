//! Writes a made-up run: `made_up_run FOLDER BLOCKS REQUESTS`, four targets. For the speed benchmark and the browser test.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

#[path = "../tests/it/made_up.rs"]
mod made_up;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, folder, blocks, requests] = &arguments[..] else {
        panic!("made_up_run FOLDER BLOCKS REQUESTS");
    };
    let targets = [
        ("go", 1.0),
        ("python", 4.0),
        ("rust-sqlx", 0.8),
        ("rust-tokio-postgres", 0.81),
    ];
    let plan = made_up::Plan {
        targets: &targets,
        blocks: blocks.parse().unwrap(),
        requests: requests.parse().unwrap(),
        ..made_up::Plan::default()
    };
    let place = made_up::write(std::path::Path::new(folder), &plan);
    println!("{}", place.display());
}
