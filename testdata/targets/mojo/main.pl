# An RFC 862 echo server on Mojo::IOLoop. Beside the sample of its documentation it
# reads no more, and so sees no FIN, while output waits.
use Mojo::Base -strict;
use Mojo::IOLoop;

Mojo::IOLoop->server({address => '127.0.0.1', port => $ENV{PORT}} => sub {
	my ($loop, $stream) = @_;
	$stream->on(read => sub {
		my ($stream, $bytes) = @_;
		$stream->stop;
		$stream->write($bytes => sub { shift->start });
	});
	$stream->timeout(0);
});

Mojo::IOLoop->start unless Mojo::IOLoop->is_running;
