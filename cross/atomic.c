/* Atomic operations for Thumb code on ARMv6. Thumb has no instructions for them there, so LLVM calls these functions, which
 * have the names that GCC's manual defines ("Legacy __sync Built-in Functions") and are compiled as ARM code. */
#if defined(__arm__) && __ARM_ARCH < 7
#define DEFINE(type, name, bytes, ...) \
    type name##_##bytes(__VA_ARGS__) __asm__("__sync_" #name "_" #bytes); \
    type name##_##bytes(__VA_ARGS__)
#define FETCH_AND(operation, bytes, type) \
    DEFINE(type, fetch_and_##operation, bytes, volatile type *at, type operand) { \
        return __atomic_fetch_##operation(at, operand, __ATOMIC_SEQ_CST); \
    }
#define OPERATIONS(bytes, type) \
    DEFINE(type, val_compare_and_swap, bytes, volatile type *at, type expected, type desired) { \
        __atomic_compare_exchange_n(at, &expected, desired, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); \
        return expected; \
    } \
    DEFINE(type, lock_test_and_set, bytes, volatile type *at, type desired) { \
        return __atomic_exchange_n(at, desired, __ATOMIC_SEQ_CST); \
    } \
    FETCH_AND(add, bytes, type) FETCH_AND(sub, bytes, type) FETCH_AND(or, bytes, type) FETCH_AND(and, bytes, type) \
    FETCH_AND(xor, bytes, type)
OPERATIONS(1, unsigned char)
OPERATIONS(2, unsigned short)
OPERATIONS(4, unsigned int)
OPERATIONS(8, unsigned long long)

void synchronize(void) __asm__("__sync_synchronize");
void synchronize(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
#endif
