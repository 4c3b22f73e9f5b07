#!/bin/bash
# Asks the real ipvsadm, and writes down each command with what it printed on which stream: streams.txt is its
# output. Run it as root on a machine (a virtual one) whose kernel has ip_vs and whose tables may be lost.
export LC_ALL=C

# "$ ipvsadm ARGS", "in| ..." for each line of its standard input, "out| ...", "err| ...", and "[exit N]" unless N is 0.
quote() { [[ $1 =~ ^[A-Za-z0-9_./:,@%+=-]+$ ]] && printf ' %s' "$1" || printf " '%s'" "$1"; }
show() {
  printf '$ ipvsadm'; for argument; do quote "$argument"; done; echo
  [ -z "${input+x}" ] || sed 's/^/in| /' <<<"$input"
  printf %s "${input-}" | ipvsadm "$@" >/tmp/out 2>/tmp/err
  local status=$?
  sed 's/^/out| /' /tmp/out; sed 's/^/err| /' /tmp/err
  [ $status = 0 ] || echo "[exit $status]"
}
x() { unset input; show "$@"; }
restore() { input=$1; show -R; x -S -n; x -C; }
each() { local line; while IFS= read -r line; do [ -z "$line" ] || eval "x $line"; done; }

ip link set lo up
ip link add dm0 type dummy && ip link set dm0 up
ipvsadm -C; ipvsadm --set 900 120 300; ipvsadm --stop-daemon master 2>/dev/null; ipvsadm --stop-daemon backup 2>/dev/null

echo "## options as popt takes them"
x -A -t 10.0.0.1:80 -s rr
x -a -t 10.0.0.1:80 -r 10.0.0.2:80 -m
each <<'X'
-v
--version x
-hx
-nh
-vL
-
--
''
-L -
-L --
-L -- -n
-L ''
foo
foo -Ln
-L foo -n
--list=3
-Ln=3
-L=n
-L -n=
--numeric -L
-L --numeric=1
-L --num
--lis
-list
-L -numeric
-L -nq
-Lq
-qL
-L --bogus
-L --bogus=3
-L --=3
-L ---n
-L -X
-A -t=10.0.0.1:81 -s=rr
-A -t10.0.0.1:82 -srr
-A -t10.0.0.1:83 -s rr -p60 -M255.255.255.0
-A -t10.0.0.1:84 -p=61
-A --tcp-service=10.0.0.1:85 --persistent=62
-A --tcp-service 10.0.0.1:86 --persistent 63
-A -t 10.0.0.1:87 -p ''
-A -t 10.0.0.1:88 -p -s rr
-A -t 10.0.0.1:89 -p
-At 10.0.0.1:90 -s=
-A -t 10.0.0.1:91 --persistent=
-A -t 10.0.0.1:92 --scheduler=
-A --tcp-service=
-A -t ''
-A -t
-At
-A -t 10.0.0.1:93 -s
-A -t 10.0.0.1:94 --scheduler
-A -t 10.0.0.1:95 -ps rr
-A -t 10.0.0.1:95 -p --
-A -t 10.0.0.1:96 -p -- 50
-A -t 10.0.0.1:97 -p -
-A -s rr -pt 10.0.0.1:98
-Aps rr -t 10.0.0.1:99
-S -n
-C
-AL
-A -L
-LL
-L -l
-LA
-Ln -n
-L --numeric --numeric
-L -c -c
-Lcn --sort --nosort
-L --nosort --nosort
-L --sort --sort
-L --stats --stats
-L --exact --exact
-L -t 1.2.3.4:5 -t 1.2.3.4:6
-A -t 1.2.3.4:5 -s rr -s rr
-A -t 1.2.3.4:5 -p 3 -p
-A -f 3 -6 -6
-A -u 1.2.3.4:5 -o -o
-A -u 1.2.3.4:6 -s rr -M 255.0.0.0 -M 255.0.0.0
-a -u 1.2.3.4:6 -r 1.1.1.1 -r 1.1.1.1
-a -u 1.2.3.4:6 -r 1.1.1.1 -w 1 -w 1
-a -u 1.2.3.4:6 -r 1.1.1.1 -x 1 -x 1
-a -u 1.2.3.4:6 -r 1.1.1.1 -y 1 -y 1
-a -u 1.2.3.4:6 -r 1.1.1.1 -m -m
-a -u 1.2.3.4:6 -r 1.1.1.1 -g -i
-a -u 1.2.3.4:6 -r 1.1.1.1 --tun-type gre --tun-type gre
-a -u 1.2.3.4:6 -r 1.1.1.1 --tun-csum --tun-csum
-a -u 1.2.3.4:6 -r 1.1.1.1 --tun-port 3 --tun-port 3
-A -t 1.2.3.4:7 --pe sip --pe sip
-A -t 1.2.3.4:8 -b flag-1 -b flag-1
--start-daemon master --start-daemon backup
--start-daemon master --syncid 1 --syncid 1
-Ln -Z
-Zn
-CL
-C -C
-D -A
-S -L
-R -S
--set 1 2 3 -L
--set -L
-L --set
-L --start-daemon master
-L --stop-daemon master
-L -h
-L -v
-L -R
-A --list
-p 50 -A -t 1.2.3.4:9
-n -L
--stats
-C
X

