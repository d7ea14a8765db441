# Which asked symbols did .config not keep? First file: `place: line` of each fragment, the last word on a symbol counts.
# Second file: .config. Exit status 1 when any is missing. No single quotes here: the script puts some around.
FILENAME == "/build/asked" {
	place = $1; line = substr($0, length($1) + 2); sub(/[ \t]+$/, "", line)
	if (line ~ /^CONFIG_[A-Za-z0-9_]+=/) { symbol = line; sub(/=.*/, "", symbol) }
	else if (line ~ /^# CONFIG_[A-Za-z0-9_]+ is not set/) { symbol = $3 }
	else next
	if (line == symbol "=n") line = "# " symbol " is not set"
	if (!(symbol in want)) symbols[++count] = symbol
	want[symbol] = line; from[symbol] = place; next
}
/^CONFIG_/ { symbol = $0; sub(/=.*/, "", symbol); have[symbol] = $0 }
END {
	for (n = 1; n <= count; n++) {
		symbol = symbols[n]
		got = symbol in have ? have[symbol] : "# " symbol " is not set"
		if (got == want[symbol]) continue
		print "error: " from[symbol] " " want[symbol] " was asked, .config says " got
		bad = 1
	}
	if (bad) print "hint: what it depends on is off, or this version has no such symbol"
	exit bad
}
