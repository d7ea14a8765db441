# nginx's configure takes CC and CFLAGS from the environment, but not the other flags.
do_configure() {
	preset_configure "--with-cc-opt=$CPPFLAGS" "--with-ld-opt=$LDFLAGS"
}
