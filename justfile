# The front door. Programs come from PATH: `./lab RECIPE` or `nix develop` puts them there.

set positional-arguments
set no-exit-message
set quiet

python := env("BENCH_PYTHON", "python3")

# List the recipes
[private]
default:
    just --list --unsorted

# Compare all services with 1 CPU, 1 worker, 30 connections each
[group('measure')]
bench-single *ARGS:
    bench run --mode single "$@"

# Compare all services with 4 CPUs, 4 workers, 40 connections each
[group('measure')]
bench-multi *ARGS:
    bench run --mode multi "$@"

# Measure the Go service; k6's summary goes to loadtest/results/
[group('measure')]
bench-go *ARGS:
    bench run --mode single -t go --k6-summary-dir loadtest/results "$@"

# Measure the Python service; k6's summary goes to loadtest/results/
[group('measure')]
bench-py *ARGS:
    bench run --mode single -t python --k6-summary-dir loadtest/results "$@"

# Measure the two Rust services; k6's summaries go to loadtest/results/
[group('measure')]
bench-rust *ARGS:
    bench run --mode single -t rust-sqlx -t rust-tokio-postgres --k6-summary-dir loadtest/results "$@"

# Judge results in depth: analyze results/ [--format html --out report.html]
[group('judge')]
analyze *ARGS:
    analyze "$@"

# Gate a change: compare BASE NEW ends with 1 on a regression
[group('judge')]
compare *ARGS:
    analyze compare "$@"

# Say whether this machine can keep the comparison fair
[group('check')]
doctor *ARGS:
    bench doctor "$@"

# Check every answer of the services against the contract
[group('check')]
contract *ARGS:
    bench contract "$@"

# Start all services, and their database, for playing
[group('play')]
up *ARGS:
    bench up "$@"

# Start the Go service
[group('play')]
up-go *ARGS:
    bench up go "$@"

# Start the Python service
[group('play')]
up-py *ARGS:
    bench up python "$@"

# Start the two Rust services
[group('play')]
up-rust *ARGS:
    bench up rust-sqlx rust-tokio-postgres "$@"

# Load all images into docker or podman (built by Nix)
[group('play')]
images:
    nix run .#images

# The same lab in containers: containers up|bench|down|clean|logs, up-go, bench-py … (docs/CONTAINERS.md)
[group('play')]
containers *ARGS:
    "{{ python }}" tools/containers.py "$@"

# Stop what `up` started
[group('play')]
down *ARGS:
    bench down "$@"

# Show the Go service's log
[group('play')]
logs-go *ARGS:
    bench logs go "$@"

# Show the Python service's log
[group('play')]
logs-py *ARGS:
    bench logs python "$@"

# Show the Rust services' logs
[group('play')]
logs-rust *ARGS:
    #!/usr/bin/env bash
    set -uo pipefail
    # Both at once, so that --follow shows both.
    for target in rust-sqlx rust-tokio-postgres; do
        bench logs "$target" "$@" | sed -u "s/^/$target: /" &
    done
    wait -n && wait -n

# Delete stored results, after asking (--yes: without)
[group('work on it')]
clean *ARGS:
    "{{ python }}" tools/clean.py "$@"

# Write the files that follow from lab.toml (compose, Kubernetes); --check: only compare
[group('work on it')]
generate *ARGS:
    "{{ python }}" tools/generate.py "$@"

# Format all code
[group('work on it')]
fmt:
    "{{ python }}" tools/fmt.py

# Check formats and lints only
[group('work on it')]
lint *ARGS:
    "{{ python }}" tools/run_tests.py --kind format --kind lint "$@"

# Run the tests: all of them, or the named stages (--list shows them)
[group('work on it')]
test *ARGS:
    "{{ python }}" tools/run_tests.py "$@"

# Run what CI runs
[group('work on it')]
ci:
    .ci/run
