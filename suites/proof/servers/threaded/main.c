/*
 * threaded: an echo server, one blocking thread for each connection, with one
 * of two faults that a Go reactor cannot have.
 *
 *   threaded PORT sigpipe   SIGPIPE keeps its default action
 *   threaded PORT eintr     a read that a signal interrupts ends the connection
 *   threaded PORT none      neither, to show that the faults are the difference
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int eintr_closes;

static void on_signal(int sig) { (void)sig; }

static void *serve(void *arg) {
	int fd = (int)(intptr_t)arg;
	char buf[16384];
	for (;;) {
		ssize_t n = read(fd, buf, sizeof buf);
		if (n < 0 && errno == EINTR && !eintr_closes)
			continue;
		if (n <= 0)
			break;
		for (ssize_t done = 0; done < n;) {
			ssize_t w = write(fd, buf + done, (size_t)(n - done));
			if (w < 0 && errno == EINTR)
				continue;
			if (w < 0)
				goto out;
			done += w;
		}
	}
out:
	close(fd);
	return NULL;
}

int main(int argc, char **argv) {
	if (argc != 3) {
		fprintf(stderr, "usage: threaded PORT sigpipe|eintr|none\n");
		return 2;
	}
	eintr_closes = strcmp(argv[2], "eintr") == 0;
	if (strcmp(argv[2], "sigpipe") != 0)
		signal(SIGPIPE, SIG_IGN);
	if (eintr_closes) {
		struct sigaction interrupt = {.sa_handler = on_signal}; /* no SA_RESTART */
		sigaction(SIGURG, &interrupt, NULL);
	}
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1]))};
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(listener, (struct sockaddr *)&addr, sizeof addr) < 0 || listen(listener, 4096) < 0) {
		perror("listen");
		return 1;
	}
	pthread_attr_t detached;
	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&detached, 128 << 10);
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE)
				usleep(20000);
			continue;
		}
		setsockopt(fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &on, sizeof on);
		pthread_t thread;
		if (pthread_create(&thread, &detached, serve, (void *)(intptr_t)fd) != 0)
			close(fd);
	}
}
