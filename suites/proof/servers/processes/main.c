/*
 * processes: a correct echo server that is a tree of processes, in the manners
 * that such servers have. On SIGTERM the process that was started ends the
 * others, waits for them, and exits with 0.
 *
 *   processes PORT MODE [signs-on]
 *
 * With signs-on a connection's first line has to be ECHO, as in the probe dialect.
 *
 *   reuseport    a master that does not listen, and workers with a socket each (SO_REUSEPORT)
 *   prefork      workers that all accept on the socket which the master made before
 *   handover     a master that accepts, and hands each connection on to a worker (SCM_RIGHTS)
 *   helped       prefork whose master has a helper, started before it has its address, which
 *                outlives it if the address is taken
 *   each         a process for each connection, collected by the master
 *   each-ignored the same, collected by the kernel because SIGCHLD is ignored
 *   each-orphan  the same, left to whoever takes orphans, by a second fork
 *
 * and, for what a tree may not do,
 *
 *   deserter     prefork whose master does not end its workers
 *   storm        prefork whose master starts short-lived helpers without a pause
 *   mortal       prefork whose workers die of SIGPIPE, and are started again
 *   each-hoards  a process for each connection, which reads on however much output waits
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WORKERS = 2, CONNS = 4096, PIECE = 64 << 10, CACHE = 24 << 20 };

static volatile sig_atomic_t stopping;
static int signs_on, mortal;
static char *cache; /* what a server loads before it forks: shared by all its processes */

static void on_term(int sig) { (void)sig; stopping = 1; }

static long now_ms(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int listen_at(int port, int share) {
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (share)
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&a, sizeof a) < 0 || listen(fd, 4096) < 0) {
		perror("listen");
		exit(1);
	}
	return fd;
}

/* admit takes the sign-on line off the front of what came: it returns how much of it
 * was that, -1 if it is no ECHO. *have counts the bytes of it that came before, and is
 * LINE_LENGTH from then on. */
static const char line[] = "ECHO\n", welcome[] = "OK 1\n";
enum { LINE_LENGTH = sizeof line - 1 };

static int admit(int *have, const char *p, int n) {
	int used = 0;
	while (signs_on && *have < LINE_LENGTH && used < n)
		if (p[used++] != line[(*have)++])
			return -1;
	return used;
}

/* A connection of a worker's loop. It is not read from while output waits. One that lingers
 * has been written to its end, and is read so that what lies unread brings no RST. */
struct conn {
	int fd, off, len, ended, have, lingers;
	char *out;
};

static struct conn conns[CONNS];
static struct pollfd polled[CONNS + 1];
static int count;
static char piece[PIECE];

static void drop(int i) {
	close(conns[i].fd);
	free(conns[i].out);
	conns[i] = conns[--count];
}

/* flush writes what waits; -1 when the connection is gone. */
static int flush(struct conn *c) {
	while (c->len > 0) {
		ssize_t n = write(c->fd, c->out + c->off, (size_t)c->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n < 0) {
			while (mortal && write(c->fd, c->out + c->off, 1) > 0)
				; /* as who does not look at what write says, and goes on: SIGPIPE at the latest here */
			return -1;
		}
		c->off += (int)n;
		c->len -= (int)n;
	}
	free(c->out);
	c->out = NULL;
	return c->ended ? -1 : 0;
}

/* finish begins to close a connection to which nothing is due; -1 when that is all. */
static int finish(struct conn *c) {
	int unread = 0;
	if (ioctl(c->fd, FIONREAD, &unread) < 0 || unread == 0 || shutdown(c->fd, SHUT_WR) < 0)
		return -1;
	c->lingers = 1;
	return 0;
}

/* discard takes what comes on a connection that lingers; -1 when the client is done. */
static int discard(struct conn *c) {
	ssize_t n;
	while ((n = read(c->fd, piece, sizeof piece)) > 0 || (n < 0 && errno == EINTR))
		;
	return n < 0 && errno == EAGAIN ? 0 : -1;
}

/* turn reads one piece and sends it back; -1 when the connection is over. */
static int turn(struct conn *c) {
	ssize_t n = read(c->fd, piece, sizeof piece);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	if (n == 0) {
		c->ended = 1;
		return c->len > 0 ? 0 : -1;
	}
	int before = c->have, used = admit(&c->have, piece, (int)n), greets = before < c->have && c->have == LINE_LENGTH;
	if (used < 0)
		return -1;
	int head = greets ? (int)sizeof welcome - 1 : 0;
	c->off = 0;
	c->len = head + (int)n - used;
	c->out = malloc((size_t)c->len + 1);
	memcpy(c->out, welcome, (size_t)head);
	memcpy(c->out + head, piece + used, (size_t)(n - used));
	return flush(c);
}

