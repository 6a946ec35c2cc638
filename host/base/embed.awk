# SPDX-License-Identifier: Apache-2.0
# Makes the C file with the texts that the tool carries (host/base/embedded.h):
#   awk -v gen=FOLDER -f host/base/embed.awk FILE... > embedded.c
# gen: where the generated views lie. Each file's name in the table says where it goes in a folder that the tool writes.
function place(path) {
    if (index(path, gen "/") == 1)
        return "codegen/runtime/gen/" substr(path, length(gen) + 2)
    if (sub(/^host\//, "", path) && sub(/\/template\//, "/", path))
        return path
    sub(/^firmware\//, "", path)
    return "codegen/runtime/" path
}
# text with mark before each of the one-character strings c
function escape(text, c, mark,   parts, n, i, out) {
    n = split(text, parts, c)
    out = parts[1]
    for (i = 2; i <= n; i++)
        out = out mark parts[i]
    return out
}
BEGIN { print "// SPDX-License-Identifier: Apache-2.0\n/* Made by host/base/embed.awk. */\n#include \"base/embedded.h\"" }
FNR == 1 {
    if (files)
        print ";"
    name[++files] = place(FILENAME)
    printf "\nstatic const char text_%d[] =\n", files
}
{
    line = escape($0, "\\", "\\\\")
    line = escape(line, "\"", "\\\"")
    line = escape(line, "\t", "\\t")
    print "    \"" line "\\n\""
}
END {
    print ";\n\nconst struct embedded_file embedded_files[] = {"
    for (i = 1; i <= files; i++)
        printf "    {\"%s\", text_%d},\n", name[i], i
    print "    {0, 0},\n};"
}
