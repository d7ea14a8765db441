do_build() { sh build.sh; }
do_install() { cp make "$OUT/"; }
