# An RFC 862 echo server on IO::Async. Beside the sample of the Listener's
# documentation it sends what is queued before it closes, reads no more while output
# waits, and rests when it is out of descriptors.
use strict;
use warnings;
use IO::Async::Loop;
use IO::Async::Stream;
use IO::Async::Timer::Countdown;

my ($listener, $rest);

# The constructor of 0.802 takes no on_accept_error, though its page names that event.
package Echo::Listener {
	use parent 'IO::Async::Listener';

	sub on_accept_error {
		$listener->want_readready(0);
		$rest->start unless $rest->is_running; # it fails where it runs
	}
}

my $loop = IO::Async::Loop->new;

$loop->add($listener = Echo::Listener->new(
	on_stream => sub {
		my (undef, $stream) = @_;
		$stream->configure(
			close_on_read_eof => 0,
			on_read => sub {
				my ($self, $buffref, $eof) = @_;
				$self->want_readready_for_read(0);
				$self->write($$buffref) if length $$buffref;
				$$buffref = "";
				$self->close_when_empty if $eof;
				return 0;
			},
			on_outgoing_empty => sub { $_[0]->want_readready_for_read(1) unless $_[0]->is_read_eof },
			on_read_error     => sub { $_[0]->close_now },
			on_write_error    => sub { $_[0]->close_now },
		);
		$loop->add($stream);
	},
));

$listener->listen(addr => {family => 'inet', socktype => 'stream', ip => '127.0.0.1', port => $ENV{PORT}})->get;

# The first timer of a loop loads a module, which takes a descriptor: start it now.
$rest = IO::Async::Timer::Countdown->new(delay => 0.1, on_expire => sub { $listener->want_readready(1) });
$loop->add($rest->start);
$loop->run;
