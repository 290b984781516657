// Echo on libevent's bufferevents, its ordinary interface: input is moved to
// output without a copy. Version 2.1 reads 4 KiB a call at most, whatever
// bufferevent_set_max_single_read says, so large requests cost it several rounds.
#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void got(struct bufferevent *b, void *unused) {
    (void)unused;
    bufferevent_write_buffer(b, bufferevent_get_input(b));
}

static void over(struct bufferevent *b, short what, void *unused) {
    (void)unused;
    if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) bufferevent_free(b);
}

static void came(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *a, int n, void *unused) {
    (void)a;
    (void)n;
    (void)unused;
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct bufferevent *b = bufferevent_socket_new(evconnlistener_get_base(l), fd, BEV_OPT_CLOSE_ON_FREE);
    if (!b) {
        fprintf(stderr, "bufferevent_socket_new failed\n");
        exit(1);
    }
    bufferevent_setcb(b, got, NULL, over, NULL);
    bufferevent_enable(b, EV_READ | EV_WRITE);
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: %s PORT\n", argv[0]);
        return 2;
    }
    struct event_base *base = event_base_new();
    struct sockaddr_in at;
    memset(&at, 0, sizeof at);
    at.sin_family = AF_INET;
    at.sin_port = htons((unsigned short)atoi(argv[1]));
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (!base || !evconnlistener_new_bind(base, came, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE, 4096,
                                          (struct sockaddr *)&at, sizeof at)) {
        perror("listen");
        return 1;
    }
    return event_base_dispatch(base);
}