echo "## which options go with which command"
options=("-n" "-c" "-t 10.0.0.1:80" "-s rr" "-p 5" "-M 255.0.0.0" "-r 10.0.0.2:80" "-m" "-w 3" "-x 3" "-y 3" "--mcast-interface lo"
  "--timeout" "--daemon" "--stats" "--rate" "--thresholds" "--persistent-conn" "--nosort" "--syncid 3" "--exact" "-o" "--pe sip" "-b flag-1"
  "--mcast-group 224.0.0.7" "--mcast-port 7" "--mcast-ttl 7" "--sync-maxlen 777" "--tun-info" "--tun-type gre" "--tun-port 7" "--tun-nocsum"
  "--tun-csum" "--tun-remcsum" "--sort")
for command in -A "-A -u 10.0.0.1:80" -E "-E -u 10.0.0.1:80" -D "-D -u 10.0.0.1:80" -C -a "-a -t 10.0.0.1:80 -r 10.0.0.2:80" "-e -t 10.0.0.1:80 -r 10.0.0.2:80" \
  -d "-d -t 10.0.0.1:80 -r 10.0.0.2:80" -L "-L -t 10.0.0.1:80" "-L -c" "-L --timeout" "-L --daemon" -Z -R -S "--set 1 2 3" "--start-daemon master" "--stop-daemon master"; do
  for option in "${options[@]}"; do x $command $option; done
done
x -C; x --set 900 120 300
for tunnel in ipip "gue --tun-port 6" gre; do
  for option in "--tun-port 7" "--tun-nocsum" "--tun-csum" "--tun-remcsum" "--tun-csum --tun-nocsum" "--tun-remcsum --tun-nocsum" "--tun-csum --tun-nocsum --tun-remcsum" "-m"; do
    x -a -t 10.0.0.1:80 -r 10.0.0.2:80 -i --tun-type $tunnel $option
  done