static void take(int fd) {
	int on = 1;
	if (fd < 0)
		return;
	if (count == CONNS) {
		close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	conns[count++] = (struct conn){.fd = fd};
}

/* received is the descriptor that the master hands on, -1 if none. */
static int received(int from) {
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec v = {&byte, 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
	ssize_t n = recvmsg(from, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	if (n == 0)
		stopping = 1; /* the master is gone */
	if (n != 1 || c == NULL || c->cmsg_type != SCM_RIGHTS)
		return -1;
	int fd;
	memcpy(&fd, CMSG_DATA(c), sizeof fd);
	return fd;
}

/* work is a worker's loop: it accepts at source, or is handed connections there. */
static void work(int source, int handed) {
	long deadline = 0, resting = 0;
	for (;;) {
		if (stopping && deadline == 0) {
			deadline = now_ms() + 3000;
			close(source);
		}
		for (int i = count - 1; stopping && i >= 0; i--)
			if (now_ms() > deadline || (conns[i].len == 0 && !conns[i].lingers && finish(&conns[i]) < 0))
				drop(i);
		if (stopping && count == 0)
			exit(0);
		for (int i = 0; i < count; i++)
			polled[i] = (struct pollfd){conns[i].fd, conns[i].len > 0 ? POLLOUT : POLLIN, 0};
		int n = count, asks = !stopping && now_ms() >= resting;
		polled[n] = (struct pollfd){asks ? source : -1, POLLIN, 0};
		if (poll(polled, (nfds_t)n + 1, stopping ? 20 : asks ? -1 : 100) < 0)
			continue;
		for (int i = n - 1; i >= 0; i--)
			if (polled[i].revents != 0 &&
			    (conns[i].lingers ? discard(&conns[i]) : conns[i].len > 0 ? flush(&conns[i]) : turn(&conns[i])) < 0)
				drop(i);
		if (asks && polled[n].revents != 0) {
			for (int k = 0; k < 64; k++) {
				int fd = handed ? received(source) : accept4(source, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
				if (fd < 0) {
					if (errno == EMFILE || errno == ENFILE)
						resting = now_ms() + 100;
					break;
				}
				take(fd);
			}
		}
	}
}

/* serve is the whole life of a process that has one connection. */
static void serve(int fd) {
	char *buf = malloc(PIECE);
	int have = 0;
	signal(SIGTERM, SIG_DFL);
	for (;;) {
		ssize_t n = read(fd, buf, PIECE);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			_exit(0);
		int before = have, used = admit(&have, buf, (int)n);
		if (used < 0 || (before < have && have == LINE_LENGTH && write(fd, welcome, sizeof welcome - 1) < 0))
			_exit(0);
		for (ssize_t done = used; done < n;) {
			ssize_t w = write(fd, buf + done, (size_t)(n - done));
			if (w < 0 && errno == EINTR)
				continue;
			if (w < 0)
				_exit(0);
			done += w;
		}
	}
}

/* hoard serves one connection, and reads on however much is to be written. */
static void hoard(int fd) {
	size_t from = 0, to = 0, room = PIECE;
	int ended = 0;
	char *data = malloc(room);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	signal(SIGTERM, SIG_DFL);
	for (;;) {
		struct pollfd p = {fd, (short)((ended ? 0 : POLLIN) | (from < to ? POLLOUT : 0)), 0};
		if (poll(&p, 1, -1) < 0)
			continue;
		if (room - to < PIECE)
			data = realloc(data, room *= 2);
		ssize_t n = ended ? -1 : read(fd, data + to, PIECE);
		if (!ended && n < 0 && errno != EAGAIN && errno != EINTR)
			_exit(0);
		ended = ended || n == 0;
		to += n > 0 ? (size_t)n : 0;
		n = from < to ? write(fd, data + from, to - from) : 0;
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			_exit(0);
		from += n > 0 ? (size_t)n : 0;
		if (from == to) {
			from = to = 0;
			if (ended)
				_exit(0);
		}
	}
}

static pid_t children[CONNS];
static int born;

static void forget(pid_t pid) {
	for (int i = 0; i < born; i++)
		if (children[i] == pid)
			children[i--] = children[--born];
}

static void collect(void) {
	for (pid_t pid; (pid = waitpid(-1, NULL, WNOHANG)) > 0;)
		forget(pid);
}

/* each gives every connection a process. Stopping, it ends those that are left. */
static void each(int port, const char *mode) {
	int listener = listen_at(port, 0), on = 1;
	int ignored = strcmp(mode, "each-ignored") == 0, orphan = strcmp(mode, "each-orphan") == 0, hoards = strcmp(mode, "each-hoards") == 0;
	if (ignored)
		signal(SIGCHLD, SIG_IGN);
	while (!stopping) {
		struct pollfd p = {listener, POLLIN, 0};
		int n = poll(&p, 1, 200);
		if (!ignored)
			collect();
		int fd = n > 0 ? accept4(listener, NULL, NULL, SOCK_CLOEXEC) : -1;
		if (fd < 0) {
			if (n > 0 && (errno == EMFILE || errno == ENFILE))
				usleep(50000);
			continue;
		}
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		pid_t pid = fork();
		if (pid == 0) {
			close(listener);
			if (orphan && fork() != 0)
				_exit(0);
			if (hoards)
				hoard(fd);
			serve(fd);
		}
		if (pid > 0 && born < CONNS)
			children[born++] = pid;
		close(fd);
	}
	signal(SIGTERM, SIG_IGN);
	kill(0, SIGTERM); /* the group is its own, as whoever started it made it */
	while (wait(NULL) > 0)
		;
	exit(0);
}

static int doors[WORKERS] = {-1, -1}; /* where connections are handed to each worker */

static pid_t start_worker(int port, const char *mode, int listener, int number) {
	int handed = strcmp(mode, "handover") == 0, pair[2];
	if (handed && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		exit(1);
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, 0);
		if (strcmp(mode, "mortal") == 0) {
			mortal = 1;
			signal(SIGPIPE, SIG_DFL);
		}
		if (strcmp(mode, "reuseport") == 0)
			listener = listen_at(port, 1);
		if (handed) {
			close(listener);
			close(pair[0]);
		}
		work(handed ? pair[1] : listener, handed);
	}
	if (handed) {
		close(pair[1]);
		close(doors[number]);
		doors[number] = pair[0];
	}
	return pid;
}

static void hand_on(int listener) {
	static int next;
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE)
			usleep(50000);
		return;
	}
	char control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec v = {"", 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(c), &fd, sizeof fd);
	sendmsg(doors[next++ % WORKERS], &m, MSG_NOSIGNAL);
	close(fd);
}

/* helper_comes_and_goes uses a core in processes that each live for a moment. */
static void helper_comes_and_goes(void) {
	pid_t pid = fork();
	if (pid == 0) {
		for (long end = now_ms() + 20; now_ms() < end;)
			;
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

/* helper does nothing until it is told to end. */
static pid_t helper(void) {
	pid_t pid = fork();
	if (pid == 0) {
		signal(SIGTERM, SIG_DFL);
		for (;;)
			pause();
	}
	return pid;
}

int main(int argc, char **argv) {
	if (argc != 3 && argc != 4) {
		fprintf(stderr, "usage: processes PORT MODE [signs-on]\n");
		return 2;
	}
	int port = atoi(argv[1]);
	const char *mode = argv[2];
	signs_on = argc == 4;
	struct sigaction term = {.sa_handler = on_term}; /* no SA_RESTART */
	sigaction(SIGTERM, &term, NULL);
	signal(SIGPIPE, SIG_IGN);
	cache = malloc(CACHE);
	memset(cache, 1, CACHE);
	if (strncmp(mode, "each", 4) == 0)
		each(port, mode);
	pid_t helps = strcmp(mode, "helped") == 0 ? helper() : 0;
	int handed = strcmp(mode, "handover") == 0, deserter = strcmp(mode, "deserter") == 0, storm = strcmp(mode, "storm") == 0;
	int listener = strcmp(mode, "reuseport") == 0 ? -1 : listen_at(port, 0);
	pid_t workers[WORKERS];
	for (int i = 0; i < WORKERS; i++)
		workers[i] = start_worker(port, mode, listener, i);
	while (!stopping) {
		struct pollfd p = {handed ? listener : -1, POLLIN, 0};
		if (poll(&p, 1, storm ? 0 : 200) > 0)
			hand_on(listener);
		if (storm)
			helper_comes_and_goes();
		for (pid_t pid; (pid = waitpid(-1, NULL, WNOHANG)) > 0;)
			for (int i = 0; i < WORKERS && !stopping; i++)
				if (workers[i] == pid)
					workers[i] = start_worker(port, mode, listener, i);
	}
	if (deserter)
		return 0;
	for (int i = 0; i < WORKERS; i++)
		kill(workers[i], SIGTERM);
	if (helps > 0)
		kill(helps, SIGTERM);
	while (wait(NULL) > 0 || errno == EINTR)
		;
	return 0;
}
