#!/bin/sh
# Checks a file against a release bundle with nothing but openssl and what every POSIX system has (awk, od).
#
#   verify.sh FILE BUNDLE [AUTHOR]
#
# AUTHOR is the author id (w1 and 52 letters and digits) as you know it from elsewhere; without it the script tells whose
# release it is, and you compare. It refuses on any mismatch, and also what it does not understand: author's keys with two
# branches, and keys that were lost. `waggle verify` knows those too. The format: Protocol/spec/{bundle,envelope,identity}.md.
set -u
LC_ALL=C
export LC_ALL
type=application/vnd.waggle.post.v1+protobuf

# Ends the script. From inside a $(…) it ends only that, and the file sees to the rest.
refuse() {
    [ -e "$folder/refused" ] || echo "verify.sh: REFUSED: $*" >&2
    : > "$folder/refused"
    exit 1
}

[ $# -ge 2 ] && [ $# -le 3 ] || { echo "usage: verify.sh FILE BUNDLE [AUTHOR]" >&2; exit 2; }
file=$1 bundle=$2 expected=${3:-}
[ -f "$file" ] && [ -r "$file" ] || { echo "verify.sh: $file cannot be read" >&2; exit 3; }
[ -f "$bundle" ] && [ -r "$bundle" ] || { echo "verify.sh: $bundle cannot be read" >&2; exit 3; }
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM

# ---- Bytes, as hexadecimal text --------------------------------------------------------------------------------------

# Standard input as one line of hexadecimal.
hex() { od -An -v -tx1 | awk '{ gsub(/ /, ""); printf "%s", $0 }'; }

# Hexadecimal on standard input as bytes.
bytes() {
    octal=$(awk 'function d(c) { return index("0123456789abcdef", c) - 1 }
        { for (i = 1; i < length($0); i += 2)
            printf "\\%03o", d(substr($0, i, 1)) * 16 + d(substr($0, i + 1, 1)) }')
    printf "$octal"
}

sha256() { openssl dgst -sha256 -binary | hex; }

# The fields of a protobuf message in hexadecimal on standard input: a line "number value" for each, values of bytes in
# hexadecimal, integers in decimal, numbers of fixed size left out. Nothing at all, and a failure, for what is no message.
fields() {
    awk 'function byte() {
            if (at >= end) { bad = 1; return 0 }
            at += 2
            return (index("0123456789abcdef", substr($0, at - 1, 1)) - 1) * 16 \
                + index("0123456789abcdef", substr($0, at, 1)) - 1
        }
        function varint(    b, value, factor) {
            value = 0; factor = 1
            do {
                b = byte()
                value += b % 128 * factor; factor *= 128
                if (factor > 2 ^ 63) bad = 1
            } while (b >= 128 && !bad)
            return value
        }
        { at = 0; end = length($0); out = ""
          while (at < end && !bad) {
            tag = varint(); kind = tag % 8; number = int(tag / 8)
            if (kind == 0) out = out number " " sprintf("%.0f", varint()) "\n"
            else if (kind == 2) {
                size = varint() * 2
                if (size > end - at) bad = 1
                else { out = out number " " substr($0, at + 1, size) "\n"; at += size }
            } else if (kind == 1 && end - at >= 16) at += 16
            else if (kind == 5 && end - at >= 8) at += 8
            else bad = 1
          } }
        END { if (bad) exit 1; printf "%s", out }'
}

# The values of one field of the message in $1; all of them, one a line.
values() { printf '%s\n' "$1" | { fields || refuse "a part is no message"; } | awk -v n="$2" '$1 == n { print $2 }'; }

# The value of a field that comes once; empty when it is absent.
value() {
    found=$(values "$1" "$2")
    [ "$(printf '%s\n' "$found" | awk 'END { print NR }')" -le 1 ] || refuse "field $2 comes more than once"
    printf '%s' "$found"
}

# An integer, and 0 when it is absent.
number() { found=$(value "$1" "$2"); printf '%s' "${found:-0}"; }

# 32 bytes as the text of an author id: base 32 in lower case.
author_text() {
    printf '%s\n' "$1" | awk '{
        printf "w1"
        for (i = 1; i <= length($0); i++) {
            held = held * 16 + index("0123456789abcdef", substr($0, i, 1)) - 1; bits += 4
            while (bits >= 5) {
                bits -= 5; digit = int(held / 2 ^ bits); held -= digit * 2 ^ bits
                printf "%s", substr("abcdefghijklmnopqrstuvwxyz234567", digit + 1, 1)
            }
        }
        if (bits) printf "%s", substr("abcdefghijklmnopqrstuvwxyz234567", held * 2 ^ (5 - bits) + 1, 1)
    }'
}

