// An RFC 862 echo server on Qt's event loop by QSocketNotifier: unlike QTcpSocket it lets a
// connection live on behind the client's half-close.
#include <QCoreApplication>
#include <QSocketNotifier>
#include <QTimer>
#include <arpa/inet.h>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <sys/socket.h>
#include <unistd.h>

class Client : public QObject {
public:
	Client(int fd, QObject *parent) : QObject(parent), fd_(fd), reads_(fd, QSocketNotifier::Read), writes_(fd, QSocketNotifier::Write) {
		writes_.setEnabled(false);
		connect(&reads_, &QSocketNotifier::activated, this, [this] { read(); });
		connect(&writes_, &QSocketNotifier::activated, this, [this] { write(); });
	}
	~Client() override {
		reads_.setEnabled(false);
		writes_.setEnabled(false);
		::close(fd_);
	}

private:
	void read() {
		ssize_t n = ::read(fd_, bytes_, sizeof bytes_);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0)
			return leave();
		at_ = 0;
		due_ = n;
		write();
	}
	// Nothing is read until what was read has been written.
	void write() {
		ssize_t n = ::write(fd_, bytes_ + at_, due_);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return leave();
		if (n > 0) {
			at_ += n;
			due_ -= n;
		}
		reads_.setEnabled(due_ == 0);
		writes_.setEnabled(due_ > 0);
	}
	void leave() {
		reads_.setEnabled(false);
		writes_.setEnabled(false);
		deleteLater();
	}

	int fd_;
	ssize_t at_ = 0, due_ = 0;
	QSocketNotifier reads_, writes_;
	char bytes_[65536];
};

int main(int argc, char **argv) {
	QCoreApplication app(argc, argv);
	std::signal(SIGPIPE, SIG_IGN);
	sockaddr_in address{};
	address.sin_family = AF_INET;
	address.sin_port = htons(qEnvironmentVariableIntValue("PORT"));
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
	::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (::bind(fd, reinterpret_cast<sockaddr *>(&address), sizeof address) != 0 || ::listen(fd, SOMAXCONN) != 0) {
		std::perror("cannot listen");
		return 1;
	}
	QSocketNotifier accepts(fd, QSocketNotifier::Read);
	QObject::connect(&accepts, &QSocketNotifier::activated, &app, [&] {
		int peer = ::accept4(fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (peer >= 0) {
			new Client(peer, &app);
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
			accepts.setEnabled(false);
			QTimer::singleShot(100, &accepts, [&] { accepts.setEnabled(true); });
		}
	});
	return app.exec();
}
