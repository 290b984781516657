# haproxy, unmodified, told to close each connection behind its reply and to say so.
exec haproxy -db -f "$(dirname "$0")/haproxy.cfg"
