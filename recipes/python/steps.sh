# The compiler's driver is the seed's, and names the seed's C library when it is asked for its machine.
do_configure() {
	sed -i 's/\$CC --print-multiarch/:/' configure
	preset_configure
}

# Modules are compiled here once, in a form that holds no time and is never compared with its source.
do_install() {
	make DESTDIR="$DESTDIR" COMPILEALL_OPTS="-x ." install
	find "$OUT" -name __pycache__ -exec rm -r {} +
	grep -rlF "$TREE" "$OUT" | xargs sed -i "s,$TREE,/nothing,g"
	# It misses this folder aloud, and a folder without files is in no keg.
	mkdir -p "$OUT/lib/python3.13/lib-dynload"
	echo "Modules in C of its own are inside bin/python3." >"$OUT/lib/python3.13/lib-dynload/README"
	./python -m compileall -q --invalidation-mode unchecked-hash -s "$DESTDIR" "$OUT/lib"
}
