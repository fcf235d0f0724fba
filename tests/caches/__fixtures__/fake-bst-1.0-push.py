#!/usr/bin/python3
"""A fake of the part of BuildStream 1.0 that pushes artifacts: the same dialogue over the real ssh, its messages by GLib, its archive by tarfile.

Arguments: the command of ssh up to the host, as JSON; the path that is pushed to; a repository in archive mode; refs. Prints what the server said as JSON.
"""
import json
import os
import subprocess
import sys
import tarfile
from gi.repository import GLib

COMMANDS = ['info', 'update', 'putobjects', 'status', 'done']


def send(pipe, command, values):
    body = GLib.Variant('a{sv}', values).get_data_as_bytes().get_data()
    pipe.write(b'l' + bytes([1, COMMANDS.index(command)]) + len(body).to_bytes(2, 'little') + body)
    pipe.flush()


def receive(pipe, allowed):
    header = pipe.read(5)
    if not header:
        raise EOFError('the server has ended')
    command = COMMANDS[header[2]]
    body = pipe.read(int.from_bytes(header[3:], 'little'))
    assert command == allowed, (command, allowed)
    return GLib.Variant.new_from_bytes(GLib.VariantType.new('a{sv}'), GLib.Bytes.new(body), False).unpack()


def objects(repository):
    for folder, _, names in os.walk(os.path.join(repository, 'objects')):
        for name in names:
            yield os.path.basename(folder) + name, os.path.join(folder, name)


def main(ssh, path, repository, *refs):
    process = subprocess.Popen(json.loads(ssh) + ['bst-artifact-receive', '--verbose', path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    said = {}
    try:
        heads = {ref: open(os.path.join(repository, 'refs/heads', ref)).read().strip() for ref in refs}
        send(process.stdin, 'info', {'mode': GLib.Variant('i', 1), 'refs': GLib.Variant('a{ss}', heads)})
        said['info'] = receive(process.stdout, 'info')
        update = {ref: GLib.Variant('(ss)', (said['info']['refs'].get(ref, '0' * 64), head)) for ref, head in heads.items() if said['info']['refs'].get(ref) != head}
        if not update:
            send(process.stdin, 'done', {})
        else:
            send(process.stdin, 'update', update)
            said['status'] = receive(process.stdout, 'status')
            if said['status']['result']:
                send(process.stdin, 'putobjects', {})
                archive = tarfile.TarFile.open(mode='w|', fileobj=process.stdin)
                left_out = os.environ.get('LEAVE_OUT', '-')
                for name, file in objects(repository):
                    if name.endswith(left_out):
                        continue
                    about = tarfile.TarInfo(name)
                    about.mtime = os.stat(file).st_mtime
                    about.size = os.stat(file).st_size
                    with open(file, 'rb') as content:
                        archive.addfile(about, content)
                archive.close()
                send(process.stdin, 'done', {})
                said['done'] = receive(process.stdout, 'done')
            else:
                send(process.stdin, 'done', {})
    except (EOFError, BrokenPipeError) as error:
        said['failed'] = str(error)
    _, said['stderr'] = [text.decode() for text in process.communicate()]
    said['exit'] = process.returncode
    print(json.dumps(said))


main(*sys.argv[1:])
