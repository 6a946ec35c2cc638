// SPDX-License-Identifier: Apache-2.0
// TAP lines for the test benches in C++, and their random numbers.
#ifndef MPQ_TEST_TAP_CPP_H
#define MPQ_TEST_TAP_CPP_H

#include <cstdint>
#include <cstdio>

class Tap
{
  public:
    // A fact that was looked at `looks` times and did not hold `wrong` times.
    void result(const char *fact, uint64_t wrong, uint64_t looks)
    {
        failed_ += wrong != 0;
        printf("%s %d - %s: %llu checks\n", wrong == 0 ? "ok" : "not ok", ++count_, fact,
               static_cast<unsigned long long>(looks));
        if (wrong != 0)
            printf("# %llu of them wrong\n", static_cast<unsigned long long>(wrong));
    }
    int end() const
    {
        printf("1..%d\n", count_);
        return failed_ != 0;
    }

  private:
    int count_ = 0;
    int failed_ = 0;
};

// Counts comparisons; prints the first that fails.
class Checker
{
  public:
    bool equal(const char *what, uint64_t got, uint64_t want)
    {
        looks_++;
        if (got == want)
            return true;
        if (wrong_++ == 0)
            printf("# %s: got 0x%08llx, want 0x%08llx\n", what,
                   static_cast<unsigned long long>(got), static_cast<unsigned long long>(want));
        return false;
    }
    void report(Tap &tap, const char *fact) const
    {
        tap.result(fact, wrong_, looks_);
    }

  private:
    uint64_t looks_ = 0;
    uint64_t wrong_ = 0;
};

// splitmix64 (Steele, Lea, Flood 2014)
class Random
{
  public:
    explicit Random(uint64_t seed) : state_(seed)
    {
    }
    uint32_t word()
    {
        uint64_t z = state_ += 0x9e3779b97f4a7c15u;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
        z = (z ^ z >> 27) * 0x94d049bb133111ebu;
        return static_cast<uint32_t>((z ^ z >> 31) >> 32);
    }
    uint32_t below(uint32_t limit)
    {
        return static_cast<uint32_t>(static_cast<uint64_t>(word()) * limit >> 32);
    }
    // Often a number at some edge
    uint32_t edgy_word()
    {
        switch (below(8)) {
        case 0:
            return 0;
        case 1:
            return 0xffffffff;
        case 2:
            return 0x80808080;
        case 3:
            return 0x7f7f7f7f;
        default:
            return word();
        }
    }

  private:
    uint64_t state_;
};

#endif
