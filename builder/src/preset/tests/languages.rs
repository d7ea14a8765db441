//! `python` and `perl`: modules of a language, which has to find them.

use expect_test::expect;

use super::{check, check_linked, keg, with};

#[test]
fn python() {
    check(
        &with("preset = \"python\"\nargs = [\"--config-settings=x=y\"]"),
        expect![[r#"
            do_unpack() {
            	mkdir -p "$TREE"
            	tar -x --no-same-owner --strip-components=1 -C "$TREE" -f /src/0/*
            }
            do_patch() {
            	:
            }
            preset_configure() {
            	:
            }
            preset_build() {
            	for dir in $(for keg in ; do echo "$keg"/lib/python3*/site-packages; done); do PYTHONPATH=$dir${PYTHONPATH:+:$PYTHONPATH}; done; export PYTHONPATH
            	python3 -P "$(echo "$KEG_PYTHON"/lib/python3*/ensurepip/_bundled/pip-*.whl)"/pip wheel --no-index --no-deps --no-cache-dir --no-input --disable-pip-version-check --no-build-isolation --use-pep517 --wheel-dir /build/wheel --config-settings=x=y .
            }
            preset_check() {
            	for dir in $(for keg in ; do echo "$keg"/lib/python3*/site-packages; done); do PYTHONPATH=$dir${PYTHONPATH:+:$PYTHONPATH}; done; export PYTHONPATH
            	python3 -m pytest
            }
            preset_install() {
            	wheel=$(ls /build/wheel); python3 -P "$(echo "$KEG_PYTHON"/lib/python3*/ensurepip/_bundled/pip-*.whl)"/pip install --no-index --no-deps --no-cache-dir --no-input --disable-pip-version-check --ignore-installed --no-compile --no-warn-script-location --root=/build/out --prefix=/kegs/toy/0 --find-links=/build/wheel "${wheel%%-*}"
            	if [ -d "$OUT/bin" ]; then
            		grep -lE '^#!.*python' "$OUT"/bin/* | xargs -r sed -i "1s,^#!.*,#!$KEG/bin/python3,"
            		ln -s "$KEG_PYTHON/bin/python3" "$OUT/bin/python3"
            		printf '%s\n' "home = $KEG_PYTHON/bin" 'include-system-site-packages = false' >"$OUT/pyvenv.cfg"
            	fi
            	python3 -m compileall -q --invalidation-mode unchecked-hash -s /build/out "$OUT"/lib
            }
        "#]],
    );
}

#[test]
fn python_that_links_modules() {
    check_linked(
        &with("preset = \"python\"\nlink = [\"python\", \"python-yaml\"]"),
        &[keg("python"), keg("python-yaml")],
        expect![[r#"
            do_unpack() {
            	mkdir -p "$TREE"
            	tar -x --no-same-owner --strip-components=1 -C "$TREE" -f /src/0/*
            }
            do_patch() {
            	:
            }
            preset_configure() {
            	:
            }
            preset_build() {
            	for dir in $(for keg in /kegs/python/0 /kegs/python-yaml/0; do echo "$keg"/lib/python3*/site-packages; done); do PYTHONPATH=$dir${PYTHONPATH:+:$PYTHONPATH}; done; export PYTHONPATH
            	python3 -P "$(echo "$KEG_PYTHON"/lib/python3*/ensurepip/_bundled/pip-*.whl)"/pip wheel --no-index --no-deps --no-cache-dir --no-input --disable-pip-version-check --no-build-isolation --use-pep517 --wheel-dir /build/wheel .
            }
            preset_check() {
            	for dir in $(for keg in /kegs/python/0 /kegs/python-yaml/0; do echo "$keg"/lib/python3*/site-packages; done); do PYTHONPATH=$dir${PYTHONPATH:+:$PYTHONPATH}; done; export PYTHONPATH
            	python3 -m pytest
            }
            preset_install() {
            	wheel=$(ls /build/wheel); python3 -P "$(echo "$KEG_PYTHON"/lib/python3*/ensurepip/_bundled/pip-*.whl)"/pip install --no-index --no-deps --no-cache-dir --no-input --disable-pip-version-check --ignore-installed --no-compile --no-warn-script-location --root=/build/out --prefix=/kegs/toy/0 --find-links=/build/wheel "${wheel%%-*}"
            	if [ -d "$OUT/bin" ]; then
            		grep -lE '^#!.*python' "$OUT"/bin/* | xargs -r sed -i "1s,^#!.*,#!$KEG/bin/python3,"
            		ln -s "$KEG_PYTHON/bin/python3" "$OUT/bin/python3"
            		printf '%s\n' "home = $KEG_PYTHON/bin" 'include-system-site-packages = false' >"$OUT/pyvenv.cfg"
            	fi
            	for dir in $(for keg in /kegs/python-yaml/0; do ls -d "$keg"/lib/python3*/site-packages || :; done); do
            		echo "$dir" >>"$(echo "$OUT"/lib/python3*/site-packages)/kegs.pth"
            	done
            	python3 -m compileall -q --invalidation-mode unchecked-hash -s /build/out "$OUT"/lib
            }
        "#]],
    );
}

