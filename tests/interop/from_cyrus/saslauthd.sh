#!/usr/bin/env bash
# Debian's saslauthd as an administrator sets it up for sasldb2, with its socket in FOLDER.
set -eu
sed -i -e 's/^MECHANISMS=.*/MECHANISMS="sasldb"/' -e 's|^OPTIONS=.*|OPTIONS="-c -m FOLDER"|' /etc/default/saslauthd
echo START=yes >>/etc/default/saslauthd
service saslauthd start
