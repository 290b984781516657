/* An RFC 862 echo server on libevent. What came before the client's FIN is still sent;
   while more than LIMIT bytes wait to be written nothing is read; without descriptors
   the listener rests for a moment. */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

enum { LIMIT = 1 << 20 };

static void on_drained(struct bufferevent *bev, void *ended) {
	if (ended)
		bufferevent_free(bev);
	else
		bufferevent_enable(bev, EV_READ);
}

static void on_read(struct bufferevent *bev, void *ctx) {
	struct evbuffer *due = bufferevent_get_output(bev);
	(void)ctx;
	evbuffer_add_buffer(due, bufferevent_get_input(bev));
	if (evbuffer_get_length(due) > LIMIT)
		bufferevent_disable(bev, EV_READ);
}

static void on_event(struct bufferevent *bev, short events, void *ctx) {
	(void)ctx;
	if (!(events & BEV_EVENT_ERROR) && evbuffer_get_length(bufferevent_get_output(bev)) > 0)
		bufferevent_setcb(bev, NULL, on_drained, on_event, bev);
	else
		bufferevent_free(bev);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address, int length, void *ctx) {
	struct bufferevent *bev = bufferevent_socket_new(evconnlistener_get_base(listener), fd, BEV_OPT_CLOSE_ON_FREE);
	(void)address, (void)length, (void)ctx;
	bufferevent_setcb(bev, on_read, on_drained, on_event, NULL);
	bufferevent_enable(bev, EV_READ | EV_WRITE);
}

static void on_rested(evutil_socket_t fd, short events, void *listener) {
	(void)fd, (void)events;
	evconnlistener_enable(listener);
}

static void on_accept_error(struct evconnlistener *listener, void *ctx) {
	struct timeval rest = {0, 100000};
	(void)ctx;
	evconnlistener_disable(listener);
	event_base_once(evconnlistener_get_base(listener), -1, EV_TIMEOUT, on_rested, listener, &rest);
}

int main(void) {
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(getenv("PORT"))), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct event_base *base = event_base_new();
	struct evconnlistener *listener;
	signal(SIGPIPE, SIG_IGN);
	listener = evconnlistener_new_bind(base, on_accept, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE, SOMAXCONN, (struct sockaddr *)&address, sizeof address);
	if (!listener) {
		perror("cannot listen");
		return 1;
	}
	evconnlistener_set_error_cb(listener, on_accept_error);
	return event_base_dispatch(base);
}
