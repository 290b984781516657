// An RFC 862 echo server on Poco's SocketReactor. What could not be written at once is kept,
// and nothing is read until it has gone.
#include <Poco/NObserver.h>
#include <Poco/Net/NetException.h>
#include <Poco/Net/ServerSocket.h>
#include <Poco/Net/SocketAcceptor.h>
#include <Poco/Net/SocketNotification.h>
#include <Poco/Net/SocketReactor.h>
#include <Poco/Net/StreamSocket.h>
#include <csignal>
#include <cstdlib>

using namespace Poco::Net;
using Poco::NObserver;

class Echo {
public:
	Echo(const StreamSocket &socket, SocketReactor &reactor) : socket_(socket), reactor_(reactor) {
		socket_.setBlocking(false);
		reactor_.addEventHandler(socket_, NObserver<Echo, ReadableNotification>(*this, &Echo::readable));
		reactor_.addEventHandler(socket_, NObserver<Echo, ErrorNotification>(*this, &Echo::failed));
	}
	~Echo() {
		reactor_.removeEventHandler(socket_, NObserver<Echo, ReadableNotification>(*this, &Echo::readable));
		reactor_.removeEventHandler(socket_, NObserver<Echo, WritableNotification>(*this, &Echo::writable));
		reactor_.removeEventHandler(socket_, NObserver<Echo, ErrorNotification>(*this, &Echo::failed));
		socket_.close();
	}

private:
	void readable(const Poco::AutoPtr<ReadableNotification> &) {
		try {
			int n = socket_.receiveBytes(bytes_, sizeof bytes_);
			if (n == 0) {
				delete this;
				return;
			}
			if (n < 0)
				return;
			at_ = 0;
			due_ = n;
			write();
			if (due_ > 0) {
				reactor_.removeEventHandler(socket_, NObserver<Echo, ReadableNotification>(*this, &Echo::readable));
				reactor_.addEventHandler(socket_, NObserver<Echo, WritableNotification>(*this, &Echo::writable));
			}
		} catch (const Poco::Exception &) {
			delete this;
		}
	}
	void writable(const Poco::AutoPtr<WritableNotification> &) {
		try {
			write();
			if (due_ == 0) {
				reactor_.removeEventHandler(socket_, NObserver<Echo, WritableNotification>(*this, &Echo::writable));
				reactor_.addEventHandler(socket_, NObserver<Echo, ReadableNotification>(*this, &Echo::readable));
			}
		} catch (const Poco::Exception &) {
			delete this;
		}
	}
	void failed(const Poco::AutoPtr<ErrorNotification> &) { delete this; }
	void write() {
		try {
			int n = socket_.sendBytes(bytes_ + at_, due_);
			if (n > 0) {
				at_ += n;
				due_ -= n;
			}
		} catch (const Poco::TimeoutException &) {
			// 1.11 reports EAGAIN so, even of a socket that does not block: nothing was taken.
		}
	}

	StreamSocket socket_;
	SocketReactor &reactor_;
	int at_ = 0, due_ = 0;
	char bytes_[65536];
};

int main() {
	std::signal(SIGPIPE, SIG_IGN);
	ServerSocket listener;
	listener.bind(SocketAddress("127.0.0.1", std::getenv("PORT")), true);
	listener.listen(4096);
	SocketReactor reactor;
	SocketAcceptor<Echo> acceptor(listener, reactor);
	reactor.run();
}
