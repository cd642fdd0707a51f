/* The wall clock of a process under test, which stands at CLOCK_STANDS seconds since 1970: a pass that starts slowly sees the
 * same time, and the next pass none before it. The other clocks go on.
 * Preloaded (ld.so(8)) by clock.rs. It asks the kernel itself, for what it stands in front of is the C library. */
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *now) {
    int failed = syscall(SYS_clock_gettime, clock, now);
    const char *stands = getenv("CLOCK_STANDS");
    if (!failed && stands && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        now->tv_sec = atoll(stands);
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
