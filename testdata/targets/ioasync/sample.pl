# The echo server of IO::Async::Listener's documentation.
use strict;
use warnings;
use IO::Async::Listener;
use IO::Async::Loop;
use IO::Async::Stream;

my $loop = IO::Async::Loop->new;

$loop->add(my $listener = IO::Async::Listener->new(
	on_stream => sub {
		my (undef, $stream) = @_;
		$stream->configure(
			on_read => sub {
				my ($self, $buffref, $eof) = @_;
				$self->write($$buffref);
				$$buffref = "";
				return 0;
			},
			on_read_error  => sub { $_[0]->close_now },
			on_write_error => sub { $_[0]->close_now },
		);
		$loop->add($stream);
	},
));

$listener->listen(addr => {family => 'inet', socktype => 'stream', ip => '127.0.0.1', port => $ENV{PORT}})->get;
$loop->run;
