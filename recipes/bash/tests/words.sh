# What other shells do not have: tables, slices, regular expressions.
declare -A table=([x]=1 [y]=2)
echo ${#table[@]} ${@:2} $((table[y] ** 10))
[[ abc =~ b(.) ]] && echo ${BASH_REMATCH[1]}
