#!/usr/bin/env bash
# The accounts of a server that uses sasldb2, one of them with a name that none can have, and a script that makes more.
set -eu
printf secret | saslpasswd2 -p -c mailman
printf secret | saslpasswd2 -p -c two:parts
printf '#!/bin/sh\nexec saslpasswd2 -p -c "$1"\n' >/usr/local/bin/new-account
chmod 755 /usr/local/bin/new-account
