#!/usr/bin/env bash
# Make this checkout ready from nothing: Debian packages, then .venv with genotel and its tools.
# `make setup` calls it; it changes nothing outside of .venv and .servers but by apt, and that only as root.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=.venv

# Debian package, then a command that succeeds where it is there. One line per package that a test
# starts for real; a test that needs one asks for it by `require()` of tests/conftest.py.
needed() {
  cat <<'END'
python3-venv  python3 -c "import ensurepip, venv"
prometheus    command -v prometheus && command -v promtool
prometheus-alertmanager  command -v prometheus-alertmanager && command -v amtool
prometheus-pushgateway  command -v prometheus-pushgateway
postgresql    ls /usr/lib/postgresql/*/bin/initdb
victoria-metrics  command -v victoria-metrics && command -v vmalert
prometheus-node-exporter  command -v prometheus-node-exporter
shellcheck    command -v shellcheck
psmisc        command -v fuser
END
}

missing_packages() {
  local package check
  while read -r package check; do
    bash -c "$check" >/dev/null 2>&1 || printf '%s ' "$package"
  done < <(needed)
}

install_packages() {
  local missing
  missing=$(missing_packages)
  [ -n "$missing" ] || return 0
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "set_up: not installed: ${missing}(on Debian: apt-get install ${missing% }); tests that need them are skipped" >&2
    return 0
  fi
  echo "set_up: installing ${missing% }" >&2
  apt-get update -q
  # Both variables keep the packages' services from starting: the first is read by invoke-rc.d, the
  # second by systemctl. The tests start their own servers on free loopback ports.
  # shellcheck disable=SC2086  # one word per package
  RUNLEVEL=1 SYSTEMD_OFFLINE=1 DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
}

find_python() {
  local candidate
  for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$candidate"
      return 0
    fi
  done
  echo "set_up: genotel needs Python 3.11 or newer; name one: make setup PYTHON=/path/to/python3.12" >&2
  return 1
}

install_packages
# The same programs some years newer: what holds in one of them may not hold in the other.
tools/set_up_servers.sh
# A .venv of a Python that is gone, or one that was left half made, is made again.
if ! "$venv/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
  python=$(find_python)
  "$python" -m venv --clear "$venv"
fi
# pip knows dependency groups since 25.1; Debian's is older.
"$venv/bin/python" -m pip install --quiet --upgrade 'pip>=25.1'
"$venv/bin/python" -m pip install --quiet --editable '.[all]' --group dev
touch "$venv/.ready"
