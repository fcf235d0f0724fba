"""Drives craft-application's own fetch-service client; only its two paths are set. Prints one JSON object; progress goes to stderr.

Usage: craft_application_client.py BASE_DIRECTORY FETCH_SERVICE_EXECUTABLE session|ports-taken
"""

import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import threading

import requests
from craft_application import errors, fetch
from craft_application.models.manifest import CraftManifest, SessionArtifactManifest
from craft_cli import EmitterMode, emit

base, executable, scenario = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
fetch._get_service_base_dir = lambda: base
fetch._FETCH_BINARY = executable

CONTROL, PROXY = fetch._DEFAULT_CONFIG.control, fetch._DEFAULT_CONFIG.proxy
SECRET = {"type": "basic-auth", "url": "https://secret.invalid:443/**", "basic-credentials": "user:not-in-the-report"}


def say(message):
    print(message, file=sys.stderr, flush=True)


def main():
    emit.init(EmitterMode.QUIET, "millrace-spec", "craft-application's client", log_filepath=base / "client.log")
    print(json.dumps(run_session() if scenario == "session" else start_on_taken_ports()))
    emit.ended_ok()


def run_session():
    process, certificate = fetch.start_service()
    say("started")
    try:
        found = {
            "processes": json.loads((base / "spool/millrace/processes.json").read_text()),
            "certificate": certificate.read_text().splitlines()[0],
            "key": certificate.with_name("local-ca.key.pem").read_text().splitlines()[0],
            "addresses": {address: has_uptime(address) for address in loopback_addresses()},
            "second start": fetch.start_service()[0],
        }
        found["permissive"] = permissive_session(certificate)
        say("permissive session done")
        found["strict"] = strict_session()
        say("strict session done")
        found["active sessions"] = len(fetch.get_service_status()["active-sessions"])
    finally:
        fetch.stop_service(process)
    found["exit code"] = process.wait()
    found["output"] = process.stdout.read()
    found["log"] = fetch.get_log_filepath().read_text()
    return found


def permissive_session(certificate):
    session = fetch.create_session(strict=False)
    active = [each["session-id"] for each in fetch.get_service_status()["active-sessions"]]
    proxy = f"http://{session.session_id}:{session.token}@localhost:{PROXY}/"
    target = base / "downloads"
    # The variable that craft-application sets in a build; pip's --cert would give way to one of the machine's own.
    # Only an index goes over the network, so a folder of wheels that the machine offers is left out.
    environment = {**os.environ, "REQUESTS_CA_BUNDLE": str(certificate), "PIP_FIND_LINKS": "", "PIP_NO_INDEX": "0"}
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-cache-dir", "--only-binary=:all:", "--dest", target]
    pip = subprocess.run([*command, "--proxy", proxy, "--cert", certificate, "idna==3.10"], env=environment, capture_output=True, text=True)
    report = fetch.teardown_session(session)
    return {
        "session": session.session_id,
        "token": session.token,
        "active": active,
        "pip": {"exit code": pip.returncode, "output": pip.stdout + pip.stderr},
        "files": sorted(path.name for path in target.iterdir()) if target.is_dir() else [],
        "report": report,
        "manifest": manifest(report),
        "gone": request_error(lambda: fetch._service_request("get", f"session/{session.session_id}")),
    }


def strict_session():
    session = fetch.create_session(strict=True, secrets=[SECRET])
    proxy = f"http://{session.session_id}:{session.token}@localhost:{PROXY}/"
    # The service's own port, which no session reaches.
    answer = requests.get(f"http://127.0.0.1:{CONTROL}/status", proxies={"http": proxy}, timeout=30)
    active = request_error(lambda: fetch._service_request("get", f"session/{session.session_id}"))
    report = fetch.teardown_session(session)
    after = requests.get("http://127.0.0.1:9/", proxies={"http": proxy}, timeout=30)
    return {"own port": answer.status_code, "report while active": active, "report": report, "manifest": manifest(report), "after revoking": after.status_code}


def manifest(report):
    """The whole manifest of a packed project, by the client's models."""
    project = base / "project-manifest.yaml"
    hashes = {"sha1": "0" * 40, "sha256": "0" * 64}
    project.write_text(json.dumps({"component-name": "project", "component-version": "1", "component-description": "spec", "component-id": {"hashes": hashes}, "architecture": "all", "metadata-generator": "Craft Application", "creation-timestamp": "2026-01-01T00:00:00+00:00"}))
    whole = CraftManifest.create_craft_manifest(project, report).marshal()
    rejections = [each.rejection_reasons for each in SessionArtifactManifest.from_session_report(report) if each.rejected]
    return {"dependencies": whole["dependencies"], "rejections": rejections}


def start_on_taken_ports():
    """Something else is on the control port and is no fetch-service."""
    with socket.create_server(("127.0.0.1", CONTROL)) as listener:
        threading.Thread(target=hang_up_on_all, args=(listener,), daemon=True).start()
        # The client looks whether the daemon has ended after half a second; on a busy machine no program is that quick.
        wait = subprocess.Popen.wait
        subprocess.Popen.wait = lambda self, timeout=None: wait(self, 60 if timeout == 0.5 else timeout)
        return {"error": request_error(fetch.start_service)}


def hang_up_on_all(listener):
    with contextlib.suppress(OSError):
        while True:
            listener.accept()[0].close()


def loopback_addresses():
    with contextlib.suppress(OSError), socket.create_server(("::1", 0), family=socket.AF_INET6):
        return ["127.0.0.1", "[::1]"]
    return ["127.0.0.1"]


def has_uptime(address):
    return "uptime" in requests.get(f"http://{address}:{CONTROL}/status", timeout=30).json()


def request_error(action):
    try:
        action()
    except errors.FetchServiceError as error:
        return str(error)
    return None


main()