# ---- Signed posts ----------------------------------------------------------------------------------------------------

# Opens an envelope: sets payload and id, leaves what signatures cover in $folder/pae.
open_envelope() {
    [ "$(number "$1" 2)" = 1 ] || refuse "an envelope of another type"
    payload=$(value "$1" 1)
    [ -n "$payload" ] || refuse "an empty post"
    { printf 'DSSEv1 %d %s %d ' ${#type} "$type" $((${#payload} / 2)); printf '%s\n' "$payload" | bytes; } > "$folder/pae"
    id=$(sha256 < "$folder/pae")
}

# Asks openssl whether the opened envelope $1 is signed by each of its keys, which are at least $2 of the keys $3.
check_signatures() {
    good=0 last=
    for signature in $(values "$1" 3); do
        key=$(value "$signature" 1) bits=$(value "$signature" 2)
        [ ${#key} = 64 ] && [ ${#bits} = 128 ] || refuse "a signature of another size"
        case " $last " in *" $key "*) refuse "a key signs twice" ;; esac
        last="$last $key"
        case " $(echo $3) " in *" $key "*) ;; *) refuse "signed by a key that may not: $key" ;; esac
        echo "302a300506032b6570032100$key" | bytes > "$folder/key.der"
        echo "$bits" | bytes > "$folder/sig"
        openssl pkeyutl -verify -pubin -keyform DER -inkey "$folder/key.der" -rawin -in "$folder/pae" \
            -sigfile "$folder/sig" > "$folder/said" 2>&1 || refuse "a signature by $key does not match"
        good=$((good + 1))
    done
    [ "$good" -ge 1 ] && [ "$good" -ge "$2" ] || refuse "signed by $good of the $2 keys that are needed"
}

# ---- The author's keys -----------------------------------------------------------------------------------------------

# What two documents of one generation share: roots, threshold, next roots, next threshold.
generation() { values "$1" 3; echo; number "$1" 4; echo; values "$1" 5; echo; number "$1" 6; }

key_document() {
    open_envelope "$1"
    case $(number "$payload" 6) in
        2) return ;; # A checkpoint says what stays of a lost key; a lost key is refused here.
        1) ;;
        *) refuse "a post among the keys that is neither" ;;
    esac
    document=$(value "$payload" 101) roots=$(values "$document" 3)
    [ -n "$roots" ] || refuse "a key document without roots"
    check_signatures "$1" "$(number "$document" 4)" "$roots"
    if [ -z "$author" ]; then
        # The author id is the id of the first document: whoever changes a bit of it is another author.
        [ "$(number "$document" 1)" = 1 ] && [ -z "$(value "$payload" 2)" ] || refuse "the keys do not begin with a genesis"
        author=$id
    else
        [ "$(value "$payload" 2)" = "$author" ] || refuse "a key document of another author"
        [ "$(value "$document" 2)" = "$newest" ] && [ "$(number "$document" 1)" = $((version + 1)) ] \
            || refuse "the author's keys have branches; \`waggle verify\` can tell which stand"
        [ "$(number "$payload" 4)" -ge "$dated" ] && [ "$(number "$document" 9)" = "$(number "$previous" 9)" ] \
            || refuse "a key document does not follow the one before it"
        if [ "$(generation "$document")" != "$(generation "$previous")" ]; then
            revealed=$(for root in $roots; do echo "$root" | bytes | sha256; echo; done | sort)
            [ "$revealed" = "$(values "$previous" 5 | sort)" ] && [ -n "$revealed" ] \
                && [ "$(number "$document" 4)" = "$(number "$previous" 6)" ] \
                || refuse "the new root keys are not those that were announced"
        fi
    fi
    previous=$document newest=$id version=$(number "$document" 1) dated=$(number "$payload" 4)
    judge_device "$dated"
}

