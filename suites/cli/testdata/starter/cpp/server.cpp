// An adapter: a server on epoll, in C++17, that speaks the target contract of reactorspec.
//
// The contract is one page, https://github.com/reactorspec/reactorspec/blob/main/spec/target.md.
// Put your own event loop (Asio, libevent, Seastar, …) in the place of class Loop, and keep
// the conversations. A verb that your loop offers (POST, TIMER, OFFLOAD and so on)
// goes into answer(), and its feature into features.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::string_view features = "where,sink,source,limit,drain";
constexpr std::size_t limit = 1 << 20;      // bytes of output that may wait for a client before we stop reading from it
constexpr std::size_t max_line = 256;       // bytes of a sign-on line
constexpr std::size_t max_frame = 65536;    // bytes of a frame's body
constexpr std::uint64_t max_source = 1ull << 40;
constexpr std::size_t piece = 1 << 16;      // bytes read, or made for SOURCE, at a time: others have their turn between
constexpr std::size_t period = 251;         // byte i of SOURCE is i mod 251
constexpr auto accept_pause = 100ms;        // after an accept that failed for want of descriptors
constexpr auto drain_time = 4s;             // of the 5 s that the contract allows
constexpr auto linger = 1s;                 // for what clients have sent already when all that is due is sent

// Bytes that wait, taken from the front; an empty one holds no memory.
class Buffer {
public:
	std::size_t size() const { return bytes_.size() - taken_; }
	std::string_view view() const { return std::string_view(bytes_).substr(taken_); }
	void append(std::string_view more) {
		if (taken_ > bytes_.size() / 2) {
			bytes_.erase(0, taken_);
			taken_ = 0;
		}
		bytes_.append(more);
	}
	void take(std::size_t n) {
		taken_ += n;
		if (size() == 0) {
			bytes_ = std::string();
			taken_ = 0;
		}
	}

private:
	std::string bytes_;
	std::size_t taken_ = 0;
};

bool is_number(std::string_view text) {
	return !text.empty() && text.find_first_not_of("0123456789") == text.npos;
}

std::pair<std::string_view, std::string_view> cut(std::string_view text, char at) {
	auto where = std::min(text.find(at), text.size());
	return {text.substr(0, where), text.substr(std::min(where + 1, text.size()))};
}

// One connection's conversation. It knows no sockets: input goes into feed(), and
// output is taken out of out().
class Conversation {
public:
	explicit Conversation(std::uint64_t number) : number_(number) {}

	void feed(std::string_view bytes) {
		switch (kind_) {
		case Kind::sign_on: sign_on(bytes); break;
		case Kind::echo: out_.append(bytes); break;
		case Kind::sink: sunk_ += bytes.size(); break;
		case Kind::source: break;
		case Kind::probe:
			held_.append(bytes);
			frames();
			break;
		}
	}

	// The client's FIN.
	void end_of_input() {
		if (kind_ == Kind::sink)
			out_.append("SUNK " + std::to_string(sunk_) + "\n");
		ending_ = true;
	}

	void end() { ending_ = true; }
	bool ending() const { return ending_; }              // nothing more is to be read
	bool due() const { return out_.size() > 0 || left_ > 0; }

	// What is to be sent next. SOURCE makes a piece at a time, as there is room.
	Buffer &out() {
		if (left_ > 0 && out_.size() < piece) {
			static const std::string pattern = [] {
				std::string p(period + piece, 0);
				for (std::size_t i = 0; i < p.size(); i++)
					p[i] = static_cast<char>(i % period);
				return p;
			}();
			auto n = std::min<std::uint64_t>(left_, piece);
			out_.append(std::string_view(pattern).substr(made_ % period, n));
			made_ += n;
			left_ -= n;
			ending_ = ending_ || left_ == 0;
		}
		return out_;
	}

private:
	enum class Kind { sign_on, echo, sink, source, probe };

	void sign_on(std::string_view bytes) {
		held_.append(bytes);
		std::string all(held_.view());
		auto end = all.find('\n');
		if (std::min(end, all.size()) > max_line)
			return this->end();
		if (end == all.npos)
			return;
		held_ = Buffer();
		auto line = std::string_view(all).substr(0, end);
		if (!line.empty() && line.back() == '\r')
			line.remove_suffix(1);
		auto [command, argument] = cut(line, ' ');
		if (line == "ECHO") {
			kind_ = Kind::echo;
		} else if (line == "SINK") {
			kind_ = Kind::sink;
		} else if (line == "PROBE") {
			kind_ = Kind::probe;
		} else if (command == "SOURCE" && is_number(argument) && argument.size() < 14 && std::stoull(std::string(argument)) <= max_source) {
			kind_ = Kind::source;
			left_ = std::stoull(std::string(argument));
			ending_ = left_ == 0;
		} else {
			return this->end();
		}
		out_.append("OK " + std::to_string(number_) + "\n");
		feed(std::string_view(all).substr(end + 1));
	}

