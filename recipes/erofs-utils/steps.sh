do_configure() {
	autoreconf --install
	preset_configure
}
