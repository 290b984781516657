# An RFC 862 echo server on POE::Component::Server::TCP. Beside the sample of its
# documentation it sends what is queued before it closes, reads no more while much
# output waits, and rests when it is out of descriptors.
use strict;
use warnings;
use POE qw(Component::Server::TCP Filter::Stream);

POE::Component::Server::TCP->new(
	Address => '127.0.0.1',
	Port    => $ENV{PORT},
	Started => sub {
		$_[KERNEL]->state(accept_again => sub { $_[HEAP]{listener}->resume_accept });
	},
	Error => sub {
		my ($operation, $error) = @_[ARG0, ARG2];
		die "$operation: $error\n" if $operation ne 'accept';
		$_[HEAP]{listener}->pause_accept;
		$_[KERNEL]->delay(accept_again => 0.1);
	},
	ClientFilter => 'POE::Filter::Stream',
	ClientInput  => sub {
		my ($heap, $input) = @_[HEAP, ARG0];
		$heap->{client}->pause_input if $heap->{client}->put($input);
	},
	HighMark   => 65536,
	LowMark    => 16384,
	ClientHigh => sub { },
	ClientLow  => sub { $_[HEAP]{client}->resume_input },

	# The client's FIN is read error 0: shutdown waits until output is flushed.
	ClientShutdownOnError => 0,
	ClientError           => sub {
		my ($kernel, $heap, $operation, $errno) = @_[KERNEL, HEAP, ARG0, ARG1];
		delete $heap->{client} unless $operation eq 'read' && $errno == 0;
		$kernel->yield('shutdown');
	},
);

POE::Kernel->run;
