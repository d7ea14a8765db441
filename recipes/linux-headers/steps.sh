do_build() {
	case $ARCH in
	x86_64) arch=x86 ;;
	aarch64) arch=arm64 ;;
	*) fail "linux-headers knows no $ARCH" ;;
	esac
	for part in Makefile Kbuild scripts include usr tools/include "arch/$arch"; do
		echo "linux-$VERSION/$part"
	done >parts
	tar -x --no-same-owner --strip-components=1 -f /src/0/* -T parts
	make HOSTCC="$CC" headers
}

# `make headers_install` is this by rsync.
do_install() {
	mkdir -p "$OUT"
	cd usr
	find include -name '*.h' -exec cp --parents -t "$OUT" {} +
}
