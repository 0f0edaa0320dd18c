# shellcheck shell=sh disable=SC2154
# SPDX-License-Identifier: BSD-2-Clause
#
# demo-web.sh - part of demo.sh: nginx serves files out of the image, curl fetches them
#
# nginx is a client of a server which holds the image and one end of the wire;
# curl has a kernel of its own inside, at the other end.  Both are Debian's.

say 'A server with the image and a wire; a real nginx on it, a real curl elsewhere'
web=$work/web
mkdir -p "$web"
nginx=$(command -v nginx || true)
curl=$(command -v curl || true)
if [ -z "$nginx" ] || [ -z "$curl" ]; then
	printf 'left out: nginx or curl is not installed\n'
	return 0
fi

# nginx_conf LISTEN ROOT: one worker, which sends files as they are.
nginx_conf() {
	cat <<CONF
daemon off;
master_process off;
pid $web/nginx.pid;
error_log $web/nginx.log;
$([ "$(id -u)" -ne 0 ] || echo 'user root;')
events { }
http {
	access_log off;
	sendfile on;
	client_body_temp_path $web/t1; proxy_temp_path $web/t2; fastcgi_temp_path $web/t3;
	uwsgi_temp_path $web/t4; scgi_temp_path $web/t5;
	server { listen $1; root $2; }
}
CONF
}

# fetch URL COMMAND...: how fast, in MB/s, once it works
fetch() {
	url=$1
	shift
	tries=0
	until speed=$("$@" "$curl" -sS --fail -o "$web/got" -w '%{speed_download}' "$url" 2>"$web/err"); do
		tries=$((tries + 1))
		[ "$tries" -lt 50 ] || die "no answer: $(cat "$web/err")"
		sleep 0.1
	done
	printf '%s' "$speed" | awk '{ printf "%.0f", $1 / 1000000 }'
}

server_url=unix://$web/kernel
"$rumpus" server --foreground --net "shm:$web/bus,10.0.0.1/24" --mount "$image:2:/srv" \
    "$server_url" >"$web/server.log" 2>&1 &
server=$!
pids=$server
trap 'kill $pids 2>/dev/null || true' EXIT
printf '$ rumpus server --net shm:bus,10.0.0.1/24 --mount disk.img:2:/srv %s &\n' 'unix://kernel'
tries=0
until "$rumpus" ip --on "$server_url" addr >/dev/null 2>&1; do
	tries=$((tries + 1))
	[ "$tries" -lt 50 ] || die "the server does not come: $(cat "$web/server.log")"
	sleep 0.1
done
nginx_conf 10.0.0.1:80 /rump/srv >"$web/nginx.conf"
printf '$ rumpus run --on unix://kernel -- nginx -c nginx.conf &\n'
"$rumpus" run --on "$server_url" -- "$nginx" -p "$web" -e stderr -c "$web/nginx.conf" >"$web/log" 2>&1 &
pids="$! $pids"
printf '$ rumpus run --net shm:bus,10.0.0.2/24 -- curl http://10.0.0.1/odd/large\n'
fetch http://10.0.0.1/odd/large "$rumpus" run --net "shm:$web/bus,10.0.0.2/24" -- >"$web/ours"
cmp "$web/got" "$work/tree/odd/large" || die 'what curl got is not what is in the image'
fetch http://10.0.0.1/etc/os-release "$rumpus" run --net "shm:$web/bus,10.0.0.2/24" -- >/dev/null
cmp "$web/got" "$work/tree/etc/os-release" || die 'what curl got is not what is in the image'

# The same on the host alone, for comparison: its loopback, the file in its page cache.
nginx_conf 127.0.0.1:18080 "$work/tree" >"$web/host.conf"
"$nginx" -p "$web" -e stderr -c "$web/host.conf" >"$web/hostlog" 2>&1 &
pids="$! $pids"
fetch http://127.0.0.1:18080/odd/large >"$web/host" env
printf 'the same bytes; %s MB/s, the host'"'"'s own nginx and curl over its loopback: %s MB/s\n' \
    "$(cat "$web/ours")" "$(cat "$web/host")"
# shellcheck disable=SC2086
kill $pids 2>/dev/null || true
wait
trap - EXIT
