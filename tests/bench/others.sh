#!/bin/sh
# What others make for the end of the role `web`: a root with Debian's nginx, by mmdebstrap and by mkosi; nothing in it is set up.
# Prints a row each for the table "Beside others" in docs/images.md: bytes as tar, on the wire (zstd -19), files, those
# of them with the setuid or setgid bit, shells, seconds.
# Run as root, in a machine with apt; it installs mmdebstrap and zstd, asks apt itself for its archive, and unpacks the
# newest mkosi that sid has beside it (older ones do not bootstrap Debian 12 in a container). What it makes is gone afterwards.
#   tests/bench/others.sh [mmdebstrap|mkosi]…
set -eu
suite=bookworm
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The base of the first Debian archive that apt is configured with.
archive() {
	apt-get update --print-uris | sed -n "s,^'\(.*\)/dists/$suite/InRelease'.*,\1,p" | head -n 1
}

# An apt of its own that knows $1: the system's lists stay as they are.
apt_of() {
	mkdir -p "$work/apt/lists/partial" "$work/apt/cache/archives/partial"
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $base $1 main" >"$work/apt/sources.list"
	cat >"$work/apt/apt.conf" <<-END
		Dir::State "$work/apt";
		Dir::State::lists "lists";
		Dir::State::status "/dev/null";
		Dir::Cache "$work/apt/cache";
		Dir::Etc::sourcelist "$work/apt/sources.list";
		Dir::Etc::sourceparts "/dev/null";
		APT::Sandbox::User "";
	END
	apt-get -c "$work/apt/apt.conf" update -qq
}

# mmdebstrap's smallest variant that installs packages by apt, and what the role names.
by_mmdebstrap() {
	mmdebstrap --quiet --variant=minbase --include=nginx-light "$suite" "$work/mmdebstrap.tar" "deb $base $suite main"
}

by_mkosi() {
	mkdir -p "$work/mkosi/out"
	printf '[Distribution]\nDistribution=debian\nRelease=%s\n[Output]\nFormat=tar\nCompressOutput=no\nOutputDirectory=out\n[Content]\nBootable=no\nPackages=nginx-light\n' \
		"$suite" >"$work/mkosi/mkosi.conf"
	(cd "$work/mkosi" && PYTHONPATH="$work/tool/usr/lib/python3/dist-packages" python3 -m mkosi --local-mirror="$base" build)
	mv "$work/mkosi/out/image.tar" "$work/mkosi.tar"
}

prepare_mkosi() {
	apt_of sid
	(cd "$work" && apt-get -c "$work/apt/apt.conf" download mkosi && dpkg -x mkosi_*.deb tool)
}

# One row: $1 the name, $2 the tar, $3 the seconds.
measure() {
	wire=$(zstd -19 -T1 -q -c "$2" | wc -c)
	tar -tvf "$2" >"$work/list"
	awk -v name="$1" -v disk="$(stat -c %s "$2")" -v wire="$wire" -v seconds="$3" '
		/^-/ { files++; path = $NF; sub(/^.*\//, "", path) }
		/^-/ && substr($1, 4, 1) ~ /[sS]/ || /^-/ && substr($1, 7, 1) ~ /[sS]/ { setuid++ }
		/^-/ && path ~ /^(sh|ash|bash|dash|ksh|zsh|busybox)$/ && $NF ~ /bin\// { shells = shells " " path }
		END { printf "| %s | %.1f MB | %.1f MB | %d | %d |%s | %d s |\n", name, disk / 1e6, wire / 1e6, files, setuid, shells == "" ? " none" : shells, seconds }
	' "$work/list"
}

apt-get install -y -qq mmdebstrap zstd python3 systemd-container debian-archive-keyring >"$work/apt.log"
base=$(archive)
[ -n "$base" ] || { echo "apt has no archive with $suite" >&2; exit 1; }
[ $# -gt 0 ] || set -- mmdebstrap mkosi
for tool; do
	[ "$tool" != mkosi ] || prepare_mkosi >>"$work/apt.log" 2>&1
	begun=$(date +%s)
	"by_$tool" >"$work/$tool.log" 2>&1 || { tail -n 20 "$work/$tool.log" >&2; exit 1; }
	measure "$tool" "$work/$tool.tar" $(($(date +%s) - begun))
done
