// A correct echo server on epoll that has little of something. Everything it
// lacks is its own affair, or the kernel's; no check may blame it.
//
//	narrow PORT|PATH [word[=n]]…
//
//	backlog=n   the queue of its listener (4096)
//	files=n     its descriptor limit
//	each=n      descriptors that a client costs beside its socket; who gets none is let go
//	most=n      clients at a time; the others wait in the queue
//	loops=n     threads, each with a poller of its own (1)
//	defer=s     TCP_DEFER_ACCEPT: who says nothing is not handed over for so many seconds
//	rate=n      bytes a second that each connection gets back
//	buffer=n    bytes that it reads at once (65536)
//	address=n   clients at a time from one address; it closes whoever comes beyond
//	pause=ms    how long it lets the listener alone when descriptors have run out (100)
//	late=ms     it listens only after so long
//	abort       it ends with RST a connection whose client has half-closed, once all is acknowledged
//	away        out of descriptors it closes its listener, and opens it again after the pause
//	signalfd    it takes SIGTERM from a descriptor
//	zerocopy    it sends with MSG_ZEROCOPY
//
// Faults just beyond what is legal:
//
//	forgets     the listener that was let alone because of most= is never taken up again
//	cuts        it ends with RST whoever has half-closed, acknowledged or not
//	loses=n     the n-th client that it accepts in one turn is closed unheard
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/errqueue.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { bufferSize = 64 << 10, mostEach = 8, drainTime = 3000 };

static long backlog = 4096, files, each, most, loops = 1, defer, rate, pauseTime = 100, late, buffer = bufferSize, perAddress, loses;
static int endsByReset, goesAway, bySignalfd, zerocopy, forgets, cuts;
static const char *address;
static atomic_int stopping;

struct client {
	int fd, beside[mostEach];
	in_addr_t peer; // its address
	char data[bufferSize]; // what is to go back
	size_t from, to;
	int ended;         // its client has half-closed
	uint32_t interest; // on the poller
	long due;          // with rate=: when the next piece may go, in ms
	uint32_t lent, back; // with zerocopy: sends so far, and those whose buffer is free again
	struct client *next, *prev;
};

struct loop {
	int poller, listener, listens;
	long again; // when the listener is taken up again, in ms; 0: it is not waited for
	long clients;
	struct client all; // a ring
	pthread_t thread;
};

static long now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void fatal(const char *what) {
	perror(what);
	exit(1);
}

static int listening(void) {
	int unixSocket = strchr(address, '/') != NULL, one = 1;
	int fd = socket(unixSocket ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) return -1;
	int bad;
	if (unixSocket) {
		struct sockaddr_un to = {.sun_family = AF_UNIX};
		strncpy(to.sun_path, address, sizeof to.sun_path - 1);
		bad = bind(fd, (void *)&to, sizeof to);
	} else {
		struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(address)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
		int seconds = defer;
		if (seconds) setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof seconds);
		bad = bind(fd, (void *)&to, sizeof to);
	}
	if (bad || listen(fd, backlog)) {
		close(fd);
		return -1;
	}
	return fd;
}

static void listens(struct loop *l, int on) {
	if (on == l->listens || l->listener < 0) return;
	struct epoll_event e = {.events = EPOLLIN | (loops > 1 ? EPOLLEXCLUSIVE : 0), .data.ptr = NULL};
	epoll_ctl(l->poller, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, l->listener, &e);
	l->listens = on;
}

static void want(struct loop *l, struct client *c, uint32_t interest) {
	if (interest == c->interest) return;
	struct epoll_event e = {.events = interest, .data.ptr = c};
	epoll_ctl(l->poller, EPOLL_CTL_MOD, c->fd, &e);
	c->interest = interest;
}

static void end(struct loop *l, struct client *c, int inOrder) {
	int unsent = 1;
	if (inOrder && endsByReset) ioctl(c->fd, SIOCOUTQ, &unsent);
	if (inOrder && (cuts || !unsent)) {
		struct linger at_once = {1, 0};
		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
	}
	close(c->fd);
	for (int i = 0; i < each; i++) close(c->beside[i]);
	c->next->prev = c->prev;
	c->prev->next = c->next;
	free(c);
	l->clients--;
	if (most && !forgets && !l->again) listens(l, 1);
}

