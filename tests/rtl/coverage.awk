# SPDX-License-Identifier: Apache-2.0
# Coverage from Verilator's counts: awk -f coverage.awk FILE.dat... Prints lines and toggles by module and in
# all, then what was not reached; exit code 1 if less than 95 % of either. A point is one place in the source (a bit that
# rises or falls, a branch): reached if it is in one of the FILEs, one for each value of MultiPump.
BEGIN { LIMIT = 95 }
/^C / {
    split("", key)
    count = $NF
    n = split($0, parts, "\001")
    for (i = 2; i <= n; i++) {
        split(parts[i], pair, "\002")
        sub(/' [0-9]+$/, "", pair[2])
        key[pair[1]] = pair[2]
    }
    split(key["page"], page, "/")
    kind = page[1] == "v_toggle" ? "toggle" : "line"
    module = page[2]
    sub(/__.*/, "", module)
    point = kind SUBSEP module SUBSEP key["l"] SUBSEP key["n"] SUBSEP key["o"]
    hits[point] += count
    name[point] = key["o"]
}
END {
    for (point in hits) {
        split(point, part, SUBSEP)  # kind, module, line, column, name
        total[part[2], part[1]]++; all[part[1]]++; modules[part[2]] = 1
        if (hits[point]) {
            hit[part[2], part[1]]++; all_hit[part[1]]++
        } else
            missed = missed sprintf("not reached: %s line %d, %s %s\n", part[2], part[3], part[1], name[point])
    }
    for (m in modules)
        printf "%-16s lines %5.1f %% of %4d, toggles %5.1f %% of %4d\n", m, 100 * hit[m, "line"] / (total[m, "line"] ? total[m, "line"] : 1),
            total[m, "line"], 100 * hit[m, "toggle"] / (total[m, "toggle"] ? total[m, "toggle"] : 1), total[m, "toggle"] | "sort"
    close("sort")
    line = 100 * all_hit["line"] / all["line"]
    toggle = 100 * all_hit["toggle"] / all["toggle"]
    printf "%s", missed | "sort"
    close("sort")
    printf "neural unit: lines %.1f %% of %d, toggles %.1f %% of %d\n", line, all["line"], toggle, all["toggle"]
    exit line < LIMIT || toggle < LIMIT
}