done
x -a -t 10.0.0.1:80 -r 10.0.0.2 --tun-type gre
x -a -t 10.0.0.1:80 -r 10.0.0.2 -m --tun-csum
x -a -t 10.0.0.1:80 -r 10.0.0.2 -m --tun-type bogus
x -a -t 10.0.0.1:80 -r ::5 -m --tun-csum
remaining=("${options[@]}")
while [ ${#remaining[@]} -gt 0 ]; do x -C ${remaining[@]}; remaining=("${remaining[@]:1}"); done

echo "## addresses and ports"
for address in 1.2.3.4:80 1.2.3:80 1.2:80 1:80 16909060 16909060:81 0x1.2.3.4:82 010.1.1.1:80 1.2.3.4: 1.2.3.4:+80 "1.2.3.4: 83" "1.2.3.4:84 " 1.2.3.4:0x50 \
  1.2.3.4:http 1.2.3.4:HTTP 1.2.3.4:domain 1.2.3.4:www 1.2.3.4:80:90 "1.2.3.4 x:85" "1.2.3.4 :86" " 1.2.3.4:87" 1.2.3.256:80 1.2.3.4.5:80 :80 :: ::1 "[::1]:80" \
  "[::1]" "[::1]:" "[::1]x:80" "[::1" "[1.2.3.4]:80" "[1.2.3.4]:80x" "[localhost]:80" ::ffff:1.2.3.4 "[::ffff:1.2.3.4]:80" "[::1.2.3.4]:80" FD00::ABCD \
  "[FD00:0:0:1:0:0:0:1]:80" "[fd00::1%lo]:80" "[fe80::1]:80" "[ff02::1]:80" localhost:80 localhost localhost:http ip6-nosuch:80 fd00::100:80 1.2.3.4:65535 \
  1.2.3.4:65536 1.2.3.4:-0 "[::2]:http" "[::2]:bogus" 1.2.3.4:tcpmux 255.255.255.255:80 127.0.0.1:80 1.2.3.4/32:80 123456789012:80 4294967296:80 \
  4294967295:80 08.1.1.1:80 0x:80 0xg.1:80 1..2:80 1.2.3.:80 .:80 "[]:80" a.b; do x -A -t "$address" -s rr -p 7; done
each <<'X'
-A -u 1.2.3.4:http -p
-A -u 1.2.3.4:domain -p
-A --sctp-service 1.2.3.4:http -p
-A --sctp-service 1.2.3.4:9899 -p
-A -u 1.2.3.4:tftp
-S -n
-S
-Ln
-C
X

echo "## netmasks"
for mask in 255.255.255.0 24 /24 0.0.0.0 0 -1 33 255.255.255.255 255.255.255.256 localhost nosuch "" 0xff 1.2; do x -A -t 1.1.1.1:80 -s rr -p -M "$mask"; x -Ln; x -C; done
for mask in 0 1 64 128 129 "" x 64x " 64" +64 64.5 /64; do x -A -t "[::1]:80" -s rr -p -M "$mask"; x -Ln; x -C; done
each <<'X'
-A -M 64 -t [::1]:80 -p
-A -M 255.0.0.0 -t [::1]:81 -p
-A -f 3 -M 255.0.0.0 -6 -p
-A -f 4 -6 -M 64 -p
-A -f 5 -M 255.0.0.0 -p
-A -M 255.0.0.0 -f 6 -p
-A -6 -f 7
-A -f 8 -6 -M 255.255.255.0
-A -t [::1]:82 -M 64
-A -t 1.1.1.1:82 -M 255.0.0.0
-S -n
-Ln
-E -t 1.1.1.1:82 -p 5
-E -t [::1]:82 -p 5
-E -t [::1]:80
-Ln
-C
X

echo "## firewall marks"
for mark in 1 0 -1 2147483647 2147483648 4294967295 4294967296 99999999999999999999 010 +5 " 6" "7 " 0x8 "" 1a; do x -A -f "$mark"; done
each <<'X'
-Ln
-S -n
-Ln -f 4294967295
-D -f 4294967295
-Ln --nosort
-C
X

echo "## weights, thresholds, timeouts"
x -A -t 1.1.1.1:80
for weight in 0 1 -1 65535 65536 2147483647 2147483648 99999999999999999999 "" x 1x " 5" +5 5. 007 0x10; do
  x -a -t 1.1.1.1:80 -r 2.2.2.2 -w "$weight"; x -Ln -t 1.1.1.1:80; x -d -t 1.1.1.1:80 -r 2.2.2.2
done
for thresholds in "-x 0" "-x 1" "-x -1" "-x 65536" "-x 2147483647" "-x 2147483648" "-x ''" "-x x" "-x 5 -y 5" "-x 5 -y 6" "-x 4" "-x 0 -y 0" "-x 5 -y 0" "-y 1" "-y -1" \
  "-x 5 -y 2147483647" "-x 65536 -y 65535"; do
  eval "x -a -t 1.1.1.1:80 -r 2.2.2.2 $thresholds"; x -Ln -t 1.1.1.1:80 --thresholds; x -d -t 1.1.1.1:80 -r 2.2.2.2
done
each <<'X'
-a -t 1.1.1.1:80 -r 2.2.2.2 -x 10 -y 5
-e -t 1.1.1.1:80 -r 2.2.2.2 -x 20
-L -n --thresholds
-e -t 1.1.1.1:80 -r 2.2.2.2 -y 30
-L -n --thresholds
-e -t 1.1.1.1:80 -r 2.2.2.2
-L -n --thresholds
X
for seconds in 1 0 -1 360 2678400 2678401 2678400x "" " 5" 5s; do x -A -t 1.1.1.1:81 -p "$seconds"; x -S -n; x -D -t 1.1.1.1:81; done
for port in 0 1 65535 65536 x ""; do x -a -t 1.1.1.1:80 -r 2.2.2.3 -i --tun-type gue --tun-port "$port"; done
for type in ipip gue gre IPIP "" ip; do x -a -t 1.1.1.1:80 -r 2.2.2.4 -i --tun-type "$type"; done
for timeouts in "0 0 0" "1 2 3" "2678400 2678400 2678400" "2678401 1 1" "1 2678401 1" "x 1 1" "1 2" "1 2 x" "1 2 3 x" "2147 0 5" "-- -1 2 3" "1 -- 2 3" "'' 1 1" "-1 2 3"; do
  eval "x --set $timeouts"; x -L --timeout
done
x --set 900 120 300; x -C

echo "## schedulers, flags, persistence engines"
for scheduler in rr wrr lc wlc lblc lblcr dh sh sed nq fo ovf mh none "" RR averyverylongschedulername "w c"; do x -A -t 1.1.1.1:80 -s "$scheduler"; x -Ln; x -C; done
for flags in "" flag-1 flag-1,flag-1 flag-1,flag-2,flag-3 flag-1, ,flag-1 flag-1,,flag-2 sh-port sh-fallback mh-port bogus "flag-1 " FLAG-1 sh-port,bogus flag-1,sh-port; do
  for scheduler in rr sh mh; do x -A -t 1.1.1.1:80 -s $scheduler -b "$flags"; x -S -n; x -C; done
done
each <<'X'
-A -t 1.1.1.1:80 -b flag-1 -s sh
-A -t 1.1.1.1:81 -b sh-port
-A -t 1.1.1.1:82 -s sh -b flag-3
-A -t 1.1.1.1:83 -s sh -b flag-1,flag-2,flag-3
-A -t 1.1.1.1:84 -s wlc -b flag-1,flag-2,flag-3
-Ln
-S -n
-L
-E -t 1.1.1.1:84 -s sh
-E -t 1.1.1.1:83 -s rr -b flag-3
-S -n
-L --stats
-Ln --tun-info
-C
X
for engine in sip "" SIP foo; do x -A -u 1.1.1.1:5060 --pe "$engine"; x -A -u 1.1.1.1:5061 --pe "$engine" -p -o; x -Ln; x -S -n; x -C; done
each <<'X'
-A -u 1.1.1.1:5061 --pe sip -p 60 -o
-E -u 1.1.1.1:5061 -p 60
-S -n
-E -u 1.1.1.1:5061
-S -n
-A -f 5 -o
-A -u 1.1.1.1:9 -o -p 60 -M 255.0.0.0 --pe sip -b flag-2
-Ln
-S -n
-C
X

echo "## servers"
each <<'X'
-A -s rr -t 1.1.1.1:80
-a -r 2.2.2.2 -t 1.1.1.1:80
-a -r 2.2.2.3:8080 -t 1.1.1.1:80 -m
-a -r 2.2.2.4 -t 1.1.1.1:80 -m
-a -r 2.2.2.5:http -t 1.1.1.1:80 -m
-a -t 1.1.1.1:80 -r 2.2.2.5:http -m
-a -t 1.1.1.1:80 -r 2.2.2.6:https -m
-a -r ::5 -t 1.1.1.1:80 -i
-a -r 2.2.2.7 -f 5 -m
-A -f 5
-a -f 5 -r 2.2.2.7:http
-a -f 5 -r 2.2.2.7:81 -g
-a -f 5 -r 2.2.2.7:81 -m
-a -f 5 -r ::1 -i
-a -f 5 -r ::1 -m
-A -f 5 -6
-a -f 5 -6 -r 1.2.3.4
-a -f 5 -6 -r 1.2.3.4 -i
-a -f 5 -r ::3 -6
-S -n
-Ln
-S
-L
-d -f 5 -r 2.2.2.7
-d -f 5 -r 2.2.2.7:80
-d -t 1.1.1.1:80 -r 2.2.2.3
-d -t 1.1.1.1:80 -r 2.2.2.3:8080
-d -t 1.1.1.1:80 -r ::5
-d -t 9.9.9.9:80 -r ::5
-e -t 9.9.9.9:80 -r 1.1.1.1
-a -t 9.9.9.9:80 -r 1.1.1.1
-e -t 1.1.1.1:80 -r 2.2.2.6:443 -m -w 5
-e -t 1.1.1.1:80 -r 2.2.2.6:443 -w 5
-S -n
X
for server in 0.0.0.0 224.0.0.1 255.255.255.255 240.0.0.1 127.0.0.1 fe80::1 ff02::1 :: ::1; do x -a -t 1.1.1.1:80 -r $server -i; x -e -t 1.1.1.1:80 -r $server -i; x -d -t 1.1.1.1:80 -r $server; done
each <<'X'
-E -t 9.9.9.9:9 -s bogus
-A -t 9.9.9.9:9 -s bogus
-A -t 1.1.1.1:80 -s bogus
-E -t 1.1.1.1:80 --pe bogus
-Z -t 1.1.1.1:80
-Z -f 77
-Z -f 5 -6
-L -f 5 -6
-D -f 77
-L -f 77
-Ln -t 9.9.9.9:9
-C
X

echo "## pairs of list options"
each <<'X'
-A -t 10.0.0.1:80 -s rr
-a -t 10.0.0.1:80 -r 10.0.0.2:80 -i --tun-type gue --tun-port 9 -x 5 -y 2
-a -t 10.0.0.1:80 -r 10.0.0.3:80 -m -x 5
X
columns=("-c" "-t 10.0.0.1:80" --timeout --daemon --stats --rate --thresholds --persistent-conn --nosort --exact --tun-info --sort)
for ((i = 0; i < ${#columns[@]}; i++)); do for ((j = i + 1; j < ${#columns[@]}; j++)); do x -Ln ${columns[i]} ${columns[j]}; done; done
each <<'X'
-L --stats --rate --thresholds --persistent-conn --tun-info
-L --thresholds --persistent-conn --tun-info --nosort
-L --persistent-conn --tun-info
-L --timeout --daemon -t 10.0.0.1:80
-C
-A -t [1111:2222:3333:4444:5555:6666:7777:8888]:65535 -s lblcr -p 2678400 -M 1
-a -t [1111:2222:3333:4444:5555:6666:7777:8888]:65535 -r [aaaa:bbbb:cccc:dddd:eeee:ffff:1111:2222]:65535 -m -w 2147483647 -x 2147483647
-A -t 255.255.255.254:65535
-a -t 255.255.255.254:65535 -r 255.255.255.253:65534 -i --tun-type gue --tun-port 65535 --tun-remcsum
-Ln
-Ln --stats
-Ln --rate
-Ln --thresholds
-Ln --persistent-conn
-Ln --tun-info
-S -n
-C
X

echo "## -R"
restore $'-A -t 1.1.1.1:80 -s rr\n-a -t 1.1.1.1:80 -r 2.2.2.2:80 -m\n'
restore $'# comment\n-A -t 1.1.1.1:80 -s rr\n'
restore $'-A -t 1.1.1.1:80 -s rr # trailing\n-A -t 1.1.1.1:81 -s rr\n'
restore $'\n\n-A -t 1.1.1.1:80 -s rr\n\n   \n\t\n-A -t 1.1.1.1:81 -s rr'
restore $'   -A   -t\t1.1.1.1:80  -s rr  \r\n-A -t 1.1.1.1:81\r\n'
restore $'ipvsadm -A -t 1.1.1.1:80 -s rr\n'
restore $'ipvsadm\n-A -t 1.1.1.1:80 -s rr\n'
restore $'-A ipvsadm -t ipvsadm 1.1.1.1:80 -s rr\n'
restore $'/sbin/ipvsadm -A -t 1.1.1.1:80 -s rr\n'
restore $'-A -t "1.1.1.1:80" -s rr\n'
restore $'-A -t 1.1.1.1:80 -s rr \\\n -p 50\n'
restore $'-A -t 1.1.1.1:80 -s rr\n-A -t 1.1.1.1:80 -s rr\n-A -t 1.1.1.1:81 -s rr\n'
restore $'-A -t 1.1.1.1:81 -s rr\n-A -t 1.1.1.1:80 -s rr\n-A -t 1.1.1.1:80 -s rr\n'
restore $'-A -t 1.1.1.1:81 -s rr\n-A -q -t 1.1.1.1:80\n-A -t 1.1.1.1:82 -s rr\n'
restore $'-A -t 1.1.1.1:81 -s rr\n-A -q -t 1.1.1.1:80\n'
restore $'-A -t 1.1.1.1:81 -s rr\nbogus\n-A -t 1.1.1.1:82 -s rr\n'
restore $'-A -t 1.1.1.1:81 -s rr\n-w 1\n-A -t 1.1.1.1:82 -s rr\n'
restore $'-A -t 1.1.1.1:81 -s rr\n-A -t foo\n-A -t 1.1.1.1:82 -s rr\n'
restore $'-A -t 1.1.1.1:81 -s rr\n-R\n-A -t 1.1.1.1:82 -s rr\n'
restore $'-A -t 1.1.1.1:81 -s rr\n-L -n\n-A -t 1.1.1.1:82 -s rr\n-S\n--set 5 6 7\n-L --timeout\n-C\n'
restore $'-A -t 1.1.1.1:81 -s rr\n-v\n-A -t 1.1.1.1:82 -s rr\n'
restore $'-L -t 9.9.9.9:9\n-A -t 1.1.1.1:82 -p'
restore $'-A -t 1.1.1.1:82 -p 5 '
restore $'-A -t 1.1.1.1:82 -p 5 \n a'
restore ''
x --set 900 120 300

echo "## sync daemons"
daemon() { x --start-daemon "$@"; x -L --daemon; x --stop-daemon $1; }
daemon master; daemon master --mcast-interface dm0; daemon backup --mcast-interface dm0; daemon master --mcast-interface nosuch; daemon master --mcast-interface ""
daemon master --mcast-interface dm0 --mcast-group 224.0.0.90 --mcast-port 9000 --mcast-ttl 3 --sync-maxlen 9000
daemon backup --mcast-interface dm0 --mcast-group ff02::81; daemon master --mcast-interface dm0 --mcast-group FF02:0::0081
for id in -1 0 255 256 x ""; do daemon master --mcast-interface dm0 --syncid "$id"; done
for port in 0 1 65535 65536; do daemon master --mcast-interface dm0 --mcast-port "$port"; done
for ttl in 0 1 255 256; do daemon master --mcast-interface dm0 --mcast-ttl "$ttl"; done
for length in 0 1 1480 65507 65508; do daemon master --mcast-interface dm0 --sync-maxlen "$length"; done
for group in 10.0.0.1 224.0.0.0 239.255.255.255 240.0.0.1 fd00::1 ff02::1 foo "" :; do daemon master --mcast-interface dm0 --mcast-group "$group"; done
each <<'X'
--start-daemon master --mcast-interface dm0
--start-daemon master --mcast-interface dm0
--start-daemon backup --mcast-interface dm0 --syncid 3
-L --daemon
--stop-daemon backup
-L --daemon
--stop-daemon backup
-A -t 1.1.1.1:80
-a -t 1.1.1.1:80 -r ::5 -i
--stop-daemon master
-a -t 1.1.1.1:80 -r ::5 -i
--start-daemon master --mcast-interface dm0
-C
--start-daemon
--start-daemon Master
--stop-daemon bogus
--stop-daemon
--start-daemon=master --mcast-interface=dm0
--stop-daemon=master
--start-daemon ''
--stop-daemon master extra
--stop-daemon master --mcast-group 224.0.0.4
X

echo "## long lists, sorted and as the kernel has them"
RANDOM=42
any() { echo $((RANDOM % 256)).$((RANDOM % 256)).$((RANDOM % 256)).$((RANDOM % 256)); }
any6() { printf %x:%x:%x:%x:%x:0:%x:%x $((2 + RANDOM % 20000)) $RANDOM $RANDOM $((RANDOM * 2)) $((RANDOM * 2)) $RANDOM $RANDOM; }
for i in $(seq 60); do
  protocol=$(echo "-t -u --sctp-service -f" | cut -d' ' -f$((1 + RANDOM % 4)))
  if [ $protocol = -f ]; then x -A -f $((RANDOM * 131072 + RANDOM))
  elif [ $((RANDOM % 3)) = 0 ]; then x -A $protocol "[$(any6)]:$RANDOM"
  else x -A $protocol $(any):$RANDOM; fi
done
x -A -t 1.1.1.1:80
for i in $(seq 40); do
  if [ $((RANDOM % 3)) = 0 ]; then x -a -t 1.1.1.1:80 -i -r $(any6); else x -a -t 1.1.1.1:80 -m -r $((1 + RANDOM % 223)).$((RANDOM % 256)).$((RANDOM % 256)).$((1 + RANDOM % 250)):$RANDOM; fi
done
x -A -t 1.1.1.2:80
for i in $(seq 12); do x -a -t 1.1.1.2:80 -m -r 1.1.1.$((RANDOM % 3)):$RANDOM; done
x -S -n
x -Ln --nosort
x -Ln
x -C
ip link del dm0