// drain sends what is there, as far as it goes, and then reads on or ends.
static void drain(struct loop *l, struct client *c) {
	while (c->from < c->to) {
		size_t n = c->to - c->from;
		if (rate) {
			if (now() < c->due) return want(l, c, 0);
			if (n > (size_t)rate / 50) n = rate / 50;
		}
		ssize_t sent = send(c->fd, c->data + c->from, n, MSG_NOSIGNAL | (zerocopy ? MSG_ZEROCOPY : 0));
		if (sent < 0 && errno == EINTR) continue;
		if (sent < 0 && errno == EAGAIN) return want(l, c, EPOLLOUT);
		if (sent < 0 && errno == ENOBUFS && zerocopy) return want(l, c, 0); // too many notices are due
		if (sent < 0) return end(l, c, 0);
		if (zerocopy) c->lent++;
		c->from += sent;
		if (rate) c->due = now() + 20;
	}
	if (c->back != c->lent) return want(l, c, 0); // the kernel still reads the buffer
	c->from = c->to = 0;
	if (c->ended) return end(l, c, 1);
	want(l, c, EPOLLIN);
}

// completed reads the notices of MSG_ZEROCOPY, each for a range of sends.
static void completed(struct client *c) {
	char control[128];
	for (;;) {
		struct msghdr m = {.msg_control = control, .msg_controllen = sizeof control};
		if (recvmsg(c->fd, &m, MSG_ERRQUEUE) < 0) return;
		struct sock_extended_err *notice = (void *)CMSG_DATA(CMSG_FIRSTHDR(&m));
		if (notice->ee_origin == SO_EE_ORIGIN_ZEROCOPY) c->back += notice->ee_data - notice->ee_info + 1;
	}
}

static void serve(struct loop *l, struct client *c, uint32_t events) {
	if (zerocopy && events & EPOLLERR) completed(c);
	if (events & EPOLLHUP && c->interest == 0) return end(l, c, 0); // reset while it waits for something else
	if (c->from < c->to || c->back != c->lent || c->to) return drain(l, c);
	ssize_t n = recv(c->fd, c->data, buffer, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
	if (n < 0) return end(l, c, 0);
	c->ended = n == 0;
	c->from = 0;
	c->to = n;
	drain(l, c);
}

static void letAlone(struct loop *l) {
	listens(l, 0);
	l->again = now() + pauseTime;
	if (goesAway) {
		close(l->listener);
		l->listener = -1;
	}
}

// unwelcome reports whether a client is one too many from its address.
static int unwelcome(struct loop *l, in_addr_t peer) {
	long n = 0;
	for (struct client *c = l->all.next; perAddress && c != &l->all; c = c->next) n += c->peer == peer;
	return perAddress && n >= perAddress;
}

static void take(struct loop *l) {
	for (int i = 0; i < 64; i++) {
		if (most && l->clients >= most) return listens(l, 0);
		struct sockaddr_storage from = {0};
		socklen_t length = sizeof from;
		int fd = accept4(l->listener, (void *)&from, &length, SOCK_NONBLOCK | SOCK_CLOEXEC), one = 1;
		if (fd < 0 && (errno == ECONNABORTED || errno == EINTR)) continue;
		if (fd < 0 && errno == EAGAIN) return;
		if (fd < 0) return letAlone(l);
		in_addr_t peer = from.ss_family == AF_INET ? ((struct sockaddr_in *)&from)->sin_addr.s_addr : 0;
		if (unwelcome(l, peer) || (loses && i == loses - 1)) {
			close(fd);
			continue;
		}
		struct client *c = calloc(1, sizeof *c);
		c->fd = fd;
		c->peer = peer;
		for (int k = 0; k < each; k++) {
			if ((c->beside[k] = eventfd(0, EFD_CLOEXEC)) >= 0) continue;
			while (k > 0) close(c->beside[--k]);
			close(fd);
			free(c);
			return letAlone(l);
		}
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		if (zerocopy) setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof one);
		c->next = l->all.next;
		c->prev = &l->all;
		c->next->prev = l->all.next = c;
		l->clients++;
		c->interest = EPOLLIN;
		struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
		epoll_ctl(l->poller, EPOLL_CTL_ADD, fd, &e);
	}
}

// stop closes who has nothing to get, and everybody after a while; 0 when none is left.
static long stop(struct loop *l, long deadline) {
	if (l->listener >= 0) {
		listens(l, 0);
		close(l->listener);
		l->listener = -1;
	}
	for (struct client *c = l->all.next, *next; c != &l->all; c = next) {
		next = c->next;
		if (c->from == c->to || now() > deadline) end(l, c, 0);
	}
	return l->clients;
}

