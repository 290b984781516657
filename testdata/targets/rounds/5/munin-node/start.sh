#!/bin/sh
# Debian's /etc/munin/munin-node.conf, with only the port, the address and the paths of its log and
# pid changed; --foreground is what its systemd unit says. $1 is a directory, $2 the port.
sed -e "s#^log_file .*#log_file $1/log#" -e "s#^pid_file .*#pid_file $1/pid#" -e "s/^port .*/port $2/" -e 's/^host \*/host 127.0.0.1/' /etc/munin/munin-node.conf >$1/conf
exec /usr/sbin/munin-node --foreground --config $1/conf
