/* Stubs for functions that std and musl refer to but that homing never needs. The real ones would add 9 KB (printf, which
 * musl's pthread_setname_np uses) and, on ARM, 20 KB (the unwinder). */

/* std calls this with the name of a new thread. Homing's threads have no names. */
int pthread_setname_np(void *thread, const char *name) { (void)thread; (void)name; return 0; }

#ifdef __arm__
/* The unwind tables of musl's memcpy refer to the first of these, and parts of std that the linker removes refer to the
 * others. They are never called: a panic ends the process at once, without unwinding. */
#define NEVER_CALLED(name) void name(void) { __builtin_trap(); }
NEVER_CALLED(__aeabi_unwind_cpp_pr0)
NEVER_CALLED(__gnu_unwind_frame)
NEVER_CALLED(_Unwind_GetDataRelBase)
NEVER_CALLED(_Unwind_GetLanguageSpecificData)
NEVER_CALLED(_Unwind_GetRegionStart)
NEVER_CALLED(_Unwind_GetTextRelBase)
NEVER_CALLED(_Unwind_VRS_Get)
NEVER_CALLED(_Unwind_VRS_Set)
#endif
