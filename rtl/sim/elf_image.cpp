// SPDX-License-Identifier: Apache-2.0
// Reading a program: every field is checked before it is used; the file may be anything.
#include "elf_image.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <elf.h>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace
{

std::vector<uint8_t> read_file(const std::string &path)
{
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    std::vector<uint8_t> bytes((std::istreambuf_iterator<char>(file)), {});
    if (!file || errno == EISDIR)
        throw std::runtime_error(path + ": " + strerror(errno != 0 ? errno : EIO));
    return bytes;
}

Elf32_Ehdr read_header(const std::string &path, const std::vector<uint8_t> &file)
{
    Elf32_Ehdr header;
    if (file.size() < sizeof header)
        throw std::runtime_error(path + ": not an ELF file: only " + std::to_string(file.size()) +
                                 " bytes");
    memcpy(&header, file.data(), sizeof header);
    if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
        throw std::runtime_error(path + ": not an ELF file");
    if (header.e_ident[EI_CLASS] != ELFCLASS32 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
        header.e_machine != EM_RISCV)
        throw std::runtime_error(path + ": not for this core: want 32-bit little-endian RISC-V");
    if (header.e_type != ET_EXEC)
        throw std::runtime_error(path + ": not a linked executable");
    if (header.e_phentsize != sizeof(Elf32_Phdr) || header.e_phoff > file.size() ||
        header.e_phnum > (file.size() - header.e_phoff) / sizeof(Elf32_Phdr))
        throw std::runtime_error(path + ": program headers lie outside the file");
    return header;
}

std::string hex(uint32_t value)
{
    char text[16];
    snprintf(text, sizeof text, "0x%08x", value);
    return text;
}

ElfSegment read_segment(const std::string &name, const std::vector<uint8_t> &file,
                        const Elf32_Phdr &header, uint32_t ram_base, uint32_t ram_bytes)
{
    if (header.p_offset > file.size() || header.p_filesz > file.size() - header.p_offset)
        throw std::runtime_error(name + " lies outside the file");
    if (header.p_filesz > header.p_memsz)
        throw std::runtime_error(name + " is larger in the file than in memory");
    if (header.p_paddr < ram_base || header.p_paddr - ram_base > ram_bytes ||
        header.p_memsz > ram_bytes - (header.p_paddr - ram_base))
        throw std::runtime_error(name + " (" + hex(header.p_memsz) + " bytes at " +
                                 hex(header.p_paddr) + ") lies outside the RAM (" + hex(ram_bytes) +
                                 " bytes at " + hex(ram_base) + ")");
    const auto start = file.begin() + header.p_offset;
    ElfSegment segment = {header.p_paddr, {start, start + header.p_filesz}};
    segment.bytes.resize(header.p_memsz);
    return segment;
}

} // namespace

std::vector<ElfSegment> elf_read(const std::string &path, uint32_t ram_base, uint32_t ram_bytes)
{
    const std::vector<uint8_t> file = read_file(path);
    const Elf32_Ehdr header = read_header(path, file);
    std::vector<ElfSegment> segments;
    for (unsigned i = 0; i < header.e_phnum; i++) {
        Elf32_Phdr program;
        memcpy(&program, file.data() + header.e_phoff + i * sizeof program, sizeof program);
        if (program.p_type != PT_LOAD || program.p_memsz == 0)
            continue;
        const std::string name = path + ": segment " + std::to_string(i);
        segments.push_back(read_segment(name, file, program, ram_base, ram_bytes));
    }
    if (segments.empty())
        throw std::runtime_error(path + ": nothing to load");
    return segments;
}