	void frames() {
		while (!ending_ && held_.size() >= 4) {
			std::uint32_t length;
			std::memcpy(&length, held_.view().data(), sizeof length);
			length = ntohl(length);
			if (length < 1 || length > max_frame)
				return end();
			if (held_.size() < 4 + length)
				return;
			auto [id, request] = cut(held_.view().substr(4, length), ' ');
			if (!is_number(id))
				return end();
			auto reply = std::string(id) + " " + answer(request);
			auto size = htonl(static_cast<std::uint32_t>(reply.size()));
			out_.append({reinterpret_cast<const char *>(&size), sizeof size});
			out_.append(reply);
			held_.take(4 + length);
		}
	}

	std::string answer(std::string_view request) const {
		auto verb = cut(request, ' ').first;
		if (verb == "PING")
			return "ok" + std::string(request.substr(verb.size()));
		if (verb == "HELLO") {
			const char *nonce = std::getenv("REACTORSPEC_NONCE");
			return "ok class=reactor loops=1 features=" + std::string(features) + " limit=" + std::to_string(limit) +
			       " wakeup=- poller=epoll nonce=" + (nonce && *nonce ? nonce : "-");
		}
		if (verb == "WHERE")
			return "ok loop=0 tid=" + std::to_string(gettid()) + " conn=" + std::to_string(number_);
		return "unsupported";
	}

	std::uint64_t number_;
	Kind kind_ = Kind::sign_on;
	Buffer held_; // a line or frame that has not come whole
	Buffer out_;
	std::uint64_t sunk_ = 0, made_ = 0, left_ = 0;
	bool ending_ = false;
};

// A descriptor, closed with its owner.
class Descriptor {
public:
	explicit Descriptor(int fd, const char *what) : fd_(fd) {
		if (fd < 0)
			throw std::system_error(errno, std::generic_category(), what);
	}
	Descriptor(const Descriptor &) = delete;
	~Descriptor() { reset(); }
	void reset() {
		if (fd_ >= 0)
			::close(fd_);
		fd_ = -1;
	}
	int get() const { return fd_; }

private:
	int fd_;
};

struct Connection {
	Connection(int fd, std::uint64_t number) : socket(fd, "accept"), conversation(number) {}
	Descriptor socket;
	Conversation conversation;
	std::uint32_t interest = EPOLLIN;
	bool leaving = false; // all is sent, and FIN behind it: what still comes is thrown away
};

class Loop {
public:
	explicit Loop(std::uint16_t port) {
		int on = 1;
		sockaddr_in address{};
		address.sin_family = AF_INET;
		address.sin_port = htons(port);
		address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
		if (bind(listener_.get(), reinterpret_cast<sockaddr *>(&address), sizeof address) < 0 || listen(listener_.get(), 4096) < 0)
			throw std::system_error(errno, std::generic_category(), "listen");
		control(EPOLL_CTL_ADD, listener_.get(), EPOLLIN);
		control(EPOLL_CTL_ADD, signals_.get(), EPOLLIN);
	}

	void run() {
		std::array<epoll_event, 256> events;
		while (!stop_by_ || !connections_.empty()) {
			auto now = Clock::now();
			bool due = stop_by_ && std::any_of(connections_.begin(), connections_.end(), [](auto &c) { return c.second->conversation.due(); });
			auto stop_by = stop_by_ && !due ? std::min(*stop_by_, owed_ + linger) : stop_by_;
			if (stop_by && now >= *stop_by)
				return; // who still does not read, or close, is left behind
			if (accept_at_ && now >= *accept_at_) {
				control(EPOLL_CTL_MOD, listener_.get(), EPOLLIN);
				accept_at_.reset();
			}
			int timeout = -1;
			if (auto until = stop_by ? stop_by : accept_at_)
				timeout = static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(*until - now).count());
			int n = epoll_wait(poller_.get(), events.data(), events.size(), timeout);
			if (due)
				owed_ = Clock::now();
			bool stop = false;
			for (int i = 0; i < n; i++) {
				int fd = events[i].data.fd;
				if (fd == signals_.get())
					stop = true; // behind the others: it closes connections
				else if (fd == listener_.get())
					accept();
				else if (auto found = connections_.find(fd); found != connections_.end() && !ready(*found->second, events[i].events))
					gone_.push_back(fd);
			}
			// A descriptor is given up only now, so that no event of this turn names its successor.
			for (int fd : std::exchange(gone_, {}))
				connections_.erase(fd);
			if (stop)
				drain();
		}
	}

