# An RFC 862 echo server on AnyEvent with EV: AnyEvent::Socket and AnyEvent::Handle. Nothing
# is read while more than LIMIT bytes wait to be written.
use strict;
use warnings;
use AnyEvent;
use AnyEvent::Handle;
use AnyEvent::Socket;
use EV;

use constant LIMIT => 1 << 20;
$SIG{PIPE} = 'IGNORE';

my %open;

tcp_server '127.0.0.1', $ENV{PORT}, sub {
	my ($socket) = @_;
	my $handle;
	my $read = sub {
		my ($h) = @_;
		$h->push_write(delete $h->{rbuf}) if length $h->{rbuf};
		$h->{rbuf} = '';
		$h->on_read(undef), $h->stop_read if length $h->{wbuf} > LIMIT;
	};
	$handle = AnyEvent::Handle->new(
		fh       => $socket,
		on_read  => $read,
		on_drain => sub { $_[0]->on_read($read) },
		on_eof   => sub {
			my ($h) = @_;
			$h->on_drain(sub { my ($all) = @_; delete $open{ $all + 0 }; $all->destroy });
		},
		on_error => sub { my ($h) = @_; delete $open{ $h + 0 }; $h->destroy },
	);
	$open{ $handle + 0 } = $handle;
};

AnyEvent->condvar->recv;
