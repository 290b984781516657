# nginx, unmodified, that takes so many requests on a connection and says Connection: close
# in the reply to the last; and whose workers have so many places each. When few are left it
# ends idle clients, and beyond the last whoever comes, without a word:
# main.sh PORT DIR REQUESTS WORKERS PLACES
cat >"$2/nginx.conf" <<END
daemon off; pid $2/pid; error_log stderr; worker_processes $4;
events { worker_connections $5; }
http {
  access_log off;
  client_body_temp_path $2/b; proxy_temp_path $2/p; fastcgi_temp_path $2/f; uwsgi_temp_path $2/u; scgi_temp_path $2/s;
  keepalive_requests $3;
  server { listen 127.0.0.1:$1 backlog=2048; location = /echo { return 200 \$args; } location = /healthz { return 204; } }
}
END
exec nginx -p "$2" -c "$2/nginx.conf"
