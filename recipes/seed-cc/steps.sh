do_build() {
	for linkage in static shared; do
		sed "s,@MUSL@,$KEG_MUSL,g; s,@HEADERS@,$KEG_LINUX_HEADERS,g" "$RECIPE/$linkage.specs" >$linkage.specs
	done
	# By the specs it will use itself: the first proof that they work.
	$CC -specs=static.specs $CFLAGS $LDFLAGS -DKEG="\"$KEG\"" -o cc "$RECIPE/cc.c"
}

do_install() {
	mkdir -p "$OUT/bin" "$OUT/lib"
	cp cc "$OUT/bin/"
	ln -s cc "$OUT/bin/gcc"
	cp static.specs shared.specs "$OUT/lib/"
}
