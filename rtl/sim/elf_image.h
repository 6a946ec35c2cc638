// SPDX-License-Identifier: Apache-2.0
// Reading a program: 32-bit little-endian RISC-V ELF executables. Knows nothing of the model.
#ifndef MPQ_SIM_ELF_IMAGE_H
#define MPQ_SIM_ELF_IMAGE_H

#include <cstdint>
#include <string>
#include <vector>

struct ElfSegment {
    uint32_t address;
    std::vector<uint8_t> bytes; // as in memory: the part that the file does not hold is zero
};

// The loadable segments of a file, each wholly inside [ram_base, ram_base + ram_bytes).
// Throws std::runtime_error that names the file and what is wrong with it.
std::vector<ElfSegment> elf_read(const std::string &path, uint32_t ram_base, uint32_t ram_bytes);

#endif
