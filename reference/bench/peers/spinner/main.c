// Keeps one core from halting: a SCHED_IDLE loop that yields to anything else.
// A virtual CPU that halts takes tens of microseconds to come back, and how
// many of them a server pays for would be chance.
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: %s CORE\n", argv[0]);
        return 2;
    }
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(atoi(argv[1]), &set);
    struct sched_param zero = {0};
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) || sched_setaffinity(0, sizeof set, &set) || sched_setscheduler(0, SCHED_IDLE, &zero)) {
        perror("spinner");
        return 1;
    }
    for (;;) __asm__ volatile("pause");
}
