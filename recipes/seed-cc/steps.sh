do_build() {
	sed -i "s,@KEG@,$KEG,g; s,@MUSL@,$KEG_MUSL,g; s,@HEADERS@,$KEG_LINUX_HEADERS,g" cc static.specs shared.specs
	# The first proof: a program of it runs.
	printf 'int main(void) { return 42; }\n' >proof.c
	/usr/bin/gcc -specs=static.specs $CFLAGS $LDFLAGS -o proof proof.c
	status=0
	./proof || status=$?
	[ "$status" = 42 ] || fail "a program made by the specs ends with $status in place of 42"
}

do_install() {
	mkdir -p "$OUT/bin" "$OUT/lib"
	cp cc "$OUT/bin/cc"
	chmod 755 "$OUT/bin/cc"
	ln -s cc "$OUT/bin/gcc"
	cp static.specs shared.specs "$OUT/lib/"
}
