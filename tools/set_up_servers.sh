#!/usr/bin/env bash
# Unpack newer servers than this Debian has into .servers: Prometheus, Alertmanager, VictoriaMetrics and
# node_exporter of Debian's testing suite, from where this machine's own apt fetches. Nothing is installed
# and nothing of apt's own state is touched, so no root is needed. 300 MB; quick when it is there.
# Where that cannot be done it says so in one line, and the tests that need them are skipped.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=.servers
suite=testing
packages=(prometheus promtool prometheus-alertmanager victoria-metrics prometheus-node-exporter)
programs=(prometheus promtool prometheus-alertmanager amtool victoria-metrics vmalert vmagent prometheus-node-exporter)
ready="$folder/.ready"

say() { echo "set_up_servers: $*" >&2; }

leave() {
  say "$*; tests that need newer servers are skipped"
  exit 0
}

# The lists stand in the mark, so that longer ones are fetched.
wanted="$suite ${packages[*]}: ${programs[*]}"
[ "$(head -n 1 "$ready" 2>/dev/null)" != "$wanted" ] || exit 0

distribution=$(. /etc/os-release 2>/dev/null && echo "${ID:-}") || distribution=
codename=$(. /etc/os-release 2>/dev/null && echo "${VERSION_CODENAME:-}") || codename=
if [ "$distribution" != debian ] || ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
  leave "this machine is no Debian"
fi
archive=$(apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' \
  | awk -v name="$codename" '($1 == name || $1 == "stable") && $2 == "main" { print $3; exit }')
[ -n "$archive" ] || leave "apt knows no archive of $codename"

work=$(mktemp -d "${TMPDIR:-/tmp}/genotel-servers.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{state/lists/partial,cache/archives/partial,files,tree}
: >"$work/state/status"
signed=
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ ! -r "$keyring" ] || signed=" signed-by=$keyring"
echo "deb [arch=$(dpkg --print-architecture)$signed] $archive $suite main" >"$work/sources.list"
# What apt's own configuration says of proxies and of certificates holds here too.
own=(-q -o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=- -o Dir::Etc::preferences=-
  -o Dir::Etc::preferencesparts=- -o "Dir::State=$work/state" -o "Dir::State::status=$work/state/status"
  -o "Dir::Cache=$work/cache" -o Acquire::Languages=none -o Acquire::PDiffs=false -o Acquire::Retries=3
  -o APT::Sandbox::User=root)

say "unpacking ${packages[*]} of Debian $suite into $folder"
if ! apt-get "${own[@]}" update >"$work/log" 2>&1 \
  || ! (cd "$work/files" && apt-get "${own[@]}" download "${packages[@]}") >>"$work/log" 2>&1; then
  grep -E '^[EW]:' "$work/log" | head -n 3 >&2 || true
  leave "Debian $suite could not be fetched"
fi
for file in "$work"/files/*.deb; do
  dpkg-deb -x "$file" "$work/tree"
done
rm -rf "$folder"
mkdir -p "$folder/bin"
for program in "${programs[@]}"; do
  mv "$work/tree/usr/bin/$program" "$folder/bin/" || leave "Debian $suite has no $program"
done
for file in "$work"/files/*.deb; do
  dpkg-deb -f "$file" Package Version | awk '{ printf "%s%s", $2, (NR % 2 ? " " : "\n") }'
done >"$work/versions"
{ echo "$wanted"; cat "$work/versions"; } >"$ready"
say "$(paste -sd ',' "$work/versions" | sed 's/,/, /g')"
