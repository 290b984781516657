# The echo server of POE::Component::Server::TCP's documentation, in blocks instead of lines.
use strict;
use warnings;
use POE qw(Component::Server::TCP Filter::Stream);

POE::Component::Server::TCP->new(
	Address      => '127.0.0.1',
	Port         => $ENV{PORT},
	ClientFilter => 'POE::Filter::Stream',
	ClientInput  => sub {
		my ($heap, $input) = @_[HEAP, ARG0];
		$heap->{client}->put($input);
	},
	ClientError => sub { },
);

POE::Kernel->run;
