#!/bin/sh
# Follows docs/growing.md from top to bottom, as far as one machine has what it needs: everything in a folder that is gone
# afterwards, on ports of its own, as whoever starts it. What a step lacks here is said, and left out. A machine made anew
# with systemd as its first process is what fresh_debian.py, beside this, makes.
#
#   sh benchmarks/growing/follow.sh [REVISION]
#
# REVISION is whose code is tried on today's tables (step 11). Needs PostgreSQL and Redis at 127.0.0.1; nginx for step 6,
# root for step 8. Exits with 1 at the first step that fails.
set -eu

cd "$(dirname "$0")/../.."
PATH=$PWD/.venv/bin:$PATH
SERVER=${BENCH_POSTGRES_URL:-postgres://postgres@127.0.0.1:5432/postgres}
NAME=growing_$$
PLACE=$(mktemp -d)
PORT=$(python -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
STARTED=

step() { printf '\n%s\n' "$1"; }
stop() {
    for pid in $STARTED; do kill "$pid" 2>/dev/null && wait "$pid" || true; done
    STARTED=
}
tidy() {
    stop
    psql -q "$SERVER" -c "DROP DATABASE IF EXISTS $NAME WITH (FORCE)" || true
    rm -rf "$PLACE"
}
trap tidy EXIT
ask() { python -c 'import sys, urllib.request as u
print(u.urlopen(u.Request(sys.argv[1], headers={"Authorization": "Bearer of-this-run-alone"})).read().decode())' "$@"; }

export PYTHONUNBUFFERED=1 DATA_DIR="$PLACE/state" DJANGO_DEBUG=1 BIND=127.0.0.1:$PORT METRICS_TOKEN=of-this-run-alone INFERENCE_TUNING=0
unset DATABASE_URL REDIS_URL STORAGE_URL DJANGO_SECRET_KEY

step '1 The first host: an installation on SQLite, with the demonstration'
python manage.py migrate --verbosity 0
python manage.py load_demo | tail -3

step '2 PostgreSQL: a database'
psql -q "$SERVER" -c "CREATE DATABASE $NAME TEMPLATE template0 ENCODING UTF8 LOCALE 'C.UTF-8'"
URL=${SERVER%/*}/$NAME
psql -q "$URL" -c 'CREATE EXTENSION IF NOT EXISTS pg_trgm'
DATABASE_URL=$URL DJANGO_SECRET_KEY=any python manage.py migrate --verbosity 0

step '3 From SQLite to it'
python manage.py move_database "$URL"
DJANGO_SECRET_KEY=$(cat "$DATA_DIR/secret_key")
export DATABASE_URL="$URL" DJANGO_SECRET_KEY

step '4 Redis; 5 the three processes; 10 what they say of themselves'
export REDIS_URL="${BENCH_REDIS_URL:-redis://127.0.0.1:6379/6}"
gunicorn backoffice.wsgi >"$PLACE/web.log" 2>&1 & STARTED="$STARTED $!"
python manage.py qcluster >"$PLACE/worker.log" 2>&1 & STARTED="$STARTED $!"
Q_CLUSTER_NAME=inference python manage.py qcluster >"$PLACE/inference.log" 2>&1 & STARTED="$STARTED $!"
until ask "http://127.0.0.1:$PORT/readyz" >"$PLACE/ready" 2>/dev/null; do sleep 1; done
cat "$PLACE/ready"
ask "http://127.0.0.1:$PORT/metrics" | grep -E '^collimator_(places_free|inference_workers_alive|mails_waiting|nudges)' | head -8
stop

step '5 The units'
if command -v systemd-analyze >/dev/null; then
    mkdir "$PLACE/units"
    for unit in deploy/systemd/*; do
        sed "s#/opt/collimator/current/.venv/bin/[a-z]*#$(command -v python)#; s#^WorkingDirectory=.*#WorkingDirectory=/#" \
            "$unit" >"$PLACE/units/${unit##*/}"
    done
    (cd "$PLACE/units" && systemd-analyze verify --man=no ./*.socket ./*.service && echo 'verified')
    for unit in "$PLACE"/units/*.service; do systemd-analyze security --offline=true "$unit" | tail -1; done
else
    echo 'left out: no systemd-analyze'
fi

step '6 nginx in front'
if [ -x /usr/sbin/nginx ]; then
    env -u DATABASE_URL -u REDIS_URL python benchmarks/growing/behind_nginx.py
else
    echo 'left out: no nginx'
fi

step '7 A store for files; 8 a second host'
if [ "$(id -u)" = 0 ]; then
    env -u DATABASE_URL -u REDIS_URL python benchmarks/growing/two_hosts.py
else
    echo 'left out: network namespaces need root'
fi

step '9 Containers'
if command -v hadolint >/dev/null; then
    hadolint deploy/Containerfile && echo 'linted'
else
    echo 'left out: no hadolint, and no container runtime is asked'
fi

step '11 Without a pause'
env -u DATABASE_URL -u REDIS_URL python benchmarks/growing/old_code.py "${1:-HEAD}"
