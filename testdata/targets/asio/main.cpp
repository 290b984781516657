// The echo server of Asio's documentation (example/cpp11/echo/async_tcp_echo_server.cpp,
// Christopher M. Kohlhoff, Boost Software License), which goes on accepting after an error.
#include <asio.hpp>
#include <cstdlib>
#include <memory>
#include <utility>

using asio::ip::tcp;

class session : public std::enable_shared_from_this<session> {
public:
	explicit session(tcp::socket socket) : socket_(std::move(socket)) {}

	void start() { do_read(); }

private:
	void do_read() {
		auto self(shared_from_this());
		socket_.async_read_some(asio::buffer(data_, max_length), [this, self](std::error_code ec, std::size_t length) {
			if (!ec)
				do_write(length);
		});
	}

	void do_write(std::size_t length) {
		auto self(shared_from_this());
		asio::async_write(socket_, asio::buffer(data_, length), [this, self](std::error_code ec, std::size_t) {
			if (!ec)
				do_read();
		});
	}

	enum { max_length = 16384 };
	tcp::socket socket_;
	char data_[max_length];
};

class server {
public:
	server(asio::io_context &io_context, unsigned short port) : acceptor_(io_context, tcp::endpoint(asio::ip::address_v4::loopback(), port)), rest_(io_context) {
		do_accept();
	}

private:
	void do_accept() {
		acceptor_.async_accept([this](std::error_code ec, tcp::socket socket) {
			if (!ec)
				std::make_shared<session>(std::move(socket))->start();
			if (ec == asio::error::no_descriptors || ec == asio::error::no_memory || ec == asio::error::no_buffer_space)
				do_rest();
			else
				do_accept();
		});
	}

	void do_rest() {
		rest_.expires_after(std::chrono::milliseconds(100));
		rest_.async_wait([this](std::error_code) { do_accept(); });
	}

	tcp::acceptor acceptor_;
	asio::steady_timer rest_;
};

int main() {
	asio::io_context io_context;
	server s(io_context, std::atoi(std::getenv("PORT")));
	io_context.run();
}
