#!/bin/sh
# One kernel, one nginx, three PIDs 1: our agent, Debian's busybox init, Debian's systemd (with udevd and networkd). Each takes
# its address by DHCP. They take turns in one run; what is measured is QEMU's start to the first answered request, from outside.
# Prints a row each for the table "Beside other inits" in docs/hosts.md.
# Run as root, in a machine with apt: it installs what it compares. What it makes is gone afterwards.
#   tests/bench/inits.sh [ROUNDS]
set -eu
cd "$(dirname "$0")/../.."
rounds=${1:-10}
rootbrew=${ROOTBREW:-$PWD/target/release/rootbrew}
suite=bookworm
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
apt-get install -y -qq mmdebstrap erofs-utils busybox-static curl qemu-system-x86 openssl >"$work/apt.log"

# --- what all three serve ---
"$rootbrew" image web --to "$work/own" >"$work/image.log" 2>&1 || { cat "$work/image.log" >&2; exit 1; }
"$rootbrew" image web --as tar -o "$work/own.tar" >"$work/image.log" 2>&1 || { cat "$work/image.log" >&2; exit 1; }
mkdir "$work/tree" && tar -C "$work/tree" -xf "$work/own.tar"
mkdir "$work/nginx" && cp roles/web/mime.types "$work/nginx"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=web -days 30 \
	-keyout "$work/nginx/key.pem" -out "$work/nginx/certificate.pem" 2>>"$work/apt.log"
printf 'tls_certificate = """\n%s\n"""\ntls_key = """\n%s\n"""\n' "$(cat "$work/nginx/certificate.pem")" "$(cat "$work/nginx/key.pem")" >"$work/env.toml"
# As the agent renders it: one worker, no access log.
sed -e 's/{{ workers }}/1/; s/{{ site }}/web/; /{%/d; /access_log \/dev\/stdout/d' roles/web/nginx.conf >"$work/nginx/nginx.conf"

