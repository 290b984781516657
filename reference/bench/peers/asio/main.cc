// Echo on Asio: one io_context on one thread, a session object a connection.
#include <asio.hpp>
#include <array>
#include <cstdlib>
#include <memory>

using asio::ip::tcp;

struct session : std::enable_shared_from_this<session> {
    explicit session(tcp::socket s) : socket(std::move(s)) {}

    void read() {
        socket.async_read_some(asio::buffer(data), [self = shared_from_this()](std::error_code error, std::size_t n) {
            if (!error) self->write(n);
        });
    }

    void write(std::size_t n) {
        asio::async_write(socket, asio::buffer(data, n), [self = shared_from_this()](std::error_code error, std::size_t) {
            if (!error) self->read();
        });
    }

    tcp::socket socket;
    std::array<char, 16 * 1024> data;
};

void take(tcp::acceptor& acceptor) {
    acceptor.async_accept([&](std::error_code error, tcp::socket socket) {
        if (!error) {
            socket.set_option(tcp::no_delay(true));
            std::make_shared<session>(std::move(socket))->read();
        }
        take(acceptor);
    });
}

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    asio::io_context context(1);
    tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), static_cast<unsigned short>(std::atoi(argv[1]))});
    take(acceptor);
    context.run();
}
