# Sums by name, in the order of the names: only GNU's awk can ask for an order.
{ sum[$1] += $2 }
END {
	PROCINFO["sorted_in"] = "@ind_str_asc"
	for (name in sum) print name, sum[name]
}