# What this document, made at $1, says of the release's key.
judge_device() {
    found=no
    for entry in $(values "$document" 7); do
        [ "$(value "$entry" 1)" = "$device" ] || continue
        found=yes listed=yes label=$(value "$entry" 2 | bytes | tr -d '\000-\037\177')
        from=$(number "$entry" 4) until=$(number "$entry" 5)
        # Scopes are numbers, packed into one field; 2 lets a key sign releases.
        scopes=" $(value "$entry" 3 | awk '{
            for (i = 1; i < length($0); i += 2) {
                if (!more) printf "%s ", substr($0, i, 2)
                more = substr($0, i, 1) ~ /[89a-f]/
            } }') "
    done
    # One that is left out ends there, if it does not end before.
    [ "$found" = no ] && [ "$listed" = yes ] && { [ "$until" = 0 ] || [ "$until" -gt "$1" ]; } && until=$1
    for entry in $(values "$document" 8); do
        [ "$(value "$entry" 1)" = "$device" ] || continue
        [ "$(number "$entry" 3)" = 1 ] || refuse "the key was reported lost or stolen; ask \`waggle verify\`"
        since=$(number "$entry" 2)
        { [ -z "$retired" ] || [ "$since" -lt "$retired" ]; } && retired=$since
    done
    return 0
}

# ---- The release -----------------------------------------------------------------------------------------------------

whole=$(hex < "$bundle")
magic=$(value "$whole" 1)
[ "$magic" = "$(printf waggle-release-bundle-1 | hex)" ] || refuse "$bundle is no release bundle"
envelope=$(value "$whole" 2)
open_envelope "$envelope"
[ "$(number "$payload" 6)" = 11 ] || refuse "the bundle holds no release"
device=$(value "$payload" 3) created=$(number "$payload" 4) release=$id
signer=$(value "$payload" 2) body=$(value "$payload" 111)
check_signatures "$envelope" 1 "$device"

author= newest= version=0 dated=0 previous= listed=no label= from=0 until=0 scopes= retired=
for envelope in $(values "$whole" 4); do key_document "$envelope"; done
[ -n "$author" ] && [ "$author" = "$signer" ] || refuse "the keys in the bundle are not those of the release's author"
[ "$listed" = yes ] || refuse "the author's keys do not list the key that signed"
case $scopes in *" 02 "*) ;; *) refuse "the key may not sign releases" ;; esac
[ "$from" -le "$created" ] && { [ "$until" = 0 ] || [ "$created" -le "$until" ]; } \
    || refuse "the key was not in force when the release was made"
[ -z "$retired" ] || [ "$created" -le "$retired" ] || refuse "the key was retired before the release was made"

digest=$(sha256 < "$file") size=$(wc -c < "$file") named=
for entry in $(values "$body" 10); do
    [ "$(value "$entry" 1)" = "$digest" ] && [ "$(number "$entry" 3)" -eq "$size" ] && named=$entry
done
[ -n "$named" ] || refuse "$file is not a file of this release (its SHA-256 is $digest)"

id=$(author_text "$author")
if [ -n "$expected" ] && [ "$expected" != "$id" ]; then refuse "the author is $id, not $expected"; fi
[ ! -e "$folder/refused" ] || exit 1
echo "Good: $file is a signed file of this release"
echo "  sha256   $digest"
echo "  release  $release"
echo "  key      $device \"$label\""
[ -z "$retired" ] || echo "  note     the key was retired later; the release says that it was made before"
echo "  author   $id"
[ -n "$expected" ] || echo "Compare the author with what you know from elsewhere: anybody can sign as somebody."
