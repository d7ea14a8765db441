#!/bin/sh
# 3.0's Configure, without the switches that take away what it has not got yet.
set -eu
for arg; do
	shift
	case $arg in
	no-quic | no-tls-deprecated-ec | no-integrity-only-ciphers | no-ml-dsa | no-slh-dsa | no-lms | no-argon2) ;;
	*) set -- "$@" "$arg" ;;
	esac
done
exec ./Configure "$@"
