# SPDX-License-Identifier: Apache-2.0
# Reads a table: tab-separated, comments with #, then the columns' names, then rows. Stands before the program that makes
# something of it, whose rules find the table's name in `table` and the row's fields by name in `f`.
BEGIN { FS = "\t" }
function fail(column, why) {
    printf "%s:%d: column %s: %s\n", FILENAME, FNR, column, why > "/dev/stderr"
    failed = 1
    exit 1
}
function demand(name, pattern) {
    if (f[name] !~ pattern)
        fail(name, "got '" f[name] "', want " pattern)
}
FNR == 1 {
    columns = 0
    table = FILENAME
    sub(/.*\//, "", table)
    sub(/\.tsv$/, "", table)
}
/^#/ || /^$/ { next }
!columns { columns = split($0, column, FS); next }
{
    if (NF != columns)
        fail(column[NF < columns ? NF + 1 : columns], "want " columns " columns, got " NF)
    for (i = 1; i <= NF; i++)
        f[column[i]] = $i
}