static void *run(void *of) {
	struct loop *l = of;
	struct epoll_event events[128];
	for (long deadline = 0;;) {
		int wait = stopping ? 20 : loops > 1 ? 500 : -1;
		if (l->again && (wait < 0 || wait > pauseTime)) wait = pauseTime;
		if (rate)
			for (struct client *c = l->all.next; c != &l->all; c = c->next)
				if (c->from < c->to) wait = 5;
		int n = epoll_wait(l->poller, events, 128, wait), called = 0;
		for (int i = 0; i < n; i++) {
			struct client *c = events[i].data.ptr;
			if (c == (void *)&stopping) {
				struct signalfd_siginfo told;
				if (read(*(int *)&l->all.fd, &told, sizeof told) > 0) stopping = 1;
			} else if (c) {
				serve(l, c, events[i].events);
			} else {
				called = 1; // last: whoever is served may make room, and its memory is used again
			}
		}
		if (called && !stopping && l->listens) take(l);
		if (rate)
			for (struct client *c = l->all.next, *next; c != &l->all; c = next) {
				next = c->next;
				if (c->from < c->to && c->interest == 0) drain(l, c);
			}
		if (l->again && now() >= l->again && !stopping) {
			if (l->listener < 0) l->listener = listening();
			l->again = l->listener < 0 ? now() + pauseTime : 0;
			if (!l->again && !(most && l->clients >= most)) listens(l, 1);
		}
		if (stopping) {
			if (!deadline) deadline = now() + drainTime;
			if (!stop(l, deadline)) return NULL;
		}
	}
}

static void onTerm(int signal) {
	(void)signal;
	stopping = 1;
}

static void words(int argc, char **argv) {
	struct { const char *name; long *number; int *flag; } known[] = {
		{"backlog", &backlog, 0}, {"files", &files, 0}, {"each", &each, 0}, {"most", &most, 0}, {"loops", &loops, 0},
		{"defer", &defer, 0}, {"rate", &rate, 0}, {"pause", &pauseTime, 0}, {"late", &late, 0}, {"abort", 0, &endsByReset},
		{"away", 0, &goesAway}, {"signalfd", 0, &bySignalfd}, {"zerocopy", 0, &zerocopy}, {"forgets", 0, &forgets},
		{"cuts", 0, &cuts}, {"buffer", &buffer, 0}, {"address", &perAddress, 0}, {"loses", &loses, 0},
	};
	for (int i = 2; i < argc; i++) {
		char *value = strchr(argv[i], '=');
		size_t length = value ? (size_t)(value - argv[i]) : strlen(argv[i]), k = 0;
		while (k < sizeof known / sizeof *known && (strlen(known[k].name) != length || strncmp(known[k].name, argv[i], length))) k++;
		if (k == sizeof known / sizeof *known) {
			fprintf(stderr, "narrow: unknown word %s\n", argv[i]);
			exit(2);
		}
		if (known[k].flag) *known[k].flag = 1;
		else *known[k].number = atol(value + 1);
	}
}

int main(int argc, char **argv) {
	if (argc < 2) return 2;
	address = argv[1];
	words(argc, argv);
	if (late) usleep(late * 1000);
	if (files) {
		struct rlimit limit;
		getrlimit(RLIMIT_NOFILE, &limit);
		limit.rlim_cur = files;
		if (setrlimit(RLIMIT_NOFILE, &limit)) fatal("setrlimit");
	}
	int told = -1;
	if (bySignalfd) {
		sigset_t term;
		sigemptyset(&term);
		sigaddset(&term, SIGTERM);
		pthread_sigmask(SIG_BLOCK, &term, NULL);
		told = signalfd(-1, &term, SFD_NONBLOCK | SFD_CLOEXEC);
	} else {
		struct sigaction action = {.sa_handler = onTerm};
		sigaction(SIGTERM, &action, NULL);
	}
	int shared = listening();
	if (shared < 0) fatal("listen");
	struct loop *all = calloc(loops, sizeof *all);
	for (int i = 0; i < loops; i++) {
		struct loop *l = &all[i];
		l->all.next = l->all.prev = &l->all;
		l->poller = epoll_create1(EPOLL_CLOEXEC);
		l->listener = i ? fcntl(shared, F_DUPFD_CLOEXEC, 3) : shared;
		listens(l, 1);
		if (told >= 0) {
			struct epoll_event e = {.events = EPOLLIN, .data.ptr = (void *)&stopping};
			l->all.fd = told;
			epoll_ctl(l->poller, EPOLL_CTL_ADD, told, &e);
		}
	}
	for (int i = 1; i < loops; i++) pthread_create(&all[i].thread, NULL, run, &all[i]);
	run(&all[0]);
	for (int i = 1; i < loops; i++) pthread_join(all[i].thread, NULL);
	if (strchr(address, '/')) unlink(address);
	return 0;
}