#[test]
fn perl() {
    check(
        &with("preset = \"perl\"\nbuild_args = [\"V=1\"]\ntargets = { check = [\"test_dynamic\"] }"),
        expect![[r#"
            do_unpack() {
            	mkdir -p "$TREE"
            	tar -x --no-same-owner --strip-components=1 -C "$TREE" -f /src/0/*
            }
            do_patch() {
            	:
            }
            preset_configure() {
            	if [ -f Makefile.PL ]; then perl Makefile.PL INSTALL_BASE=/kegs/toy/0 NO_PACKLIST=1 NO_PERLLOCAL=1 INSTALLMAN1DIR=none INSTALLMAN3DIR=none "$@"; else perl Build.PL --install_base=/kegs/toy/0 "$@"; fi
            }
            preset_build() {
            	if [ -f Makefile.PL ]; then make V=1; else ./Build; fi
            }
            preset_check() {
            	if [ -f Makefile.PL ]; then make V=1 test_dynamic; else ./Build test; fi
            }
            preset_install() {
            	if [ -f Makefile.PL ]; then make DESTDIR=/build/out V=1 install; else ./Build install --destdir=/build/out --create_packlist=0; fi
            	if [ -d "$OUT/bin" ]; then grep -lE '^#!.*perl' "$OUT"/bin/* | xargs -r sed -i "1s,^#!.*,#!$KEG_PERL/bin/perl -I/kegs/toy/0/lib/perl5,"; fi
            	find "$OUT" -name .packlist -delete
            }
        "#]],
    );
}

#[test]
fn perl_that_links_modules() {
    check_linked(
        &with("preset = \"perl\"\nlink = [\"perl-json\"]"),
        &[keg("perl-json")],
        expect![[r#"
        do_unpack() {
        	mkdir -p "$TREE"
        	tar -x --no-same-owner --strip-components=1 -C "$TREE" -f /src/0/*
        }
        do_patch() {
        	:
        }
        preset_configure() {
        	if [ -f Makefile.PL ]; then perl Makefile.PL INSTALL_BASE=/kegs/toy/0 NO_PACKLIST=1 NO_PERLLOCAL=1 INSTALLMAN1DIR=none INSTALLMAN3DIR=none "$@"; else perl Build.PL --install_base=/kegs/toy/0 "$@"; fi
        }
        preset_build() {
        	if [ -f Makefile.PL ]; then make; else ./Build; fi
        }
        preset_check() {
        	if [ -f Makefile.PL ]; then make test; else ./Build test; fi
        }
        preset_install() {
        	if [ -f Makefile.PL ]; then make DESTDIR=/build/out install; else ./Build install --destdir=/build/out --create_packlist=0; fi
        	if [ -d "$OUT/bin" ]; then grep -lE '^#!.*perl' "$OUT"/bin/* | xargs -r sed -i "1s,^#!.*,#!$KEG_PERL/bin/perl -I/kegs/toy/0/lib/perl5 -I/kegs/perl-json/0/lib/perl5,"; fi
        	find "$OUT" -name .packlist -delete
        }
    "#]],
    );
}
