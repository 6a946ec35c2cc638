# SPDX-License-Identifier: Apache-2.0
# Whether each folder of host/ includes only what the table "Folders" of host/README.md lets it, and the table holds no
# circle and no more than is so: awk -f host_folders.awk host/README.md host/main.c host/FOLDER/FILE...
function complain(where, text) {
    print where ": " text
    bad = 1
}
BEGIN { FS = " *[|] *" }
FILENAME == ARGV[1] {
    if (/^## /)
        inside = $0 == "## Folders"
    if (inside && $2 ~ /^`([a-z]+\/|main\.c)`$/) {
        folder = $2
        gsub(/[`\/]/, "", folder)
        count = split($4, names, /[ ,]+/)
        for (i = 1; i <= count; i++) {
            if (names[i] in row)
                allowed[folder, names[i]] = FILENAME ":" FNR
            else if (names[i] != "")
                complain(FILENAME ":" FNR, folder " may include " names[i] ", which has no row above it")
        }
        row[folder] = 1
    }
    next
}
FNR == 1 {
    split(FILENAME, path, "/")
    from = path[2]
    beside = FILENAME
    sub(/[^\/]*$/, "", beside)
    if (!(from in row))
        complain(FILENAME, from " has no row in the table of " ARGV[1])
}
/^# *include "/ {
    split($0, quoted, "\"")
    to = quoted[2]
    if (sub(/\/.*/, "", to)) {
        used[from, to] = 1
        if (to != from && !((from, to) in allowed))
            complain(FILENAME ":" FNR, from " may not include " quoted[2] " (table of " ARGV[1] ")")
    } else if ((getline line < (beside to)) >= 0)
        complain(FILENAME ":" FNR, to " is to be included with its folder")
}
END {
    for (pair in allowed)
        if (!(pair in used)) {
            split(pair, names, SUBSEP)
            complain(allowed[pair], names[1] " includes nothing of " names[2])
        }
    exit bad
}
