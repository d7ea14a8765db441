# The archive holds another. Of that one, what libstdc++ is made of.
do_configure() {
	for part in libstdc++-v3 libgcc libiberty config include gcc/BASE-VER gcc/DATESTAMP config-ml.in config.guess config.sub install-sh \
		ltmain.sh missing mkinstalldirs compile depcomp libtool-ldflags; do
		echo "gcc-$VERSION/$part"
	done >parts
	tar -xJf "gcc-$VERSION-dfsg.tar.xz" --strip-components=1 --exclude='testsuite/*/*' -T parts
	ln -s gthr-posix.h libgcc/gthr-default.h
	# Weak references are for programs that may come without threads. In a static one they would find none of them.
	sed -i 's/^#define GTHREAD_USE_WEAK 1/#define GTHREAD_USE_WEAK 0/' libgcc/gthr.h
	mkdir built
	cd built
	CXX="/usr/bin/g++ -specs=$KEG_SEED_CC/lib/static.specs" CXXFLAGS="$CFLAGS" ../libstdc++-v3/configure \
		--prefix="$KEG" --host="$ARCH-linux-musl" --build="$ARCH-linux-musl" --with-gxx-include-dir="$KEG/include/c++" \
		--disable-multilib --disable-nls --disable-libstdcxx-pch --disable-shared --with-pic \
		--enable-libstdcxx-time --disable-dependency-tracking
}

do_build() {
	make -C built
	cc $CFLAGS -c find_object.c
	ar rcsD libfind_object.a find_object.o
}

do_install() {
	make -C built DESTDIR="$DESTDIR" install
	# Its libtool does not know what archives are called here, and installs `libstdc++.`.
	for lib in "$OUT"/lib/lib*.; do
		mv "$lib" "${lib}a"
	done
	rm -rf "$OUT/share" "$OUT"/lib/*.py
	mkdir -p "$OUT/bin" "$OUT/libexec"
	cp libfind_object.a "$OUT/lib/"
	cp /usr/bin/g++ "$OUT/libexec/g++"
	cp "$(/usr/bin/g++ -print-prog-name=cc1plus)" "$OUT/libexec/"
	sed "s,@KEG@,$KEG,g" "c++" >"$OUT/bin/c++"
	chmod 755 "$OUT/bin/c++"
	ln -s "c++" "$OUT/bin/g++"
	# Our headers go before those of the C library, which they include. Exceptions are found by the table that
	# --eh-frame-hdr makes: the seed's gcc leaves it out of what is static.
	headers="-isystem $KEG/include/c++ -isystem $KEG/include/c++/$ARCH-linux-musl"
	for linkage in static shared; do
		sed "s,-nostdinc ,-nostdinc $headers ,; s,^-nostdlib ,-nostdlib --eh-frame-hdr ,; s,^-L$KEG_MUSL/lib ,-L$KEG/lib &,; s,%:if-exists(libgcc_eh.a%s),& -lfind_object," \
			"$KEG_SEED_CC/lib/$linkage.specs" >"$OUT/lib/$linkage.specs"
	done
	proof
}

# A program of it throws and catches, in a thread. The wrapper knows only the place where the keg will be.
proof() {
	cat >proof.cc <<'end'
#include <iostream>
#include <stdexcept>
#include <thread>
int main() {
	std::thread([] {
		try { throw std::runtime_error("42"); }
		catch (const std::exception &e) { std::cout << "caught " << e.what() << std::endl; }
	}).join();
}
end
	sed "s,$KEG/,$OUT/,g" "$OUT/lib/static.specs" >proof.specs
	GCC_EXEC_PREFIX=/usr/lib/gcc/ "$OUT/libexec/g++" -B"$OUT/libexec/" -specs=proof.specs $CFLAGS $LDFLAGS -o proof proof.cc
	[ "$(./proof)" = "caught 42" ] || fail "a program made by it says: $(./proof)"
}
