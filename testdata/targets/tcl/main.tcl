# The echo server of Tcl: chan copy of each client's socket onto itself, by Tcl's event loop.
proc serve {client address port} {
	chan configure $client -translation binary -blocking 0 -buffering none
	chan copy $client $client -command [list done $client]
}

proc done {client bytes {message ""}} {
	chan close $client
}

socket -server serve -myaddr 127.0.0.1 $env(PORT)
vwait forever
