/* An RFC 862 echo server on State Threads: a thread of the library's own for each connection. */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <st.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SIZE = 16384, STACK = 65536 };

static void *echo(void *arg) {
	st_netfd_t peer = arg;
	char bytes[SIZE];
	ssize_t n;
	while ((n = st_read(peer, bytes, SIZE, ST_UTIME_NO_TIMEOUT)) > 0)
		if (st_write(peer, bytes, n, ST_UTIME_NO_TIMEOUT) != n)
			break;
	st_netfd_close(peer);
	return NULL;
}

int main(void) {
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(getenv("PORT"))), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
	st_netfd_t listener;
	signal(SIGPIPE, SIG_IGN);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, SOMAXCONN) != 0) {
		perror("cannot listen");
		return 1;
	}
	st_set_eventsys(ST_EVENTSYS_ALT); /* epoll(7) */
	st_init();
	listener = st_netfd_open_socket(fd);
	for (;;) {
		st_netfd_t peer = st_accept(listener, NULL, NULL, ST_UTIME_NO_TIMEOUT);
		if (peer && st_thread_create(echo, peer, 0, STACK))
			continue;
		if (peer)
			st_netfd_close(peer);
		st_usleep(100000); /* out of descriptors or memory: a rest */
	}
}
