#!/usr/bin/env bash
# Makes an archive of packages out of what is installed: sasl2-bin can go away and come back in a machine without a network.
set -euo pipefail
cd "$(mktemp -d)"
chmod 755 .
mkdir DEBIAN
dpkg -L sasl2-bin | while read -r path; do
    if [ -f "$path" ] || [ -L "$path" ]; then cp -a --parents "$path" .; fi
done
for part in /var/lib/dpkg/info/sasl2-bin.{config,preinst,postinst,prerm,postrm,templates,conffiles}; do
    cp "$part" "DEBIAN/${part##*.}"
done
dpkg-query --status sasl2-bin | sed -e '/^Status:/d' -e '/^Conffiles:/,/^[^ ]/{/^ /d;/^Conffiles:/d}' >DEBIAN/control
mkdir /srv/archive
dpkg-deb --build . /srv/archive/sasl2-bin.deb
cd /srv/archive
{
    cat "$OLDPWD/DEBIAN/control"
    echo Filename: ./sasl2-bin.deb
    echo Size: "$(stat -c %s sasl2-bin.deb)"
    echo SHA256: "$(sha256sum sasl2-bin.deb | cut -d ' ' -f 1)"
} >Packages
echo 'deb [trusted=yes] file:/srv/archive ./' >/etc/apt/sources.list
mkdir -p /var/lib/apt/lists/partial /var/cache/apt/archives/partial
apt-get update
