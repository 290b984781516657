# redis, unmodified, with room for 30 clients: main.sh PORT
exec redis-server --port "$1" --maxclients 30 --save ""
