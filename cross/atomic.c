/* ARMv6 has no Thumb instructions for what must happen at once. LLVM calls these there, by gcc's names; they are ARM code. */
#if defined(__arm__) && __ARM_ARCH < 7
#define NAMED(type, name, bytes, ...) \
    type name##_##bytes(__VA_ARGS__) __asm__("__sync_" #name "_" #bytes); \
    type name##_##bytes(__VA_ARGS__)
#define CHANGE(name, bytes, type) \
    NAMED(type, fetch_and_##name, bytes, volatile type *at, type by) { \
        return __atomic_fetch_##name(at, by, __ATOMIC_SEQ_CST); \
    }
#define ALL(bytes, type) \
    NAMED(type, val_compare_and_swap, bytes, volatile type *at, type old, type new) { \
        __atomic_compare_exchange_n(at, &old, new, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); \
        return old; \
    } \
    NAMED(type, lock_test_and_set, bytes, volatile type *at, type new) { \
        return __atomic_exchange_n(at, new, __ATOMIC_SEQ_CST); \
    } \
    CHANGE(add, bytes, type) CHANGE(sub, bytes, type) CHANGE(or, bytes, type) CHANGE(and, bytes, type) \
    CHANGE(xor, bytes, type)
ALL(1, unsigned char)
ALL(2, unsigned short)
ALL(4, unsigned int)
ALL(8, unsigned long long)

void synchronize(void) __asm__("__sync_synchronize");
void synchronize(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
#endif
