/* Sets the wall clock of a process under test to TEST_CLOCK, in seconds since 1970. It does not advance, so that a slow
 * pass sees one time and a later pass never an earlier one. Other clocks are unchanged. clock.rs preloads this library
 * (ld.so(8)); it calls the kernel directly, since it replaces the functions of the C library. */
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *now) {
    int failed = syscall(SYS_clock_gettime, clock, now);
    const char *fixed = getenv("TEST_CLOCK");
    if (!failed && fixed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        now->tv_sec = atoll(fixed);
        now->tv_nsec = 0;
    }
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec read;
    int failed = clock_gettime(CLOCK_REALTIME, &read);
    (void)zone;
    now->tv_sec = read.tv_sec;
    now->tv_usec = read.tv_nsec / 1000;
    return failed;
}

time_t time(time_t *now) {
    struct timespec read;
    clock_gettime(CLOCK_REALTIME, &read);
    if (now) *now = read.tv_sec;
    return read.tv_sec;
}
