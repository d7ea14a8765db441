# nginx's configure takes CC and CFLAGS from the environment, but not the other flags.
do_configure() {
	preset_configure "--with-cc-opt=$CPPFLAGS" "--with-ld-opt=$LDFLAGS"
}

# Its own install would also write below /etc and /run.
do_install() {
	mkdir -p "$OUT/bin" "$OUT/share/nginx"
	cp objs/nginx "$OUT/bin/"
	cp conf/mime.types "$OUT/share/nginx/"
}
