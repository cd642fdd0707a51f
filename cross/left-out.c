/* What std and musl would bring into the binary and never use, in its smallest form. */

/* std names threads; ours have no names. musl's own way to do it brings 9 KB of printf. */
int pthread_setname_np(void *thread, const char *name) { (void)thread; (void)name; return 0; }

#ifdef __arm__
/* The tables beside musl's memcpy name the first of these, and 13 KB of unwinder would come with it; the others are named
 * by a part of std that linking drops. Nothing ever unwinds: a panic is the end at once. */
#define NEVER(name) void name(void) { __builtin_trap(); }
NEVER(__aeabi_unwind_cpp_pr0)
NEVER(__gnu_unwind_frame)
NEVER(_Unwind_GetDataRelBase)
NEVER(_Unwind_GetLanguageSpecificData)
NEVER(_Unwind_GetRegionStart)
NEVER(_Unwind_GetTextRelBase)
NEVER(_Unwind_VRS_Get)
NEVER(_Unwind_VRS_Set)
#endif
