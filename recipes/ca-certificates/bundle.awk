# Mozilla's certdata.txt to one file of certificates in PEM: those that may vouch for servers, in its order.
#
# An object is lines `NAME TYPE VALUE` up to an empty line; bytes are octal (`\060\202`) up to END. A certificate and
# what is thought of it are two objects, with the same issuer and serial number. Who is not trusted, or only for mail,
# is left out; so is whom nothing new is believed of since a date, when all that was signed before has run out.
# `version` (YYYYMMDD) is the day that counts: a build asks no clock.

/^#/ { next }
/^CKA_CLASS / { class = $3; delete object }
/^CKA_LABEL / { name = $0; sub(/^[^"]*"/, "", name); sub(/"$/, "", name); object["name"] = name }
/^CKA_TRUST_SERVER_AUTH / { object["trust"] = $3 }
/ MULTILINE_OCTAL$/ { object[$1] = octal() }
/^$/ { close_object() }
END { close_object(); write() }

function octal(   text) {
	while ((getline > 0) && $0 != "END")
		text = text $0
	return text
}

function close_object(   id) {
	id = object["CKA_ISSUER"] " " object["CKA_SERIAL_NUMBER"]
	if (class == "CKO_CERTIFICATE") {
		order[++count] = id
		names[id] = object["name"]
		bytes[id] = object["CKA_VALUE"]
		until[id] = object["CKA_NSS_SERVER_DISTRUST_AFTER"]
	}
	if (class == "CKO_NSS_TRUST")
		trust[id] = object["trust"]
	class = ""
}

function write(   at, id, written) {
	for (at = 1; at <= count; at++) {
		id = order[at]
		if (trust[id] != "CKT_NSS_TRUSTED_DELEGATOR" || is_over(until[id]))
			continue
		print "# " names[id]
		print "-----BEGIN CERTIFICATE-----"
		base64(bytes[id])
		print "-----END CERTIFICATE-----"
		written++
	}
	if (written < 50) {
		print "certdata.txt gave " written + 0 " certificates: has its form changed?" >"/dev/stderr"
		exit 1
	}
}

# A date of ASN.1, `YYMMDD…Z`, as octal; servers' certificates last 398 days at most: a year, a month and three days.
function is_over(date,   day, at, parts) {
	if (split(date, parts, "\\") < 7)
		return 0
	day = "20"
	for (at = 2; at <= 7; at++)
		day = day (value(parts[at]) - 48)
	return day + 10103 < version + 0
}

function value(digits) {
	return substr(digits, 1, 1) * 64 + substr(digits, 2, 1) * 8 + substr(digits, 3, 1)
}

function base64(text,   parts, last, at, have, group, line) {
	last = split(text, parts, "\\")
	for (at = 2; at <= last; at += 3) {
		have = last - at + 1
		group = value(parts[at]) * 65536
		if (have > 1) group += value(parts[at + 1]) * 256
		if (have > 2) group += value(parts[at + 2])
		line = line digit(group, 262144) digit(group, 4096)
		line = line (have > 1 ? digit(group, 64) : "=") (have > 2 ? digit(group, 1) : "=")
		if (length(line) == 64) {
			print line
			line = ""
		}
	}
	if (line != "")
		print line
}

function digit(group, unit) {
	return substr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", int(group / unit) % 64 + 1, 1)
}
