# Runs in the guest as root (tests/vm/run): lays out the programs, installs the units that Nix made, runs the script.
set -eu
tar -xf /vm/payload.tar -C /
systemctl is-system-running --wait || true
useradd --system --home-dir /var/lib/postgresql postgres
ln -s /opt/pg/bin/* /usr/local/bin/
ln -s /opt/tools/* /usr/local/bin/
echo /opt/python/lib >/etc/ld.so.conf.d/python.conf && ldconfig
# A minimal Debian does not know its own name.
grep -qs localhost /etc/hosts || echo "127.0.0.1 localhost" >>/etc/hosts
cp /opt/units/* /etc/systemd/system/
systemctl daemon-reload
echo "== systemd-analyze verify"
# It names each unknown setting and each program that is not there.
verify=$(systemd-analyze verify --man=no /etc/systemd/system/bench*.service /etc/systemd/system/bench*.slice 2>&1 || true)
echo "$verify"
if printf %s "$verify" | grep -E 'Unknown|not executable|Failed to parse|Invalid'; then
    echo "RESULT verify 1"
    exit 1
fi
echo "RESULT verify 0"
journalctl --follow --lines=0 --output=cat --unit=postgresql.service --unit=bench-seed.service &
if ! timeout 400 systemctl start postgresql.target bench-seed.service; then
    systemctl list-jobs --no-pager
    ps -A -o pid,user,stat,args | tail -n 15
    exit 1
fi
kill $!
echo "== exposure (systemd-analyze security; lower is safer)"
for unit in bench-api-go bench-api-python bench-api-rust-sqlx bench-seed; do
    systemd-analyze security --no-pager $unit.service | tail -n 1 || true
done
# Where psql of NixOS looks by itself.
export PGHOST=/run/postgresql
code=0
/opt/python/bin/python3.11 /vm/run.py || code=$?
[ $code = 0 ] || journalctl -n 80 -o cat --no-pager
echo "RESULT script $code"
exit $code
