/* Copying a word at a time. The C library that zig compiles for size copies a byte at a time, and what a pass does most
 * after cryptography is to copy: a bundle of certificates, the state. */
#include <stddef.h>
#include <stdint.h>

/* On these a word may lie anywhere. */
#if !defined(ALIGNED) && (defined(__x86_64__) || defined(__aarch64__) || defined(__ARM_FEATURE_UNALIGNED))
typedef size_t __attribute__((may_alias, aligned(1))) word;
#define APART(to, from) 0
#else
typedef size_t __attribute__((may_alias)) word;
#define APART(to, from) (((uintptr_t)(to) ^ (uintptr_t)(from)) % sizeof(word))
#endif
#define ASKEW(at) ((uintptr_t)(at) % _Alignof(word))

/* Else clang sees memcpy in a loop that copies, and calls it. */
#ifdef __clang__
#define PLAINLY __attribute__((no_builtin("memcpy", "memmove"), noinline))
#else
#define PLAINLY
#endif

PLAINLY static void *upwards(char *to, const char *from, size_t n) {
    void *start = to;
    if (!APART(to, from)) {
        for (; n && ASKEW(to); n--) *to++ = *from++;
        for (; n >= sizeof(word); n -= sizeof(word), to += sizeof(word), from += sizeof(word)) *(word *)to = *(const word *)from;
    }
    for (; n; n--) *to++ = *from++;
    return start;
}

PLAINLY void *memcpy(void *restrict to, const void *restrict from, size_t n) { return upwards(to, from, n); }

PLAINLY void *memmove(void *to, const void *from, size_t n) {
    char *end = (char *)to + n;
    const char *past = (const char *)from + n;
    if ((uintptr_t)to - (uintptr_t)from >= n) return upwards(to, from, n);
    if (!APART(end, past)) {
        for (; n && ASKEW(end); n--) *--end = *--past;
        for (; n >= sizeof(word); n -= sizeof(word)) end -= sizeof(word), past -= sizeof(word), *(word *)end = *(const word *)past;
    }
    for (; n; n--) *--end = *--past;
    return to;
}
