/* measure FILE PROGRAM [ARGUMENT…]: runs it and writes to FILE: microseconds by the clock, of user and of system time, the peak of
   resident memory in KiB (of it and of what it started: the largest of them), its exit code. Static and small, for a child
   inherits the peak of who started it. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long micro(struct timeval t) { return t.tv_sec * 1000000L + t.tv_usec; }

int main(int count, char **words) {
    struct timespec began, ended;
    struct rusage used;
    int status;
    if (count < 3) return 2;
    clock_gettime(CLOCK_MONOTONIC, &began);
    pid_t child = vfork();
    if (child == 0) {
        execvp(words[2], words + 2);
        _exit(127);
    }
    if (child < 0 || waitpid(child, &status, 0) != child) return 1;
    clock_gettime(CLOCK_MONOTONIC, &ended);
    getrusage(RUSAGE_CHILDREN, &used);
    FILE *out = fopen(words[1], "w");
    if (!out) return 1;
    fprintf(out, "%ld %ld %ld %ld %d\n",
            (ended.tv_sec - began.tv_sec) * 1000000L + (ended.tv_nsec - began.tv_nsec) / 1000, micro(used.ru_utime),
            micro(used.ru_stime), used.ru_maxrss, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    return fclose(out) != 0;
}
