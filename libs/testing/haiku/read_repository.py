#!/usr/bin/env python3
"""Lists a Haiku repository file (HPKR) in the words of `package_repo list -v`. A second reader, which shares no code with Millrace: written from the description of the format
(docs/develop/packages/FileFormat.rst of Haiku) alone, for specs. Usage: read_repository.py FILE"""
import struct
import sys
import zlib

ARCHITECTURES = ['any', 'x86', 'x86_gcc2', 'source', 'x86_64', 'ppc', 'arm', 'm68k', 'sparc', 'arm64', 'riscv64']
OPERATORS = ['<', '<=', '==', '!=', '>=', '>']


def heap_of(data, header_size, compression, chunk, compressed, uncompressed):
    if compression == 0:
        return data[header_size:header_size + uncompressed]
    count = -(-uncompressed // chunk)
    table = header_size + compressed - 2 * (count - 1)
    sizes = [struct.unpack_from('>H', data, table + 2 * i)[0] + 1 for i in range(count - 1)]
    sizes.append(table - header_size - sum(sizes))
    at, parts = header_size, []
    for index, size in enumerate(sizes):
        plain = min(chunk, uncompressed - index * chunk)
        stored = data[at:at + size]
        parts.append(stored if size == plain else zlib.decompress(stored))
        at += size
    return b''.join(parts)


class Section:
    def __init__(self, data, strings_length, strings_count):
        self.strings = data[:strings_length - 2].decode('utf-8').split('\0') if strings_count else []
        assert len(self.strings) == strings_count and data[strings_length - 1] == 0
        self.data, self.at = data, strings_length

    def leb(self):
        value = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def attributes(self):
        found = []
        while True:
            tag = self.leb()
            if tag == 0:
                return found
            tag -= 1
            identity, kind, children, encoding = tag & 127, tag >> 7 & 7, tag >> 10 & 1, tag >> 11
            if kind in (1, 2):
                value = int.from_bytes(self.data[self.at:self.at + (1 << encoding)], 'big', signed=kind == 1)
                self.at += 1 << encoding
            elif kind == 3 and encoding == 1:
                value = self.strings[self.leb()]
            elif kind == 3:
                end = self.data.index(0, self.at)
                value = self.data[self.at:end].decode('utf-8')
                self.at = end + 1
            else:
                raise ValueError('a repository has no attribute of type %d' % kind)
            found.append((identity, value, self.attributes() if children else []))


def version(attribute):
    parts = {identity: value for identity, value, _ in attribute[2]}
    text = '.'.join([attribute[1]] + [parts[i] for i in (23, 24) if i in parts])
    return text + ('~' + parts[36] if 36 in parts else '') + ('-%d' % parts[25] if 25 in parts else '')


def child(attribute, identity):
    return next((each for each in attribute[2] if each[0] == identity), None)


def resolvable(attribute):
    provided, compatible = child(attribute, 22), child(attribute, 37)
    return attribute[1] + (' = ' + version(provided) if provided else '') + (' (compatible >= %s)' % version(compatible) if compatible else '')


def expression(attribute):
    than = child(attribute, 22)
    return attribute[1] + (OPERATORS[child(attribute, 34)[1]] + version(than) if than else '')


SHOWN = {15: ('name', lambda a: a[1]), 16: ('summary', lambda a: a[1]), 17: ('description', lambda a: a[1]), 18: ('vendor', lambda a: a[1]), 19: ('packager', lambda a: a[1]),
         21: ('architecture', lambda a: ARCHITECTURES[a[1]]), 22: ('version', version), 26: ('copyright', lambda a: a[1]), 27: ('license', lambda a: a[1]),
         28: ('provides', resolvable), 29: ('requires', expression), 31: ('conflicts', expression), 35: ('checksum', lambda a: a[1]), 40: ('install path', lambda a: a[1])}


def message(data):
    """The fields of a flattened BMessage that are texts or bytes."""
    magic, = struct.unpack_from('<4s', data, 0)
    assert magic == b'HMF1'
    size, count, buckets = struct.unpack_from('<III', data, 36)
    start = 48 + 4 * buckets + 24 * count
    fields = {}
    for index in range(count):
        flags, name_length, kind, values, length, offset, following = struct.unpack_from('<HH4sIIIi', data, 48 + 4 * buckets + 24 * index)
        begin = start + offset
        name, at = data[begin:begin + name_length - 1].decode(), begin + name_length
        if kind == b'RTSC':
            fields[name] = []
            for _ in range(values):
                text, = struct.unpack_from('<I', data, at)
                fields[name].append(data[at + 4:at + 4 + text - 1].decode())
                at += 4 + text
        else:
            fields[name] = list(data[at:at + length])
    assert start + size == len(data)
    return fields


def main(path):
    with open(path, 'rb') as file:
        data = file.read()
    (magic, header_size, format_version, total, minor, compression, chunk, compressed, uncompressed, info_length, _reserved, length, strings_length,
     strings_count) = struct.unpack_from('>4sHHQHHIQQIIQQQ', data)
    assert magic == b'hpkr' and format_version == 2 and total == len(data) and header_size == 72
    heap = heap_of(data, header_size, compression, chunk, compressed, uncompressed)
    assert len(heap) == uncompressed == info_length + length
    info = message(heap[:info_length])
    print('repository-info:')
    for label, field in (('name', 'name'), ('summary', 'summary'), ('base-url', 'baseUrl'), ('identifier', 'identifier'), ('vendor', 'vendor'), ('priority', 'priority')):
        for value in info.get(field, []):
            print('\t%s: %s' % (label, value))
    print('\tarchitecture: %s' % ARCHITECTURES[info['architecture'][0]])
    for name, text in zip(info.get('licenseName', []), info.get('licenseText', [])):
        print('\tlicense: %s (%d bytes)' % (name, len(text.encode())))
    print('packages:')
    section = Section(heap[info_length:], strings_length, strings_count)
    for identity, _name, attributes in section.attributes():
        assert identity == 54
        print('package-attributes:')
        for attribute in attributes:
            if attribute[0] in SHOWN:
                label, text = SHOWN[attribute[0]]
                print('\t%s: %s' % (label, text(attribute)))
    assert section.at == length


main(sys.argv[1])