# The image's programs, users and files, without its agent: $1 is the folder of another init.
furnish() {
	cp -a "$work/tree/kegs" "$1/"
	mkdir -p "$1/bin" "$1/data" "$1/etc/web"
	cp "$work/nginx"/* "$1/etc/web"
	echo hello >"$1/etc/web/index.html"
	grep '^web:' "$work/tree/etc/passwd" >>"$1/etc/passwd"
	grep '^web:' "$work/tree/etc/group" >>"$1/etc/group"
}

nginx=$(readlink "$work/tree/bin/nginx")

of_busybox() {
	root=$work/busybox
	mkdir -p "$root/bin" "$root/sbin" "$root/etc" "$root/proc" "$root/sys" "$root/dev" "$root/run" "$root/tmp"
	cp /bin/busybox "$root/bin/busybox"
	for name in sh mount mkdir cp chown hostname ifconfig route udhcpc; do ln -s busybox "$root/bin/$name"; done
	ln -s ../bin/busybox "$root/sbin/init"
	echo root:x:0:0:::/bin/sh >"$root/etc/passwd"
	echo root:x:0: >"$root/etc/group"
	furnish "$root"
	cat >"$root/etc/inittab" <<-END
		::sysinit:/etc/rcS
		::respawn:$nginx -c /run/etc/nginx/nginx.conf -g 'user web;'
	END
	cat >"$root/etc/rcS" <<-'END'
		#!/bin/sh
		mount -t proc proc /proc
		mount -t sysfs sys /sys
		mount -t tmpfs run /run
		mount -t tmpfs data /data
		mount -t tmpfs tmp /tmp
		mkdir -p /run/etc/nginx /run/nginx /data/www
		cp /etc/web/* /run/etc/nginx
		cp /etc/web/index.html /data/www
		chown web /run/nginx
		hostname web
		ifconfig lo up
		udhcpc -q -n -f -i eth0 -s /etc/leased
	END
	cat >"$root/etc/leased" <<-'END'
		#!/bin/sh
		case $1 in
		deconfig) ifconfig "$interface" 0.0.0.0 ;;
		bound)
			ifconfig "$interface" "$ip" netmask "$subnet"
			route add default gw "${router%% *}"
			;;
		esac
	END
	chmod +x "$root/etc/rcS" "$root/etc/leased"
	mkfs.erofs -T0 --all-root "$work/busybox.erofs" "$root" >>"$work/apt.log" 2>&1
}

of_systemd() {
	root=$work/systemd
	archive=$(apt-get update --print-uris | sed -n "s,^'\(.*\)/dists/$suite/InRelease'.*,\1,p" | head -n 1)
	mmdebstrap --quiet --variant=minbase --include=systemd-sysv,udev "$suite" "$root" "deb $archive $suite main" >>"$work/apt.log" 2>&1
	furnish "$root"
	echo 0123456789abcdef0123456789abcdef >"$root/etc/machine-id"
	echo web >"$root/etc/hostname"
	printf 'run /run tmpfs\ndata /data tmpfs\ntmp /tmp tmpfs\nvar /var tmpfs\n' | awk '{ print $1, $2, $3, "defaults 0 0" }' >"$root/etc/fstab"
	printf '[Match]\nName=e*\n[Network]\nDHCP=ipv4\n' >"$root/etc/systemd/network/all.network"
	cat >"$root/etc/systemd/system/nginx.service" <<-END
		[Unit]
		After=network.target
		RequiresMountsFor=/data
		[Service]
		User=web
		AmbientCapabilities=CAP_NET_BIND_SERVICE
		RuntimeDirectory=nginx
		ExecStartPre=+/bin/mkdir -p /run/etc /data/www
		ExecStartPre=+/bin/cp -r /etc/web /run/etc/nginx
		ExecStartPre=+/bin/cp /etc/web/index.html /data/www
		ExecStartPre=+/bin/chown -R web /run/etc/nginx
		ExecStart=$nginx -c /run/etc/nginx/nginx.conf
		[Install]
		WantedBy=multi-user.target
	END
	chroot "$root" systemctl enable -q nginx systemd-networkd >>"$work/apt.log" 2>&1
	mkfs.erofs -T0 "$work/systemd.erofs" "$root" >>"$work/apt.log" 2>&1
}

# $1: the name, $2: its root, the rest: more for QEMU. Prints milliseconds to the first answer.
boot() {
	name=$1 root=$2
	shift 2
	port=$((20000 + $$ % 20000))
	begun=$(date +%s%N)
	qemu-system-x86_64 -nodefaults -no-user-config -display none -no-reboot -machine q35,accel=tcg,sata=off,smbus=off,vmport=off,usb=off -cpu max \
		-m 256 -smp 1 -serial "file:$work/$name.console" -kernel "$work/own/vmlinuz" \
		-append "console=ttyS0 root=/dev/vda ro rootfstype=erofs panic=1 quiet tsc=unstable nolapic_timer no_timer_check" \
		-drive "if=none,id=root,format=raw,readonly=on,file=$root" -device virtio-blk-pci,drive=root \
		-netdev "user,id=net,hostfwd=tcp:127.0.0.1:$port-:80" -device virtio-net-pci,netdev=net,romfile= -device virtio-rng-pci "$@" &
	pid=$!
	# QEMU itself accepts at once: an answer is what counts.
	tries=0
	until curl -fs -m 1 -o /dev/null "http://127.0.0.1:$port/"; do
		tries=$((tries + 1))
		[ $tries -lt 2000 ] || { kill $pid; tail -n 30 "$work/$name.console" >&2; exit 1; }
		sleep 0.01
	done
	echo $((($(date +%s%N) - begun) / 1000000)) >>"$work/$name.ms"
	kill $pid
	wait $pid || true
}

of_busybox
of_systemd
for round in $(seq "$rounds"); do
	boot agent "$work/own/root.erofs" -fw_cfg "name=opt/org.rootbrew/environment.toml,file=$work/env.toml"
	boot busybox "$work/busybox.erofs"
	boot systemd "$work/systemd.erofs"
done
echo "| init | first answer, minimum | median | ÷ the agent's | root |"
echo "|---|---|---|---|---|"
own=$(sort -n "$work/agent.ms" | sed -n "$(((rounds + 1) / 2))p")
for name in agent busybox systemd; do
	root=$work/$name.erofs
	[ $name != agent ] || root=$work/own/root.erofs
	sort -n "$work/$name.ms" | awk -v name=$name -v own="$own" -v size="$(stat -c %s "$root")" '
		{ ms[NR] = $1 }
		END { median = ms[int((NR + 1) / 2)]; printf "| %s | %d ms | %d ms | %.2f | %.1f MB |\n", name, ms[1], median, median / own, size / 1e6 }'
done