private:
	static int block_signals() {
		sigset_t terminate;
		sigemptyset(&terminate);
		sigaddset(&terminate, SIGTERM);
		sigprocmask(SIG_BLOCK, &terminate, nullptr);
		return signalfd(-1, &terminate, SFD_NONBLOCK | SFD_CLOEXEC);
	}

	void control(int operation, int fd, std::uint32_t events) {
		epoll_event event{};
		event.events = events;
		event.data.fd = fd;
		epoll_ctl(poller_.get(), operation, fd, &event);
	}

	void accept() {
		for (int i = 0; i < 256; i++) {
			int fd = accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
			if (fd < 0 && errno == EAGAIN)
				return;
			if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) {
				control(EPOLL_CTL_MOD, listener_.get(), 0);
				accept_at_ = Clock::now() + accept_pause;
				return;
			}
			if (fd < 0)
				continue; // that client is gone
			int on = 1;
			setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
			connections_[fd] = std::make_unique<Connection>(fd, ++numbers_);
			control(EPOLL_CTL_ADD, fd, EPOLLIN);
		}
	}

	// Returns false when the connection is over.
	bool ready(Connection &c, std::uint32_t events) {
		static std::array<char, piece> bytes;
		if (c.interest & EPOLLIN) {
			auto n = recv(c.socket.get(), bytes.data(), bytes.size(), 0);
			if (c.leaving)
				return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
			if (n > 0)
				c.conversation.feed({bytes.data(), static_cast<std::size_t>(n)});
			else if (n == 0)
				c.conversation.end_of_input();
			else if (errno != EAGAIN && errno != EINTR)
				return false;
		} else if (events & EPOLLERR) {
			return false;
		}
		return settle(c);
	}

	// Sends what it can, and decides what the connection waits for.
	bool settle(Connection &c) {
		auto &out = c.conversation.out();
		if (out.size() > 0) {
			auto n = send(c.socket.get(), out.view().data(), out.size(), MSG_NOSIGNAL);
			if (n > 0)
				out.take(static_cast<std::size_t>(n));
			else if (errno != EAGAIN && errno != EINTR)
				return false;
		}
		if (c.conversation.ending() && !c.conversation.due()) {
			if (!stop_by_)
				return false;
			// A close over input that was not read would reset the connection, and drop
			// the output that is still on its way.
			shutdown(c.socket.get(), SHUT_WR);
			c.leaving = true;
		}
		std::uint32_t interest = c.conversation.due() ? std::uint32_t{EPOLLOUT} : 0;
		if (c.leaving || (!c.conversation.ending() && out.size() <= limit))
			interest |= EPOLLIN;
		if (std::exchange(c.interest, interest) != interest)
			control(EPOLL_CTL_MOD, c.socket.get(), interest);
		return true;
	}

	void drain() {
		owed_ = Clock::now();
		stop_by_ = owed_ + drain_time;
		accept_at_.reset();
		listener_.reset();
		signals_.reset();
		for (auto it = connections_.begin(); it != connections_.end();) {
			it->second->conversation.end();
			it = settle(*it->second) ? std::next(it) : connections_.erase(it);
		}
	}

	Descriptor signals_{block_signals(), "signalfd"};
	Descriptor poller_{epoll_create1(EPOLL_CLOEXEC), "epoll_create1"};
	Descriptor listener_{::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket"};
	std::unordered_map<int, std::unique_ptr<Connection>> connections_;
	std::vector<int> gone_;
	std::optional<Clock::time_point> accept_at_, stop_by_;
	Clock::time_point owed_; // when a server that stops was last seen to owe something
	std::uint64_t numbers_ = 0;
};

int main() {
	const char *port = std::getenv("PORT");
	try {
		Loop(static_cast<std::uint16_t>(port ? std::atoi(port) : 7000)).run();
	} catch (const std::exception &failure) {
		std::cerr << failure.what() << "\n";
		return 1;
	}
}
