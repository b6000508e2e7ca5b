#!/bin/sh
# Which release is this file of? look-up.sh FILE
curl -fsS "$WAGGLE_URL/api/w1/hashes/$(sha256sum "$1" | cut -d ' ' -f 1)"
