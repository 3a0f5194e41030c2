#!/usr/bin/env bash
# Holds a list of offsets, sizes and constants (standard input) against the headers of libsasl2.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
{
    printf '#include <%s>\n' stddef.h sasl/sasl.h sasl/prop.h sasl/saslplug.h
    awk '
        $1 == "offset" {
            type = $2
            for (i = 3; i < NF - 1; i++) type = type " " $i
            printf "_Static_assert(offsetof(%s, %s) == %s, \"%s\");\n", type, $(NF - 1), $NF, $0
        }
        $1 == "size" {
            type = $2
            for (i = 3; i < NF; i++) type = type " " $i
            printf "_Static_assert(sizeof(%s) == %s, \"%s\");\n", type, $NF, $0
        }
        $1 == "constant" { printf "_Static_assert(%s == %s, \"%s\");\n", $2, $3, $0 }'
} >"$work/layout.c"
grep -c _Static_assert "$work/layout.c"
gcc -fsyntax-only "$work/layout.c"
