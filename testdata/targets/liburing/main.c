/* An RFC 862 echo server on liburing: of each connection one receive or one send is under
   way, and without descriptors the accept rests. */
#include <arpa/inet.h>
#include <errno.h>
#include <liburing.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SIZE = 65536, ENTRIES = 4096 };

struct client {
	int fd, at, due, sending;
	char bytes[SIZE];
};

static struct io_uring ring;
static int resting; /* its address marks the timeout */
static struct __kernel_timespec rest = {.tv_nsec = 100000000};

static struct io_uring_sqe *entry(void) {
	struct io_uring_sqe *e = io_uring_get_sqe(&ring);
	while (!e) {
		io_uring_submit(&ring);
		e = io_uring_get_sqe(&ring);
	}
	return e;
}

static void take(int fd) {
	struct io_uring_sqe *e = entry();
	io_uring_prep_accept(e, fd, NULL, NULL, SOCK_CLOEXEC);
	io_uring_sqe_set_data(e, NULL);
}

static void next(struct client *c) {
	struct io_uring_sqe *e = entry();
	c->sending = c->due > 0;
	if (c->sending)
		io_uring_prep_send(e, c->fd, c->bytes + c->at, c->due, MSG_NOSIGNAL);
	else
		io_uring_prep_recv(e, c->fd, c->bytes, SIZE, 0);
	io_uring_sqe_set_data(e, c);
}

static void came(struct client *c, int n) {
	if (n == -EINTR || n == -EAGAIN) {
		next(c);
		return;
	}
	if (n < 0 || (n == 0 && !c->sending)) {
		close(c->fd);
		free(c);
		return;
	}
	if (c->sending) {
		c->at += n;
		c->due -= n;
	} else {
		c->at = 0;
		c->due = n;
	}
	next(c);
}

int main(void) {
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(getenv("PORT"))), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1, wrong;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, SOMAXCONN) != 0) {
		perror("cannot listen");
		return 1;
	}
	if ((wrong = io_uring_queue_init(ENTRIES, &ring, 0)) < 0) {
		fprintf(stderr, "io_uring_queue_init: error %d\n", -wrong);
		return 1;
	}
	for (take(fd);;) {
		struct io_uring_cqe *done;
		unsigned head, seen = 0;
		if (io_uring_submit_and_wait(&ring, 1) < 0)
			continue;
		io_uring_for_each_cqe(&ring, head, done) {
			void *of = io_uring_cqe_get_data(done);
			seen++;
			if (of == &resting)
				take(fd);
			else if (of)
				came(of, done->res);
			else if (done->res >= 0) {
				struct client *c = calloc(1, sizeof *c);
				c->fd = done->res;
				next(c);
				take(fd);
			} else if (done->res == -EMFILE || done->res == -ENFILE || done->res == -ENOMEM || done->res == -ENOBUFS) {
				struct io_uring_sqe *e = entry();
				io_uring_prep_timeout(e, &rest, 0, 0);
				io_uring_sqe_set_data(e, &resting);
			} else
				take(fd);
		}
		io_uring_cq_advance(&ring, seen);
	}
}
