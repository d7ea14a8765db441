do_build() {
	awk -v version="$VERSION" -f bundle.awk mozilla/certdata.txt >ca-certificates.crt
}

do_install() {
	mkdir -p "$OUT/etc/ssl/certs"
	cp ca-certificates.crt "$OUT/etc/ssl/certs/"
}
