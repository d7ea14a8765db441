# What a keg offers to compilers, tried as its users would: see offers.rs, which appends the calls of `pc` and `header`.
# Findings are data in $out/findings; it fails only where it cannot look.
set -u
out=/build/out$KEG
mkdir -p "$out" failed
: >"$out/findings"
: >reached
: >no-words
echo 'int main(void) { return 0; }' >empty.c
static=--static
[ "$LINKAGE" = static ] || static=
offered=
count=0

finding() {
	printf '%s\t%s\n' "$1" "$2" >>"$out/findings"
	head -n 8 "$3" | cut -c 1-200 | sed 's/^/| /' >>"$out/findings"
}

# A module is there, all that it requires is there, and a program links with what it says.
pc() {
	if ! $PKG_CONFIG --exists --print-errors "$1" 2>why ||
		! flags=$($PKG_CONFIG $static --print-errors --cflags --libs "$1" 2>why); then
		finding pc "$1" why
		return
	fi
	offered="$offered $($PKG_CONFIG --cflags "$1")"
	$CC $CFLAGS -o empty empty.c $flags $PLAIN_LDFLAGS >why 2>&1 || finding pc "$1" why
}

# What every C program has included before it comes to a library's header.
printf '#include <%s>\n' stddef.h stdint.h stdarg.h stdio.h stdlib.h string.h sys/types.h sys/socket.h sys/time.h time.h >usual.h

compiles() {
	{ cat "$2" && printf '#include <%s>\n' "$1"; } >one.c
	$CC $CPPFLAGS $offered -w -fsyntax-only -MD -MF deps -x c one.c 2>why
}

# Good: it compiles alone, or after the usual ones; or it says by #error what it wants; or it is another system's, or C++.
# The others are judged at the end: one that a good header includes is a part of that.
header() {
	if compiles "$1" no-words || compiles "$1" usual.h; then
		cat deps >>reached
	elif grep -q '#error' why; then
		:
	elif grep -Eq 'fatal error: (windows|windef|winsock2?|ws2tcpip|io|process|direct|os2|Availability|AvailabilityMacros|TargetConditionals|CoreFoundation/.*|mach/.*|sys/event|sys/port|port|unixlib|vms.*|nks/.*)(\.h)?: No such' why; then
		:
	elif grep -Eq '^[[:space:]]*(namespace|class|template|using)[[:space:]<]' "$PREFIX/include/$1"; then
		:
	else
		count=$((count + 1))
		cp why "failed/$count"
		printf '%s\n' "$1" >"failed/$count.name"
	fi
}

judge() {
	for name in failed/*.name; do
		[ -e "$name" ] || continue
		read -r header <"$name"
		grep -qF "$PREFIX/include/$header" reached || finding header "$header" "${name%.name}"
	done
}
