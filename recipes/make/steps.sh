do_configure() {
	mkdir -p doc
	printf 'all install clean:\n' >doc/Makefile.in
	./configure --prefix="$KEG" --disable-dependency-tracking --disable-nls --without-guile
}

# build.sh: there is no make that we would trust yet.
do_build() {
	sh build.sh
}

do_install() {
	mkdir -p "$OUT/bin"
	cp make "$OUT/bin/"
}
