# Runs in the guest as root (tests/vm/run): the real tests of lab-limits in every situation that this host lacks.
# Each situation ends with a line `RESULT NAME CODE`; tests/vm/limits wants to see them all.
export RUST_BACKTRACE=0

result() { # NAME CODE
    echo "RESULT $1 $2"
}

situation() { # NAME KIND COMMAND...
    name=$1 kind=$2
    shift 2
    echo "== $name, expecting $kind"
    BENCH_EXPECT_KIND=$kind "$@"
    result "$name" $?
}

uname -r
cat /sys/fs/cgroup/cgroup.controllers
systemctl is-system-running --wait

# Root on a system with systemd: a delegated scope is asked for.
situation root-systemd systemd real

# Root in a unit that was delegated, as the NixOS module does it.
situation root-delegated cgroup_v2 systemd-run --quiet --pipe --wait -p Delegate=yes -E BENCH_EXPECT_KIND=cgroup_v2 \
    /vm/bin/real

# A user with a service manager of their own. By default it delegates cpu, memory and pids, but no cpuset.
loginctl enable-linger tester
as_user() {
    runuser -u tester -- env XDG_RUNTIME_DIR=/run/user/1000 "$@"
}
for _ in $(seq 100); do [ -S /run/user/1000/bus ] && break; sleep 0.3; done
cat /sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/cgroup.controllers
situation user-systemd systemd as_user real
echo "== user-delegated"
as_user systemd-run --user --quiet --pipe --wait -p Delegate=yes -E BENCH_EXPECT_KIND=cgroup_v2 /vm/bin/real budget
result user-delegated $?

# The same with cpuset delegated.
mkdir -p /etc/systemd/system/user@.service.d
printf '[Service]\nDelegate=cpu cpuset io memory pids\n' > /etc/systemd/system/user@.service.d/delegate.conf
systemctl daemon-reload && systemctl restart user@1000.service
for _ in $(seq 100); do [ -S /run/user/1000/bus ] && break; sleep 0.3; done
cat /sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/cgroup.controllers
situation user-systemd-cpuset systemd as_user real cpuset

# A user without one: nothing but affinity.
situation user-alone affinity setpriv --reuid 65534 --regid 65534 --clear-groups real

# No systemd in sight: first in the real root, then in a container's cgroup namespace with other processes in it.
no_systemd() { # CGROUP COMMAND...
    cgroup=$1
    shift
    unshare --mount --propagation private sh -c '
        mount -t tmpfs none /run
        mkdir -p "$0" && echo $$ > "$0/cgroup.procs"
        exec "$@"' "$cgroup" "$@"
}
situation root-v2 cgroup_v2 no_systemd /sys/fs/cgroup real
situation container cgroup_v2 no_systemd /sys/fs/cgroup/container unshare --cgroup --mount sh -c '
    umount /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup
    sleep 600 & cat /proc/self/cgroup
    real; code=$?; kill $!; exit $code'

echo "== left behind"
left=$(find /sys/fs/cgroup -type d -name 'benchfw.*'; systemctl list-units --all --no-legend 'bench-test*')
[ -z "$left" ]
result nothing-left $?
echo "$left"
