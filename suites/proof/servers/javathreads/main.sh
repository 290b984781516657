# An echo server on the Java virtual machine, which closes each descriptor above 2 in the
# processes that it starts, and so marks none of them: main.sh PORT
exec java "$(dirname "$0")/Echo.java" "$1"
