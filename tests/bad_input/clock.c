/* Moves the wall clock of one process, never the machine's: while the file CLOCK_JUMP names exists, it is CLOCK_JUMP_S
 * seconds further. Preloaded into `bench` alone; its children get an environment of their own. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t id, struct timespec *at)
{
    int failed = (int)syscall(SYS_clock_gettime, id, at);
    const char *file = getenv("CLOCK_JUMP"), *seconds = getenv("CLOCK_JUMP_S");

    if (failed == 0 && id == CLOCK_REALTIME && file && seconds && access(file, F_OK) == 0)
        at->tv_sec += atol(seconds);
    return failed;
}
