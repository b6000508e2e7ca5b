"""Downloads a torrent with libtorrent from its web seeds alone, verified: torrent.py FILE.torrent FOLDER."""

import sys
import time

import libtorrent

session = libtorrent.session({
    "listen_interfaces": "127.0.0.1:0", "enable_dht": False, "enable_lsd": False, "enable_upnp": False,
    "enable_natpmp": False, "ssrf_mitigation": False})
params = libtorrent.add_torrent_params()
with open(sys.argv[1], "rb") as file:
    params.ti = libtorrent.torrent_info(libtorrent.bdecode(file.read()))
params.save_path = sys.argv[2]
handle = session.add_torrent(params)
while not (status := handle.status()).is_seeding:
    if status.errc.value():
        sys.exit(status.errc.message())
    time.sleep(0.01)
session.pause()
