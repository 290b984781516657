/* An RFC 862 echo server on sd-event(3): what could not be written at once is kept, and
   nothing is read until it has gone. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <systemd/sd-event.h>
#include <time.h>
#include <unistd.h>

enum { SIZE = 65536 };

struct client {
	sd_event_source *source;
	int at, due;
	char bytes[SIZE];
};

static sd_event_source *listener, *rest;

static int leave(struct client *c, int fd) {
	sd_event_source_disable_unref(c->source);
	close(fd);
	free(c);
	return 0;
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *data) {
	struct client *c = data;
	ssize_t n;
	if (c->due == 0) {
		n = read(fd, c->bytes, SIZE);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (n <= 0)
			return leave(c, fd);
		c->at = 0;
		c->due = n;
	}
	n = write(fd, c->bytes + c->at, c->due);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return leave(c, fd);
	if (n > 0) {
		c->at += n;
		c->due -= n;
	}
	(void)events;
	return sd_event_source_set_io_events(source, c->due > 0 ? EPOLLOUT : EPOLLIN);
}

static int on_rested(sd_event_source *source, uint64_t usec, void *data) {
	(void)source, (void)usec, (void)data;
	return sd_event_source_set_enabled(listener, SD_EVENT_ON);
}

static int on_accept(sd_event_source *source, int fd, uint32_t events, void *data) {
	int peer = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct client *c;
	(void)events, (void)data;
	if (peer < 0) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			sd_event_source_set_enabled(source, SD_EVENT_OFF);
			sd_event_source_set_time_relative(rest, 100000);
			return sd_event_source_set_enabled(rest, SD_EVENT_ONESHOT);
		}
		return 0;
	}
	c = calloc(1, sizeof *c);
	return sd_event_add_io(sd_event_source_get_event(source), &c->source, peer, EPOLLIN, on_io, c);
}

int main(void) {
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(getenv("PORT"))), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
	signal(SIGPIPE, SIG_IGN);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, SOMAXCONN) != 0) {
		perror("cannot listen");
		return 1;
	}
	sd_event *loop;
	/* The timer is made beforehand: it takes a descriptor. */
	if (sd_event_default(&loop) < 0 || sd_event_add_io(loop, &listener, fd, EPOLLIN, on_accept, NULL) < 0 ||
	    sd_event_add_time(loop, &rest, CLOCK_MONOTONIC, UINT64_MAX, 0, on_rested, NULL) < 0 || sd_event_source_set_enabled(rest, SD_EVENT_OFF) < 0)
		return 1;
	return sd_event_loop(loop);
}
