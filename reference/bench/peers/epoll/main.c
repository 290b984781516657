// The limit: a plain echo server on one level-triggered epoll, one thread, no
// timers, no limits, no statistics; it takes as many events a call as the reference
// does. What a loop costs above this is its own.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 512, BUFFER = 64 * 1024 };

struct conn {
    int fd;
    char *rest; // output that the kernel did not take, NULL if none
    size_t len;
};

static int ep;
static char buffer[BUFFER];

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void watch(int op, int fd, uint32_t events, void *p) {
    struct epoll_event e = {.events = events, .data.ptr = p};
    if (epoll_ctl(ep, op, fd, &e) < 0) die("epoll_ctl");
}

static void drop(struct conn *c) {
    close(c->fd);
    free(c->rest);
    free(c);
}

static void take(int listener) {
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        int one = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        struct conn *c = calloc(1, sizeof *c);
        if (!c) die("calloc");
        c->fd = fd;
        watch(EPOLL_CTL_ADD, fd, EPOLLIN, c);
    }
    if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR) die("accept4");
}

// A short write keeps the rest and reads nothing more until it is gone.
static void writable(struct conn *c) {
    ssize_t n = write(c->fd, c->rest, c->len);
    if (n < 0) {
        if (errno != EAGAIN && errno != EINTR) drop(c);
        return;
    }
    c->len -= (size_t)n;
    memmove(c->rest, c->rest + n, c->len);
    if (c->len == 0) {
        free(c->rest);
        c->rest = NULL;
        watch(EPOLL_CTL_MOD, c->fd, EPOLLIN, c);
    }
}

static void readable(struct conn *c) {
    ssize_t n = read(c->fd, buffer, sizeof buffer);
    if (n <= 0) {
        if (n == 0 || (errno != EAGAIN && errno != EINTR)) drop(c);
        return;
    }
    ssize_t m = write(c->fd, buffer, (size_t)n);
    if (m < 0) {
        if (errno != EAGAIN && errno != EINTR) {
            drop(c);
            return;
        }
        m = 0;
    }
    if (m < n) {
        c->len = (size_t)(n - m);
        c->rest = malloc(c->len);
        if (!c->rest) die("malloc");
        memcpy(c->rest, buffer + m, c->len);
        watch(EPOLL_CTL_MOD, c->fd, EPOLLOUT, c);
    }
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: %s PORT\n", argv[0]);
        return 2;
    }
    int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener < 0) die("socket");
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1]))};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, (struct sockaddr *)&at, sizeof at) < 0) die("bind");
    if (listen(listener, SOMAXCONN) < 0) die("listen");
    ep = epoll_create1(EPOLL_CLOEXEC);
    if (ep < 0) die("epoll_create1");
    watch(EPOLL_CTL_ADD, listener, EPOLLIN, NULL);
    static struct epoll_event events[EVENTS];
    for (;;) {
        int n = epoll_wait(ep, events, EVENTS, -1);
        if (n < 0 && errno != EINTR) die("epoll_wait");
        for (int i = 0; i < n; i++) {
            struct conn *c = events[i].data.ptr;
            if (!c)
                take(listener);
            else if (c->rest)
                writable(c);
            else
                readable(c);
        }
    }
}
