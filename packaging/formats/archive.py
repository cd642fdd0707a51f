"""Archives that come out the same, byte for byte, wherever and by whomever they are made: members sorted, owned by
root, dated by SOURCE_DATE_EPOCH, gzip without name and time."""
import gzip, hashlib, io, os, pathlib, tarfile


def epoch():
    """Seconds; the time that all members bear."""
    return int(os.environ['SOURCE_DATE_EPOCH'])


class Tree:
    """Files by path (without a leading slash), with the folders above them."""

    def __init__(self):
        self.members = {}

    def folder(self, path, mode=0o755, uid=0):
        self.members[path] = ('folder', b'', mode, uid)

    def add(self, path, content, mode=0o644, uid=0):
        """`content`: bytes, text, or the file that holds it."""
        if isinstance(content, pathlib.Path):
            content = content.read_bytes()
        if isinstance(content, str):
            content = content.encode()
        above = path.rpartition('/')[0]
        while above and above not in self.members:
            self.folder(above)
            above = above.rpartition('/')[0]
        self.members[path] = ('file', content, mode, uid)

    def link(self, path, target):
        self.add(path, b'')
        self.members[path] = ('link', target, 0o777, 0)

    def installed(self):
        """The path of each file and link, sorted."""
        return [path for path, (kind, *_) in sorted(self.members.items()) if kind != 'folder']

    def files(self):
        """Path and content of each file, sorted."""
        return [(path, content) for path, (kind, content, _, _) in sorted(self.members.items()) if kind == 'file']

    def size(self):
        """KiB on a disk with blocks of that size."""
        return sum(max(1, -(-len(content) // 1024)) for _, content, _, _ in self.members.values())

    def tar(self, prefix='./', checksums=False, ends=True):
        """A tar archive; `prefix` stands before each path, and alone for the root if it ends in a slash. `checksums`: apk's,
        in an extended header of each file and link. Without an end, another may follow."""
        buffer = io.BytesIO()
        style = tarfile.PAX_FORMAT if checksums else tarfile.USTAR_FORMAT
        with tarfile.open(fileobj=buffer, mode='w', format=style) as archive:
            root = [('', ('folder', b'', 0o755, 0))] if prefix == './' else []
            for path, (kind, content, mode, uid) in root + sorted(self.members.items()):
                member = tarfile.TarInfo(prefix + path if path else prefix)
                member.mode, member.uid, member.gid, member.mtime = mode, uid, uid, epoch()
                member.uname = member.gname = 'root' if uid == 0 else ''
                if kind == 'folder':
                    member.type = tarfile.DIRTYPE
                elif kind == 'link':
                    member.type, member.linkname = tarfile.SYMTYPE, content
                if checksums and kind != 'folder':
                    said = content.encode() if kind == 'link' else content
                    member.pax_headers['APK-TOOLS.checksum.SHA1'] = hashlib.sha1(said).hexdigest()
                if kind == 'link':
                    content = b''
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
            end = archive.offset
        return buffer.getvalue() if ends else buffer.getvalue()[:end]


def gz(data):
    return gzip.compress(data, 9, mtime=0)


def ar(members):
    """An ar archive (ar(5)) of (name, content)."""
    out = bytearray(b'!<arch>\n')
    for name, content in members:
        out += f'{name:<16}{epoch():<12}{0:<6}{0:<6}{"100644":<8}{len(content):<10}`\n'.encode() + content
        if len(content) % 2:
            out += b'\n'
    return bytes(out)


def sha256(data):
    return hashlib.sha256(data).hexdigest()
