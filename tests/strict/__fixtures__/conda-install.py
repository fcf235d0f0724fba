"""Installs packages from a channel with py-rattler: conda-install.py <channel> <prefix> <cache> <package>..."""
import asyncio
import os
import pathlib
import sys

import rattler


async def main(channel: str, prefix: str, cache: str, *packages: str) -> None:
    gateway = rattler.Gateway(cache_dir=pathlib.Path(cache, "repodata"))
    records = await rattler.solve([channel], list(packages), gateway=gateway, platforms=["linux-64", "noarch"])
    await rattler.install(records, prefix, cache_dir=cache, show_progress=False)


asyncio.run(main(*sys.argv[1:]))
# All is installed. py-rattler 0.28 aborts one interpreter in eight that ends in the ordinary way: its threads outlive it.
os._exit(0)
