# The echo server of Mojo::IOLoop's documentation.
use Mojo::Base -strict;
use Mojo::IOLoop;

Mojo::IOLoop->server({address => '127.0.0.1', port => $ENV{PORT}} => sub {
	my ($loop, $stream) = @_;
	$stream->on(read => sub {
		my ($stream, $bytes) = @_;
		$stream->write($bytes);
	});
	$stream->timeout(0);
});

Mojo::IOLoop->start unless Mojo::IOLoop->is_running;
