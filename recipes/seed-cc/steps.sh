do_build() {
	sed -i "s,@MUSL@,$KEG_MUSL,g; s,@HEADERS@,$KEG_LINUX_HEADERS,g" static.specs shared.specs
	# By the specs it will use itself: the first proof that they work.
	$CC -specs=static.specs $CFLAGS $LDFLAGS -DKEG="\"$KEG\"" -o cc cc.c
}

do_install() {
	mkdir -p "$OUT/bin" "$OUT/lib"
	cp cc "$OUT/bin/"
	ln -s cc "$OUT/bin/gcc"
	cp static.specs shared.specs "$OUT/lib/"
}
