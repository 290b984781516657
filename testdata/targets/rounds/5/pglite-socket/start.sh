#!/bin/sh
# The README's CLI with a database of its own ("--db=./data/mydb"): a copy of ./data, which the same
# command made and closed, since making one takes 4 s of processor time. $1 is a directory, $2 the port.
cp -r data $1/data
dir=$1 port=$2; shift 2
exec node node_modules/@electric-sql/pglite-socket/dist/scripts/server.js --db=$dir/data --port=$port --host=127.0.0.1 "$@"
