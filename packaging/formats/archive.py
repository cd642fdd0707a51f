"""Reproducible archives: sorted members that belong to root and have the time SOURCE_DATE_EPOCH, gzip without name and time."""
import gzip, hashlib, io, os, pathlib, tarfile


def epoch():
    """The time of all members, in seconds since 1970."""
    return int(os.environ['SOURCE_DATE_EPOCH'])


class Tree:
    """A tree of files. Paths have no leading slash; parent folders are added automatically."""

    def __init__(self):
        self.members = {}

    def folder(self, path, mode=0o755, uid=0):
        self.members[path] = ('folder', b'', mode, uid)

    def add(self, path, content, mode=0o644, uid=0):
        """Adds a file. `content` is bytes, text, or the path of a file to copy."""
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
        """The sorted paths of all files and links."""
        return [path for path, (kind, *_) in sorted(self.members.items()) if kind != 'folder']

    def files(self):
        """The paths and contents of all files, sorted by path."""
        return [(path, content) for path, (kind, content, _, _) in sorted(self.members.items()) if kind == 'file']

    def size(self):
        """The size on a disk with 1 KiB blocks, in KiB."""
        return sum(max(1, -(-len(content) // 1024)) for _, content, _, _ in self.members.values())

    def tar(self, prefix='./', checksums=False, ends=True):
        """The tree as a tar archive. `prefix` is put before each path; the prefix ./ also adds a member for the root.
        `checksums` adds apk's checksum to each file and link. Without `ends`, another archive can follow."""
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
                    hashed = content.encode() if kind == 'link' else content
                    member.pax_headers['APK-TOOLS.checksum.SHA1'] = hashlib.sha1(hashed).hexdigest()
                if kind == 'link':
                    content = b''
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
            end = archive.offset
        return buffer.getvalue() if ends else buffer.getvalue()[:end]


def gz(data):
    return gzip.compress(data, 9, mtime=0)


def ar(members):
    """An ar archive (ar(5)) of pairs (name, content)."""
    out = bytearray(b'!<arch>\n')
    for name, content in members:
        out += f'{name:<16}{epoch():<12}{0:<6}{0:<6}{"100644":<8}{len(content):<10}`\n'.encode() + content
        if len(content) % 2:
            out += b'\n'
    return bytes(out)


def sha256(data):
    return hashlib.sha256(data).hexdigest()
