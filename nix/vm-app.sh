# Body of the apps bench-single and bench-multi; nix/apps.nix sets mode, cpus, driver, bench.
usage() {
    cat <<END
Usage: nix run .#bench-$mode -- [--native] [--allow-tcg] [--allow-oversubscribed] [arguments of bench run]

Runs \`bench run --mode $mode\` in a NixOS machine with $cpus CPUs, and copies its results to \$BENCH_RESULTS [results].
  --native               on this host instead, by systemd or cgroups
  --allow-tcg            without KVM: some 25 times slower, and the results are marked
  --allow-oversubscribed on a host with fewer CPUs; the results are marked
Exit codes: those of bench; 3 when the machine cannot be had here.
END
}
native=0 tcg=0 oversubscribed=0
args=()
for arg in "$@"; do
    case "$arg" in
    --native) native=1 ;;
    --allow-tcg) tcg=1 ;;
    --allow-oversubscribed) oversubscribed=1 ;;
    -h | --help)
        usage
        exit 0
        ;;
    *) args+=("$arg") ;;
    esac
done
results=${BENCH_RESULTS:-$PWD/results}

if [ "$native" = 1 ]; then
    [ "$oversubscribed" = 0 ] || args+=(--allow-oversubscribed)
    exec "$bench" run --mode "$mode" --out "$results" "${args[@]}"
fi

accel=kvm
if ! { [ -r /dev/kvm ] && [ -w /dev/kvm ]; }; then
    if [ "$tcg" = 0 ]; then
        echo "bench-$mode: /dev/kvm cannot be used here: emulated CPUs are some 25 times slower. Load the kvm module and join its group; or run on the host itself: -- --native; or -- --allow-tcg for results that are marked." >&2
        exit 3
    fi
    accel=tcg
fi
host=$(nproc)
if [ "$host" -lt "$cpus" ]; then
    if [ "$oversubscribed" = 0 ]; then
        echo "bench-$mode: the machine needs $cpus CPUs and this host has $host: use a larger host, or -- --allow-oversubscribed for results that are marked." >&2
        exit 3
    fi
    # The guest cannot see this: it goes into the environment that every result carries.
    accel=$accel-oversubscribed
fi

mkdir -p "$results"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# One argument a line; the driver's script (nixos/tests/bench.py) hands them on.
printf '%s\n' "${args[@]}" >"$work/arguments"
export BENCH_VM_ARGUMENTS="$work/arguments" BENCH_VM_ACCEL="$accel" BENCH_VM_STATUS="$work/status"
# State of a machine that was killed must not come back.
code=0
TMPDIR="$work" XDG_RUNTIME_DIR="$work" "$driver" -o "$results" || code=$?
if [ -s "$work/status" ]; then
    exit "$(cat "$work/status")"
fi
[ "$code" != 0 ] || code=1
exit "$code"
