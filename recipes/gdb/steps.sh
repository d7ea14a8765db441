# The debugger and what it reads of each architecture; no manuals, no scripts of bash.
do_install() {
	mkdir -p "$OUT/bin"
	cp gdb/gdb "$OUT/bin/gdb"
	make -C gdb/data-directory DESTDIR="$DESTDIR" install
	rm -rf "$OUT/share/gdb/guile" "$OUT/share/gdb/python"
}
