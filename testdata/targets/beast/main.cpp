// The query of a request comes back as the body, by Boost.Beast on one io_context.
#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;

class session : public std::enable_shared_from_this<session> {
public:
	explicit session(tcp::socket &&socket) : stream_(std::move(socket)) {}

	void read() {
		parser_.emplace();
		http::async_read_header(stream_, buffer_, *parser_, [self = shared_from_this()](beast::error_code error, std::size_t) {
			if (!error)
				self->head();
		});
	}

private:
	// The library leaves it to the application to answer Expect: 100-continue, as its
	// documentation shows (CONN-24).
	void head() {
		if (!beast::iequals(parser_->get()[http::field::expect], "100-continue"))
			return body();
		proceed_ = {http::status::continue_, parser_->get().version()};
		http::async_write(stream_, proceed_, [self = shared_from_this()](beast::error_code error, std::size_t) {
			if (!error)
				self->body();
		});
	}

	void body() {
		http::async_read(stream_, buffer_, *parser_, [self = shared_from_this()](beast::error_code error, std::size_t) {
			if (error)
				return;
			self->request_ = self->parser_->release();
			self->answer();
		});
	}

	void answer() {
		std::string const target(request_.target());
		auto const query = target.find('?');
		response_ = {};
		response_.version(request_.version());
		response_.result(http::status::ok);
		response_.set(http::field::content_type, "text/plain");
		response_.keep_alive(request_.keep_alive());
		response_.body() = query == std::string::npos ? "" : target.substr(query + 1);
		response_.prepare_payload();
		http::async_write(stream_, response_, [self = shared_from_this()](beast::error_code error, std::size_t) {
			if (!error && self->response_.keep_alive())
				self->read();
		});
	}

	beast::tcp_stream stream_;
	beast::flat_buffer buffer_;
	std::optional<http::request_parser<http::string_body>> parser_;
	http::response<http::empty_body> proceed_;
	http::request<http::string_body> request_;
	http::response<http::string_body> response_;
};

class listener {
public:
	listener(asio::io_context &loop, tcp::endpoint at) : acceptor_(loop, at), rest_(loop) { accept(); }

private:
	void accept() {
		acceptor_.async_accept([this](beast::error_code error, tcp::socket socket) {
			if (!error)
				std::make_shared<session>(std::move(socket))->read();
			if (error != asio::error::no_descriptors)
				return accept();
			rest_.expires_after(std::chrono::milliseconds(100));
			rest_.async_wait([this](beast::error_code) { accept(); });
		});
	}

	tcp::acceptor acceptor_;
	asio::steady_timer rest_;
};

int main() {
	asio::io_context loop(1);
	listener all(loop, {asio::ip::address_v4::loopback(), static_cast<unsigned short>(std::atoi(std::getenv("PORT")))});
	loop.run();
}
