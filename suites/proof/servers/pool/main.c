// A correct echo server with a pool: n workers that each accept a client and
// serve it to its end. Whoever finds no worker free waits in the queue.
//
//	pool PORT workers|children n [backlog] [hold|turns|turns-lost]
//
// workers are threads, children processes that are made beforehand; with 0
// children each client gets a process of its own. With turns a worker waits for
// what a client says, answers it, and leaves the client to a poller until it says
// more: only those that have said nothing yet hold a worker.
//
// Its faults: with hold a worker that has served its client takes no other; with
// turns-lost one whose client leaves before it has said anything takes no other.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int listener, hold, turns, lost, poller, line[2];

// answer waits for bytes of a client and sends them back; false once it is over.
static int answer(int fd) {
	static __thread char data[16 << 10];
	ssize_t n = recv(fd, data, sizeof data, 0);
	if (n < 0 && errno == EINTR) return 1;
	if (n <= 0) return 0;
	for (ssize_t from = 0; from < n;) {
		ssize_t sent = send(fd, data + from, n - from, MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR) continue;
		if (sent < 0) return 0;
		from += sent;
	}
	return 1;
}

static void serve(int fd) {
	int one = 1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	while (answer(fd)) {}
	close(fd);
}

static int accepted(void) {
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0) return fd;
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) usleep(100000);
	}
}

static void *work(void *none) {
	for (;;) {
		serve(accepted());
		if (hold) pause();
	}
	return none;
}

static void enqueue(int fd) {
	if (write(line[1], &fd, sizeof fd) != sizeof fd) abort();
}

// take_turns serves whoever is next in the line, once.
static void *take_turns(void *none) {
	for (int fd; read(line[0], &fd, sizeof fd) == sizeof fd;) {
		struct epoll_event more = {.events = EPOLLIN | EPOLLONESHOT, .data.fd = fd};
		if (answer(fd)) {
			if (epoll_ctl(poller, EPOLL_CTL_MOD, fd, &more)) epoll_ctl(poller, EPOLL_CTL_ADD, fd, &more);
			continue;
		}
		int known = !epoll_ctl(poller, EPOLL_CTL_DEL, fd, NULL);
		close(fd);
		if (lost && !known) pause();
	}
	return none;
}

static void *poll_them(void *none) {
	struct epoll_event ready;
	for (;;)
		if (epoll_wait(poller, &ready, 1, -1) == 1) enqueue(ready.data.fd);
	return none;
}

int main(int argc, char **argv) {
	if (argc < 4) return 2;
	int n = atoi(argv[3]), threads = !strcmp(argv[2], "workers"), one = 1;
	hold = argc > 5 && !strcmp(argv[5], "hold");
	lost = argc > 5 && !strcmp(argv[5], "turns-lost");
	turns = lost || (argc > 5 && !strcmp(argv[5], "turns"));
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (bind(listener, (void *)&at, sizeof at) || listen(listener, argc > 4 ? atoi(argv[4]) : 128)) {
		perror("listen");
		return 1;
	}
	pthread_t thread;
	if (turns) {
		poller = epoll_create1(EPOLL_CLOEXEC);
		if (poller < 0 || pipe(line)) return 1;
		for (int i = 0; i < n; i++) pthread_create(&thread, NULL, take_turns, NULL);
		pthread_create(&thread, NULL, poll_them, NULL);
		for (;;) {
			int fd = accepted(), one = 1;
			setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
			enqueue(fd);
		}
	}
	if (threads) {
		for (int i = 1; i < n; i++) pthread_create(&thread, NULL, work, NULL);
		work(NULL);
	}
	for (int i = 0; i < n; i++)
		if (fork() == 0) work(NULL);
	while (n > 0) pause();
	for (;;) {
		int fd = accepted();
		if (fork() == 0) {
			close(listener);
			serve(fd);
			_exit(0);
		}
		close(fd);
	}
}
