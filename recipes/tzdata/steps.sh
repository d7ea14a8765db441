regions="africa antarctica asia australasia europe northamerica southamerica etcetera factory"

do_build() {
	# Into a folder of its own: `version` is a file of the data, and `version.h` of the compiler.
	mkdir -p zic
	tar -x --no-same-owner --strip-components=2 -C zic -f /src/1/* glibc-2.36/timezone
	: >zic/version.h
	$CC $CFLAGS $LDFLAGS -Izic -DPKGVERSION='""' -DTZVERSION='"2.36"' -DREPORT_BUGS_TO='""' -o compile zic/zic.c
	# Slim: what the rule at the end of a file says is not written out as well. musl and Python read it so.
	./compile -b slim -d zoneinfo $regions
}

do_install() {
	# Older names are links: as files, each would cost its zone once more.
	awk '$1 == "L" || $1 == "Link" { print $2, $3 }' $regions backward | while read -r target name; do
		mkdir -p "zoneinfo/$(dirname "$name")"
		rm -f "zoneinfo/$name"
		ln -sr "zoneinfo/$target" "zoneinfo/$name"
	done
	cp iso3166.tab zone1970.tab leap-seconds.list zoneinfo/
	mkdir -p "$OUT/share"
	cp -a zoneinfo "$OUT/share/"
}
